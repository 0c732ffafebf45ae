"""A clock for tests: an hour passes as soon as everybody on the loop waits for it."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

START = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
QUIET_TURNS = 25
"""Turns of the loop without a wake-up after which nobody but sleepers is taken to be active."""


class VirtualClock:
    """Obeys `jackfield.clock.Clock`. Sleepers wake in the order of their times."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self._turning = False
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self.slept.append(seconds)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_s + seconds, next(self._order), woken))
        self._turn_soon(QUIET_TURNS)
        await woken

    def advance(self, seconds: float) -> None:
        """Let time pass at once; sleepers notice when they wake."""
        self._elapsed_s += seconds

    def jump(self, jumped: timedelta) -> None:
        """The time of day is another one at once; nothing else has passed meanwhile."""
        self._start += jumped

    def _turn_soon(self, turns: int) -> None:
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn, turns)

    def _turn(self, turns: int) -> None:
        if turns > 0:
            asyncio.get_running_loop().call_soon(self._turn, turns - 1)
            return
        self._turning = False
        while self._sleepers:
            at, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                self._elapsed_s = max(self._elapsed_s, at)
                woken.set_result(None)
                break
        if self._sleepers:
            self._turn_soon(QUIET_TURNS)
