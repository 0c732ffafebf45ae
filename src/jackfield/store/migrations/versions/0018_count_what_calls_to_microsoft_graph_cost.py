"""Count what calls to Microsoft Graph cost."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column(
        "cursor", sa.Column("full_pages", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column(
        "graph_usage", sa.Column("units", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column(
        "graph_usage", sa.Column("busiest", sa.BigInteger(), server_default="0", nullable=False)
    )
