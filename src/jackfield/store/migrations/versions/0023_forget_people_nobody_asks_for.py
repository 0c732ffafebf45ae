"""Forget people nobody asks for."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.drop_column("schedule", "wanted_people")
