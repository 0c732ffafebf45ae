"""The administrator's choices over the API: the whole document out, the whole document in.

Nothing is taken for a default in silence: a missing field is as wrong as an unknown one. What a
choice means is decided in `core`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
from litestar import Request, get, post, put
from litestar.exceptions import NotFoundException
from litestar.params import JSONBody

from jackfield.core.attributes import AttributeRules, AttributesError, check_attributes
from jackfield.core.callerid import CountryError, parse_country
from jackfield.core.departments import explain_departments
from jackfield.core.fields import shown_name
from jackfield.core.number_pools import (
    LONGEST_NOTE,
    MOST_RESERVED,
    NumberRules,
    check_number_rules,
)
from jackfield.core.number_remarks import rule_remarks
from jackfield.core.numbering import NumberingError, NumberRange, parse_start
from jackfield.core.people import (
    MOST_CHOSEN_GROUPS,
    MOST_CHOSEN_PEOPLE,
    GroupId,
    ObjectId,
    is_object_id,
)
from jackfield.core.rules import (
    PeopleRules,
    RulesError,
    check_guards,
    check_remove_after,
    missing_choices,
)
from jackfield.core.schedule import ScheduleError, check_schedule
from jackfield.core.scope_change import Leaving
from jackfield.flows.scope_changes import check_leavers, foresee_leavers
from jackfield.store.errors import VersionMoved
from jackfield.store.groups import load_groups
from jackfield.store.people import load_people
from jackfield.store.settings import (
    PeopleSettings,
    decode_strictly,
    load_people_settings,
    save_people_settings,
    tell_differences,
)
from jackfield.web.api.asking import Caller
from jackfield.web.api.people_shapes import (
    ExplainedOut,
    LeaverOut,
    LeavingOut,
    SettingsIn,
    SettingsOut,
    SettingsPreviewOut,
    TrialIn,
    TrialOut,
    TriedOut,
)
from jackfield.web.api.refusals import Unreadable, Unusable, in_place, told
from jackfield.web.rooms import House, Rooms

LEAVERS_NAMED = 100
"""How many people a preview names who would fall out of scope."""


@get("/settings/people", summary="What the administrator chose about people sync", responses=told())
async def people_settings(house: House) -> SettingsOut:
    async with house.database.read() as tx:
        stored = await load_people_settings(tx, house.tenant)
    return SettingsOut(stored.version, stored.value)


@put(
    "/settings/people",
    summary="Choose what people sync does",
    responses=told(403, 409, 422),
)
async def save_settings(
    house: House, caller: Caller, request: Request[Any, Any, Any], data: JSONBody[SettingsIn]
) -> SettingsOut:
    """Takes the document as `GET` gives it, changed; 409 where somebody else was faster.

    409 too where the scope would make more leavers than the guards' figures, or another policy for
    leavers would take so many extensions at once, unless `leavers` says
    that you know how many.
    """
    _check_whole(await request.body(), data)
    wanted = usable(data.settings, house.planning.limits(house.tenant).ranges)
    async with house.database.read() as tx:
        stored = await load_people_settings(tx, house.tenant)
    if stored.version == data.version:
        # Else somebody else was faster, which is said below and comes first.
        await check_leavers(
            house.database,
            house.tenant,
            stored.value.rules,
            wanted.rules,
            known=data.leavers,
            now=house.clock.now(),
        )
    async with house.database.write() as tx:
        stored = await save_people_settings(
            tx,
            house.tenant,
            wanted,
            expected_version=data.version,
            by=caller.name,
            now=house.clock.now(),
        )
    return SettingsOut(stored.version, stored.value)


@post(
    "/settings/people/preview",
    summary="See what saving these choices would change",
    status_code=200,
    responses=told(403, 409, 422),
)
async def preview_settings(
    house: House, request: Request[Any, Any, Any], data: JSONBody[SettingsIn]
) -> SettingsPreviewOut:
    """Takes what `PUT` takes, refuses what it would refuse, and saves nothing.

    Many leavers are told of instead of refused.
    """
    _check_whole(await request.body(), data)
    ranges = house.planning.limits(house.tenant).ranges
    wanted = usable(data.settings, ranges)
    async with house.database.read() as tx:
        stored = await load_people_settings(tx, house.tenant)
        changes = await tell_differences(tx, house.tenant, stored.value, wanted)
    if stored.version != data.version:
        raise VersionMoved(
            f"The settings are at version {stored.version}, no longer at {data.version}. Read them"
            " again, then change what stands now."
        )
    leaving = await foresee_leavers(
        house.database, house.tenant, stored.value.rules, wanted.rules, now=house.clock.now()
    )
    remarks = rule_remarks(wanted.rules.numbers, ranges)
    return SettingsPreviewOut(
        list(changes),
        None if leaving is None else await _leaving_out(house, leaving),
        list(remarks),
    )


async def _leaving_out(house: Rooms, leaving: Leaving) -> LeavingOut:
    async with house.database.read() as tx:
        known = await load_people(tx, house.tenant, leaving.people)
    by_name = sorted(known.values(), key=lambda one: (shown_name(one).casefold(), one.id))
    people = [LeaverOut(one.id, one.upn, one.display_name) for one in by_name[:LEAVERS_NAMED]]
    return LeavingOut(leaving.count, leaving.linked, leaving.text, people)


@get(
    "/settings/people/explained",
    summary="What the choices lead to, in sentences",
    responses=told(),
)
async def explained(house: House) -> ExplainedOut:
    """Which groups become departments, and which is a person's primary one."""
    async with house.database.read() as tx:
        rules = (await load_people_settings(tx, house.tenant)).value.rules
        asked = sorted({*rules.departments.groups, *rules.scope.selected_groups})
        groups = await load_groups(tx, house.tenant, asked)
    return ExplainedOut(list(explain_departments(rules.departments, rules.scope, groups)))


@post(
    "/settings/people/try",
    summary="Try rules of attributes on a person",
    status_code=200,
    responses=told(403, 404, 422),
)
async def try_rules(
    house: House, request: Request[Any, Any, Any], data: JSONBody[TrialIn]
) -> TrialOut:
    """Field by field what Microsoft 365 has, what the extension would get, and why."""
    _check_whole(await request.body(), data)
    trial = await house.trials.try_on(
        house.tenant, data.person, _attributes(data.attributes, "attributes")
    )
    if trial is None:
        raise NotFoundException(
            f"There is no person {data.person!r} in what was read of Microsoft 365 so far."
        )
    fields = [
        TriedOut(one.field, one.label, one.attribute, one.given, one.stands, one.value, one.because)
        for one in trial.fields
    ]
    return TrialOut(trial.person, trial.name, trial.number, fields, trial.trouble)


def usable(settings: PeopleSettings, ranges: tuple[NumberRange, ...]) -> PeopleSettings:
    """The settings as they are to be stored. Raises `Unusable` for the first that cannot be."""
    try:
        check_schedule(settings.schedule)
    except ScheduleError as error:
        raise Unusable(f"In `settings.schedule`: {error}") from error
    rules = settings.rules
    try:
        start = parse_start(rules.numbers.start or "", ranges)
    except NumberingError as error:
        raise Unusable(f"In `settings.rules.numbers.start`: {error}") from error
    try:
        check_guards(rules.guards)
        check_remove_after(rules.remove_after)
    except RulesError as error:
        raise Unusable(f"In `settings.rules.{error.place}`: {error}") from error
    numbers = replace(_numbers(rules.numbers), start=start)
    try:
        check_number_rules(numbers, ranges)
    except NumberingError as error:
        raise Unusable(f"In `settings.rules.numbers`: {error}") from error
    people = _ids("scope.selected_users", rules.scope.selected_users, MOST_CHOSEN_PEOPLE)
    chosen = _ids("scope.selected_groups", rules.scope.selected_groups, MOST_CHOSEN_GROUPS)
    scope = replace(
        rules.scope,
        selected_users=frozenset(map(ObjectId, people)),
        selected_groups=tuple(map(GroupId, chosen)),
    )
    departments = replace(
        rules.departments,
        groups=tuple(
            map(GroupId, _ids("departments.groups", rules.departments.groups, MOST_CHOSEN_GROUPS))
        ),
    )
    not_recreated = _ids("not_recreated", rules.not_recreated, MOST_CHOSEN_PEOPLE)
    rules = replace(
        rules,
        numbers=numbers,
        scope=scope,
        departments=departments,
        not_recreated=frozenset(map(ObjectId, not_recreated)),
        attributes=_attributes(rules.attributes, "settings.rules.attributes"),
    )
    _check_not_empty(rules)
    return replace(settings, rules=rules)


def _numbers(rules: NumberRules) -> NumberRules:
    """The number rules with their object IDs in lower case."""
    if len(rules.reserved) > MOST_RESERVED:
        raise Unusable(
            f"`settings.rules.numbers.reserved` has {len(rules.reserved):,} entries; at most"
            f" {MOST_RESERVED:,}."
        )
    _ids("numbers.departments", [one.group for one in rules.departments], MOST_CHOSEN_GROUPS)
    for place, one in enumerate(rules.reserved):
        if len(one.note.strip()) > LONGEST_NOTE:
            raise Unusable(
                f"`settings.rules.numbers.reserved[{place}].note` has {len(one.note.strip()):,}"
                f" characters; at most {LONGEST_NOTE}."
            )
    persons = [one.person for one in rules.reserved if one.person]
    _ids("numbers.reserved", persons, MOST_RESERVED)
    return replace(
        rules,
        departments=tuple(
            replace(one, group=GroupId(one.group.strip().lower())) for one in rules.departments
        ),
        reserved=tuple(
            replace(one, person=ObjectId(one.person.strip().lower()), note=one.note.strip())
            for one in rules.reserved
        ),
    )


def _attributes(rules: AttributeRules, place: str) -> AttributeRules:
    """The rules as they are to be used, which stand at that place of the body."""
    try:
        check_attributes(rules)
    except AttributesError as error:
        raise Unusable(f"In `{place}.{error.rule}`: {error}") from error
    try:
        return replace(rules, default_country=parse_country(rules.default_country))
    except CountryError as error:
        raise Unusable(f"In `{place}.default_country`: {error}") from error


def _check_whole(body: bytes, data: SettingsIn | TrialIn) -> None:
    """The framework has converted what it could, and dropped what it did not know: look again.

    Only beside the document may something be left out.
    """
    try:
        decode_strictly(body, type(data))
    except msgspec.ValidationError as error:
        raise Unreadable(in_place(str(error))) from error
    optional = {one.name for one in msgspec.structs.fields(data) if not one.required}
    kept = {name: part for name, part in msgspec.to_builtins(data).items() if name not in optional}
    missing = next(_missing(msgspec.json.decode(body), kept, ""), None)
    if missing is not None:
        raise Unreadable(
            f"The body's `{missing}` is missing: send the whole document as GET gives it, with what"
            " you want to change."
        )


def _missing(came: Any, kept: Any, place: str) -> Iterator[str]:
    if isinstance(came, dict) and isinstance(kept, dict):
        for name, part in kept.items():
            if name not in came:
                yield f"{place}{name}"
            else:
                yield from _missing(came[name], part, f"{place}{name}.")


def _check_not_empty(rules: PeopleRules) -> None:
    for error in missing_choices(rules):
        raise Unusable(f"In `settings.rules.{error.place}`: {error}")


def _ids(place: str, given: Iterable[str], most: int) -> tuple[str, ...]:
    """Object IDs in lower case, each once, in their order."""
    ids = tuple(dict.fromkeys(one.strip().lower() for one in given))
    if len(ids) > most:
        raise Unusable(f"`settings.rules.{place}` has {len(ids):,} entries; at most {most:,}.")
    for one in ids:
        if not is_object_id(one):
            raise Unusable(
                f"`settings.rules.{place}` holds “{one[:60]}”, which is no object ID (a GUID)."
            )
    return ids


ROUTES = (people_settings, save_settings, preview_settings, explained, try_rules)
