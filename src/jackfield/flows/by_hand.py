"""Handwork: extensions and departments that an administrator makes, changes and removes.

Goes through the phone port like everything else, is journalled with who did it (before it is
done, and again with what came of it), and shows in the picture at once. People sync may have
another opinion about synced fields: its next run puts them back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar, assert_never

from jackfield.clock import Clock
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
    Link,
)
from jackfield.core.fields import LABELS
from jackfield.core.journal_kinds import LineKind
from jackfield.core.people import ObjectId
from jackfield.flows.made_again import choose_made_again
from jackfield.flows.phones import PhoneReading
from jackfield.pbx.port import (
    DirectoryByHand,
    Done,
    Outcome,
    PhoneSystem,
    PhoneSystemError,
    RefusalCode,
    Refused,
    RemoveExtensionWrite,
    RenameDepartmentWrite,
    Unanswered,
    UpdateExtensionWrite,
)
from jackfield.store.database import Database
from jackfield.store.journal import Line, append_lines
from jackfield.store.links import load_department_links, load_links_of_extensions
from jackfield.store.phone_departments import load_departments
from jackfield.store.phones import load_extensions

T = TypeVar("T")
_NOT_DONE: Mapping[str, tuple[LineKind, LineKind]] = {
    LineKind.EXTENSION_BEGUN: (LineKind.EXTENSION_REFUSED, LineKind.EXTENSION_UNANSWERED),
    LineKind.DEPARTMENT_BEGUN: (LineKind.DEPARTMENT_REFUSED, LineKind.DEPARTMENT_UNANSWERED),
}
"""What became of a beginning that the phone system refused, and of one it did not answer."""
PhoneByHand = Callable[[int], DirectoryByHand | None]
"""A tenant's phone system where extensions can be made from here; None where it has its own
console.
"""


class Reason(StrEnum):
    """Why something cannot be done by hand; says what the person can do about it."""

    UNKNOWN = "unknown"
    """There is no such extension or department (any more): look again."""
    UNUSABLE = "unusable"
    """A value cannot be used: give another one."""
    CONFLICT = "conflict"
    """What stands there is in the way: look at it first."""
    UNREACHABLE = "unreachable"
    """The phone system does not answer: again later."""


class HandRefused(Exception):
    """It was not done (`UNREACHABLE`: perhaps it was); the text says why."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Member:
    """An extension as it stands, and whose it is."""

    extension: Extension
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A department as it stands, and the group that it follows."""

    department: Department
    link: DepartmentLink | None = None


class PhonesByHand:
    """Handwork in the phone systems of all tenants. Every verb raises `HandRefused`."""

    def __init__(
        self,
        database: Database,
        phone_of: Callable[[int], PhoneSystem],
        by_hand: PhoneByHand,
        reading: PhoneReading,
        clock: Clock,
    ) -> None:
        self._database = database
        self._phone_of = phone_of
        self._by_hand = by_hand
        self._reading = reading
        self._clock = clock

    # --- extensions

    async def extension(self, tenant: int, key: str) -> Member:
        """An extension as it stands in the phone system now."""
        await self._read(tenant)
        async with self._database.read() as tx:
            known = ExtensionKey(key)
            found = (await load_extensions(tx, tenant, [known])).get(known)
            links = await load_links_of_extensions(tx, tenant, [known])
        if found is None:
            raise HandRefused(Reason.UNKNOWN, f"There is no extension with the key {key}.")
        return Member(found, links.get(known))

    async def create_extension(
        self,
        tenant: int,
        number: str,
        fields: ExtensionFields,
        departments: Sequence[str] = (),
        primary: str | None = None,
        *,
        by: str,
    ) -> Member:
        """A new extension; it is nobody's until a sync finds its person by the address."""
        phone = self._makes(tenant)
        await self._check_departments(tenant, [*departments, *([primary] if primary else ())])
        name = f"{fields.first_name} {fields.last_name}".strip()
        async with self._begun(
            tenant, Line(LineKind.EXTENSION_BEGUN, f"make extension {number}", name=name, by=by)
        ):
            outcome = await _asked(
                phone.create_extension(
                    ExtensionNumber(number),
                    fields,
                    tuple(DepartmentKey(one) for one in departments),
                    DepartmentKey(primary) if primary else None,
                )
            )
            extension = _extension(outcome)
        text = f"Extension {number} made by hand."
        line = Line(
            LineKind.EXTENSION_MADE, text, subject=extension.key, name=_name(extension), by=by
        )
        await self._note(tenant, line)
        return Member(extension)

    async def update_extension(
        self,
        tenant: int,
        key: str,
        changes: Mapping[Field, str],
        *,
        enabled: bool | None = None,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        primary: str | None = None,
        by: str,
    ) -> Member:
        """Change an extension as it stands; what stands so already is no change."""
        standing = await self.extension(tenant, key)
        before = standing.extension
        await self._check_departments(tenant, [*add, *remove, *([primary] if primary else ())])
        write = UpdateExtensionWrite(
            before.key,
            changes=changes,
            expected={field: getattr(before.fields, field) for field in changes},
            add_departments=tuple(DepartmentKey(one) for one in add),
            remove_departments=tuple(DepartmentKey(one) for one in remove),
            primary=DepartmentKey(primary) if primary else None,
            enabled=enabled,
        )
        async with self._database.read() as tx:
            departments = await load_departments(tx, tenant)
        wished = _differences(before, _as_asked(before, write), departments)
        deed = f"change extension {before.number}: {'; '.join(wished)}"
        async with self._begun(
            tenant, _about(standing, LineKind.EXTENSION_BEGUN, deed, by), when=bool(wished)
        ):
            (outcome,) = await _asked(self._phone_of(tenant).write([write]))
            extension = _extension(outcome)
        if extension != before:
            deeds = "; ".join(_differences(before, extension, departments))
            text = f"Extension {extension.number} changed by hand: {deeds}."
            await self._note(tenant, _about(standing, LineKind.EXTENSION_CHANGED, text, by))
        elif wished:
            text = f"Extension {extension.number} stays as it was: the phone system left it so."
            await self._note(tenant, _about(standing, LineKind.EXTENSION_UNCHANGED, text, by))
        return Member(extension, standing.link)

    async def remove_extension(
        self, tenant: int, key: str, *, by: str, not_again: bool = False
    ) -> None:
        """Remove an extension. A synced person's comes back with the next sync.

        With `not_again` it stays away from its person, until that is chosen otherwise: chosen
        before anything is removed, so that no sync in between makes it again, and taken back where
        the phone system refuses.
        """
        standing = await self.extension(tenant, key)
        extension = standing.extension
        write = RemoveExtensionWrite(extension.key, extension.number)
        deed = f"remove extension {extension.number}"
        person = standing.link.person if not_again and standing.link is not None else None
        chosen = person is not None and await self._choose(tenant, person, again=False, by=by)
        try:
            async with self._begun(tenant, _about(standing, LineKind.EXTENSION_BEGUN, deed, by)):
                (outcome,) = await _asked(self._phone_of(tenant).write([write]))
                _done(outcome)
        except HandRefused as refused:
            # Where nobody answered it may be removed all the same.
            if chosen and person is not None and refused.reason is not Reason.UNREACHABLE:
                await self._choose(tenant, person, again=True, by=by)
            raise
        text = f"Extension {extension.number} removed by hand."
        await self._note(tenant, _about(standing, LineKind.EXTENSION_REMOVED, text, by))

    # --- departments

    async def department(self, tenant: int, key: str) -> Unit:
        """A department as it stands in the phone system now."""
        await self._read(tenant)
        async with self._database.read() as tx:
            found = (await load_departments(tx, tenant)).get(DepartmentKey(key))
            links = await load_department_links(tx, tenant)
        if found is None:
            raise HandRefused(Reason.UNKNOWN, f"There is no department with the key {key}.")
        link = next((one for one in links.values() if one.key == found.key), None)
        return Unit(found, link)

    async def create_department(self, tenant: int, name: str, *, by: str) -> Unit:
        """A new department; no group is ever bound to it."""
        name = name.strip()
        phone = self._makes(tenant)
        begun = Line(LineKind.DEPARTMENT_BEGUN, f"make department {name}", name=name, by=by)
        async with self._begun(tenant, begun):
            department = _department(await _asked(phone.create_department(name)))
        text = f"Department {name} made by hand."
        await self._note(
            tenant, Line(LineKind.DEPARTMENT_MADE, text, subject=department.key, name=name, by=by)
        )
        return Unit(department)

    async def rename_department(self, tenant: int, key: str, name: str, *, by: str) -> Unit:
        """Rename a department; from then on it no longer follows its group's name."""
        name = name.strip()
        standing = await self.department(tenant, key)
        before = standing.department
        write = RenameDepartmentWrite(before.key, name, before.name)
        deed = f"rename department {before.name} to {name}"
        begun = Line(LineKind.DEPARTMENT_BEGUN, deed, subject=_subject(standing), name=name, by=by)
        async with self._begun(tenant, begun, when=before.name != name):
            (outcome,) = await _asked(self._phone_of(tenant).write([write]))
            department = _department(outcome)
        if department != before:
            text = f"Department {before.name} renamed to {name} by hand."
            line = Line(
                LineKind.DEPARTMENT_RENAMED, text, subject=_subject(standing), name=name, by=by
            )
            await self._note(tenant, line)
        return Unit(department, standing.link)

    async def remove_department(self, tenant: int, key: str, *, by: str) -> None:
        """Remove a department without members; one whose group is selected comes back."""
        phone = self._makes(tenant)
        standing = await self.department(tenant, key)
        name = standing.department.name
        deed = f"remove department {name}"
        begun = Line(LineKind.DEPARTMENT_BEGUN, deed, subject=_subject(standing), name=name, by=by)
        async with self._begun(tenant, begun):
            _done(await _asked(phone.remove_department(standing.department.key)))
        text = f"Department {name} removed by hand."
        line = Line(LineKind.DEPARTMENT_REMOVED, text, subject=_subject(standing), name=name, by=by)
        await self._note(tenant, line)

    # --- small parts

    def _makes(self, tenant: int) -> DirectoryByHand:
        phone = self._by_hand(tenant)
        if phone is None:
            name = self._phone_of(tenant).capabilities.name
            raise HandRefused(
                Reason.CONFLICT,
                f"Extensions and departments of {name} are made and removed in its own console.",
            )
        return phone

    async def _choose(self, tenant: int, person: ObjectId, *, again: bool, by: str) -> bool:
        return await choose_made_again(
            self._database, self._clock, tenant, person, again=again, by=by
        )

    async def _check_departments(self, tenant: int, keys: Iterable[str]) -> None:
        async with self._database.read() as tx:
            known = await load_departments(tx, tenant)
        if unknown := sorted({DepartmentKey(key) for key in keys} - known.keys()):
            raise HandRefused(
                Reason.UNUSABLE, f"There is no department with the key {', '.join(unknown)}."
            )

    @asynccontextmanager
    async def _begun(self, tenant: int, line: Line, *, when: bool = True) -> AsyncIterator[None]:
        """Journal who begins what before it is done, and why, if it was not done.

        A process that dies in between leaves the beginning, so that no change is nobody's.
        `line` has as its text what is to be done.
        """
        if when:
            await self._write(tenant, replace(line, text=f"Begins by hand to {line.text}."))
        try:
            yield
        except HandRefused as refused:
            if when:
                silent = refused.reason is Reason.UNREACHABLE
                kind = _NOT_DONE[line.kind][silent]
                known = (
                    "It is not known whether it was done by hand" if silent else "Not done by hand"
                )
                text = f"{known}: to {line.text}. {refused}"
                await self._write(tenant, replace(line, kind=kind, text=text))
            raise

    async def _note(self, tenant: int, line: Line) -> None:
        await self._write(tenant, line)
        await self._read(tenant)

    async def _write(self, tenant: int, line: Line) -> None:
        async with self._database.write() as tx:
            await append_lines(tx, tenant, [line], now=self._clock.now())

    async def _read(self, tenant: int) -> None:
        await _asked(self._reading.read(tenant, everything=False))


def _name(extension: Extension) -> str:
    return f"{extension.fields.first_name} {extension.fields.last_name}".strip()


def _about(member: Member, kind: LineKind, text: str, by: str) -> Line:
    """A line of a person's history, where the extension is somebody's."""
    subject = member.link.person if member.link else member.extension.key
    return Line(kind, text, subject=subject, name=_name(member.extension), by=by)


def _subject(unit: Unit) -> str:
    return unit.link.group if unit.link else unit.department.key


def _as_asked(before: Extension, write: UpdateExtensionWrite) -> Extension:
    """The extension as it is if the write changes what it asks for and nothing else."""
    joined = {*before.departments, *write.add_departments} - {*write.remove_departments}
    return replace(
        before,
        fields=replace(before.fields, **{field.value: new for field, new in write.changes.items()}),
        departments=tuple(sorted(joined)),
        primary=write.primary or before.primary,
        enabled=before.enabled if write.enabled is None else write.enabled,
    )


def _differences(
    before: Extension, after: Extension, departments: Mapping[DepartmentKey, Department]
) -> list[str]:
    def named(keys: Iterable[DepartmentKey]) -> str:
        return ", ".join(
            f"“{departments[key].name}”" if key in departments else key for key in keys
        )

    deeds = [
        f"{LABELS[field].lower()} from “{old}” to “{new}”"
        for field in Field
        if (old := getattr(before.fields, field)) != (new := getattr(after.fields, field))
    ]
    if joined := [key for key in after.departments if key not in before.departments]:
        deeds.append(f"joins {named(joined)}")
    if left := [key for key in before.departments if key not in after.departments]:
        deeds.append(f"leaves {named(left)}")
    if after.primary != before.primary:
        deeds.append(f"primary department {named([after.primary]) if after.primary else 'none'}")
    if after.enabled != before.enabled:
        deeds.append("enabled" if after.enabled else "disabled")
    return deeds


async def _asked(asking: Awaitable[T]) -> T:
    try:
        return await asking
    except PhoneSystemError as error:
        raise HandRefused(
            Reason.UNREACHABLE, f"The phone system cannot be used: {str(error).rstrip('.')}."
        ) from error


def _done(outcome: Outcome) -> Done:
    match outcome:
        case Done():
            return outcome
        case Refused(code=RefusalCode.NOT_FOUND):
            raise HandRefused(Reason.UNKNOWN, outcome.text)
        case Refused(code=RefusalCode.NUMBER_INVALID | RefusalCode.VALUE_INVALID):
            raise HandRefused(Reason.UNUSABLE, outcome.text)
        case Refused():
            raise HandRefused(Reason.CONFLICT, outcome.text)
        case Unanswered():
            raise HandRefused(
                Reason.UNREACHABLE,
                "The phone system did not answer; look whether it was done, then try again.",
            )
        case _:
            assert_never(outcome)


def _extension(outcome: Outcome) -> Extension:
    done = _done(outcome)
    assert done.extension is not None  # noqa: S101 - the port's promise
    return done.extension


def _department(outcome: Outcome) -> Department:
    done = _done(outcome)
    assert done.department is not None  # noqa: S101 - the port's promise
    return done.department
