"""Remember which phone system links are about."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Plain

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "directory_identity",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("identity", Plain, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_directory_identity")),
    )
    op.add_column("phone_state", sa.Column("identity", Plain, server_default="", nullable=False))
