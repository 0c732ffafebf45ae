"""Remember whose a session is."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Plain

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("session", sa.Column("owner", Plain, nullable=True))
    op.create_index("ix_session_owner", "session", ["tenant", "owner"], unique=False)
