"""When a sync is due: the nightly full run, the delta in between, and what somebody asked for.

Decided from what was last done and the moment handed in; nothing here waits or looks at a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
LONGEST_AWAY = timedelta(minutes=1)
"""After a run that failed because another system was away: once it is back, work goes on soon."""


class Mode(StrEnum):
    """How much of Microsoft 365 a run reads again."""

    DELTA = "delta"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class ScheduleRules:
    """When people sync runs by itself."""

    delta_interval_s: int = 60
    """Seconds between two looks at what changed; 0 = only the nightly sync. At least 5."""
    nightly_hour: int = 2
    """Hour of the full reconciliation, 0 to 23, in `time_zone`."""
    time_zone: str = ""
    """IANA name, or "" for the host's own zone."""


class ScheduleError(ValueError):
    """A schedule that cannot be kept; the text says which part and what would be right."""


def check_schedule(rules: ScheduleRules) -> None:
    """Raise `ScheduleError` for an hour, interval or zone that does not exist."""
    if not 0 <= rules.nightly_hour <= 23:
        raise ScheduleError(
            f"The hour of the nightly sync is {rules.nightly_hour}; it takes 0 to 23."
        )
    if rules.delta_interval_s != 0 and not 5 <= rules.delta_interval_s <= 86_400:
        raise ScheduleError(
            f"The interval is {rules.delta_interval_s} seconds; it takes 0 (off) or 5 to 86,400."
        )
    if rules.time_zone:
        try:
            ZoneInfo(rules.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ScheduleError(
                f"There is no time zone {rules.time_zone!r}; "
                "it takes a name such as 'Europe/Berlin'."
            ) from None


def last_nightly(rules: ScheduleRules, now: datetime) -> datetime:
    """The latest moment, not after `now` (aware), at which a nightly sync was to begin.

    An hour that the clocks skip counts when it would have been; one that comes twice counts the
    first time.
    """
    local = now.astimezone(ZoneInfo(rules.time_zone) if rules.time_zone else None)
    begin = local.replace(hour=rules.nightly_hour, minute=0, second=0, microsecond=0, fold=0)
    if begin.timestamp() > now.timestamp():
        begin = (begin - timedelta(days=1)).replace(fold=0)
    return begin.astimezone(now.tzinfo)


def due(
    rules: ScheduleRules,
    *,
    now: datetime,
    last_full_at: datetime | None,
    last_delta_at: datetime | None,
    wanted: Mode | None,
) -> Mode | None:
    """Which run is due at `now`, if any.

    `last_*_at` are the moments at which the last finished round of that kind began; a full round
    counts as a delta too. `wanted` is what somebody asked for since.
    """
    if wanted is Mode.FULL or last_full_at is None or last_full_at < last_nightly(rules, now):
        return Mode.FULL
    if wanted is Mode.DELTA:
        return Mode.DELTA
    if rules.delta_interval_s:
        latest = max(last_full_at, last_delta_at) if last_delta_at else last_full_at
        # A clock that was set back must not silence the sync until it has caught up.
        if now - latest >= timedelta(seconds=rules.delta_interval_s) or now < latest:
            return Mode.DELTA
    return None


def photos_due(
    *,
    people_full_at: datetime | None,
    last_full_at: datetime | None,
    wanted: Mode | None,
) -> Mode | None:
    """Which look at photos is due, if any: everybody's after each full people run, else as wanted.

    Both moments are when the last finished round of that kind began.
    """
    if people_full_at is None:
        return None
    if wanted is Mode.FULL or last_full_at is None or last_full_at < people_full_at:
        return Mode.FULL
    return wanted


def wait_after(failures: int, *, away: bool = False) -> timedelta:
    """How long to wait after a failed run that had `failures` failed ones right before it.

    `away`: it failed because another system could not be reached, which says nothing about us.
    """
    # Seven doublings pass the longest wait; more would only make large numbers.
    return min(LONGEST_AWAY if away else LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures, 7))
