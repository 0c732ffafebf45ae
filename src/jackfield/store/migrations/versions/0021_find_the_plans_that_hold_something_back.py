"""Find the plans that hold something back."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_index(
        "ix_plan_holding",
        "plan",
        ["tenant", "id"],
        unique=False,
        sqlite_where=sa.text("held_counts <> '{}'"),
        postgresql_where=sa.text("held_counts <> '{}'"),
    )
