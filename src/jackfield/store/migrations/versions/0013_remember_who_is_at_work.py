"""Remember who is at work."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Moment, Plain

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "process",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", Plain, nullable=False),
        sa.Column("host", Plain, server_default="", nullable=False),
        sa.Column("pid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("roles", Plain, server_default="", nullable=False),
        sa.Column("version", Plain, server_default="", nullable=False),
        sa.Column("url", Plain, server_default="", nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_process")),
    )
