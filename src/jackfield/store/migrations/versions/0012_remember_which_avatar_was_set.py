"""Remember which avatar was set."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Plain

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("photo", sa.Column("set_digest", Plain, server_default="", nullable=False))
