"""Remember which plan replaced another."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column(
        "plan", sa.Column("replaced_by", sa.BigInteger(), server_default="0", nullable=False)
    )
