"""Remember photos and avatars."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Moment, Plain

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "extension_avatar",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", Plain, nullable=False),
        sa.Column("digest", Plain, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_extension_avatar")),
    )
    op.create_index(
        "ix_extension_avatar_digest", "extension_avatar", ["tenant", "digest"], unique=False
    )
    op.create_table(
        "image",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", Plain, nullable=False),
        sa.Column("content_type", Plain, server_default="", nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", name=op.f("pk_image")),
    )
    op.create_table(
        "photo",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person", Plain, nullable=False),
        sa.Column("key", Plain, server_default="", nullable=False),
        sa.Column("state", Plain, server_default="", nullable=False),
        sa.Column("etag", Plain, server_default="", nullable=False),
        sa.Column("digest", Plain, server_default="", nullable=False),
        sa.Column("mark", Plain, server_default="", nullable=False),
        sa.Column("because", Plain, server_default="", nullable=False),
        sa.Column("next_step", Plain, server_default="", nullable=False),
        sa.Column("checked_at", Moment(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "person", name=op.f("pk_photo")),
    )
    op.create_index("ix_photo_changed", "photo", ["tenant", "changed_seq"], unique=False)
    op.create_index("ix_photo_digest", "photo", ["tenant", "digest"], unique=False)
    op.create_index("ix_photo_state", "photo", ["tenant", "state", "person"], unique=False)
