"""Remember decisions about doubtful matches."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Moment, Plain

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "match_decision",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person", Plain, nullable=False),
        sa.Column("extension", Plain, nullable=False),
        sa.Column("verdict", Plain, server_default="", nullable=False),
        sa.Column("decided_by", Plain, server_default="", nullable=False),
        sa.Column("decided_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "person", "extension", name=op.f("pk_match_decision")),
    )
