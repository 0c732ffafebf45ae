"""Which extension number the next person gets: the lowest free one of their pool.

Decided here: which pool serves whom, which numbers are kept back, and the allocation (U-07, U-08).
Who is allocated one, and in which order, is decided in `jackfield.core.plan`.

Kept back are numbers that are reserved, and those released a short while ago: a caller who dials
the number of somebody who left last week must not reach a stranger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from jackfield.core.extensions import ExtensionNumber
from jackfield.core.number_spans import (
    Span,
    apart,
    merged,
    number_at,
    spans_of,
    without,
    written,
)
from jackfield.core.numbering import (
    NumberingError,
    NumberRange,
    overlap,
    parse_number,
    stretches,
)
from jackfield.core.people import GroupId, ObjectId
from jackfield.core.records import record

MOST_HOLD_DAYS = 365
MOST_RESERVED = 1_000
LONGEST_NOTE = 200
"""Characters of what is remarked about a reservation."""


@dataclass(frozen=True, slots=True)
class DepartmentRange:
    """Numbers for the members of one group, and for nobody else."""

    group: GroupId
    ranges: tuple[NumberRange, ...]


@dataclass(frozen=True, slots=True)
class Reservation:
    """Numbers that are given to nobody by themselves, or only to one person."""

    numbers: NumberRange
    person: ObjectId = ObjectId("")
    """Who gets the lowest of them when they come to need a number; "" = nobody."""
    note: str = ""
    """Why, in the administrator's words."""


@dataclass(frozen=True, slots=True)
class NumberRules:
    """Where numbers for newcomers come from, and which are kept back."""

    start: str | None = None
    """A floor, not the end of a range: "0200" or "1000"."""
    ranges: tuple[NumberRange, ...] = ()
    """Served in this order, as far as the phone system has them. Without any, the phone system's
    own ranges serve: from the start on, else only its first."""
    departments: tuple[DepartmentRange, ...] = ()
    reserved: tuple[Reservation, ...] = ()
    hold_days: int = 30
    """How long a released number is kept for the person who had it."""

    def __post_init__(self) -> None:
        if self.start:
            parse_number(self.start, "starting number")
        if not 0 <= self.hold_days <= MOST_HOLD_DAYS:
            raise NumberingError(
                f"A released number cannot be held for {self.hold_days} days; it takes 0 to"
                f" {MOST_HOLD_DAYS}."
            )
        served: set[GroupId] = set()
        for one in self.departments:
            if not one.ranges:
                raise NumberingError(f"The group {one.group} has no range of numbers.")
            if one.group in served:
                raise NumberingError(f"The group {one.group} has its range twice; join them.")
            served.add(one.group)


@dataclass(frozen=True, slots=True)
class Released:
    """A number that an extension gave up, by being removed or renumbered."""

    number: ExtensionNumber
    at: datetime
    person: ObjectId = ObjectId("")
    """Whose it was; "" = nobody that Jackfield knows."""


def held_until(released: Released, rules: NumberRules) -> datetime:
    """Until when nobody else gets the number."""
    return released.at + timedelta(days=rules.hold_days)


class Pool:
    """The numbers of some spans in their order, each given out once."""

    __slots__ = ("_at", "_next", "spans", "where")

    def __init__(self, where: str, spans: Sequence[Span]) -> None:
        self.where = where
        """Where the numbers come from, to stand after "the lowest free number"."""
        self.spans = tuple(spans)
        """They do not overlap."""
        self._at = 0
        self._next = self.spans[0][0] if self.spans else 0

    def rest(self) -> Iterator[str]:
        """Its numbers from where the last call stopped; what was seen once never comes again."""
        while self._at < len(self.spans):
            last = self.spans[self._at][1]
            while self._next <= last:
                number = number_at(self._next)
                self._next += 1
                yield number
            self._at += 1
            if self._at < len(self.spans):
                self._next = self.spans[self._at][0]

    def without(self, taken: Sequence[Span]) -> Pool:
        """The same pool without some numbers (merged)."""
        return Pool(self.where, without(self.spans, taken))


def shared_pool(rules: NumberRules, ranges: Sequence[NumberRange]) -> Pool:
    """The pool of everybody whose department has none of its own; `ranges` the phone system's."""
    start = rules.start.strip() if rules.start else None
    if rules.ranges:
        after = f", from {start} on" if start else ""
        return Pool(f"of {_listed(rules.ranges)}{after}", _cut(rules.ranges, ranges, start))
    serving = ranges if start else ranges[:1]
    width = len(start or (ranges[0].first if ranges else ""))
    parts = stretches(start, serving)
    if start is not None:
        where = f"from {start} on"
    elif not parts:
        where = "of the phone system, which names no range"
    else:
        (first, last), *_ = parts
        where = f"of {first:0{width}d}–{last:0{width}d}"
    return Pool(where, [span for part in parts for span in written(*part, width)])


def department_pool(one: DepartmentRange, name: str, ranges: Sequence[NumberRange]) -> Pool:
    """The pool of a group's members; `name` is the department's, for the sentence."""
    where = f"of {_listed(one.ranges)}, the range of {name}"
    return Pool(where, _cut(one.ranges, ranges, None))


def fenced_numbers(rules: NumberRules) -> list[Span]:
    """Numbers of departments, which the pool of everybody else has not."""
    return merged(
        span for one in rules.departments for part in one.ranges for span in spans_of(part)
    )


def reserved_numbers(rules: NumberRules) -> list[Span]:
    """Numbers that no pool gives out."""
    return merged(span for one in rules.reserved for span in spans_of(one.numbers))


@record
class Offer:
    """A number for a newcomer, and where it comes from."""

    number: ExtensionNumber
    because: str
    """To stand after "Gets "."""


class NumberPools:
    """Gives out free numbers to people, each once.

    `used` and `held` (number to whom it is held for) are not copied and must not change meanwhile.
    """

    def __init__(
        self,
        rules: NumberRules,
        ranges: Sequence[NumberRange],
        used: AbstractSet[str],
        held: Mapping[ExtensionNumber, ObjectId] | None = None,
        names: Mapping[GroupId, str] | None = None,
    ) -> None:
        self._used = used
        self._held = held or {}
        self._claimed: set[str] = set()
        reserved = reserved_numbers(rules)
        self._shared = shared_pool(rules, ranges).without(
            merged([*reserved, *fenced_numbers(rules)])
        )
        self._departments = {
            one.group: department_pool(
                one, f"“{(names or {}).get(one.group, one.group)}”", ranges
            ).without(reserved)
            for one in rules.departments
        }
        self._reserved = rules.reserved
        self._theirs: dict[ObjectId, list[Reservation]] = {}
        for one in rules.reserved:
            if one.person:
                self._theirs.setdefault(one.person, []).append(one)

    def claim(self, number: ExtensionNumber, person: ObjectId) -> bool:
        """Set a certain number aside for a person who had it; False where they cannot have it."""
        if not self._is_free(number, person):
            return False
        if any(number in one.numbers and one.person != person for one in self._reserved):
            return False
        self._claimed.add(number)
        return True

    def next(self, person: ObjectId, groups: Sequence[GroupId] = ()) -> Offer | None:
        """The lowest free number for a person of these departments; None once there is none."""
        for one in self._theirs.get(person, ()):
            for number in _numbers_of(one.numbers):
                if self._is_free(number, person):
                    self._claimed.add(number)
                    return Offer(number, f"number {number}, reserved for this person.")
        group = self._served(groups)
        pool = self._shared if group is None else self._departments[group]
        for text in pool.rest():
            number = ExtensionNumber(text)
            if not self._is_free(number, person):
                continue
            # Two departments may share a range; within one pool it never comes again anyway.
            if self._departments:
                self._claimed.add(number)
            return Offer(number, f"the lowest free number {pool.where}.")
        return None

    def where(self, groups: Sequence[GroupId] = ()) -> str:
        """Where a person of these departments gets a number from."""
        group = self._served(groups)
        return (self._shared if group is None else self._departments[group]).where

    def _served(self, groups: Sequence[GroupId]) -> GroupId | None:
        """The first of the departments that has numbers of its own."""
        return next((one for one in groups if one in self._departments), None)

    def _is_free(self, number: ExtensionNumber, person: ObjectId) -> bool:
        if number in self._used or number in self._claimed:
            return False
        owner = self._held.get(number)
        return owner is None or (owner == person and bool(person))


class ReservationError(NumberingError):
    """A reservation that cannot be added; `part` is its `numbers` or its `note`."""

    def __init__(self, part: str, text: str) -> None:
        super().__init__(text)
        self.part = part


def check_reservation(wanted: Reservation, reserved: Sequence[Reservation]) -> None:
    """Raises `ReservationError` for one that cannot stand beside those that do."""
    if any(overlap(wanted.numbers, one.numbers) for one in reserved):
        raise ReservationError(
            "numbers", f"Numbers of {wanted.numbers} are reserved already; see the list."
        )
    if len(reserved) >= MOST_RESERVED:
        raise ReservationError(
            "numbers", f"There are {MOST_RESERVED:,} reservations; remove one first."
        )
    if len(wanted.note) > LONGEST_NOTE:
        raise ReservationError(
            "note", f"The note has {len(wanted.note):,} characters; at most {LONGEST_NOTE}."
        )


def check_number_rules(rules: NumberRules, ranges: Sequence[NumberRange]) -> None:
    """Raises `NumberingError` where a pool is not the phone system's, or has no number at all."""
    shown = _listed(ranges) or "none"
    for one in rules.ranges:
        if not _cut((one,), ranges, None):
            raise NumberingError(
                f"The phone system has no extension numbers in {one}; its ranges are: {shown}."
            )
    if rules.ranges and rules.start and not _cut(rules.ranges, ranges, rules.start):
        raise NumberingError(
            f"No number of {_listed(rules.ranges)} is {rules.start} or above; lower the starting"
            " number or widen the range."
        )
    widths = {len(end) for one in rules.ranges for end in (one.first, one.last)}
    if len(widths) > 1 and any(one.first.startswith("0") for one in rules.ranges):
        raise NumberingError(
            f"The ranges {_listed(rules.ranges)} mix lengths with leading zeros; give them one"
            " length."
        )
    for department in rules.departments:
        for one in department.ranges:
            if not _cut((one,), ranges, None):
                raise NumberingError(
                    f"The phone system has no extension numbers in {one}, the range of group"
                    f" {department.group}; its ranges are: {shown}."
                )


def _cut(
    wanted: Sequence[NumberRange], ranges: Sequence[NumberRange], start: str | None
) -> list[Span]:
    """The wanted numbers that the phone system has, in the order wanted, each once."""
    floor = int(start) if start else 0
    found: list[Span] = []
    for one in wanted:
        for begin, end in stretches(one.first, ranges):
            first, last = max(begin, int(one.first), floor), min(end, int(one.last))
            if first <= last:
                found += written(first, last, len(one.first))
    return apart(found)


def _numbers_of(one: NumberRange) -> Iterator[ExtensionNumber]:
    for first, last in written(int(one.first), int(one.last), len(one.first)):
        for code in range(first, last + 1):
            yield ExtensionNumber(number_at(code))


def _listed(ranges: Sequence[NumberRange]) -> str:
    return ", ".join(map(str, ranges))
