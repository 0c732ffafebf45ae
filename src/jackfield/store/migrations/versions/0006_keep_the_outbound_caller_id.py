"""Keep the outbound caller ID."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Plain

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("extension", sa.Column("caller_id", Plain, server_default="", nullable=False))
    op.add_column(
        "phone_extension", sa.Column("caller_id", Plain, server_default="", nullable=False)
    )
