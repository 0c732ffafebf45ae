"""How full the pools of numbers are, and when each runs out.

Counted on spans of whole numbers, so that a hundred thousand extensions take a blink. The pace is
that of newcomers: people who were linked lately. What came all at once (the first day, a roll-out)
is none. Released numbers that are held come back when their time is over, which counts too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from jackfield.core.number_pools import (
    NumberRules,
    Pool,
    Released,
    department_pool,
    fenced_numbers,
    held_until,
    reserved_numbers,
    shared_pool,
)
from jackfield.core.number_spans import (
    Span,
    code_of,
    codes_of,
    count_within,
    listed,
    merged,
    size_of,
    without,
)
from jackfield.core.numbering import NumberRange
from jackfield.core.people import GroupId

WINDOW = timedelta(days=90)
"""How far back newcomers are counted."""
LEAST_WATCHED = timedelta(days=7)
"""Less than this says nothing about the pace."""
ROLL_OUT = 20
"""A day with more newcomers than this, and than all other days together, is no usual one."""
SOON = timedelta(days=30)
LITTLE_PERCENT = 5
LITTLE_NUMBER = 20
HORIZON = timedelta(days=3_650)
"""Nobody wants to know what is beyond."""
_DAY = timedelta(days=1)
FIRST_DAY = _DAY
"""After the first link of all: everybody was linked then, and nobody is a newcomer."""


class Supply(StrEnum):
    """Whether newcomers will find a number."""

    OUT = "out"
    """There is none left."""
    SOON = "soon"
    """At the present pace there is none left within 30 days."""
    LITTLE = "little"
    """Fewer than 5 % and fewer than 20 numbers are left."""
    ENOUGH = "enough"


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Who got a number lately: the first link of all, and numbers with the moment of the link."""

    first_at: datetime | None = None
    recent: Sequence[tuple[str, datetime]] = ()


@dataclass(frozen=True, slots=True)
class PoolForecast:
    """A pool in figures. `used`, `reserved`, `held` and `free` add up to `size`."""

    group: GroupId | None
    """Whose department's; None = everybody's."""
    name: str
    """The department's name; "" = everybody's."""
    numbers: str
    """Which numbers, as people write them."""
    size: int
    used: int
    reserved: int
    """Not used, and given to nobody by themselves."""
    held: int
    """Not used, not reserved, and kept for who had them."""
    free: int
    per_day: float | None = None
    """Newcomers a day; None = not known yet."""
    runs_out_at: datetime | None = None
    """None = not known yet, or not within ten years."""
    supply: Supply = Supply.ENOUGH

    @property
    def called(self) -> str:
        """How a sentence names it."""
        return f"The pool of “{self.name}”" if self.name else "The pool of everybody"


def forecast_pools(
    rules: NumberRules,
    ranges: Sequence[NumberRange],
    used: Iterable[str],
    released: Iterable[Released],
    newcomers: Newcomers,
    *,
    names: Mapping[GroupId, str],
    now: datetime,
) -> tuple[PoolForecast, ...]:
    """Everybody's pool, then each department's, in their order.

    `ranges` are the phone system's; `used` is every number in use there; of `released` those count
    that are not in use again and still held.
    """
    reserved = reserved_numbers(rules)
    codes = codes_of(used)
    taken = frozenset(codes)
    held = sorted(
        (code, until)
        for one in released
        if (until := held_until(one, rules)) > now and (code := code_of(one.number)) not in taken
    )
    watched, came = _watched(newcomers, now)
    found = []
    for group, name, pool in pools_of(rules, ranges, names):
        spans = merged(pool.spans)
        given = without(spans, reserved)
        back = [until for span in given for until in _of_span(held, span)]
        used_here, used_given = count_within(codes, spans), count_within(codes, given)
        size, open_ = size_of(spans), size_of(given)
        free = open_ - used_given - len(back)
        per_day = None if watched is None else count_within(came, given) / watched
        out = run_out(free, back, per_day, now)
        found.append(
            PoolForecast(
                group,
                name,
                listed(spans),
                size,
                used_here,
                size - open_ - (used_here - used_given),
                len(back),
                free,
                per_day,
                out,
                _supply(size, free, out, now),
            )
        )
    return tuple(found)


def pools_of(
    rules: NumberRules, ranges: Sequence[NumberRange], names: Mapping[GroupId, str]
) -> list[tuple[GroupId | None, str, Pool]]:
    """The pools with their groups and names; reserved numbers are in them."""
    found: list[tuple[GroupId | None, str, Pool]] = [
        (None, "", shared_pool(rules, ranges).without(fenced_numbers(rules)))
    ]
    for one in rules.departments:
        name = names.get(one.group, one.group)
        found.append((one.group, name, department_pool(one, f"“{name}”", ranges)))
    return found


def run_out(
    free: int, back: Sequence[datetime], per_day: float | None, now: datetime
) -> datetime | None:
    """When the last number is gone; `back` are the moments at which held ones become free."""
    if free <= 0:
        return now
    if not per_day:
        return None
    supply = free
    for until in sorted(back):
        if (until - now) / _DAY * per_day > supply:
            break
        supply += 1
    days = supply / per_day
    return now + timedelta(days=days) if days <= HORIZON.days else None


def outlook(pool: PoolForecast) -> str:
    """When it runs out, in words."""
    if pool.supply is Supply.OUT:
        return "has run out" if pool.size else "has no number"
    if pool.per_day is None:
        return "not known yet"
    if pool.per_day == 0:
        return f"nobody came in the last {WINDOW.days} days"
    if pool.runs_out_at is None:
        return "not within ten years"
    return f"about {pool.runs_out_at.day} {pool.runs_out_at:%b %Y}"


def warning(pool: PoolForecast) -> tuple[str, str]:
    """What an alarm says about a pool that has little left, and what to do."""
    match pool.supply:
        case Supply.OUT if not pool.size:
            said = "has no number at all: newcomers get no extension."
        case Supply.OUT:
            said = f"has run out ({pool.numbers}): newcomers get no extension."
        case Supply.SOON:
            said = (
                f"runs out {outlook(pool)}: {_left(pool.free)}, and {pool.per_day or 0:.1f} people"
                " come a day."
            )
        case _:
            said = f"is nearly used up: {_left(pool.free)} of {pool.size:,}."
    counted = ((pool.held, "held"), (pool.reserved, "reserved"))
    kept = [f"{count:,} {word}" for count, word in counted if count]
    step = "Widen its ranges under Numbers"
    if kept:
        step += f", or let go of what is kept back there ({', '.join(kept)})"
    return f"{pool.called} {said}", f"{step}."


def _of_span(held: Sequence[tuple[int, datetime]], span: Span) -> Iterator[datetime]:
    """Until when those of the held numbers (ascending) are held that lie in a span."""
    for index in range(bisect_left(held, span[0], key=_code), len(held)):
        code, until = held[index]
        if code > span[1]:
            return
        yield until


def _code(one: tuple[int, datetime]) -> int:
    return one[0]


def _left(free: int) -> str:
    return f"{free:,} {'number is' if free == 1 else 'numbers are'} left"


def _supply(size: int, free: int, out: datetime | None, now: datetime) -> Supply:
    if free <= 0:
        return Supply.OUT
    if out is not None and out - now <= SOON:
        return Supply.SOON
    if free < LITTLE_NUMBER and free * 100 < size * LITTLE_PERCENT:
        return Supply.LITTLE
    return Supply.ENOUGH


def _watched(newcomers: Newcomers, now: datetime) -> tuple[float | None, list[int]]:
    """Days that say something about the pace (None: too few), and who came on them, as codes."""
    if newcomers.first_at is None:
        return None, []
    since = max(newcomers.first_at + FIRST_DAY, now - WINDOW)
    if now - since < LEAST_WATCHED:
        return None, []
    came = [
        (number, at)
        for number, at in newcomers.recent
        if since < at <= now and number.isascii() and number.isdigit()
    ]
    unusual = _roll_outs(Counter(at.date() for _, at in came))
    days = (now - since) / _DAY - len(unusual)
    codes = sorted(code_of(number) for number, at in came if at.date() not in unusual)
    return max(days, 1.0), codes


def _roll_outs(by_day: Counter[date]) -> set[date]:
    """Days on which so many came at once that they say nothing about other days."""
    left = by_day.total()
    unusual: set[date] = set()
    for day, count in by_day.most_common():
        left -= count
        if count <= ROLL_OUT or count <= left:
            break
        unusual.add(day)
    return unusual
