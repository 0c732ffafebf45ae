"""Reserved numbers and the ranges of departments: listed, added and removed one at a time.

What else is chosen stays as it is. What a reservation and a range may be is decided in `core`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jackfield.core.departments import Group
from jackfield.core.number_pools import (
    DepartmentRange,
    NumberRules,
    Reservation,
    ReservationError,
    check_number_rules,
    check_reservation,
)
from jackfield.core.number_remarks import codes_of, reservation_remark
from jackfield.core.numbering import (
    NumberingError,
    NumberRange,
    parse_range,
    parse_ranges,
    written_ranges,
)
from jackfield.core.people import MOST_CHOSEN_GROUPS, GroupId, Person
from jackfield.store.database import Database
from jackfield.store.groups import find_groups, load_groups
from jackfield.store.links import load_links
from jackfield.store.people import find_person, load_people
from jackfield.store.phone_numbers import load_used_numbers
from jackfield.store.phones import load_extension_of_number
from jackfield.store.settings import load_people_settings, save_people_settings
from jackfield.store.transaction import Transaction


class RuleRefused(Exception):
    """What stands there is in the way; the text says what, and what to do instead."""


class UnusableRule(RuleRefused):
    """A value cannot be used; `part` says which: `numbers`, `person`, `group` or `note`."""

    def __init__(self, part: str, text: str) -> None:
        super().__init__(text)
        self.part = part


class NumbersInUse(RuleRefused):
    """A reservation changes nothing for who has one of its numbers; to be confirmed."""


class NoSuchRule(RuleRefused):
    """There is no such reservation, or no range of that group."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation, for whom, and what it does not change."""

    rule: Reservation
    person: Person | None
    """None where it is for nobody, or they are not known any more."""
    remark: str

    @property
    def numbers(self) -> str:
        return written_ranges((self.rule.numbers,))


@dataclass(frozen=True, slots=True)
class Given:
    """The numbers of a department's own."""

    rule: DepartmentRange
    group: Group | None
    """None where it is not known any more."""

    @property
    def numbers(self) -> str:
        return written_ranges(self.rule.ranges)


async def list_reserved(tx: Transaction, tenant: int) -> tuple[Reserved, ...]:
    """All reservations, in the order in which they were made."""
    rules = (await load_people_settings(tx, tenant)).value.rules.numbers
    return await _told(tx, tenant, rules.reserved)


async def list_given(tx: Transaction, tenant: int) -> tuple[Given, ...]:
    """The departments with numbers of their own, in the order in which they were given."""
    rules = (await load_people_settings(tx, tenant)).value.rules.numbers
    known = await load_groups(tx, tenant, [one.group for one in rules.departments])
    return tuple(Given(one, known.get(one.group)) for one in rules.departments)


async def load_remarks(
    tx: Transaction, tenant: int, reserved: Sequence[Reservation]
) -> tuple[str, ...]:
    """What each reservation does not change, for numbers that somebody has already."""
    if not reserved:
        return ()
    used = await load_used_numbers(tx, tenant)
    codes = codes_of(used)
    links = await load_links(tx, tenant, sorted({one.person for one in reserved if one.person}))
    said = []
    for one in reserved:
        link, number, whose = links.get(one.person), one.numbers.first, ""
        if number == one.numbers.last and number in used:
            extension = await load_extension_of_number(tx, tenant, number)
            if extension is not None:
                fields = extension.fields
                whose = f"{fields.first_name} {fields.last_name}".strip() or f"extension {number}"
        said.append(reservation_remark(one, codes, link.number if link else "", whose))
    return tuple(said)


async def reserve(
    database: Database,
    tenant: int,
    numbers: str,
    person: str,
    note: str,
    *,
    sure: bool,
    by: str,
    now: datetime,
) -> Reserved:
    """Reserve a number or a range for a person (UPN or object ID), or for nobody ("").

    Raises:
        UnusableRule: the numbers are none, nobody is called so, or the note is too long.
        NumbersInUse: numbers of it are in use, and `sure` is False.
        RuleRefused: numbers of it are reserved already.
    """
    wanted = Reservation(_range(numbers), note=note.strip())
    async with database.read() as tx:
        if person.strip():
            id_ = await find_person(tx, tenant, person)
            if id_ is None:
                raise UnusableRule(
                    "person", f"There is no person “{person}”. Give a UPN or object ID."
                )
            wanted = replace(wanted, person=id_)
        (told,) = await _told(tx, tenant, [wanted])

    def change(rules: NumberRules) -> NumberRules:
        try:
            check_reservation(wanted, rules.reserved)
        except ReservationError as error:
            if error.part == "note":
                raise UnusableRule(error.part, str(error)) from error
            raise RuleRefused(str(error)) from error
        if told.remark and not sure:
            raise NumbersInUse(f"Not reserved yet. {told.numbers}: {told.remark}")
        return replace(rules, reserved=(*rules.reserved, wanted))

    await _change(database, tenant, change, by=by, now=now)
    return told


async def unreserve(
    database: Database, tenant: int, numbers: str, *, by: str, now: datetime
) -> None:
    """Remove the reservation of exactly these numbers. Raises UnusableRule and NoSuchRule."""
    gone = _range(numbers)

    def change(rules: NumberRules) -> NumberRules:
        left = tuple(one for one in rules.reserved if one.numbers != gone)
        if left == rules.reserved:
            raise NoSuchRule(f"No reservation is of exactly {written_ranges((gone,))}.")
        return replace(rules, reserved=left)

    await _change(database, tenant, change, by=by, now=now)


async def give(
    database: Database,
    tenant: int,
    group: str,
    numbers: str,
    phones: Sequence[NumberRange],
    *,
    by: str,
    now: datetime,
) -> Given:
    """Give a group (name or object ID) numbers of its own, in place of those it had.

    `phones` are the ranges of the phone system. Raises UnusableRule and RuleRefused.
    """
    known = await _group(database, tenant, group)
    try:
        ranges = parse_ranges(numbers)
        if not ranges:
            raise NumberingError("Give its ranges, e.g. 200-299, 400-450.")
        # Named as people know it, should its range not be the phone system's.
        named = DepartmentRange(GroupId(f"“{known.name}”"), ranges)
        check_number_rules(NumberRules(departments=(named,)), phones)
    except NumberingError as error:
        raise UnusableRule("numbers", str(error)) from error
    wanted = DepartmentRange(known.id, ranges)

    def change(rules: NumberRules) -> NumberRules:
        others = tuple(one for one in rules.departments if one.group != known.id)
        if len(others) >= MOST_CHOSEN_GROUPS:
            raise RuleRefused(f"{MOST_CHOSEN_GROUPS:,} departments have numbers; remove one first.")
        return replace(rules, departments=(*others, wanted))

    await _change(database, tenant, change, by=by, now=now)
    return Given(wanted, known)


async def take(database: Database, tenant: int, group: str, *, by: str, now: datetime) -> None:
    """Take a group's numbers away: its members are served with everybody. Raises NoSuchRule.

    A group that is not known any more is named by its object ID.
    """
    id_ = GroupId(group.strip().lower())
    async with database.read() as tx:
        fitting = {id_, *(one.id for one in await find_groups(tx, tenant, group))}

    def change(rules: NumberRules) -> NumberRules:
        left = tuple(one for one in rules.departments if one.group not in fitting)
        if len(left) == len(rules.departments):
            raise NoSuchRule(f"The group “{group}” has no numbers of its own.")
        if len(left) < len(rules.departments) - 1:
            raise RuleRefused(f"Several groups are called “{group}”; give the object ID.")
        return replace(rules, departments=left)

    await _change(database, tenant, change, by=by, now=now)


async def _told(
    tx: Transaction, tenant: int, reserved: Sequence[Reservation]
) -> tuple[Reserved, ...]:
    remarks = await load_remarks(tx, tenant, reserved)
    people = await load_people(tx, tenant, sorted({one.person for one in reserved if one.person}))
    return tuple(
        Reserved(one, people.get(one.person), remark)
        for one, remark in zip(reserved, remarks, strict=True)
    )


async def _group(database: Database, tenant: int, typed: str) -> Group:
    async with database.read() as tx:
        fitting = await find_groups(tx, tenant, typed)
    if not fitting:
        raise UnusableRule(
            "group", f"There is no group “{typed}” in what was read of Microsoft 365."
        )
    if len(fitting) > 1:
        raise UnusableRule(
            "group", f"{len(fitting)} groups are called “{typed}”; give the object ID."
        )
    return fitting[0]


def _range(text: str) -> NumberRange:
    try:
        return parse_range(text)
    except NumberingError as error:
        raise UnusableRule("numbers", str(error)) from error


async def _change(
    database: Database,
    tenant: int,
    change: Callable[[NumberRules], NumberRules],
    *,
    by: str,
    now: datetime,
) -> None:
    """Change the number rules as they stand at this moment, whoever saved them last."""
    async with database.write() as tx:
        stored = await load_people_settings(tx, tenant)
        rules = stored.value.rules
        wanted = replace(rules, numbers=change(rules.numbers))
        if wanted != rules:
            await save_people_settings(
                tx,
                tenant,
                replace(stored.value, rules=wanted),
                expected_version=stored.version,
                by=by,
                now=now,
            )
