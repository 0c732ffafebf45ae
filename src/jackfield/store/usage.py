"""Calls to Graph per minute and workload: how many, how long, how many were throttled or failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Table, select

from jackfield.store.pieces import delete_piece
from jackfield.store.schema import EPOCH, Moment, key, metadata, number, tenant_key
from jackfield.store.transaction import Transaction

usage = Table(
    "graph_usage",
    metadata,
    tenant_key(),
    Column("minute", Moment, primary_key=True),
    key("workload"),
    number("calls"),
    number("throttled"),
    number("errors"),
    number("ms"),
    number("units"),
    number("busiest"),
)


@dataclass(frozen=True, slots=True)
class Calls:
    """Figures of some calls."""

    calls: int = 0
    throttled: int = 0
    """Answered 429 or 503."""
    errors: int = 0
    """Failed otherwise, or unanswered."""
    ms: int = 0
    """Time spent waiting for answers."""
    units: int = 0
    """What Microsoft counts against the limit: resource units, or requests, by workload."""
    busiest: int = 0
    """The most units in a stretch of time as long as the limit's; several processes added up."""

    def since(self, before: Calls) -> Calls:
        """What came to these counters after `before`."""
        return Calls(
            self.calls - before.calls,
            self.throttled - before.throttled,
            self.errors - before.errors,
            max(0, self.ms - before.ms),
            self.units - before.units,
            self.busiest,
        )

    def __add__(self, other: Calls) -> Calls:
        return Calls(
            self.calls + other.calls,
            self.throttled + other.throttled,
            self.errors + other.errors,
            self.ms + other.ms,
            self.units + other.units,
            max(self.busiest, other.busiest),
        )


@dataclass(frozen=True, slots=True)
class Bucket:
    """The figures of a stretch of time, by workload."""

    begins_at: datetime
    by_workload: Mapping[str, Calls]


_FIGURES = tuple(Calls.__slots__)


async def add_calls(
    tx: Transaction, tenant: int, figures: Mapping[str, Calls], *, now: datetime
) -> None:
    """Add figures, by workload, to the minute of `now`."""
    minute = now.replace(second=0, microsecond=0)
    for workload, calls in sorted(figures.items()):
        values = {name: getattr(calls, name) for name in _FIGURES}
        await tx.run(
            tx.insert(usage)
            .values(tenant=tenant, minute=minute, workload=workload, **values)
            .on_conflict_do_update(
                index_elements=["tenant", "minute", "workload"],
                set_={name: usage.c[name] + values[name] for name in _FIGURES},
            )
        )


async def load_calls(
    tx: Transaction, tenant: int, *, since: datetime, bucket: timedelta = timedelta(minutes=1)
) -> tuple[Bucket, ...]:
    """Figures since a moment, in stretches of `bucket` (whole minutes).

    Empty stretches are left out.
    """
    c = usage.c
    rows = await tx.rows(
        select(c.minute, c.workload, *(c[name] for name in _FIGURES))
        .where(c.tenant == tenant, c.minute >= since)
        .order_by(c.minute, c.workload)
    )
    buckets: dict[datetime, dict[str, Calls]] = {}
    for minute, workload, *figures in rows:
        begins_at = minute - (minute - EPOCH) % bucket
        by_workload = buckets.setdefault(begins_at, {})
        by_workload[workload] = by_workload.get(workload, Calls()) + Calls(*figures)
    return tuple(Bucket(begins_at, by_workload) for begins_at, by_workload in buckets.items())


async def purge_calls(tx: Transaction, tenant: int, *, before: datetime) -> int:
    """Drop a piece of the figures older than a moment; returns how many rows."""
    return await delete_piece(tx, tenant, usage, usage.c.minute < before)
