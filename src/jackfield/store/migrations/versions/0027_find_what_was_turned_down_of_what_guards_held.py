"""Find what was turned down of what guards held."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_index(
        "ix_plan_action_turned_down",
        "plan_action",
        ["tenant", "done_at"],
        unique=False,
        sqlite_where=sa.text("status = 'turned_down'"),
        postgresql_where=sa.text("status = 'turned_down'"),
    )
