"""Let an account see one tenant only."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column(
        "account", sa.Column("of_tenant", sa.BigInteger(), server_default="0", nullable=False)
    )
