"""Runs: every sync, apply or reading that was begun, how far it is, and how it ended.

The durable runner has its own records; these are ours, for pages and history. A run is begun once
per flow id, however often the flow is replayed, and its progress never goes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Index, Table, UniqueConstraint, and_, or_, select, update

from jackfield.core.schedule import Mode
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
    number("changed_seq"),
    UniqueConstraint("tenant", "flow"),
    Index("ix_run_started", "tenant", "started_at"),
    Index("ix_run_changed", "tenant", "changed_seq"),
)


class RunStatus(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    """A guard stopped it; its plan waits for an administrator."""
    FAILED = "failed"
    CANCELLED = "cancelled"


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
    ended_at: datetime | None
    done: int
    total: int
    stage: str
    """What it is at, e.g. "reading people"."""
    counts: Mapping[str, int]
    text: str
    flow: str
    changed_seq: int


@dataclass(frozen=True, slots=True)
class Day:
    """Runs that began on one day (UTC), for the chart."""

    day: date
    done: int
    failed: int
    refused: int
    changes: int
    """Sum of `counts["changes"]`."""


_decode_counts = msgspec.json.Decoder(dict[str, int]).decode
_COLUMNS = [runs.c[name] for name in StoredRun.__slots__]


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
    """A new run, or the one that was begun for this flow id before."""
    changed = await next_change(tx, tenant)
    known = await load_run_of_flow(tx, tenant, flow)
    if known is not None:
        return known
    id_ = await take(tx, tenant, "run")
    await tx.run(
        runs.insert().values(
            tenant=tenant,
            id=id_,
            kind=kind,
            trigger=trigger.value,
            mode=mode,
            by=by,
            status=RunStatus.RUNNING.value,
            started_at=now,
            counts="{}",
            flow=flow,
            changed_seq=changed,
        )
    )
    return StoredRun(
        id_, kind, trigger, mode, by, RunStatus.RUNNING, now, None, 0, 0, "", {}, "", flow, changed
    )


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
        .values(done=done, total=total, stage=stage, changed_seq=changed)
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
    """End a running run; False if it had ended before (a replay)."""
    changed = await next_change(tx, tenant)
    c = runs.c
    return (
        await tx.run(
            update(runs)
            .where(c.tenant == tenant, c.id == id_, c.status == RunStatus.RUNNING.value)
            .values(
                status=status.value,
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


async def load_run_of_flow(tx: Transaction, tenant: int, flow: str) -> StoredRun | None:
    """The run begun for a flow id, or None."""
    row = await tx.row(select(*_COLUMNS).where(runs.c.tenant == tenant, runs.c.flow == flow))
    return None if row is None else _run(row)


async def list_runs(
    tx: Transaction,
    tenant: int,
    *,
    kind: str = "",
    status: RunStatus | None = None,
    noteworthy: bool = False,
    limit: int = 50,
    before: int | None = None,
) -> tuple[StoredRun, ...]:
    """Runs, the newest first; `before` is the id from which to go on.

    With `noteworthy`, scheduled looks for changes that found none are left out.
    """
    c = runs.c
    statement = select(*_COLUMNS).where(c.tenant == tenant).order_by(c.id.desc()).limit(limit)
    if kind:
        statement = statement.where(c.kind == kind)
    if status is not None:
        statement = statement.where(c.status == status.value)
    if noteworthy:
        statement = statement.where(
            or_(
                c.trigger != Trigger.SCHEDULE.value,
                c.mode != Mode.DELTA.value,
                c.status.in_([RunStatus.FAILED.value, RunStatus.CANCELLED.value]),
                c.total > 0,
                contains(c.counts, '"changes":'),
            )
        )
    if before is not None:
        statement = statement.where(c.id < before)
    return tuple(map(_run, await tx.rows(statement)))


async def load_changed_runs(tx: Transaction, tenant: int, since: int) -> tuple[StoredRun, ...]:
    """Runs that changed after a change number, for the live page."""
    c = runs.c
    rows = await tx.rows(
        select(*_COLUMNS)
        .where(c.tenant == tenant, c.changed_seq > since)
        .order_by(c.changed_seq, c.id)
        .limit(100)
    )
    return tuple(map(_run, rows))


async def chart_runs(tx: Transaction, tenant: int, *, since: datetime) -> tuple[Day, ...]:
    """Runs by the day (UTC) on which they began; days without any are left out."""
    c = runs.c
    rows = await tx.rows(
        select(c.started_at, c.status, c.counts)
        .where(c.tenant == tenant, c.started_at >= since)
        .order_by(c.started_at)
    )
    days: dict[date, list[int]] = {}
    for started_at, status, counts in rows:
        figures = days.setdefault(started_at.date(), [0, 0, 0, 0])
        match RunStatus(status):
            case RunStatus.DONE:
                figures[0] += 1
            case RunStatus.FAILED | RunStatus.CANCELLED:
                figures[1] += 1
            case RunStatus.REFUSED:
                figures[2] += 1
            case RunStatus.RUNNING:
                pass
        figures[3] += _decode_counts(counts).get("changes", 0)
    return tuple(Day(day, *figures) for day, figures in days.items())


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
    )
