"""Reserved numbers and the ranges of departments: listed, added, removed.

What was typed stays beside what is wrong with it. Where somebody else saved meanwhile, it is said
who changed what, and nothing is saved until the form is sent again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect, Template

from jackfield.core.fields import shown_name
from jackfield.core.number_pools import (
    DepartmentRange,
    NumberRules,
    Reservation,
    ReservationError,
    check_number_rules,
    check_reservation,
)
from jackfield.core.numbering import (
    NumberingError,
    parse_range,
    parse_ranges,
    written_ranges,
)
from jackfield.core.people import MOST_CHOSEN_GROUPS, GroupId, ObjectId
from jackfield.flows.number_rules import load_remarks
from jackfield.store.errors import VersionMoved
from jackfield.store.groups import find_groups, load_groups
from jackfield.store.people import find_person, load_people
from jackfield.store.settings import (
    Change,
    PeopleSettings,
    Stored,
    load_people_changes,
    load_people_settings,
    save_people_settings,
)
from jackfield.store.transaction import Transaction
from jackfield.web.admin.frame import AnyRequest, load_frame, show
from jackfield.web.admin.sync_form import changes_between
from jackfield.web.rooms import House, Rooms


@dataclass(frozen=True, slots=True)
class RuleForm:
    """The fields as they stand in the browser."""

    version: str = ""
    numbers: str = ""
    whose: str = ""
    note: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    """What somebody else saved meanwhile."""
    moved: bool = False
    sure: str = ""
    """What was said about numbers in use, and that it is meant all the same."""
    asks: str = ""
    """The same, to be confirmed."""


@get("/numbers/reserved", include_in_schema=False)
async def reserved_page(request: AnyRequest, house: House) -> Template:
    """Which numbers are given to nobody, or to one person."""
    return await _page(request, house, "reserved", RuleForm())


@post("/numbers/reserved", include_in_schema=False)
async def reserve(request: AnyRequest, house: House) -> Template | Response[Any]:
    """Reserve a number or a range, for somebody or for nobody."""
    form = await _read(request)
    errors: dict[str, str] = {}
    person, wanted = ObjectId(""), None
    async with house.database.read() as tx:
        rules = (await load_people_settings(tx, house.tenant)).value.rules.numbers
        if form.whose:
            person = await find_person(tx, house.tenant, form.whose) or person
            if not person:
                errors["whose"] = f"There is no person “{form.whose}”. Give a UPN or object ID."
    try:
        wanted = Reservation(parse_range(form.numbers), person, form.note)
        check_reservation(wanted, rules.reserved)
    except ReservationError as error:
        errors[error.part] = str(error)
    except NumberingError as error:
        errors["numbers"] = str(error)
    if errors or wanted is None:
        return await _page(request, house, "reserved", replace(form, errors=errors), status=422)
    reservation = wanted
    async with house.database.read() as tx:
        (remark,) = await load_remarks(tx, house.tenant, [reservation])
    asks = f"{written_ranges((reservation.numbers,))}: {remark}" if remark else ""
    if form.sure != asks:
        return await _page(request, house, "reserved", replace(form, asks=asks), status=422)

    def change(numbers: NumberRules) -> NumberRules:
        return replace(numbers, reserved=(*numbers.reserved, reservation))

    return await _saved(request, house, "reserved", form, change)


@post("/numbers/reserved/remove", include_in_schema=False)
async def unreserve(request: AnyRequest, house: House) -> Template | Response[Any]:
    """Remove a reservation, if it still stands as it was shown."""
    form = await _read(request)

    def change(numbers: NumberRules) -> NumberRules:
        left = tuple(one for one in numbers.reserved if _shown(one) != (form.numbers, form.whose))
        return replace(numbers, reserved=left)

    return await _saved(request, house, "reserved", form, change, whatever_stands=True)


@get("/numbers/departments", include_in_schema=False)
async def departments_page(request: AnyRequest, house: House) -> Template:
    """Which departments have numbers of their own."""
    return await _page(request, house, "departments", RuleForm())


@post("/numbers/departments", include_in_schema=False)
async def give_ranges(request: AnyRequest, house: House) -> Template | Response[Any]:
    """Give a group numbers of its own, in place of those it had."""
    form = await _read(request)
    errors: dict[str, str] = {}
    async with house.database.read() as tx:
        group = await _group(tx, house.tenant, form.whose, errors)
        rules = (await load_people_settings(tx, house.tenant)).value.rules.numbers
    wanted = None
    try:
        ranges = parse_ranges(form.numbers)
        if ranges:
            wanted = DepartmentRange(group, ranges)
            phones = house.planning.limits(house.tenant).ranges
            named = replace(wanted, group=GroupId(f"“{form.whose}”"))
            check_number_rules(NumberRules(departments=(named,)), phones)
        else:
            errors["numbers"] = "Give its ranges, e.g. 200-299, 400-450."
    except NumberingError as error:
        errors["numbers"] = str(error)
    if len(rules.departments) >= MOST_CHOSEN_GROUPS:
        errors["whose"] = f"{MOST_CHOSEN_GROUPS:,} departments have numbers; remove one first."
    if errors or wanted is None:
        return await _page(request, house, "departments", replace(form, errors=errors), status=422)
    given = wanted

    def change(numbers: NumberRules) -> NumberRules:
        others = [one for one in numbers.departments if one.group != group]
        return replace(numbers, departments=(*others, given))

    return await _saved(request, house, "departments", form, change)


@post("/numbers/departments/remove", include_in_schema=False)
async def take_ranges(request: AnyRequest, house: House) -> Template | Response[Any]:
    """Take a group's numbers away: its members are served with everybody."""
    form = await _read(request)

    def change(numbers: NumberRules) -> NumberRules:
        left = tuple(
            one
            for one in numbers.departments
            if (written_ranges(one.ranges), one.group) != (form.numbers, form.whose)
        )
        return replace(numbers, departments=left)

    return await _saved(request, house, "departments", form, change, whatever_stands=True)


async def _read(request: AnyRequest) -> RuleForm:
    fields = await request.form()

    def text(name: str, most: int = 4_000) -> str:
        return str(fields.get(name, "")).strip()[:most]

    return RuleForm(
        text("version", 9),
        text("numbers"),
        text("whose", 200),
        text("note"),
        sure=text("sure"),
    )


async def _saved(
    request: AnyRequest,
    house: Rooms,
    tab: str,
    form: RuleForm,
    change: Callable[[NumberRules], NumberRules],
    *,
    whatever_stands: bool = False,
) -> Template | Response[Any]:
    """Save a change of the number rules, if nobody else saved since the form was shown.

    `whatever_stands`: the change names exactly what it takes away, so that it fits any version.
    """
    typed = int(form.version) if re.fullmatch("[0-9]{1,9}", form.version) else -1
    try:
        async with house.database.write() as tx:
            stored = await load_people_settings(tx, house.tenant)
            rules = stored.value.rules
            numbers = change(rules.numbers)
            if numbers != rules.numbers:
                await save_people_settings(
                    tx,
                    house.tenant,
                    replace(stored.value, rules=replace(rules, numbers=numbers)),
                    expected_version=stored.version if whatever_stands else typed,
                    by=request.user.name,
                    now=house.clock.now(),
                )
    except VersionMoved:
        async with house.database.read() as tx:
            changes = await load_people_changes(tx, house.tenant, typed)
        moved = replace(form, version="", moved=True, changes=changes)
        return await _page(request, house, tab, moved, status=409)
    return Redirect(f"/numbers/{tab}", status_code=303)


async def _page(
    request: AnyRequest, house: Rooms, tab: str, form: RuleForm, *, status: int = 200
) -> Template:
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        stored: Stored[PeopleSettings] = await load_people_settings(tx, house.tenant)
        rules = stored.value.rules.numbers
        people = await load_people(
            tx, house.tenant, sorted({one.person for one in rules.reserved if one.person})
        )
        groups = await load_groups(tx, house.tenant, [one.group for one in rules.departments])
        remarks = await load_remarks(tx, house.tenant, rules.reserved) if tab == "reserved" else ()
    return show(
        f"numbers_{tab}.html",
        request,
        frame,
        "numbers",
        status=status,
        tab=tab,
        form=replace(form, version=form.version or str(stored.version)),
        stored=stored,
        saved=[(one, changes_between(one.before, one.after)) for one in form.changes],
        reserved=[(one, *_shown(one)) for one in rules.reserved],
        remarks=remarks,
        departments=[
            (
                one.group,
                groups[one.group].name if one.group in groups else "",
                written_ranges(one.ranges),
            )
            for one in rules.departments
        ],
        names={id_: shown_name(one) for id_, one in people.items()},
    )


async def _group(tx: Transaction, tenant: int, typed: str, errors: dict[str, str]) -> GroupId:
    """The group of exactly this object ID or name."""
    fitting = await find_groups(tx, tenant, typed)
    if len(fitting) == 1:
        return fitting[0].id
    if not typed:
        errors["whose"] = "Name the group, or give its object ID."
    elif fitting:
        errors["whose"] = f"{len(fitting)} groups are called “{typed}”; give the object ID."
    else:
        errors["whose"] = f"There is no group “{typed}” in what was read of Microsoft 365."
    return GroupId("")


def _shown(one: Reservation) -> tuple[str, str]:
    """By what a reservation is known on the page: its numbers and its person."""
    return written_ranges((one.numbers,)), one.person


ROUTES = [reserved_page, reserve, unreserve, departments_page, give_ranges, take_ranges]
