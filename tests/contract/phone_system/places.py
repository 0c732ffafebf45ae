"""Where the phone port's contract is tried: an implementer, and one tenant's phone system in it.

An implementer is added here, by a `House` of its own; the tests know nothing about it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import pytest

from doubles.faulty_phones import Faults, FaultyPhones
from doubles.threecx_habits import Notes, ThreeCxHabits
from doubles.threecx_pbx import Line, ThreeCx
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
)
from jackfield.pbx.port import (
    AvatarWrite,
    CreateDepartmentWrite,
    CreateExtensionWrite,
    Done,
    Outcome,
    PhoneSystem,
    PhoneSystemUnreachable,
    RefusalCode,
    Refused,
    Unanswered,
    Write,
)

W = TypeVar("W")

BUILT_IN = [
    pytest.param("builtin", id="builtin_sqlite"),
    pytest.param("builtin_postgres", id="builtin_postgres", marks=pytest.mark.postgres),
    pytest.param("builtin_lossy", id="builtin_lossy_line"),
]
THREECX = [pytest.param("threecx_habits", id="threecx_habits")]
ALL = BUILT_IN + THREECX
TELL_CHANGES = BUILT_IN
TELL_NO_CHANGES = THREECX
HAVE_OTHER_NUMBERS = THREECX
HAVE_AVATARS = BUILT_IN
HAVE_NO_AVATARS = THREECX

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Place(Protocol):
    """The phone system of one tenant."""

    @property
    def occupied(self) -> str | None:
        """A number that something other than an extension holds."""
        ...

    def phones(self) -> PhoneSystem:
        """A fresh object over the same phone system, as after a restart."""
        ...

    async def extension_by_hand(self, number: str, fields: ExtensionFields) -> ExtensionKey:
        """An administrator made it: it bears no external key."""
        ...

    async def department_by_hand(self, name: str) -> DepartmentKey: ...

    async def forget_changes(self) -> None:
        """Time passes until today's cursors are too old."""
        ...


class House(Protocol):
    """An implementer with room for several tenants."""

    async def place(self, tenant: int) -> Place: ...


# --- 3CX's habits ----------------------------------------------------------------------------


@dataclass
class ThreeCxPlace:
    line: Line
    pbx: ThreeCx
    notes: Notes = field(default_factory=Notes)
    occupied: str | None = "800"

    def phones(self) -> PhoneSystem:
        return ThreeCxHabits(self.line, self.notes)

    async def extension_by_hand(self, number: str, fields: ExtensionFields) -> ExtensionKey:
        body = {"Number": number, "FirstName": fields.first_name, "LastName": fields.last_name}
        status, made = self.pbx.answer("POST", "Users", body=body | {"EmailAddress": fields.email})
        assert status == 201, made
        return ExtensionKey(str(made["Id"]))

    async def department_by_hand(self, name: str) -> DepartmentKey:
        status, made = self.pbx.answer("POST", "Groups", body={"Name": name})
        assert status == 201, made
        return DepartmentKey(str(made["Id"]))

    async def forget_changes(self) -> None:
        raise NotImplementedError("it has no cursors")


@dataclass
class ThreeCxHouse:
    """One PBX for each tenant."""

    lost_of: int = 20
    seed: int = 0
    places: dict[int, ThreeCxPlace] = field(default_factory=dict)

    async def place(self, tenant: int) -> Place:
        if tenant not in self.places:
            pbx = ThreeCx(fqdn=f"pbx{tenant}.example.org")
            line = Line(pbx, seed=1000 * self.seed + tenant, lost_of=self.lost_of)
            self.places[tenant] = ThreeCxPlace(line, pbx)
        return self.places[tenant]


# --- faults around another one ---------------------------------------------------------------


@dataclass
class LossyPlace:
    inner: Place
    faults: Faults

    @property
    def occupied(self) -> str | None:
        return self.inner.occupied

    def phones(self) -> PhoneSystem:
        return FaultyPhones(self.inner.phones(), self.faults)

    async def extension_by_hand(self, number: str, fields: ExtensionFields) -> ExtensionKey:
        return await self.inner.extension_by_hand(number, fields)

    async def department_by_hand(self, name: str) -> DepartmentKey:
        return await self.inner.department_by_hand(name)

    async def forget_changes(self) -> None:
        await self.inner.forget_changes()


@dataclass
class LossyHouse:
    """Loses one write or its answer in five, and one page of a read in ten."""

    inner: House
    faults: Faults = field(default_factory=lambda: Faults(lose_one_in=5, lose_read_one_in=10))

    async def place(self, tenant: int) -> Place:
        return LossyPlace(await self.inner.place(tenant), self.faults)


# --- what every test does --------------------------------------------------------------------


async def settle(place: Place, writes: Sequence[Write]) -> list[Done | Refused]:
    """Write, and repeat what was not answered until it is, each time by a fresh object."""
    return await _settle(writes, lambda some: place.phones().write(some))


async def settle_avatars(place: Place, *writes: AvatarWrite) -> list[Done | Refused]:
    """The same for avatars."""
    return await _settle(writes, lambda some: place.phones().write_avatars(some))


async def avatars(place: Place, *keys: ExtensionKey) -> Mapping[ExtensionKey, str]:
    """The marks that stand."""
    for _ in range(100):
        with suppress(PhoneSystemUnreachable):
            return await place.phones().read_avatars(keys)
    raise AssertionError("never read")


async def _settle(
    writes: Sequence[W], send: Callable[[list[W]], Awaitable[list[Outcome]]]
) -> list[Done | Refused]:
    outcomes: dict[int, Done | Refused] = {}
    waiting = list(range(len(writes)))
    for _ in range(300):
        try:
            answers = await send([writes[n] for n in waiting])
        except PhoneSystemUnreachable:
            continue
        assert len(answers) == len(waiting)
        outcomes |= {
            n: answer
            for n, answer in zip(waiting, answers, strict=True)
            if not isinstance(answer, Unanswered)
        }
        waiting = [n for n in waiting if n not in outcomes]
        if not waiting:
            return [outcomes[n] for n in range(len(writes))]
    raise AssertionError(f"still not answered: {[writes[n] for n in waiting]}")


async def settle_one(place: Place, write: Write) -> Done | Refused:
    (outcome,) = await settle(place, [write])
    return outcome


def code(outcome: Done | Refused) -> RefusalCode | None:
    """Why it was refused; None for what was done."""
    return outcome.code if isinstance(outcome, Refused) else None


@dataclass
class Changes:
    """What a read gave."""

    extensions: dict[ExtensionKey, Extension] = field(default_factory=dict)
    removed: set[ExtensionKey] = field(default_factory=set)
    cursor: str | None = None


async def read(place: Place, cursor: str | None = None) -> Changes:
    """Everything, or what changed since; begun again where the line breaks."""
    for _ in range(100):
        found = Changes()
        try:
            async for page in place.phones().read_extensions(cursor):
                assert found.cursor is None, "a cursor stands on the last page alone"
                assert len(page.extensions) <= 1000
                found.extensions |= {extension.key: extension for extension in page.extensions}
                found.removed |= set(page.removed)
                found.cursor = page.cursor
        except PhoneSystemUnreachable:
            continue
        return found
    raise AssertionError("never read to the end")


async def departments(place: Place) -> dict[DepartmentKey, Department]:
    for _ in range(100):
        try:
            found = await place.phones().read_departments()
        except PhoneSystemUnreachable:
            continue
        return {department.key: department for department in found}
    raise AssertionError("never read to the end")


async def identity(place: Place) -> str:
    for _ in range(100):
        try:
            return await place.phones().read_identity()
        except PhoneSystemUnreachable:
            continue
    raise AssertionError("never answered")


async def used_numbers(place: Place) -> frozenset[str]:
    for _ in range(100):
        try:
            return await place.phones().read_used_numbers()
        except PhoneSystemUnreachable:
            continue
    raise AssertionError("never read to the end")


def person(n: int) -> str:
    """An object ID."""
    return f"00000000-0000-4000-8000-{n:012d}"


def new_extension(
    n: int,
    number: str | None = None,
    *departments: DepartmentKey,
    primary: DepartmentKey | None = None,
    fields: ExtensionFields | None = None,
) -> CreateExtensionWrite:
    """A write for the n-th person, with number 1000 + n where none is given."""
    return CreateExtensionWrite(
        person(n),
        ExtensionNumber(str(1000 + n) if number is None else number),
        fields or ExtensionFields(first_name="Ada", last_name=f"Nr {n}", email=f"p{n}@example.com"),
        departments,
        primary,
    )


async def hired(place: Place, *writes: CreateExtensionWrite) -> list[Extension]:
    """Extensions that stand."""
    return [_extension(outcome) for outcome in await settle(place, writes)]


async def founded(place: Place, *names: str) -> list[DepartmentKey]:
    """Departments that stand, for groups called like them."""
    writes = [CreateDepartmentWrite(f"group {name}", name) for name in names]
    return [_department(outcome).key for outcome in await settle(place, writes)]


def _extension(outcome: Outcome) -> Extension:
    assert isinstance(outcome, Done), outcome
    assert outcome.extension is not None
    return outcome.extension


def _department(outcome: Outcome) -> Department:
    assert isinstance(outcome, Done), outcome
    assert outcome.department is not None
    return outcome.department
