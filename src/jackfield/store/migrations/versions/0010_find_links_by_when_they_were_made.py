"""Find links by when they were made."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_index("ix_link_linked", "link", ["tenant", "linked_at", "number"], unique=False)
