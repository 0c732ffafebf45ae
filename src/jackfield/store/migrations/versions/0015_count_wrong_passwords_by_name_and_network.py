"""Count wrong passwords by name and network."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Moment, Plain

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "wrong_password",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tried_by", Plain, nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("locked_until", Moment(), nullable=True),
        sa.Column("last_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "tried_by", name=op.f("pk_wrong_password")),
    )
    op.drop_column("account", "signed_in_at")
    op.drop_column("account", "locked_until")
    op.drop_column("account", "must_change")
    op.drop_column("account", "failed")
