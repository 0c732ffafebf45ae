"""Remember who asked for a sync."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Plain

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("schedule", sa.Column("wanted_by", Plain, server_default="", nullable=False))
