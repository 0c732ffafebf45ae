"""Reading a tenant's phone system into its picture: all of it, or what changed since."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import structlog

from jackfield.clock import Clock
from jackfield.flows.turns import Turn, Turns
from jackfield.pbx.port import PhoneSystem, PhoneSystemForgot
from jackfield.store.database import Database
from jackfield.store.phone_departments import load_departments, save_departments
from jackfield.store.phone_numbers import save_used_numbers
from jackfield.store.phone_state import begin_reading, load_phone_state
from jackfield.store.phones import drop_extensions, finish_reading, save_extensions
from jackfield.store.planned import add_unsettled
from jackfield.store.released import note_released

_log = structlog.get_logger("jackfield.flows.phones")

PhoneOf = Callable[[int], PhoneSystem]
"""The phone system of a tenant, by our tenant number."""


class PhoneReading:
    """Keeps the picture of each tenant's phone system."""

    def __init__(
        self, database: Database, phone_of: PhoneOf, clock: Clock, turns: Turns | None = None
    ) -> None:
        self._database = database
        self._phone_of = phone_of
        self._clock = clock
        self._turns = turns or Turns(database, clock)

    def undisturbed(self, tenant: int) -> AbstractAsyncContextManager[Turn]:
        """No reading of the tenant's phone system begins or goes on while it is held.

        Around writes whose answers are saved into the picture.
        """
        return self._turns.take(tenant)

    async def read(self, tenant: int, *, everything: bool) -> int:
        """Bring the picture up to date; returns how many extensions were new, different or gone.

        Safe to repeat. Raises `PhoneSystemError`.
        """
        phone = self._phone_of(tenant)
        async with self.undisturbed(tenant) as turn:
            async with self._database.read() as tx:
                state = await load_phone_state(tx, tenant)
            cursor = None if everything or not phone.capabilities.changes else state.cursor
            try:
                return await self._read(tenant, phone, cursor, state.round, turn)
            except PhoneSystemForgot:
                _log.info("phones.cursor_forgotten", tenant=tenant)
                return await self._read(tenant, phone, None, state.round, turn)

    async def _read(
        self, tenant: int, phone: PhoneSystem, cursor: str | None, known: int, turn: Turn
    ) -> int:
        round_number = known
        if cursor is None:
            async with self._database.write() as tx:
                await turn.fence(tx)
                round_number = await begin_reading(tx, tenant)
        different = 0
        onward = cursor
        async for page in phone.read_extensions(cursor):
            async with self._database.write() as tx:
                await turn.fence(tx)
                different += await save_extensions(tx, tenant, page.extensions, round_number)
                different += await drop_extensions(tx, tenant, page.removed)
            onward = page.cursor
        departments = await phone.read_departments()
        # A hundred thousand numbers are not worth fetching where nothing has happened.
        numbers = await phone.read_used_numbers() if different or cursor is None else None
        async with self._database.write() as tx:
            await turn.fence(tx)
            different += await finish_reading(
                tx,
                tenant,
                cursor=onward,
                now=self._clock.now(),
                round_number=round_number if cursor is None else None,
            )
            known_departments = await load_departments(tx, tenant)
            if known_departments != {one.key: one for one in departments}:
                await save_departments(tx, tenant, departments)
                # A department that is gone, or is there again, concerns people it does not name.
                await add_unsettled(tx, tenant, None)
            if numbers is not None:
                free = await save_used_numbers(tx, tenant, numbers)
                await note_released(tx, tenant, sorted(free), now=self._clock.now())
        return different
