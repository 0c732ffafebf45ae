"""Remember since when somebody is a leaver."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("link", sa.Column("left_at", Moment(), nullable=True))
    # Nothing says when those of before left; they were last looked at when they were saved.
    op.execute("UPDATE link SET left_at = synced_at WHERE left_cause IS NOT NULL")
