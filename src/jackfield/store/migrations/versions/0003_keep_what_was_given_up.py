"""Keep what was given up."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Moment, Plain

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "former_extension",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person", Plain, nullable=False),
        sa.Column("number", Plain, server_default="", nullable=False),
        sa.Column("fields", Plain, server_default="", nullable=False),
        sa.Column("departments", Plain, server_default="", nullable=False),
        sa.Column("primary_department", Plain, nullable=True),
        sa.Column("removed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "person", name=op.f("pk_former_extension")),
    )
    op.create_index(
        "ix_former_extension_number", "former_extension", ["tenant", "number"], unique=False
    )
    op.create_table(
        "released_number",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", Plain, nullable=False),
        sa.Column("person", Plain, server_default="", nullable=False),
        sa.Column("released_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", name=op.f("pk_released_number")),
    )
