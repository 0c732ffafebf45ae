"""Keep extension attributes and who was asked for them."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Plain

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("cursor", sa.Column("extras", Plain, server_default="", nullable=False))
    op.add_column("person", sa.Column("extension_attributes", Plain, nullable=True))
