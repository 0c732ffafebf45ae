"""Numbers that are given out in the order of commits.

One row per tenant, updated inside the writing transaction.

The row's lock lasts until the commit, so a larger number is never visible before a smaller one. All
numbers of a tenant stand in one row, and functions that write take from it before they touch
anything else: no deadlocks.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Table, bindparam, select

from jackfield.store.schema import metadata, number, tenant_key
from jackfield.store.transaction import Transaction, insert_into

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

_CHANGE = select(sequences.c.change).where(sequences.c.tenant == bindparam("of_tenant"))


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
        await tx.row(_CHANGE.with_for_update(), {"of_tenant": tenant})


async def latest_change(tx: Transaction, tenant: int) -> int:
    """The change number of the last committed (or, in a writing transaction, own) change.

    0 before the first.
    """
    return await tx.scalar(_CHANGE, {"of_tenant": tenant}) or 0


async def take(tx: Transaction, tenant: int, name: str, count: int = 1) -> int:
    """Take `count` numbers of the sequence `name` and return the first of them.

    Numbers start at 1.
    """
    taking = _taking(name, on_sqlite=tx.sqlite)
    last: int = await tx.scalar(taking, {"of_tenant": tenant, "taken": count})
    return last - count + 1


@cache
def _taking(name: str, *, on_sqlite: bool) -> Any:
    column = sequences.c[name]
    taken = bindparam("taken", type_=column.type)
    return (
        insert_into(sequences, on_sqlite=on_sqlite)
        .values({"tenant": bindparam("of_tenant"), name: taken})
        .on_conflict_do_update(index_elements=["tenant"], set_={name: column + taken})
        .returning(column)
    )
