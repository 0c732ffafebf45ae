"""Find groups in groups by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_index(
        "ix_group_member_nested",
        "group_member",
        ["tenant", "group_id"],
        unique=False,
        sqlite_where=sa.text("kind = 'group'"),
        postgresql_where=sa.text("kind = 'group'"),
    )
