"""Store large plans a piece at a time."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Moment, Plain

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "plan_draft",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("purpose", Plain, nullable=False),
        sa.Column("plan", sa.BigInteger(), nullable=False),
        sa.Column("maker", Plain, server_default="", nullable=False),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "purpose", name=op.f("pk_plan_draft")),
    )
