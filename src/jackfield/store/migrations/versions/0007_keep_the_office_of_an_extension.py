"""Keep the office of an extension."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Plain

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("extension", sa.Column("office", Plain, server_default="", nullable=False))
    op.add_column("phone_extension", sa.Column("office", Plain, server_default="", nullable=False))
