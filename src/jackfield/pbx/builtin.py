"""Jackfield's own phone directory: the phone system that is there when no other is attached.

Extensions and departments in tables of their own, each call one transaction, changes told by
cursor. Numbers never change. The rules stand in `jackfield.pbx.ledger`, the tables in
`store/builtin_extensions` and `store/builtin_departments`. Not here: statuses, calls, anything that
rings.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import assert_never
from uuid import uuid4

from jackfield.clock import Clock
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
)
from jackfield.core.numbering import NumberRange, is_number
from jackfield.pbx.ledger import TEXT_LENGTH, Ledger, is_text, judge_avatar
from jackfield.pbx.port import (
    WRITE_LIMIT,
    AvatarWrite,
    Capabilities,
    CreateDepartmentWrite,
    CreateExtensionWrite,
    Done,
    ExtensionsPage,
    Outcome,
    PhoneSystemForgot,
    RefusalCode,
    Refused,
    RemoveExtensionWrite,
    RenameDepartmentWrite,
    UpdateExtensionWrite,
    Write,
)
from jackfield.store.avatars import load_avatars, remove_avatars, save_avatars
from jackfield.store.builtin_departments import (
    count_members,
    find_departments,
    load_departments,
    remove_departments,
    save_departments,
)
from jackfield.store.builtin_extensions import (
    forget_removals,
    forgotten_version,
    load_changes,
    load_extensions,
    load_extensions_page,
    load_used_numbers,
    new_keys,
    remove_extensions,
    save_extensions,
)
from jackfield.store.database import Database
from jackfield.store.directory_identity import agree_identity, load_identity
from jackfield.store.images import save_images
from jackfield.store.sequences import latest_change, next_change
from jackfield.store.transaction import chunks

DEFAULT_RANGES = (NumberRange("100", "999999"),)
"""A number with leading zeros belongs to a range by its value and its length: "0200" is in it."""

PAGE_SIZE = 500
REMOVALS_KEPT = timedelta(days=30)
"""A cursor from before a removal that is older than this is forgotten."""

_CURSOR = re.compile(r"builtin\.([0-9]{1,9})\.([0-9]{1,18})")


class BuiltInPhones:
    """`PhoneSystem` and `DirectoryByHand` over Jackfield's own tables."""

    def __init__(
        self,
        database: Database,
        tenant: int,
        clock: Clock,
        ranges: Sequence[NumberRange] = DEFAULT_RANGES,
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._clock = clock
        self._capabilities = Capabilities(
            name="Built-in phone system",
            ranges=tuple(ranges),
            name_length=TEXT_LENGTH,
            changes=True,
            photos=True,
        )

    @property
    def capabilities(self) -> Capabilities:
        """All fields, cursors, external keys and avatars; numbers stay."""
        return self._capabilities

    # --- reading

    async def read_identity(self) -> str:
        """Made when it is asked for first, and kept beside the extensions."""
        async with self._database.read() as tx:
            known = await load_identity(tx, self._tenant)
        if known is not None:
            return known
        async with self._database.write() as tx:
            return await agree_identity(tx, self._tenant, f"builtin-{uuid4().hex}")

    def read_extensions(self, cursor: str | None = None) -> AsyncIterator[ExtensionsPage]:
        """All extensions, or the changes since `cursor`; each page is one short transaction."""
        return self._everything() if cursor is None else self._changes(cursor)

    async def _everything(self) -> AsyncIterator[ExtensionsPage]:
        # The cursor is as old as the first page, so that what changes meanwhile is read once more.
        after: ExtensionKey | None = None
        cursor: str | None = None
        while True:
            async with self._database.read() as tx:
                cursor = cursor or self._cursor(await latest_change(tx, self._tenant))
                page = await load_extensions_page(tx, self._tenant, after=after, limit=PAGE_SIZE)
            if len(page) < PAGE_SIZE:
                yield ExtensionsPage(page, cursor=cursor)
                return
            yield ExtensionsPage(page)
            after = page[-1].key

    async def _changes(self, cursor: str) -> AsyncIterator[ExtensionsPage]:
        version = self._parse(cursor)
        until: int | None = None
        while True:
            async with self._database.read() as tx:
                latest = await latest_change(tx, self._tenant)
                until = latest if until is None else until
                if version > latest or version < await forgotten_version(tx, self._tenant):
                    raise PhoneSystemForgot(f"The cursor {cursor} is none of today's.")
                found = await load_changes(tx, self._tenant, version, limit=PAGE_SIZE)
            version, last = found.version, found.version >= until
            removed = [tuple(some) for some in chunks(found.removed, PAGE_SIZE)] or [()]
            for some in removed[:-1]:
                yield ExtensionsPage((), some)
            yield ExtensionsPage(
                found.changed, removed[-1], cursor=self._cursor(version) if last else None
            )
            if last:
                return

    def _cursor(self, change: int) -> str:
        return f"builtin.{self._tenant}.{change}"

    def _parse(self, cursor: str) -> int:
        found = _CURSOR.fullmatch(cursor)
        if found is None or int(found[1]) != self._tenant:
            raise PhoneSystemForgot(f"“{cursor}” is no cursor of this phone system.")
        return int(found[2])

    async def read_departments(self) -> tuple[Department, ...]:
        """All departments by name."""
        async with self._database.read() as tx:
            departments = await load_departments(tx, self._tenant)
        return tuple(sorted(departments.values(), key=lambda one: (one.name.casefold(), one.key)))

    async def read_used_numbers(self) -> frozenset[str]:
        """The numbers of all extensions; nothing else has one here."""
        async with self._database.read() as tx:
            return await load_used_numbers(tx, self._tenant)

    async def read_avatars(self, keys: Sequence[ExtensionKey]) -> Mapping[ExtensionKey, str]:
        """Marks are digests: the bytes are kept as they were given."""
        async with self._database.read() as tx:
            return await load_avatars(tx, self._tenant, [key for key in keys if is_text(key)])

    # --- writing

    async def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Carry out all writes, in one transaction or, while others write too, in several."""
        if len(writes) > WRITE_LIMIT:
            raise ValueError(f"{len(writes)} writes in one call, at most {WRITE_LIMIT}")
        outcomes: list[Outcome] = []
        while left := writes[len(outcomes) :]:
            some = left[: self._database.stretch()]
            async with self._opened(some, large=True) as ledger:
                outcomes += [ledger.carry_out(write) for write in some]
        return outcomes

    async def write_avatars(self, writes: Sequence[AvatarWrite]) -> list[Outcome]:
        """Carry out all of them in one transaction."""
        if len(writes) > WRITE_LIMIT:
            raise ValueError(f"{len(writes)} writes in one call, at most {WRITE_LIMIT}")
        tenant = self._tenant
        outcomes: list[Outcome] = []
        keys = sorted({write.key for write in writes if is_text(write.key)})
        async with self._database.write() as tx:
            await next_change(tx, tenant)
            extensions = await load_extensions(tx, tenant, keys=keys)
            stood = await load_avatars(tx, tenant, keys)
            stands, given = dict(stood), {}
            for write in writes:
                outcome = judge_avatar(write, extensions.get(write.key), stands.get(write.key, ""))
                if isinstance(outcome, Done) and write.avatar is not None:
                    stands[write.key] = outcome.avatar
                    given[outcome.avatar] = write.avatar
                elif isinstance(outcome, Done):
                    stands.pop(write.key, None)
                outcomes.append(outcome)
            await save_images(tx, tenant, [given[one] for one in stands.values() if one in given])
            await save_avatars(tx, tenant, dict(stands.items() - stood.items()))
            await remove_avatars(tx, tenant, sorted(stood.keys() - stands.keys()))
        return outcomes

    async def create_extension(
        self,
        number: str,
        fields: ExtensionFields,
        departments: Sequence[DepartmentKey] = (),
        primary: DepartmentKey | None = None,
    ) -> Done | Refused:
        """By hand: it bears no external key until a sync adopts it."""
        like = CreateExtensionWrite(
            "", ExtensionNumber(number), fields, tuple(departments), primary
        )
        async with self._opened([like]) as ledger:
            return ledger.create_extension(None, number, fields, departments, primary)

    async def create_department(self, name: str) -> Done | Refused:
        """By hand: no group is ever bound to it."""
        async with self._opened([CreateDepartmentWrite("", name)]) as ledger:
            return ledger.create_department(None, name)

    async def remove_department(self, key: DepartmentKey) -> Done | Refused:
        """By hand, also one that was made for a group; refused while somebody is in it."""
        if not is_text(key):
            return Done()
        async with self._database.write() as tx:
            await next_change(tx, self._tenant)
            if members := await count_members(tx, self._tenant, key):
                (department,) = await find_departments(tx, self._tenant, keys=[key])
                return Refused(
                    RefusalCode.PROTECTED,
                    f"The department “{department.name}” has members ({members}); take them out"
                    " of it first.",
                )
            await remove_departments(tx, self._tenant, [key])
        return Done()

    @asynccontextmanager
    async def _opened(
        self, writes: Sequence[Write], *, large: bool = False
    ) -> AsyncIterator[Ledger]:
        """A ledger that holds what the writes may meet; saved at the end, in one transaction."""
        tenant = self._tenant
        met = _Met()
        for write in writes:
            met.add(write)
        async with self._database.write(large=large) as tx:
            # First of all: from here on every other writer of this tenant waits.
            await next_change(tx, tenant)
            keys = await new_keys(tx, tenant, met.creations) if met.creations else []
            standing = await load_extensions(
                tx,
                tenant,
                keys=sorted(filter(is_text, met.keys)),
                external_keys=sorted(filter(is_text, met.external_keys)),
                numbers=sorted(filter(is_number, met.numbers)),
            )
            departments = await find_departments(
                tx,
                tenant,
                keys=sorted(filter(is_text, met.departments)),
                external_keys=sorted(filter(is_text, met.department_external_keys)),
                names=sorted(filter(is_text, met.department_names)),
            )
            ledger = Ledger(self._capabilities.ranges, iter(keys))
            ledger.hold(standing.values(), departments)
            yield ledger
            if ledger.removed:
                now = self._clock.now()
                await remove_extensions(tx, tenant, sorted(ledger.removed), now=now)
                await forget_removals(tx, tenant, before=now - REMOVALS_KEPT)
            if ledger.changed:
                changed = [ledger.extensions[key] for key in ledger.changed]
                await save_extensions(tx, tenant, standing, changed)
            await save_departments(
                tx, tenant, [ledger.departments[key] for key in ledger.changed_departments]
            )


@dataclass(slots=True)
class _Met:
    """What some writes name, and so what they may meet."""

    creations: int = 0
    keys: set[str] = field(default_factory=set)
    external_keys: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    departments: set[str] = field(default_factory=set)
    department_external_keys: set[str] = field(default_factory=set)
    department_names: set[str] = field(default_factory=set)

    def add(self, write: Write) -> None:
        match write:
            case CreateExtensionWrite():
                self.creations += 1
                self.external_keys.add(write.external_key)
                self.numbers.add(write.number)
                self.departments.update(write.departments)
            case UpdateExtensionWrite():
                self.keys.add(write.key)
                self.departments.update(write.add_departments)
                if write.external_key is not None:
                    self.external_keys.add(write.external_key)
            case RemoveExtensionWrite():
                self.keys.add(write.key)
            case CreateDepartmentWrite():
                self.creations += 1
                self.department_external_keys.add(write.external_key)
                self.department_names.add(write.name)
            case RenameDepartmentWrite():
                self.departments.add(write.key)
                self.department_names.add(write.name)
            case _:
                assert_never(write)
