"""Work that goes on while the process lives, each in a task of its own, and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from jackfield.clock import Clock

_log = structlog.get_logger("jackfield.background")


class Background:
    """The tasks of a process. End them before what they work with is closed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Do something that goes on by itself."""
        self._tasks.append(asyncio.create_task(work, name=name))

    def repeat(self, name: str, work: Callable[[], Awaitable[object]], every_s: float) -> None:
        """Do something at once, and again each time so many seconds after it has ended.

        A failure is said once, until it works again.
        """
        self.begin(name, self._repeat(name, work, every_s))

    async def end(self) -> None:
        """Cancel all of them, and wait until they are gone."""
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                _log.error("task.died", error=str(ended))

    async def _repeat(
        self, name: str, work: Callable[[], Awaitable[object]], every_s: float
    ) -> None:
        failing = False
        while True:
            try:
                await work()
            except Exception as error:
                if not failing:
                    _log.exception("task.failed", task=name, error=str(error))
                failing = True
            else:
                failing = False
            await self._clock.sleep(every_s)
