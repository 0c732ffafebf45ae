"""Moving what was written to SQLite from its log into the file, beside the writer.

SQLite does it in whichever commit finds the log long enough: a tenth of a second and more, for
which everybody waits who wants to write. Here another connection does it while the writer goes on.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

PAUSE_S = 2.0
"""Between the first write and the checkpoint: a page that changes again and again is moved once."""
LONG_LOG = 8_000
"""Pages of a log that is to begin anew, 64 MB. For a moment nobody may write then."""
LONGEST_LOG = 32_000
"""Pages at which the writer moves them itself, for lack of anybody else."""

_log = structlog.get_logger("jackfield.store")


class Checkpoints:
    """Moves pages a while after something was written."""

    def __init__(
        self,
        engine: AsyncEngine,
        turn: Callable[[], AbstractAsyncContextManager[None]],
        *,
        long_log: int = LONG_LOG,
        pause_s: float = PAUSE_S,
    ) -> None:
        """`engine` lends connections that read; in `turn` nobody writes."""
        self._long_log = long_log
        self._pause_s = pause_s
        self._engine = engine
        self._turn = turn
        self._task: asyncio.Task[None] | None = None

    def wrote(self) -> None:
        """Something was written: it is moved in a while."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._wait_and_move(), name="checkpoint")

    async def close(self) -> None:
        """Whatever is not moved yet stays in the log, where it is safe."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _wait_and_move(self) -> None:
        await asyncio.sleep(self._pause_s)
        try:
            await self.move()
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            # The file cannot be used: whoever writes is told so.
            _log.warning("checkpoint.failed", error=str(error))

    async def move(self) -> int:
        """Move all pages that no reader still needs where they are; returns how many are left.

        A log that is moved to its end while nobody writes begins anew with the next write; while
        somebody does, it would grow for as long as they go on.
        """
        in_log, moved = await self._moved()
        if in_log >= self._long_log:
            async with self._turn():
                in_log, moved = await self._moved()
        return in_log - moved

    async def _moved(self) -> tuple[int, int]:
        async with self._engine.connect() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            _, in_log, moved = await raw.in_thread(_checkpoint)
        return in_log, moved


def _checkpoint(connection: Any) -> tuple[int, int, int]:
    """Whether it was disturbed, pages in the log, pages of them that are in the file."""
    found: tuple[int, int, int] = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return found
