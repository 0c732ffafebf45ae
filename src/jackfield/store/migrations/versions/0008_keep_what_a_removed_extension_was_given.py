"""Keep what a removed extension was given."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Plain

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column(
        "former_extension", sa.Column("given_departments", Plain, server_default="", nullable=False)
    )
    op.add_column(
        "former_extension",
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    op.add_column(
        "former_extension",
        sa.Column("given_caller_id", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
