"""How runs went over time: how many, how long, how they ended, and what they changed, by stretch.

One row of the answer is a stretch of time; stretches without a run are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import BigInteger, bindparam, func, select, type_coerce

from jackfield.store.contains import contains
from jackfield.store.runs import HELD, RunStatus, runs
from jackfield.store.schema import OF_TENANT, from_micros
from jackfield.store.transaction import Transaction

_MICROSECOND = timedelta(microseconds=1)
_decode_counts = msgspec.json.Decoder(dict[str, int]).decode


@dataclass(slots=True)
class Stretch:
    """The runs that began in one stretch of time and have ended."""

    begins_at: datetime
    by_status: Counter[RunStatus] = field(default_factory=Counter)
    longest_s: dict[tuple[str, str], float] = field(default_factory=dict)
    """Seconds of the longest run, by kind and mode."""
    counts: Counter[str] = field(default_factory=Counter)
    """What runs with changes counted, added up: `changes`, and each kind of action."""
    held: int = 0
    """Runs by which a guard held something back that was not held before."""


_STARTED = type_coerce(runs.c.started_at, BigInteger)
_TOOK = type_coerce(runs.c.ended_at, BigInteger) - _STARTED
_STRETCH = _STARTED - _STARTED % bindparam("length", type_=BigInteger)
_ENDED = (
    runs.c.tenant == OF_TENANT,
    runs.c.started_at >= bindparam("since"),
    runs.c.ended_at.is_not(None),
)
_STRETCHES = (
    select(
        _STRETCH.label("stretch"),
        runs.c.kind,
        runs.c.mode,
        runs.c.status,
        func.count().label("runs"),
        func.max(_TOOK).label("longest"),
    )
    .where(*_ENDED)
    .group_by("stretch", runs.c.kind, runs.c.mode, runs.c.status)
)
_CHANGES = select(_STRETCH.label("stretch"), runs.c.status, runs.c.counts).where(
    *_ENDED, contains(runs.c.counts, '"changes":')
)


async def load_history(
    tx: Transaction, tenant: int, *, since: datetime, length: timedelta
) -> Mapping[datetime, Stretch]:
    """Stretches by their beginning, the oldest first.

    They are counted off in `length` (whole microseconds) from 1970 on, in UTC.
    """
    asked = {"of_tenant": tenant, "since": since, "length": length // _MICROSECOND}
    found: dict[datetime, Stretch] = {}
    for row in await tx.rows(_STRETCHES, asked):
        stretch = _of(found, row.stretch)
        stretch.by_status[RunStatus(row.status)] += row.runs
        key = (row.kind, row.mode)
        took = (timedelta(microseconds=row.longest)).total_seconds()
        stretch.longest_s[key] = max(stretch.longest_s.get(key, 0.0), took)
    for row in await tx.rows(_CHANGES, asked):
        stretch, counts = _of(found, row.stretch), _decode_counts(row.counts)
        stretch.counts.update(counts)
        stretch.held += row.status == RunStatus.REFUSED and HELD in counts
    return dict(sorted(found.items()))


def _of(found: dict[datetime, Stretch], micros: int) -> Stretch:
    begins_at = from_micros(micros)
    return found.setdefault(begins_at, Stretch(begins_at))
