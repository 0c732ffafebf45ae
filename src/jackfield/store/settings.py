"""The administrator's choices.

One document per tenant and name, with a version, changed by compare-and-set.

A document is read strictly: an unknown key, a wrong type or an impossible value is an error that
names its place. Every change leaves a journal line with what stood before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import Table, bindparam, select, update

from jackfield.core.choice_words import changes_told, mentioned
from jackfield.core.fields import shown_name
from jackfield.core.journal_kinds import LineKind
from jackfield.core.people import GroupId, ObjectId
from jackfield.core.rules import PeopleRules, check_remove_after
from jackfield.core.schedule import ScheduleRules, check_schedule
from jackfield.store.errors import BrokenDocument, VersionMoved
from jackfield.store.groups import load_groups
from jackfield.store.journal import JournalFilter, Line, append_lines, load_lines
from jackfield.store.people import load_people
from jackfield.store.schema import OF_TENANT, key, metadata, moment, number, tenant_key, text
from jackfield.store.sequences import next_change
from jackfield.store.transaction import Transaction

settings = Table(
    "settings",
    metadata,
    tenant_key(),
    key("name"),
    text("document"),
    number("version"),
    moment("changed_at"),
    text("changed_by"),
    number("changed_seq"),
)

T = TypeVar("T")

_DOCUMENT = select(
    settings.c.document, settings.c.version, settings.c.changed_at, settings.c.changed_by
).where(settings.c.tenant == OF_TENANT, settings.c.name == bindparam("of_name"))


class Approval(StrEnum):
    """Whether a plan is carried out as soon as it is made."""

    AUTOMATIC = "automatic"
    """At once; what a guard holds back waits for an administrator all the same."""
    BY_HAND = "by_hand"


MOST_TOLD = 10
"""How many changed choices a line names; all of them stand in its data."""
SAVINGS_TOLD = 3
"""How many savings a refusal tells of."""
CHANGES_REMEMBERED = 50
"""How many savings back somebody who opened a form long ago is still told of."""


@dataclass(frozen=True, slots=True)
class PeopleSettings:
    """What an administrator chose about people sync."""

    enabled: bool = False
    rules: PeopleRules = PeopleRules()
    schedule: ScheduleRules = field(default_factory=ScheduleRules)
    approve: Approval = Approval.AUTOMATIC
    photos: bool = True
    """People's photos become the avatars of their extensions."""


@dataclass(frozen=True, slots=True)
class Stored(Generic[T]):
    """A document as it stands. Version 0 = never saved: the defaults."""

    value: T
    version: int = 0
    changed_at: datetime | None = None
    changed_by: str = ""


async def load_people_settings(tx: Transaction, tenant: int) -> Stored[PeopleSettings]:
    """People sync's settings; the defaults before they are first saved. Raises `BrokenDocument`."""
    return await load_document(tx, tenant, "people", PeopleSettings, check=_check_people)


@dataclass(frozen=True, slots=True)
class Change:
    """One saving of people sync's settings."""

    at: datetime
    by: str
    before: PeopleSettings
    after: PeopleSettings


async def load_people_changes(tx: Transaction, tenant: int, since: int) -> tuple[Change, ...]:
    """What was saved after version `since`, the oldest first.

    () where the journal does not have all of it (any more), or has it in a shape of the past.
    """
    changes: list[Change] = []
    expected: int | None = None
    page = await load_lines(
        tx, tenant, JournalFilter(kind=LineKind.SETTINGS_CHANGED), limit=CHANGES_REMEMBERED
    )
    for line in page.lines:
        if line.name != "people":
            continue
        version = line.data.get("version")
        if version is None or version != (expected or version):
            return ()
        try:
            before, after = (
                msgspec.convert(line.data[side], PeopleSettings) for side in ("before", "after")
            )
        except msgspec.ValidationError:
            return ()
        changes.append(Change(line.at, line.by, before, after))
        expected = version - 1
        if expected == since:
            return tuple(reversed(changes))
    return ()


async def save_people_settings(
    tx: Transaction,
    tenant: int,
    value: PeopleSettings,
    *,
    expected_version: int,
    by: str,
    now: datetime,
) -> Stored[PeopleSettings]:
    """Save them, if nobody else has meanwhile (`VersionMoved`).

    Raises `ValueError` for values that cannot be kept.
    """
    _check_people(value)
    return await save_document(
        tx, tenant, "people", value, expected_version=expected_version, by=by, now=now
    )


async def tell_differences(
    tx: Transaction, tenant: int, before: PeopleSettings, after: PeopleSettings
) -> tuple[str, ...]:
    """Each choice that differs, with both values, people and groups by name: as in the journal."""
    return await _differences(tx, tenant, _as_document(before), _as_document(after))


async def load_document(
    tx: Transaction,
    tenant: int,
    name: str,
    shape: type[T],
    *,
    check: Callable[[T], None] = lambda _value: None,
) -> Stored[T]:
    """A document as a value of `shape`; `shape()` before it is first saved.

    Raises `BrokenDocument`.
    """
    row = await tx.row(_DOCUMENT, {"of_tenant": tenant, "of_name": name})
    if row is None:
        return Stored(shape())
    try:
        value = decode_strictly(row.document, shape)
        check(value)
    except (msgspec.DecodeError, ValueError) as error:
        raise BrokenDocument(
            f"The settings {name!r} of tenant {tenant} (version {row.version}, by "
            f"{row.changed_by or 'Jackfield'}) cannot be read: {error}",
            row.version,
        ) from error
    return Stored(value, row.version, row.changed_at, row.changed_by)


async def save_document(
    tx: Transaction,
    tenant: int,
    name: str,
    value: T,
    *,
    expected_version: int,
    by: str,
    now: datetime,
) -> Stored[T]:
    """Save a document and a journal line about it.

    Raises `VersionMoved` when somebody else was faster.
    """
    changed = await next_change(tx, tenant)
    c = settings.c
    before = await tx.scalar(_DOCUMENT, {"of_tenant": tenant, "of_name": name})
    document = msgspec.json.encode(value, order="deterministic").decode()
    values = {
        "document": document,
        "version": expected_version + 1,
        "changed_at": now,
        "changed_by": by,
        "changed_seq": changed,
    }
    if expected_version == 0:
        statement = tx.insert(settings).values(tenant=tenant, name=name, **values)
        statement = statement.on_conflict_do_nothing()
    else:
        statement = (
            update(settings)
            .where(c.tenant == tenant, c.name == name, c.version == expected_version)
            .values(**values)
        )
    if await tx.run(statement) != 1:
        raise VersionMoved(
            f"The settings {name!r} of tenant {tenant} are no longer at version {expected_version}."
            f"{await _meanwhile(tx, tenant, name, expected_version)} Read them again, then change"
            " what stands now."
        )
    old = _before(before, value)
    new = msgspec.json.decode(document)
    await append_lines(
        tx,
        tenant,
        [
            Line(
                kind=LineKind.SETTINGS_CHANGED,
                name=name,
                by=by,
                text=await _sentence(tx, tenant, name, old, new),
                data={"before": old, "after": new, "version": expected_version + 1},
            )
        ],
        now=now,
    )
    return Stored(value, expected_version + 1, now, by)


def decode_strictly(document: str | bytes, shape: type[T]) -> T:
    """JSON as a value of `shape`; unknown keys are errors, at any depth."""
    value = msgspec.json.decode(document, type=shape)
    # msgspec drops unknown keys of dataclasses in silence: compare what it kept with what came.
    kept = msgspec.to_builtins(value)
    unknown = next(_unknown(msgspec.json.decode(document), kept, "$"), None)
    if unknown is not None:
        raise msgspec.ValidationError(f"Object contains unknown field - at `{unknown}`")
    return value


def _check_people(value: PeopleSettings) -> None:
    check_schedule(value.schedule)
    check_remove_after(value.rules.remove_after)


def _unknown(came: Any, kept: Any, place: str) -> Any:
    if isinstance(came, dict) and isinstance(kept, dict):
        for name, part in came.items():
            if name not in kept:
                yield f"{place}.{name}"
            else:
                yield from _unknown(part, kept[name], f"{place}.{name}")
    elif isinstance(came, list) and isinstance(kept, list | tuple):
        for index, (part, known) in enumerate(zip(came, kept, strict=False)):
            yield from _unknown(part, known, f"{place}[{index}]")


async def _meanwhile(tx: Transaction, tenant: int, name: str, since: int) -> str:
    """Who saved what after a version, as far as the journal has it, the newest first."""
    which = JournalFilter(kind=LineKind.SETTINGS_CHANGED)
    page = await load_lines(tx, tenant, which, limit=SAVINGS_TOLD)
    return "".join(
        f" {line.at:%Y-%m-%d %H:%M:%S} UTC, {line.by or 'Jackfield'}: {line.text}"
        for line in page.lines
        if line.name == name and line.data.get("version", 0) > since
    )


def _before(document: str | None, value: Any) -> Any:
    if document is None:
        return _as_document(type(value)())
    try:
        return msgspec.json.decode(document)
    except msgspec.DecodeError:
        return document


async def _sentence(tx: Transaction, tenant: int, name: str, old: Any, new: Any) -> str:
    if not isinstance(old, dict):
        return f"The {name} settings could not be read and were replaced."
    told = await _differences(tx, tenant, old, new)
    if not told:
        return f"The {name} settings were saved without a change."
    more = f"; and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
    return f"The {name} settings were changed: {'; '.join(told[:MOST_TOLD])}{more}."


async def _differences(tx: Transaction, tenant: int, old: Any, new: Any) -> tuple[str, ...]:
    ids = sorted(mentioned(old, new))
    people = await load_people(tx, tenant, list(map(ObjectId, ids)))
    groups = await load_groups(tx, tenant, list(map(GroupId, ids)))
    names = {id_: group.name for id_, group in groups.items()}
    return changes_told(old, new, names | {id_: shown_name(one) for id_, one in people.items()})


def _as_document(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value, order="deterministic"))
