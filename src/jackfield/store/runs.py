"""Runs: every sync, apply or reading that was begun, how far it is, and how it ended.

The durable runner has its own records; these are ours, for pages and history. A run is begun once
per flow id, however often the flow is replayed, and its progress never goes back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Index, Select, Table, UniqueConstraint, and_, bindparam, or_, select, update

from jackfield.core.schedule import Mode
from jackfield.core.waiting import Waits
from jackfield.store.contains import contains
from jackfield.store.pieces import delete_piece
from jackfield.store.schema import (
    AT_MOST,
    OF_TENANT,
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


HELD = "held"
"""Among the counts of a run: actions of its own plan that a guard holds back."""
UNDER_WAY = (RunStatus.QUEUED, RunStatus.RUNNING)


class Trigger(StrEnum):
    """What began a run."""

    SCHEDULE = "schedule"
    ADMINISTRATOR = "administrator"


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

    @property
    def asker(self) -> str:
        """Who asked for it, as the journal says it: "schedule" where nobody did."""
        return self.by or self.trigger.value


_decode_counts = msgspec.json.Decoder(dict[str, int]).decode
_WAITS = ("waits_for", "waits_because", "waits_since", "waits_until")
_COLUMNS = [runs.c[name] for name in (*StoredRun.__slots__[:-1], *_WAITS)]
_THIS = (runs.c.tenant == OF_TENANT, runs.c.id == bindparam("of_id"))
_UNDER_WAY = (*_THIS, runs.c.status.in_([one.value for one in UNDER_WAY]))
_ONE = select(*_COLUMNS).where(*_THIS)
_OF_FLOW = select(*_COLUMNS).where(runs.c.tenant == OF_TENANT, runs.c.flow == bindparam("of_flow"))
_WAITING = select(*(runs.c[name] for name in _WAITS)).where(*_UNDER_WAY)
_NEW_WAITS: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _WAITS}
_WAIT = update(runs).where(*_THIS).values(changed_seq=bindparam("changed"), **_NEW_WAITS)
_PROGRESS = (
    update(runs)
    .where(
        *_THIS,
        runs.c.status == RunStatus.RUNNING.value,
        or_(
            runs.c.stage != bindparam("now_at"),
            runs.c.done < bindparam("now_done"),
            and_(runs.c.done == bindparam("now_done"), runs.c.total != bindparam("now_total")),
        ),
    )
    .values(
        done=bindparam("now_done"),
        total=bindparam("now_total"),
        stage=bindparam("now_at"),
        changed_seq=bindparam("changed"),
        **_NEW_WAITS,
    )
)
_END = (
    update(runs)
    .where(*_UNDER_WAY)
    .values(
        status=bindparam("ended_as"),
        ended_at=bindparam("at"),
        counts=bindparam("ended_with"),
        text=bindparam("said"),
        changed_seq=bindparam("changed"),
        **_NEW_WAITS,
    )
)


class _New(NamedTuple):
    """What is known of a run before it has a row."""

    flow: str
    kind: str
    trigger: Trigger
    mode: str
    by: str
    at: datetime


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
        return await _add(tx, tenant, _New(flow, kind, trigger, mode, by, now))
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
        await _add(tx, tenant, _New(flow, kind, trigger, mode, by, now), waits)
    elif known.waits is None:
        await save_waits(tx, tenant, known.id, waits)
    else:
        await save_waits(tx, tenant, known.id, replace(waits, since=known.waits.since))


async def _add(tx: Transaction, tenant: int, new: _New, waits: Waits | None = None) -> StoredRun:
    """A row for a run that begins now, or waits."""
    status = RunStatus.RUNNING if waits is None else RunStatus.QUEUED
    changed = await next_change(tx, tenant)
    id_ = await take(tx, tenant, "run")
    await tx.run(
        runs.insert().values(
            tenant=tenant,
            id=id_,
            kind=new.kind,
            trigger=new.trigger.value,
            mode=new.mode,
            by=new.by,
            status=status.value,
            started_at=new.at,
            counts="{}",
            flow=new.flow,
            changed_seq=changed,
            **_waits_values(waits),
        )
    )
    begun = (id_, new.kind, new.trigger, new.mode, new.by, status, new.at)
    return StoredRun(*begun, None, 0, 0, "", {}, "", new.flow, changed, waits)


async def save_waits(tx: Transaction, tenant: int, id_: int, waits: Waits | None) -> bool:
    """What a run under way waits for, or that it waits no longer; False where that was known."""
    this = {"of_tenant": tenant, "of_id": id_}
    row = await tx.row(_WAITING, this)
    if row is None or _waits(row) == waits:
        return False
    await tx.run(_WAIT, {**this, "changed": await next_change(tx, tenant), **_new(waits)})
    return True


async def report_progress(
    tx: Transaction, tenant: int, id_: int, done: int, total: int, *, stage: str = ""
) -> None:
    """How far a running run is. A smaller figure of the same stage is not written."""
    await tx.run(
        _PROGRESS,
        {
            "of_tenant": tenant,
            "of_id": id_,
            "now_at": stage,
            "now_done": done,
            "now_total": total,
            "changed": await next_change(tx, tenant),
            **_new(None),
        },
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
    ended = await tx.run(
        _END,
        {
            "of_tenant": tenant,
            "of_id": id_,
            "ended_as": status.value,
            "at": now,
            "ended_with": msgspec.json.encode(counts or {}, order="sorted").decode(),
            "said": storable(text),
            "changed": await next_change(tx, tenant),
            **_new(None),
        },
    )
    return ended == 1


async def load_run(tx: Transaction, tenant: int, id_: int) -> StoredRun | None:
    """One run, or None."""
    row = await tx.row(_ONE, {"of_tenant": tenant, "of_id": id_})
    return None if row is None else _run(row)


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
    values: dict[str, Any] = {"of_tenant": tenant, "at_most": limit}
    values |= {"of_kind": kind} if kind else {}
    values |= {"of_status": [one.value for one in status]} if status else {}
    values |= {} if before is None else {"before": before}
    listing = _listing(
        of_kind=bool(kind),
        of_status=bool(status),
        noteworthy=noteworthy,
        from_somewhere=before is not None,
    )
    return tuple(map(_run, await tx.rows(listing, values)))


@cache
def _listing(
    *, of_kind: bool, of_status: bool, noteworthy: bool, from_somewhere: bool
) -> Select[Any]:
    c = runs.c
    statement = select(*_COLUMNS).where(c.tenant == OF_TENANT).order_by(c.id.desc()).limit(AT_MOST)
    if of_kind:
        statement = statement.where(c.kind == bindparam("of_kind"))
    if of_status:
        statement = statement.where(c.status.in_(bindparam("of_status", expanding=True)))
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
    if from_somewhere:
        statement = statement.where(c.id < bindparam("before"))
    return statement


async def purge_runs(tx: Transaction, tenant: int, *, before: datetime) -> int:
    """Drop a piece of the runs that ended before a moment; returns how many."""
    return await delete_piece(tx, tenant, runs, runs.c.ended_at < before)


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


def _new(waits: Waits | None) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in _waits_values(waits).items()}
