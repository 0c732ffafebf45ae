"""Deleting whatever a tenant has, in all tables, a piece at a time.

Which tables there are is read from the metadata, so that a new one is never forgotten. A piece is
a transaction: others write in between, and whoever is killed goes on with what is left.
"""

from __future__ import annotations

from sqlalchemy import Table, delete, literal, select, tuple_

from jackfield.store.leases import leases
from jackfield.store.sequences import hold, sequences
from jackfield.store.tables import metadata
from jackfield.store.tenants import tenants
from jackfield.store.transaction import Transaction

PIECE = 2_000
"""Rows of one transaction."""


def tables_of_tenants() -> tuple[Table, ...]:
    """The tables that are emptied, in their order.

    Leases come first: without them a run that is under way writes nothing more. The row of the
    sequences says that something may be left, and goes with `close`. The tenant's own row is kept.
    """
    others = [one for one in metadata.sorted_tables if one not in {leases, sequences, tenants}]
    return (leases, *others)


async def close(tx: Transaction, tenant: int) -> bool:
    """Delete the sign that something is left of a tenant, if nothing is; else go round once more.

    Whoever writes for a tenant takes a number first: what was written since a table was emptied is
    seen here, and what comes later makes the sign anew.
    """
    await hold(tx, tenant)
    for table in tables_of_tenants():
        some = select(literal(1)).where(table.c.tenant == tenant).limit(1)
        if await tx.scalar(some) is not None:
            return False
    await tx.run(delete(sequences).where(sequences.c.tenant == tenant))
    return True


async def delete_piece(tx: Transaction, tenant: int, table: Table, *, most: int = PIECE) -> int:
    """Delete up to `most` rows of a tenant; returns how many there were."""
    tenant_column, *rest = table.primary_key.columns
    mine = tenant_column == tenant
    if not rest:
        return await tx.run(delete(table).where(mine))
    some = select(*rest).where(mine).limit(most)
    key = rest[0] if len(rest) == 1 else tuple_(*rest)
    return await tx.run(delete(table).where(mine, key.in_(some)))
