"""Remember what a run waits for."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Moment, Plain

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("run", sa.Column("waits_for", Plain, server_default="", nullable=False))
    op.add_column("run", sa.Column("waits_because", Plain, server_default="", nullable=False))
    op.add_column("run", sa.Column("waits_since", Moment(), nullable=True))
    op.add_column("run", sa.Column("waits_until", Moment(), nullable=True))
