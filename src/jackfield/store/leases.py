"""Leases: who owns a tenant's lanes or a process slot, until when, and under which fence.

One conditional upsert takes or renews a lease. The fence grows with every taking, so that a
write of an old owner can be told. On PostgreSQL the server's own clock counts, for the clocks of
several machines differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    bindparam,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from jackfield.store.schema import (
    EPOCH,
    OF_TENANT,
    Moment,
    key,
    metadata,
    moment,
    number,
    tenant_key,
    text,
)
from jackfield.store.transaction import Transaction, insert_into

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
_THIS = (
    leases.c.tenant == OF_TENANT,
    leases.c.name == bindparam("of_name"),
    leases.c.owner == bindparam("of_owner"),
    leases.c.fence == bindparam("of_fence"),
)
_RELEASE = update(leases).where(*_THIS).values(owner="", until=literal(EPOCH, Moment))


async def take_lease(
    tx: Transaction, tenant: int, name: str, owner: str, *, length: timedelta, now: datetime
) -> Lease | None:
    """Take a free or expired lease, or one's own again; None while somebody else holds it.

    Each taking raises the fence: of two processes under one owner's name the later one has it.
    """
    row = await tx.row(
        _taking(on_sqlite=tx.sqlite),
        {
            "of_tenant": tenant,
            "of_name": name,
            "of_owner": owner,
            **_until(tx, now, length),
            **({"now": now} if tx.sqlite else {}),
        },
    )
    return None if row is None else Lease(*row)


@cache
def _taking(*, on_sqlite: bool) -> Any:
    c = leases.c
    owner = bindparam("of_owner", type_=c.owner.type)
    until = _later(on_sqlite=on_sqlite)
    return (
        insert_into(leases, on_sqlite=on_sqlite)
        .values(
            tenant=OF_TENANT,
            name=bindparam("of_name"),
            owner=owner,
            until=until,
            fence=1,
        )
        .on_conflict_do_update(
            index_elements=["tenant", "name"],
            set_={"owner": owner, "until": until, "fence": c.fence + 1},
            where=or_(c.owner == owner, c.until <= _now(on_sqlite=on_sqlite)),
        )
        .returning(*_COLUMNS)
    )


async def renew_lease(
    tx: Transaction, tenant: int, lease: Lease, *, length: timedelta, now: datetime
) -> Lease | None:
    """Renew a lease that nobody has taken since, expired or not; None if somebody has.

    Inside a transaction that writes it is the fence: the row is held until the commit.
    """
    row = await tx.row(
        _renewal(on_sqlite=tx.sqlite), {**_this(tenant, lease), **_until(tx, now, length)}
    )
    return None if row is None else Lease(*row)


@cache
def _renewal(*, on_sqlite: bool) -> Any:
    until = _later(on_sqlite=on_sqlite)
    return update(leases).where(*_THIS).values(until=until).returning(*_COLUMNS)


async def release_lease(tx: Transaction, tenant: int, lease: Lease) -> bool:
    """Give a lease up, so that the next owner need not wait; False if it was lost before."""
    return await tx.run(_RELEASE, _this(tenant, lease)) == 1


def _this(tenant: int, lease: Lease) -> dict[str, Any]:
    return {
        "of_tenant": tenant,
        "of_name": lease.name,
        "of_owner": lease.owner,
        "of_fence": lease.fence,
    }


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


async def give_up_everywhere(tx: Transaction, name: str, owner: str) -> int:
    """Give up the leases of that name that an owner holds in any tenant; returns how many."""
    c = leases.c
    return await tx.run(
        update(leases)
        .where(c.name == name, c.owner == owner)
        .values(owner="", until=literal(EPOCH, Moment))
    )


async def load_lease(tx: Transaction, tenant: int, name: str) -> Lease | None:
    """The lease of that name, whether it is held, given up or expired; None before it was taken."""
    c = leases.c
    row = await tx.row(select(*_COLUMNS).where(c.tenant == tenant, c.name == name))
    return None if row is None else Lease(*row)


async def list_leases(tx: Transaction, tenant: int, prefix: str = "") -> tuple[Lease, ...]:
    """Leases whose name begins with `prefix`, by name; expired ones too."""
    return await _list(tx, tenant, prefix)


async def live_leases(
    tx: Transaction, tenant: int, prefix: str, *, now: datetime
) -> tuple[Lease, ...]:
    """Leases that somebody holds at this moment, by name."""
    c = leases.c
    return await _list(tx, tenant, prefix, c.owner != "", c.until > server_now(tx, now))


async def expired_leases(
    tx: Transaction, tenant: int, prefix: str, *, now: datetime
) -> tuple[Lease, ...]:
    """Leases of dead owners (not the given-up ones), by name."""
    c = leases.c
    return await _list(tx, tenant, prefix, c.owner != "", c.until <= server_now(tx, now))


async def _list(
    tx: Transaction, tenant: int, prefix: str, *where: ColumnElement[bool]
) -> tuple[Lease, ...]:
    c = leases.c
    named = (c.tenant == tenant, c.name >= prefix, c.name < prefix + "\U0010ffff")
    rows = await tx.rows(select(*_COLUMNS).where(*named, *where).order_by(c.name))
    return tuple(Lease(*row) for row in rows)


_SERVER_NOW: ColumnElement[Any] = literal_column(
    "(extract(epoch from clock_timestamp()) * 1000000)::bigint", BigInteger
)


def server_now(tx: Transaction, now: datetime) -> ColumnElement[Any]:
    """The moment by which leases run out, as a stored moment."""
    return literal(now, Moment) if tx.sqlite else _SERVER_NOW


def _now(*, on_sqlite: bool) -> ColumnElement[Any]:
    return bindparam("now", type_=Moment()) if on_sqlite else _SERVER_NOW


def _later(*, on_sqlite: bool) -> ColumnElement[Any]:
    if on_sqlite:
        return bindparam("new_until", type_=Moment())
    return _SERVER_NOW + bindparam("micros", type_=BigInteger)


def _until(tx: Transaction, now: datetime, length: timedelta) -> dict[str, Any]:
    """What `_later` stands for."""
    if tx.sqlite:
        return {"new_until": now + length}
    return {"micros": length // timedelta(microseconds=1)}
