"""Commands on the administrator's choices about people sync: shown, changed, carried elsewhere.

Keys and values are read by `jackfield.core.choice_text`; whether they can be used says the API, as
it does for everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from jackfield.cli.arguments import DataDir, File, Json, TenantName, Text
from jackfield.cli.asking import asked, good, problem
from jackfield.cli.exits import CommandFailed, Exit
from jackfield.cli.running import usage, with_door
from jackfield.cli.telling import say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from jackfield.cli.door import Door
    from jackfield.core.choice_text import Assignment

    Change = Callable[[Door, Any], Awaitable[None]]
    """Changes the settings document in place."""

settings_commands = App(
    name="settings", help="What people sync does: show the choices, change them."
)
PEOPLE = "/settings/people"
FIELDS = "rules.attributes."
UNUSABLE = 422
SHOWN = 10
"""Entries of a list, or people who would leave, that a person is shown."""
VALUE_WIDTH = 24

Yes = Annotated[bool, Parameter(name="--yes", negative="")]
DryRun = Annotated[bool, Parameter(name="--dry-run", negative="")]


@settings_commands.command(name="show")
def settings_show(
    *keys: str, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """Show what was chosen: key, value, and what the console calls it.

    Example: jackfield settings show rules.scope

    Parameters
    ----------
    keys
        Only these choices, or all that begin so; none: all of them.
    """
    from jackfield.core.choice_text import ChoiceError, places_under
    from jackfield.core.choice_words import LABELS

    try:
        places = [place for key in keys for place in places_under(key)] or list(LABELS)
    except ChoiceError as error:
        return usage(str(error))

    async def work(door: Door) -> int:
        return await show(door, list(dict.fromkeys(places)), json=json)

    return with_door(work, data_dir, tenant=tenant, acts=False)


@settings_commands.command(name="set")
def settings_set(
    *choices: str,
    yes: Yes = False,
    dry_run: DryRun = False,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Change choices: key=value; key+=value and key-=value for an entry of a list.

    People are given by UPN or object ID, groups by name or object ID, several with commas between.
    Says what it changes. A scope that would make many leavers is saved with --yes only.

    Example: jackfield settings set rules.scope.guests=on schedule.nightly_hour=3

    Parameters
    ----------
    choices
        Keys as `jackfield settings show` lists them, or as much of their end as no other has.
    yes
        Save also where many people would fall out of scope, or leavers lose their extension.
    dry_run
        Only say what would change.
    """
    from jackfield.core.choice_text import ChoiceError, parse_assignment

    if not choices:
        return usage("settings set takes at least one key=value; settings show lists the keys.")
    try:
        assignments = [parse_assignment(one) for one in choices]
    except ChoiceError as error:
        return usage(str(error))
    places = [one.place for one in assignments]
    twice = next((one for one in places if places.count(one) > 1), None)
    if twice is not None:
        return usage(f"`{twice}` is given more than once.")

    async def work(door: Door) -> int:
        return await save(door, assigning(assignments), yes=yes, dry_run=dry_run, json=json)

    return with_door(work, data_dir, tenant=tenant, acts=False)


@settings_commands.command(name="try")
def settings_try(
    person: Text,
    *choices: str,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Try rules for fields on a person: what each field would get, and why. Saves nothing.

    Example: jackfield settings try ann@example.org attributes.mobile=businessPhones

    Parameters
    ----------
    person
        UPN or object ID.
    choices
        Keys below rules.attributes with the value to try; what is not named is as it stands.
    """
    from jackfield.core.choice_text import ChoiceError, parse_assignment

    try:
        assignments = [parse_assignment(one) for one in choices]
    except ChoiceError as error:
        return usage(str(error))
    other = next((one.place for one in assignments if not one.place.startswith(FIELDS)), None)
    if other is not None:
        return usage(f"`{other}` is no rule for a field: settings try takes {FIELDS}...")

    async def work(door: Door) -> int:
        return await tell_trial(door, person, assignments, json=json)

    return with_door(work, data_dir, tenant=tenant, acts=False)


@settings_commands.command(name="export")
def settings_export(
    file: File,
    *,
    replace: Annotated[bool, Parameter(negative="")] = False,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Write all choices into a file, for `jackfield settings import` or a repository.

    Example: jackfield settings export choices.json

    Parameters
    ----------
    replace
        Replace a file that stands there.
    """

    async def work(door: Door) -> int:
        return await export(door, file, replace=replace, json=json)

    return with_door(work, data_dir, tenant=tenant, acts=False)


@settings_commands.command(name="import")
def settings_import(
    file: File,
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Put the choices of a file in place of those that stand; says what it changes.

    Example: jackfield settings import choices.json --dry-run

    Parameters
    ----------
    file
        As `jackfield settings export` wrote it.
    yes
        Save also where many people would fall out of scope, or leavers lose their extension.
    dry_run
        Only say what would change.
    """

    async def work(door: Door) -> int:
        return await save(door, replacing(read_document(file)), yes=yes, dry_run=dry_run, json=json)

    return with_door(work, data_dir, tenant=tenant, acts=False)


async def show(door: Door, places: Sequence[str], *, json: bool = False) -> int:
    """Print the choices at these places; as JSON the whole document."""
    stored = await asked(door, "GET", PEOPLE)
    lines = [] if json else await _lines(door, stored["settings"], places)
    say(stored, json, lambda: "\n".join(lines))
    return Exit.DONE


async def tell_trial(
    door: Door, person: str, assignments: Sequence[Assignment], *, json: bool = False
) -> int:
    """Print what the rules lead to for a person, with some of them changed."""
    document = (await asked(door, "GET", PEOPLE))["settings"]
    await assigning(assignments)(door, document)
    body = {"person": person, "attributes": document["rules"]["attributes"]}
    tried = await _usable(door, "POST", f"{PEOPLE}/try", body)
    say(tried, json, lambda: trial_text(tried))
    return Exit.DONE


def trial_text(tried: Any) -> str:
    """What each field would get, and why, for a person."""
    number = f"extension {tried['number']}" if tried["number"] else "an extension to be made"
    lines = [f"{tried['name']}: {number}."]
    for one in tried["fields"]:
        differs = f" (now “{one['now']}”)" if one["now"] != one["value"] else ""
        lines.append(f"  {one['label']}: “{one['value']}”{differs}. {one['because']}")
    return "\n".join([*lines, *([tried["trouble"]] if tried["trouble"] else [])])


async def export(door: Door, file: Path, *, replace: bool, json: bool = False) -> int:
    """Write the choices as they stand into a file."""
    import msgspec

    stored = await asked(door, "GET", PEOPLE)
    content = msgspec.json.format(msgspec.json.encode(stored["settings"])) + b"\n"
    try:
        with file.open("wb" if replace else "xb") as opened:
            opened.write(content)
    except FileExistsError:
        raise CommandFailed(
            f"There is a file {file} already; --replace replaces it.", Exit.USAGE
        ) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise CommandFailed(f"Cannot write {file}: {why}.", Exit.USAGE) from None
    told = {"file": str(file), "version": stored["version"]}
    say(told, json, lambda: f"Version {stored['version']} of the choices is in {file}.")
    return Exit.DONE


def assigning(assignments: Sequence[Assignment]) -> Change:
    """The change that puts values in their places."""

    async def change(door: Door, document: Any) -> None:
        for one in assignments:
            await _assign(door, document, one)

    return change


def replacing(given: Mapping[str, Any]) -> Change:
    """The change that puts another document in the place of the one that stands."""

    async def change(_door: Door, document: Any) -> None:
        document.clear()
        document.update(given)

    return change


async def save(
    door: Door,
    change: Change,
    *,
    yes: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Change the settings document as it stands, say what that changes, and save it.

    Where many people would fall out of scope nothing is saved without `yes`.
    """
    stored = await asked(door, "GET", PEOPLE)
    await change(door, stored["settings"])
    told = await _usable(door, "POST", f"{PEOPLE}/preview", stored)
    leaving = told["leaving"]
    refused = bool(leaving) and not yes
    version = stored["version"]
    saved = bool(told["changes"]) and not (dry_run or refused)
    if saved:
        known = {"leavers": leaving["count"]} if leaving else {}
        version = (await _usable(door, "PUT", PEOPLE, {**stored, **known}))["version"]
    document = {**told, "saved": saved, "version": version}
    enabled = stored["settings"].get("enabled")
    say(document, json, lambda: _changed_text(document, dry_run=dry_run, enabled=bool(enabled)))
    return Exit.REFUSED if refused and not dry_run else Exit.DONE


async def _usable(door: Door, method: str, path: str, body: object) -> Any:
    """What the API answers; a value that it cannot use ends the command as its usage."""
    answer = await door.ask(method, path, body)
    if answer.status == UNUSABLE:
        raise CommandFailed(problem(answer), Exit.USAGE)
    return good(answer)


async def _assign(door: Door, document: Any, one: Assignment) -> None:
    from jackfield.core.choice_text import (
        ChoiceError,
        changed_list,
        names_somebody,
        put_at,
        read_value,
        value_at,
    )

    stands = value_at(document, one.place)
    try:
        value = read_value(one, stands)
        if names_somebody(one.place):
            value = changed_list(one, stands, await _ids(door, one.place, value, stands))
    except ChoiceError as error:
        raise CommandFailed(str(error), Exit.USAGE) from error
    put_at(document, one.place, value)


async def _ids(door: Door, place: str, typed: Sequence[str], stands: Sequence[str]) -> list[str]:
    """Object IDs of whomever was named; one that stands there may be of somebody long gone."""
    from jackfield.cli.naming import find_group, ids_of_people
    from jackfield.core.choice_text import PEOPLE as PEOPLE_LISTS

    new = [one for one in typed if one not in stands]
    try:
        if place in PEOPLE_LISTS:
            found = await ids_of_people(door, new)
        else:
            found = [str((await find_group(door, one))["id"]) for one in new]
    except CommandFailed as error:
        raise CommandFailed(f"`{place}`: {error}", Exit.USAGE) from error
    known = dict(zip(new, found, strict=True))
    return [known.get(one, one) for one in typed]


def read_document(file: Path) -> dict[str, Any]:
    """The choices that a file holds. Raises `CommandFailed` where it holds none."""
    import msgspec

    from jackfield.cli.running import read_file

    try:
        given = msgspec.json.decode(read_file(file), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise CommandFailed(f"Cannot use {file}: {error}.", Exit.USAGE) from None
    # What `settings show --json` prints has the document inside.
    inside = given.get("settings") if given.keys() == {"version", "settings"} else given
    if not isinstance(inside, dict):
        raise CommandFailed(f"Cannot use {file}: it holds no settings.", Exit.USAGE)
    return inside


async def _lines(door: Door, document: Any, places: Sequence[str]) -> list[str]:
    from jackfield.core.choice_text import value_at, written_list, written_value
    from jackfield.core.choice_words import LABELS, VALUES

    names = await _names(door, document, places)
    key_width = max(map(len, places))
    lines = []
    for place in places:
        value = value_at(document, place)
        shown = written_value(place, value)
        if isinstance(value, list):
            entries = [_named(written_value(place, [one]), names) for one in value[:SHOWN]]
            more = f", and {len(value) - SHOWN:,} more" if len(value) > SHOWN else ""
            shown = f"{written_list(entries)}{more}"
        words = VALUES.get(place, {}).get(value) if isinstance(value, str) else None
        called = f"{LABELS[place]}: {words}" if words else LABELS[place]
        line = f"{place.ljust(key_width)}  {(shown or '-').ljust(VALUE_WIDTH)}  {called}"
        lines.append(line.rstrip())
    return lines


async def _names(door: Door, document: Any, places: Sequence[str]) -> Mapping[str, str]:
    """The names of whatever people and groups are shown, by object ID."""
    from jackfield.cli.naming import groups_named, people_named
    from jackfield.core.choice_text import GROUPS, value_at
    from jackfield.core.choice_text import PEOPLE as PEOPLE_LISTS

    people: list[str] = []
    groups: list[str] = []
    for place in places:
        value = value_at(document, place)
        if place in PEOPLE_LISTS:
            people += value[:SHOWN]
        elif place in GROUPS:
            groups += value[:SHOWN]
        elif place == "rules.numbers.departments":
            groups += [one["group"] for one in value[:SHOWN]]
        elif place == "rules.numbers.reserved":
            people += [one["person"] for one in value[:SHOWN] if one["person"]]
    named = await people_named(door, list(dict.fromkeys(people)))
    return {**named, **await groups_named(door, list(dict.fromkeys(groups)))}


def _named(entry: str, names: Mapping[str, str]) -> str:
    """An entry of a list with the names of those whom it names."""
    for id_, name in names.items():
        entry = entry.replace(id_, name)
    return entry


def _changed_text(told: Any, *, dry_run: bool, enabled: bool) -> str:
    lines = [f"{change[:1].upper()}{change[1:]}." for change in told["changes"]]
    leaving = told["leaving"]
    if leaving:
        names = [one["upn"] or one["display_name"] or one["id"] for one in leaving["people"]]
        more = leaving["count"] - len(names[:SHOWN])
        they = "Among them" if more > 0 else "They are"
        lines += [leaving["text"], f"{they}: {', '.join(names[:SHOWN])}."]
    lines += told["remarks"] if told["changes"] else []
    if told["saved"]:
        looks = " The next sync looks at everyone again." if enabled else ""
        return "\n".join([*lines, f"Saved as version {told['version']}.{looks}"])
    if not told["changes"]:
        return "Nothing to change: all of it stands so already."
    if leaving and not dry_run:
        lines.append(
            "Nothing was saved. To look at a plan first, set approve=by_hand as well and run:"
            " jackfield plan people. To save it: --yes."
        )
    else:
        lines.append("Nothing was saved: --dry-run.")
    return "\n".join(lines)
