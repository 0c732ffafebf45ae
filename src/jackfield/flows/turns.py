"""One at a time with the picture of a tenant's phone system, in whatever process.

Two readings at once would each forget what only the other has met, and one that goes on during
writes could save what is newer and then move its cursor past it. Inside a process a lock keeps
them apart, between processes a lease; that of a dead one ends with its slot (`slots.py`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import uuid4

from jackfield.clock import Clock
from jackfield.pbx.port import PhoneSystemUnreachable
from jackfield.store.database import Database
from jackfield.store.errors import StoreError
from jackfield.store.leases import Lease, release_lease, renew_lease, take_lease
from jackfield.store.transaction import Transaction

NAME = "phones"
LENGTH = timedelta(seconds=180)
"""Longer than any call to a phone system and what is saved of it."""
ASK_AGAIN_S = 0.1


class Turn:
    """A turn that is held. On SQLite there is nobody else, and nothing to lose."""

    def __init__(self, tenant: int, clock: Clock, lease: Lease | None) -> None:
        self._tenant = tenant
        self._clock = clock
        self._lease = lease

    async def fence(self, tx: Transaction) -> None:
        """Renew it, and make sure that it is still held until the transaction ends.

        Raises `PhoneSystemUnreachable` where the process slept and another one has it by now.
        """
        if self._lease is None:
            return
        now = self._clock.now()
        if await renew_lease(tx, self._tenant, self._lease, length=LENGTH, now=now) is None:
            raise PhoneSystemUnreachable(
                "this process stood still while it read, and another one reads meanwhile"
            )


class Turns:
    """The turns of this process with all tenants' phone systems."""

    def __init__(
        self, database: Database, clock: Clock, process_name: Callable[[], str] = lambda: ""
    ) -> None:
        """`process_name` is the slot of this process, "" where it has none."""
        self._database = database
        self._clock = clock
        self._process_name = process_name
        self._nameless = uuid4().hex
        self._here: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def take(self, tenant: int) -> AsyncIterator[Turn]:
        """Wait for the turn, and hold it for the block."""
        async with self._here[tenant]:
            if self._database.sqlite:
                yield Turn(tenant, self._clock, None)
                return
            lease = await self._take(tenant)
            try:
                yield Turn(tenant, self._clock, lease)
            finally:
                # Where the database is away, it runs out by itself.
                with suppress(StoreError):
                    async with self._database.write() as tx:
                        await release_lease(tx, tenant, lease)

    async def _take(self, tenant: int) -> Lease:
        owner = self._process_name() or self._nameless
        while True:
            async with self._database.write() as tx:
                now = self._clock.now()
                lease = await take_lease(tx, tenant, NAME, owner, length=LENGTH, now=now)
            if lease is not None:
                return lease
            await self._clock.sleep(ASK_AGAIN_S)
