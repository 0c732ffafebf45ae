"""Leases: who owns a tenant's lanes or a process slot, until when, and under which fence.

One conditional upsert takes or renews a lease. The fence grows with every taking, so that a
write of an old owner can be told. On PostgreSQL the server's own clock counts, for the clocks of
several machines differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from jackfield.store.schema import EPOCH, Moment, key, metadata, moment, number, tenant_key, text
from jackfield.store.transaction import Transaction

leases = Table(
    "lease",
    metadata,
    tenant_key(),
    key("name"),
    text("owner"),
    moment("until"),
    number("fence"),
)


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it was taken."""

    name: str
    owner: str
    until: datetime
    fence: int


_COLUMNS = [leases.c[name] for name in Lease.__slots__]


async def take_lease(
    tx: Transaction, tenant: int, name: str, owner: str, *, length: timedelta, now: datetime
) -> Lease | None:
    """Take a free or expired lease, or one's own again; None while somebody else holds it.

    Each taking raises the fence: of two processes under one owner's name the later one has it.
    """
    c = leases.c
    moment_now = server_now(tx, now)
    until = _later(tx, now, length)
    row = await tx.row(
        tx.insert(leases)
        .values(tenant=tenant, name=name, owner=owner, until=until, fence=1)
        .on_conflict_do_update(
            index_elements=["tenant", "name"],
            set_={
                "owner": owner,
                "until": until,
                "fence": c.fence + 1,
            },
            where=or_(c.owner == owner, c.until <= moment_now),
        )
        .returning(*_COLUMNS)
    )
    return None if row is None else Lease(*row)


async def renew_lease(
    tx: Transaction, tenant: int, lease: Lease, *, length: timedelta, now: datetime
) -> Lease | None:
    """Renew a lease that nobody has taken since, expired or not; None if somebody has.

    Inside a transaction that writes it is the fence: the row is held until the commit.
    """
    c = leases.c
    row = await tx.row(
        update(leases)
        .where(
            c.tenant == tenant,
            c.name == lease.name,
            c.owner == lease.owner,
            c.fence == lease.fence,
        )
        .values(until=_later(tx, now, length))
        .returning(*_COLUMNS)
    )
    return None if row is None else Lease(*row)


async def release_lease(tx: Transaction, tenant: int, lease: Lease) -> bool:
    """Give a lease up, so that the next owner need not wait; False if it was lost before."""
    c = leases.c
    return (
        await tx.run(
            update(leases)
            .where(
                c.tenant == tenant,
                c.name == lease.name,
                c.owner == lease.owner,
                c.fence == lease.fence,
            )
            .values(owner="", until=literal(EPOCH, Moment))
        )
        == 1
    )


async def give_up_lease(tx: Transaction, tenant: int, name: str, owner: str) -> bool:
    """Give up whatever lease of that name an owner holds; False if it holds none."""
    c = leases.c
    return (
        await tx.run(
            update(leases)
            .where(c.tenant == tenant, c.name == name, c.owner == owner)
            .values(owner="", until=literal(EPOCH, Moment))
        )
        == 1
    )


async def list_leases(tx: Transaction, tenant: int, prefix: str = "") -> tuple[Lease, ...]:
    """Leases whose name begins with `prefix`, by name; expired ones too."""
    c = leases.c
    rows = await tx.rows(
        select(*_COLUMNS)
        .where(c.tenant == tenant, c.name >= prefix, c.name < prefix + "\U0010ffff")
        .order_by(c.name)
    )
    return tuple(Lease(*row) for row in rows)


async def expired_leases(
    tx: Transaction, tenant: int, prefix: str, *, now: datetime
) -> tuple[Lease, ...]:
    """Leases of dead owners (not the given-up ones), by name."""
    c = leases.c
    rows = await tx.rows(
        select(*_COLUMNS)
        .where(
            c.tenant == tenant,
            c.name >= prefix,
            c.name < prefix + "\U0010ffff",
            c.owner != "",
            c.until <= server_now(tx, now),
        )
        .order_by(c.name)
    )
    return tuple(Lease(*row) for row in rows)


_SERVER_NOW = "(extract(epoch from clock_timestamp()) * 1000000)::bigint"


def server_now(tx: Transaction, now: datetime) -> ColumnElement[Any]:
    """The moment by which leases run out, as a stored moment."""
    if tx.sqlite:
        return literal(now, Moment)
    return literal_column(_SERVER_NOW, BigInteger)


def _later(tx: Transaction, now: datetime, length: timedelta) -> ColumnElement[Any]:
    if tx.sqlite:
        return literal(now + length, Moment)
    micros = length // timedelta(microseconds=1)
    return literal_column(_SERVER_NOW, BigInteger) + literal(micros, BigInteger)
