"""Whose turn it is at the one connection that writes to SQLite.

What is small goes before what is large, in the order in which it came: somebody waits for a small
write, nobody for the next piece of a sync. A large one writes in stretches, and ends its
transaction after each behind which somebody waits; while nobody does, it goes on and costs no more
than in one piece. On PostgreSQL nobody waits here: its writers work side by side.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from jackfield.store.schema import CHUNK
from jackfield.store.timing import note_turn

SHORT = 100
"""Rows of a stretch while others write too; a stretch of them takes some 10 ms."""
SHORT_STRETCHES = 20
"""So many stretches are short after a small write had to wait."""
PASSED_AT_MOST = 16
"""So many small writes go before a large one that waits; then it has its turn."""


class WriterQueue:
    """Lends the writer out to one at a time."""

    def __init__(self, *, patience_s: float) -> None:
        """Who gets no turn within `patience_s` is told so."""
        self._patience_s = patience_s
        self._lent = False
        self._small: deque[asyncio.Future[None]] = deque()
        self._large: deque[asyncio.Future[None]] = deque()
        self._passed = 0
        self._short = 0

    @property
    def is_waited_for(self) -> bool:
        """Whether a small write waits: a large one lets it go first where it can."""
        return bool(self._small)

    def stretch(self) -> int:
        """How many rows a large write puts down before it looks whether somebody waits."""
        if not self._short:
            return CHUNK
        self._short -= 1
        return SHORT

    @asynccontextmanager
    async def turn(self, *, large: bool) -> AsyncIterator[None]:
        """The writer, for the time of the block. Raises SQLAlchemy's `TimeoutError`."""
        if self._lent:
            begun = time.perf_counter()
            await self._wait(self._large if large else self._small)
            note_turn(time.perf_counter() - begun)
        self._lent = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        if queue is self._small:
            self._short = SHORT_STRETCHES
        mine = asyncio.get_running_loop().create_future()
        queue.append(mine)
        try:
            async with asyncio.timeout(self._patience_s):
                await mine
        except BaseException as error:
            if mine in queue:
                queue.remove(mine)
            elif not mine.cancelled():
                # The turn came at the moment at which it was not wanted any more.
                self._pass_on()
            if isinstance(error, TimeoutError):
                raise PoolTimeoutError("no turn at the writer") from error
            raise

    def _pass_on(self) -> None:
        """Hand the writer over directly: nobody who comes now is in between."""
        for queue in (self._small, self._large):
            # Whoever gave up in this very moment has not left the queue yet.
            while queue and queue[0].done():
                queue.popleft()
        large_is_due = self._large and (not self._small or self._passed >= PASSED_AT_MOST)
        if large_is_due:
            self._passed = 0
            self._large.popleft().set_result(None)
        elif self._small:
            self._passed += bool(self._large)
            self._small.popleft().set_result(None)
        else:
            self._lent = False
