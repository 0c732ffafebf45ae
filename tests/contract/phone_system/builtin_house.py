"""The built-in phone system under the contract: one database, as many tenants as asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from contract.phone_system.places import NOW
from doubles import inline_sqlite
from jackfield.core.extensions import (
    DepartmentKey,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
)
from jackfield.pbx.builtin import REMOVALS_KEPT, BuiltInPhones
from jackfield.pbx.port import Done, PhoneSystem, RemoveExtensionWrite
from jackfield.store.database import Database


@dataclass
class StandingClock:
    """It is always the moment that was last set."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class BuiltInPlace:
    database: Database
    tenant: int
    clock: StandingClock = field(default_factory=StandingClock)
    occupied: str | None = None

    def phones(self) -> PhoneSystem:
        return self.directory()

    def directory(self) -> BuiltInPhones:
        return BuiltInPhones(self.database, self.tenant, self.clock)

    async def extension_by_hand(self, number: str, fields: ExtensionFields) -> ExtensionKey:
        made = await self.directory().create_extension(number, fields)
        assert isinstance(made, Done), made
        assert made.extension is not None
        return made.extension.key

    async def department_by_hand(self, name: str) -> DepartmentKey:
        made = await self.directory().create_department(name)
        assert isinstance(made, Done), made
        assert made.department is not None
        return made.department.key

    async def forget_changes(self) -> None:
        """Old removals are forgotten when something is removed again."""
        await self.clock.sleep(REMOVALS_KEPT.total_seconds() + 1)
        key = await self.extension_by_hand("9999", ExtensionFields())
        removal = RemoveExtensionWrite(key, ExtensionNumber("9999"))
        await self.phones().write([removal])


_known: dict[str, Database] = {}


async def _open(url: str) -> Database:
    """The SQLite file of all tests with the same engines each time, for each compiles statements
    anew; without threads, for what is tried here is the phone system.
    """
    if not url.startswith("sqlite:"):
        return await Database.open(url)
    if url not in _known:
        place = inline_sqlite.Place(Path(url.removeprefix("sqlite:///")))
        _known[url] = await Database.open(url, sqlite_connect=place.connect)
    return _known[url]


@dataclass
class BuiltInHouse:
    """Its tenants are numbered from `first_tenant` on."""

    database: Database
    first_tenant: int

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, first_tenant: int) -> AsyncIterator[BuiltInHouse]:
        """Over a database of its own."""
        database = await _open(url)
        try:
            yield cls(database, first_tenant)
        finally:
            await database.close()

    async def place(self, tenant: int) -> BuiltInPlace:
        return BuiltInPlace(self.database, self.first_tenant + tenant)
