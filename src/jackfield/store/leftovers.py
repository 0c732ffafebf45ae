"""Deleting whatever a tenant has, in all tables, a piece at a time (`pieces`).

Which tables there are is read from the metadata, so that a new one is never forgotten.
"""

from __future__ import annotations

from sqlalchemy import Table, delete, literal, select

from jackfield.store.leases import leases
from jackfield.store.sequences import hold, sequences
from jackfield.store.tables import metadata
from jackfield.store.tenants import tenants
from jackfield.store.transaction import Transaction


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
