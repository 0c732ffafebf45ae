"""What an administrator does in the phone system by hand: make, change and remove extensions and
departments.

Goes through the phone port like everything else, is journalled with who did it, and shows in the
picture at once. People sync may have another opinion about synced fields: its next run puts them
back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from jackfield.clock import Clock
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
)
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
    UpdateExtensionWrite,
)
from jackfield.store.database import Database
from jackfield.store.journal import Line, append_lines
from jackfield.store.phones import load_departments, load_extensions

T = TypeVar("T")
PhoneByHand = Callable[[int], DirectoryByHand | None]
"""A tenant's phone system where extensions can be made from here; None where it has its own
console.
"""


class HandRefused(Exception):
    """The phone system would not do it; the text says why."""

    def __init__(self, text: str, *, unknown: bool = False) -> None:
        super().__init__(text)
        self.unknown = unknown
        """There is no such extension or department."""


class PhonesByHand:
    """Handwork in the phone systems of all tenants."""

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

    async def create_extension(
        self,
        tenant: int,
        number: str,
        fields: ExtensionFields,
        departments: Sequence[str] = (),
        primary: str | None = None,
        *,
        by: str,
    ) -> Extension:
        """A new extension. Raises `HandRefused`."""
        phone = self._makes(tenant)
        outcome = await _asked(
            phone.create_extension(
                ExtensionNumber(number),
                fields,
                tuple(DepartmentKey(one) for one in departments),
                DepartmentKey(primary) if primary else None,
            )
        )
        extension = _extension(outcome)
        await self._note(
            tenant, "extension.made", f"Extension {number} made by hand", extension.key, by
        )
        return extension

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
    ) -> Extension:
        """Change an extension as it stands. Raises `HandRefused`."""
        standing = await self._standing(tenant, key)
        write = UpdateExtensionWrite(
            standing.key,
            changes=changes,
            expected={field: getattr(standing.fields, field) for field in changes},
            add_departments=tuple(DepartmentKey(one) for one in add),
            remove_departments=tuple(DepartmentKey(one) for one in remove),
            primary=DepartmentKey(primary) if primary else None,
            enabled=enabled,
        )
        (outcome,) = await _asked(self._phone_of(tenant).write([write]))
        extension = _extension(outcome)
        text = f"Extension {extension.number} changed by hand"
        await self._note(tenant, "extension.changed", text, key, by)
        return extension

    async def remove_extension(self, tenant: int, key: str, *, by: str) -> None:
        """Remove an extension. Raises `HandRefused`."""
        standing = await self._standing(tenant, key)
        write = RemoveExtensionWrite(standing.key, standing.number)
        (outcome,) = await _asked(self._phone_of(tenant).write([write]))
        _done(outcome)
        text = f"Extension {standing.number} removed by hand"
        await self._note(tenant, "extension.removed", text, key, by)

    async def create_department(self, tenant: int, name: str, *, by: str) -> Department:
        """A new department. Raises `HandRefused`."""
        department = _department(await _asked(self._makes(tenant).create_department(name)))
        text = f"Department {name} made by hand"
        await self._note(tenant, "department.made", text, department.key, by)
        return department

    async def rename_department(self, tenant: int, key: str, name: str, *, by: str) -> Department:
        """Rename a department. Raises `HandRefused`."""
        async with self._database.read() as tx:
            standing = (await load_departments(tx, tenant)).get(DepartmentKey(key))
        if standing is None:
            raise HandRefused(f"There is no department {key}.", unknown=True)
        write = RenameDepartmentWrite(standing.key, name, standing.name)
        (outcome,) = await _asked(self._phone_of(tenant).write([write]))
        department = _department(outcome)
        text = f"Department {standing.name} renamed to {name} by hand"
        await self._note(tenant, "department.renamed", text, key, by)
        return department

    async def remove_department(self, tenant: int, key: str, *, by: str) -> None:
        """Remove a department without members. Raises `HandRefused`."""
        _done(await _asked(self._makes(tenant).remove_department(DepartmentKey(key))))
        await self._note(tenant, "department.removed", f"Department {key} removed by hand", key, by)

    def _makes(self, tenant: int) -> DirectoryByHand:
        phone = self._by_hand(tenant)
        if phone is None:
            name = self._phone_of(tenant).capabilities.name
            raise HandRefused(f"Extensions of {name} are made in its own console.")
        return phone

    async def _standing(self, tenant: int, key: str) -> Extension:
        await self._reading.read(tenant, everything=False)
        async with self._database.read() as tx:
            found = (await load_extensions(tx, tenant, [ExtensionKey(key)])).get(ExtensionKey(key))
        if found is None:
            raise HandRefused(f"There is no extension {key}.", unknown=True)
        return found

    async def _note(self, tenant: int, kind: str, text: str, subject: str, by: str) -> None:
        async with self._database.write() as tx:
            line = Line(kind, f"{text}.", subject=subject, by=by)
            await append_lines(tx, tenant, [line], now=self._clock.now())
        await self._reading.read(tenant, everything=False)


async def _asked(asking: Awaitable[T]) -> T:
    try:
        return await asking
    except PhoneSystemError as error:
        raise HandRefused(f"The phone system: {error}") from error


def _done(outcome: Outcome) -> Done:
    match outcome:
        case Done():
            return outcome
        case Refused():
            raise HandRefused(outcome.text, unknown=outcome.code is RefusalCode.NOT_FOUND)
        case _:
            raise HandRefused("The phone system did not answer; look whether it was done.")


def _extension(outcome: Outcome) -> Extension:
    done = _done(outcome)
    assert done.extension is not None  # noqa: S101 - the port's promise
    return done.extension


def _department(outcome: Outcome) -> Department:
    done = _done(outcome)
    assert done.department is not None  # noqa: S101 - the port's promise
    return done.department
