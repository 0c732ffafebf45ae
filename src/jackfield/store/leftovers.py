"""Deleting whatever a tenant has, in all tables, a piece at a time.

Which tables there are is read from the metadata, so that a new one is never forgotten. A piece is
a transaction: others write in between, and whoever is killed goes on with what is left.
"""

from __future__ import annotations

from sqlalchemy import Table, delete, select, tuple_

from jackfield.store.leases import leases
from jackfield.store.sequences import sequences
from jackfield.store.tables import metadata
from jackfield.store.tenants import tenants
from jackfield.store.transaction import Transaction

PIECE = 2_000
"""Rows of one transaction."""


def tables_of_tenants() -> tuple[Table, ...]:
    """The tables that are emptied, in their order.

    Leases come first: without them a run that is under way writes nothing more. The sequences come
    last, for their row says that something may be left. The tenant's own row is kept.
    """
    others = [one for one in metadata.sorted_tables if one not in {leases, sequences, tenants}]
    return (leases, *others, sequences)


async def delete_piece(tx: Transaction, tenant: int, table: Table, *, most: int = PIECE) -> int:
    """Delete up to `most` rows of a tenant; returns how many there were."""
    tenant_column, *rest = table.primary_key.columns
    mine = tenant_column == tenant
    if not rest:
        return await tx.run(delete(table).where(mine))
    some = select(*rest).where(mine).limit(most)
    key = rest[0] if len(rest) == 1 else tuple_(*rest)
    return await tx.run(delete(table).where(mine, key.in_(some)))
