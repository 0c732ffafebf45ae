"""The processes at work on one database: each holds a numbered slot, by a lease of its own.

A slot's name is also the durable runner's name for the process. `still_holds` is asked in every
writing transaction of a process that works: whoever was silent for too long has lost its slot to a
peer, and must not write any more. Only PostgreSQL can be shared, so nothing here runs on SQLite.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Table, func, select, update
from sqlalchemy import text as text_clause
from sqlalchemy.sql.expression import literal

from jackfield.store.leases import Lease, leases, list_leases, server_now, take_lease
from jackfield.store.schema import (
    EPOCH,
    INSTALLATION,
    Moment,
    key,
    metadata,
    moment,
    number,
    tenant_key,
    text,
)
from jackfield.store.transaction import Transaction

SLOT = "slot-"
GRACE = timedelta(seconds=2)
"""How long after its lease a process may still be ending what it writes."""

# A role may always end what itself has begun; another's needs a right that few give.
_BREAK_OFF = text_clause(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND application_name = :session"
)

processes = Table(
    "process",
    metadata,
    tenant_key(),
    key("name"),
    text("host"),
    number("pid"),
    text("roles"),
    text("version"),
    text("url"),
    moment("started_at"),
)


@dataclass(frozen=True, slots=True)
class Process:
    """A process, as it said itself when it started."""

    name: str
    """Its slot."""
    host: str
    pid: int
    roles: tuple[str, ...]
    version: str
    url: str
    """Where its console answers; "" without one."""
    started_at: datetime


async def take_slot(tx: Transaction, owner: str, *, length: timedelta, now: datetime) -> Lease:
    """The lowest slot that nobody holds and whose last owner left nothing behind."""
    held = {one.name for one in await list_leases(tx, INSTALLATION, SLOT) if one.owner}
    at = 1
    while True:
        name = f"{SLOT}{at}"
        if name not in held:
            lease = await take_lease(tx, INSTALLATION, name, owner, length=length, now=now)
            if lease is not None:
                return lease
        at += 1


async def still_holds(tx: Transaction, lease: Lease, idle: timedelta) -> bool:
    """Whether a slot is still its owner's, and stays so until the transaction ends.

    Nobody can take it over meanwhile: they would need the row that is locked here. A process that
    is stopped inside the transaction holds it for `idle` at most; then the server ends the session.
    Where it is stopped in the middle of a statement, the server is not idle but waits for it: then
    a peer ends the session, which bears the lease as its name (`take_over`).
    """
    c = leases.c
    row = await tx.row(
        select(
            func.set_config(
                "idle_in_transaction_session_timeout", str(idle // timedelta(milliseconds=1)), True
            ),
            func.set_config("application_name", _session_of(lease), True),
        )
        .select_from(leases)
        .where(
            c.tenant == INSTALLATION,
            c.name == lease.name,
            c.owner == lease.owner,
            c.fence == lease.fence,
        )
        # Does not stand in the way of the renewals of the lease, which change no key.
        .with_for_update(read=True, key_share=True)
    )
    return row is not None


async def take_over(
    tx: Transaction,
    dead: Lease,
    owner: str,
    *,
    length: timedelta,
    now: datetime,
    grace: timedelta = GRACE,
) -> Lease | None:
    """Take the slot of a process whose lease has run out; None while it is not to be had.

    Never waits: where the process still writes at this very moment, try again later. What it has
    not brought to an end within the `grace` after its lease is broken off.
    """
    c = leases.c
    expired = select(c.until).where(
        c.tenant == INSTALLATION,
        c.name == dead.name,
        c.owner == dead.owner,
        c.fence == dead.fence,
        c.until <= server_now(tx, now),
    )
    if await tx.row(expired.with_for_update(skip_locked=True)) is None:
        grace_micros = grace // timedelta(microseconds=1)
        too_late = expired.where(c.until <= server_now(tx, now) - grace_micros)
        if await tx.row(too_late) is not None:
            await tx.rows(_BREAK_OFF, {"session": _session_of(dead)})
        return None
    return await take_lease(tx, INSTALLATION, dead.name, owner, length=length, now=now)


def _session_of(slot: Lease) -> str:
    """What a session is called while a process writes under this very lease."""
    return f"jackfield {slot.name} {slot.fence}"


async def leave_slot(tx: Transaction, lease: Lease) -> None:
    """Say that the process has ended: whatever it left undone is its peers' at once."""
    c = leases.c
    await tx.run(
        update(leases)
        .where(
            c.tenant == INSTALLATION,
            c.name == lease.name,
            c.owner == lease.owner,
            c.fence == lease.fence,
        )
        .values(until=literal(EPOCH, Moment))
    )


async def save_process(tx: Transaction, process: Process) -> None:
    """Say who holds a slot."""
    values = {
        "host": process.host,
        "pid": process.pid,
        "roles": ",".join(process.roles),
        "version": process.version,
        "url": process.url,
        "started_at": process.started_at,
    }
    await tx.run(
        tx.insert(processes)
        .values(tenant=INSTALLATION, name=process.name, **values)
        .on_conflict_do_update(index_elements=["tenant", "name"], set_=values)
    )


async def load_processes(tx: Transaction, *, now: datetime) -> tuple[Process, ...]:
    """Processes that are alive, by slot."""
    c, held = processes.c, leases.c
    rows = await tx.rows(
        select(c.name, c.host, c.pid, c.roles, c.version, c.url, c.started_at)
        .join(leases, (held.tenant == c.tenant) & (held.name == c.name))
        .where(c.tenant == INSTALLATION, held.owner != "", held.until > server_now(tx, now))
        .order_by(func.length(c.name), c.name)
    )
    return tuple(
        Process(r.name, r.host, r.pid, tuple(r.roles.split(",")), r.version, r.url, r.started_at)
        for r in rows
    )
