"""Numbers that are given out in the order of commits.

One row per tenant, updated inside the writing transaction.

The row's lock lasts until the commit, so a larger number is never visible before a smaller one. All
numbers of a tenant stand in one row, and functions that write take from it before they touch
anything else: no deadlocks.
"""

from __future__ import annotations

from sqlalchemy import Table, select

from jackfield.store.schema import metadata, number, tenant_key
from jackfield.store.transaction import Transaction

sequences = Table(
    "sequences",
    metadata,
    tenant_key(),
    number("tenant_number"),
    number("change"),
    number("journal"),
    number("run"),
    number("plan"),
    number("alarm"),
    number("extension_key"),
)


async def next_change(tx: Transaction, tenant: int) -> int:
    """The change number of this transaction for a tenant.

    Rows written in it bear it as `changed_seq`.

    One number per transaction and tenant; asked again, the same transaction gets the same number.
    """
    known = tx.changes.get(tenant)
    if known is None:
        known = tx.changes[tenant] = await take(tx, tenant, "change")
    return known


async def hold(tx: Transaction, tenant: int) -> None:
    """Take the tenant's turn to write without a change number.

    For what is no change to anybody (who was seen when): rows locked in another order would be a
    deadlock on PostgreSQL.
    """
    if not tx.sqlite and tenant not in tx.changes:
        c = sequences.c
        await tx.row(select(c.change).where(c.tenant == tenant).with_for_update())


async def latest_change(tx: Transaction, tenant: int) -> int:
    """The change number of the last committed (or, in a writing transaction, own) change.

    0 before the first.
    """
    value = await tx.scalar(select(sequences.c.change).where(sequences.c.tenant == tenant))
    return value or 0


async def take(tx: Transaction, tenant: int, name: str, count: int = 1) -> int:
    """Take `count` numbers of the sequence `name` and return the first of them.

    Numbers start at 1.
    """
    column = sequences.c[name]
    statement = (
        tx.insert(sequences)
        .values({"tenant": tenant, name: count})
        .on_conflict_do_update(index_elements=["tenant"], set_={name: column + count})
        .returning(column)
    )
    last: int = await tx.scalar(statement)
    return last - count + 1
