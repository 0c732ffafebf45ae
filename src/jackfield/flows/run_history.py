"""How runs went over a period, for charts: by stretches of equal length up to this moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jackfield.core.actions import ActionKind
from jackfield.store.run_history import Stretch, load_history
from jackfield.store.schema import EPOCH
from jackfield.store.transaction import Transaction

CREATED = (ActionKind.CREATE_EXTENSION, ActionKind.ADOPT_EXTENSION, ActionKind.CREATE_DEPARTMENT)
STOPPED = (ActionKind.DISABLE_EXTENSION, ActionKind.REMOVE_EXTENSION)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """How far back one looks, cut into stretches."""

    name: str
    stretch: timedelta
    stretches: int
    noun: str


DAY = "day"
PERIODS: Mapping[str, Period] = {
    DAY: Period("24 hours", _HOUR, 24, "hour"),
    "week": Period("7 days", _HOUR * 6, 28, "six hours"),
    "month": Period("30 days", _DAY, 30, "day"),
    "quarter": Period("90 days", _DAY * 3, 30, "three days"),
}


@dataclass(frozen=True, slots=True)
class Changes:
    """What runs did to extensions and departments."""

    created: int
    updated: int
    stopped: int
    """Disabled or removed."""

    @property
    def total(self) -> int:
        return self.created + self.updated + self.stopped


async def load_stretches(
    tx: Transaction, tenant: int, period: Period, *, now: datetime
) -> Sequence[Stretch]:
    """All stretches of a period, the oldest first, the last of them holding `now`.

    Those without a run are there too.
    """
    last = now - (now - EPOCH) % period.stretch
    begins = [last - period.stretch * back for back in range(period.stretches - 1, -1, -1)]
    found = await load_history(tx, tenant, since=begins[0], length=period.stretch)
    return [found.get(at, Stretch(at)) for at in begins]


def changes_of(counts: Mapping[str, int]) -> Changes:
    """What runs with such counts did; to keep a leaver's extension changes nothing of it."""
    created = sum(counts.get(kind.value, 0) for kind in CREATED)
    stopped = sum(counts.get(kind.value, 0) for kind in STOPPED)
    untouched = counts.get(ActionKind.KEEP_LEAVER.value, 0)
    done = counts.get("changes", 0) - untouched
    return Changes(created, max(0, done - created - stopped), stopped)
