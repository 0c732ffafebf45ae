"""Find records by whole addresses only, and words by walking the lists."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from jackfield.core.fields import addresses_of
from jackfield.store.schema import Plain
from jackfield.store.words import fold_address

revision = "0025"
down_revision = "0024"

AT_ONCE = 1000


def upgrade() -> None:
    op.create_table(
        "address",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", Plain, nullable=False),
        sa.Column("address", Plain, nullable=False),
        sa.Column("ref", Plain, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "address", "ref", name=op.f("pk_address")),
        sqlite_with_rowid=False,
    )
    names = ("tenant", "kind", "address", "ref")
    address = sa.table("address", *map(sa.column, names))
    rows = sorted(_borne(op.get_bind()))
    for start in range(0, len(rows), AT_ONCE):
        some = [dict(zip(names, row, strict=True)) for row in rows[start : start + AT_ONCE]]
        op.get_bind().execute(address.insert(), some)
    op.drop_table("search_token")


def _borne(there: sa.Connection) -> Iterator[tuple[Any, ...]]:
    """What people and extensions bear, each once."""
    person = sa.table("person", *map(sa.column, ("tenant", "id", "mail", "upn")))
    for tenant, ref, mail, upn in there.execute(sa.select(*person.c)):
        for one in sorted({*map(fold_address, addresses_of(mail, upn))}):
            yield tenant, "p", one, ref
    extension = sa.table("phone_extension", *map(sa.column, ("tenant", "key", "email")))
    for tenant, ref, email in there.execute(sa.select(*extension.c)):
        if one := fold_address(email):
            yield tenant, "e", one, ref
