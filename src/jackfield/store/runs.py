"""Runs: every sync, apply or reading that was begun, how far it is, and how it ended.

The durable runner has its own records; these are ours, for pages and history. A run is begun once
per flow id, however often the flow is replayed, and its progress never goes back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Index, Table, UniqueConstraint, and_, bindparam, or_, select, update

from jackfield.core.schedule import Mode
from jackfield.core.waiting import Waits
from jackfield.store.contains import contains
from jackfield.store.schema import (
    maybe_moment,
    metadata,
    moment,
    number,
    number_key,
    storable,
    tenant_key,
    text,
)
from jackfield.store.sequences import next_change, take
from jackfield.store.transaction import AnyRow, Transaction

runs = Table(
    "run",
    metadata,
    tenant_key(),
    number_key("id"),
    text("kind"),
    text("trigger"),
    text("mode"),
    text("by"),
    text("status"),
    moment("started_at"),
    maybe_moment("ended_at"),
    number("done"),
    number("total"),
    text("stage"),
    text("counts"),
    text("text"),
    text("flow", default=None),
    text("waits_for"),
    text("waits_because"),
    maybe_moment("waits_since"),
    maybe_moment("waits_until"),
    number("changed_seq"),
    UniqueConstraint("tenant", "flow"),
    Index("ix_run_started", "tenant", "started_at"),
    Index("ix_run_changed", "tenant", "changed_seq"),
)


class RunStatus(StrEnum):
    """How a run stands."""

    QUEUED = "queued"
    """Another run works for its tenant; one that has not had to wait begins as running."""
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    """A guard stopped it; its plan waits for an administrator."""
    FAILED = "failed"
    CANCELLED = "cancelled"


UNDER_WAY = (RunStatus.QUEUED, RunStatus.RUNNING)


class Trigger(StrEnum):
    """What began a run."""

    SCHEDULE = "schedule"
    ADMINISTRATOR = "administrator"
    COMMAND = "command"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One run."""

    id: int
    kind: str
    """"people", "apply", ..."""
    trigger: Trigger
    mode: str
    """"full", "delta", "person", ..."""
    by: str
    """Who asked for it; "" for the schedule."""
    status: RunStatus
    started_at: datetime
    """While it is queued: when it was asked for."""
    ended_at: datetime | None
    done: int
    total: int
    stage: str
    """What it is at, e.g. "reading people"."""
    counts: Mapping[str, int]
    text: str
    flow: str
    changed_seq: int
    waits: Waits | None = None
    """What it waits for at the moment, if anything."""


_decode_counts = msgspec.json.Decoder(dict[str, int]).decode
_WAITS = ("waits_for", "waits_because", "waits_since", "waits_until")
_COLUMNS = [runs.c[name] for name in (*StoredRun.__slots__[:-1], *_WAITS)]


async def begin_run(
    tx: Transaction,
    tenant: int,
    flow: str,
    *,
    kind: str,
    trigger: Trigger,
    mode: str,
    now: datetime,
    by: str = "",
) -> StoredRun:
    """A new run, or the one that was queued or begun for this flow id before."""
    known = await load_run_of_flow(tx, tenant, flow)
    if known is None:
        return await _add(tx, tenant, flow, None, kind, trigger, mode, now, by)
    if known.status is RunStatus.QUEUED:
        await tx.run(
            update(runs)
            .where(runs.c.tenant == tenant, runs.c.id == known.id)
            .values(
                mode=mode,
                status=RunStatus.RUNNING.value,
                started_at=now,
                changed_seq=await next_change(tx, tenant),
                **_waits_values(None),
            )
        )
        return replace(known, mode=mode, status=RunStatus.RUNNING, started_at=now, waits=None)
    return known


async def queue_run(
    tx: Transaction,
    tenant: int,
    flow: str,
    waits: Waits,
    *,
    kind: str,
    trigger: Trigger,
    mode: str,
    now: datetime,
    by: str = "",
) -> None:
    """Show a run that waits for its turn, and for whose end."""
    known = await load_run_of_flow(tx, tenant, flow)
    if known is None:
        await _add(tx, tenant, flow, waits, kind, trigger, mode, now, by)
    elif known.waits is None:
        await save_waits(tx, tenant, known.id, waits)
    else:
        await save_waits(tx, tenant, known.id, replace(waits, since=known.waits.since))


async def _add(
    tx: Transaction,
    tenant: int,
    flow: str,
    waits: Waits | None,
    kind: str,
    trigger: Trigger,
    mode: str,
    now: datetime,
    by: str,
) -> StoredRun:
    status = RunStatus.RUNNING if waits is None else RunStatus.QUEUED
    changed = await next_change(tx, tenant)
    id_ = await take(tx, tenant, "run")
    await tx.run(
        runs.insert().values(
            tenant=tenant,
            id=id_,
            kind=kind,
            trigger=trigger.value,
            mode=mode,
            by=by,
            status=status.value,
            started_at=now,
            counts="{}",
            flow=flow,
            changed_seq=changed,
            **_waits_values(waits),
        )
    )
    begun = (id_, kind, trigger, mode, by, status, now)
    return StoredRun(*begun, None, 0, 0, "", {}, "", flow, changed, waits)


async def save_waits(tx: Transaction, tenant: int, id_: int, waits: Waits | None) -> bool:
    """What a run under way waits for, or that it waits no longer; False where that was known."""
    c = runs.c
    row = await tx.row(
        select(*(c[name] for name in _WAITS)).where(
            c.tenant == tenant, c.id == id_, c.status.in_([one.value for one in UNDER_WAY])
        )
    )
    if row is None or _waits(row) == waits:
        return False
    await tx.run(
        update(runs)
        .where(c.tenant == tenant, c.id == id_)
        .values(changed_seq=await next_change(tx, tenant), **_waits_values(waits))
    )
    return True


async def report_progress(
    tx: Transaction, tenant: int, id_: int, done: int, total: int, *, stage: str = ""
) -> None:
    """How far a running run is. A smaller figure of the same stage is not written."""
    changed = await next_change(tx, tenant)
    c = runs.c
    await tx.run(
        update(runs)
        .where(
            c.tenant == tenant,
            c.id == id_,
            c.status == RunStatus.RUNNING.value,
            or_(c.stage != stage, c.done < done, and_(c.done == done, c.total != total)),
        )
        .values(done=done, total=total, stage=stage, changed_seq=changed, **_waits_values(None))
    )


async def end_run(
    tx: Transaction,
    tenant: int,
    id_: int,
    status: RunStatus,
    *,
    now: datetime,
    counts: Mapping[str, int] | None = None,
    text: str = "",
) -> bool:
    """End a run under way; False if it had ended before (a replay)."""
    changed = await next_change(tx, tenant)
    c = runs.c
    return (
        await tx.run(
            update(runs)
            .where(c.tenant == tenant, c.id == id_, c.status.in_([one.value for one in UNDER_WAY]))
            .values(
                status=status.value,
                **_waits_values(None),
                ended_at=now,
                counts=msgspec.json.encode(counts or {}, order="sorted").decode(),
                text=storable(text),
                changed_seq=changed,
            )
        )
        == 1
    )


async def load_run(tx: Transaction, tenant: int, id_: int) -> StoredRun | None:
    """One run, or None."""
    row = await tx.row(select(*_COLUMNS).where(runs.c.tenant == tenant, runs.c.id == id_))
    return None if row is None else _run(row)


_OF_FLOW = select(*_COLUMNS).where(
    runs.c.tenant == bindparam("of_tenant"), runs.c.flow == bindparam("of_flow")
)


async def load_run_of_flow(tx: Transaction, tenant: int, flow: str) -> StoredRun | None:
    """The run begun for a flow id, or None."""
    row = await tx.row(_OF_FLOW, {"of_tenant": tenant, "of_flow": flow})
    return None if row is None else _run(row)


async def list_runs(
    tx: Transaction,
    tenant: int,
    *,
    kind: str = "",
    status: Collection[RunStatus] = (),
    noteworthy: bool = False,
    limit: int = 50,
    before: int | None = None,
) -> tuple[StoredRun, ...]:
    """Runs, the newest first; `before` is the id from which to go on.

    `status` names those that count, none all. With `noteworthy`, scheduled looks for changes that
    found none are left out, unless they wait for something.
    """
    c = runs.c
    statement = select(*_COLUMNS).where(c.tenant == tenant).order_by(c.id.desc()).limit(limit)
    if kind:
        statement = statement.where(c.kind == kind)
    if status:
        statement = statement.where(c.status.in_([one.value for one in status]))
    if noteworthy:
        statement = statement.where(
            or_(
                c.trigger != Trigger.SCHEDULE.value,
                c.mode != Mode.DELTA.value,
                c.status.in_([RunStatus.FAILED.value, RunStatus.CANCELLED.value]),
                c.total > 0,
                c.waits_for != "",
                contains(c.counts, '"changes":'),
            )
        )
    if before is not None:
        statement = statement.where(c.id < before)
    return tuple(map(_run, await tx.rows(statement)))


async def purge_runs(tx: Transaction, tenant: int, *, before: datetime) -> int:
    """Drop runs that ended before a moment; returns how many."""
    c = runs.c
    return await tx.run(runs.delete().where(c.tenant == tenant, c.ended_at < before))


def _run(row: AnyRow) -> StoredRun:
    return StoredRun(
        row.id,
        row.kind,
        Trigger(row.trigger),
        row.mode,
        row.by,
        RunStatus(row.status),
        row.started_at,
        row.ended_at,
        row.done,
        row.total,
        row.stage,
        _decode_counts(row.counts),
        row.text,
        row.flow,
        row.changed_seq,
        _waits(row),
    )


def _waits(row: AnyRow) -> Waits | None:
    if row.waits_since is None:
        return None
    return Waits(row.waits_for, row.waits_because, row.waits_since, row.waits_until)


def _waits_values(waits: Waits | None) -> dict[str, Any]:
    if waits is None:
        return dict.fromkeys(_WAITS[:2], "") | dict.fromkeys(_WAITS[2:])
    values = (waits.what, storable(waits.because), waits.since, waits.until)
    return dict(zip(_WAITS, values, strict=True))
