"""Remember how many matches are doubtful."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Moment

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_table(
        "doubtful_people",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("people", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counted_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_doubtful_people")),
    )
