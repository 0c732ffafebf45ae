"""A phone system that is asked who it is, before anything is read from it or written to it.

Keys of extensions may be small numbers that every installation gives out alike. Where another phone
system answers than the one that links and picture are about, no call goes through until an
administrator has decided: `replacing.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from jackfield.core.extensions import Department, ExtensionKey
from jackfield.pbx.port import (
    AvatarWrite,
    Capabilities,
    ExtensionsPage,
    Outcome,
    PhoneSystem,
    PhoneSystemReplaced,
    Write,
)
from jackfield.store.database import Database
from jackfield.store.phone_state import load_identity, save_identity
from jackfield.store.sequences import hold

REPLACED = "Another phone system answers than the one whose extensions are linked to people."


class KnownPhones:
    """Obeys `PhoneSystem`; each of its calls may raise `PhoneSystemReplaced`.

    The first phone system that a tenant meets is the one it knows from then on.
    """

    def __init__(self, phones: PhoneSystem, database: Database, tenant: int) -> None:
        self._phones = phones
        self._database = database
        self._tenant = tenant

    @property
    def capabilities(self) -> Capabilities:
        return self._phones.capabilities

    async def read_identity(self) -> str:
        """Answered by whichever phone system is there."""
        return await self._phones.read_identity()

    async def read_extensions(self, cursor: str | None = None) -> AsyncIterator[ExtensionsPage]:
        await self._check()
        async for page in self._phones.read_extensions(cursor):
            yield page

    async def read_departments(self) -> tuple[Department, ...]:
        await self._check()
        return await self._phones.read_departments()

    async def read_used_numbers(self) -> frozenset[str]:
        await self._check()
        return await self._phones.read_used_numbers()

    async def write(self, writes: Sequence[Write]) -> list[Outcome]:
        await self._check()
        return await self._phones.write(writes)

    async def read_avatars(self, keys: Sequence[ExtensionKey]) -> Mapping[ExtensionKey, str]:
        await self._check()
        return await self._phones.read_avatars(keys)

    async def write_avatars(self, writes: Sequence[AvatarWrite]) -> list[Outcome]:
        await self._check()
        return await self._phones.write_avatars(writes)

    async def _check(self) -> None:
        found = await self._phones.read_identity()
        async with self._database.read() as tx:
            known = await load_identity(tx, self._tenant)
        if not known:
            async with self._database.write() as tx:
                await hold(tx, self._tenant)
                known = await load_identity(tx, self._tenant)
                if not known:
                    await save_identity(tx, self._tenant, found)
                    return
        if known != found:
            raise PhoneSystemReplaced(REPLACED)
