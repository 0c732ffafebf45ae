"""A workshop: one storage over which runners are started, stopped and started again.

The contract's tests take `workshop` and run on both runners; what only DBOS can break takes
`dbos_workshop`. Time is virtual for the rehearsal and real, in small pieces, for DBOS.
"""

import asyncio
import heapq
import itertools
import random
import uuid
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from jackfield.clock import Clock, SystemClock
from jackfield.durable import Durable, Journal, Lane, Rehearsal, Runner

T = TypeVar("T")
LANE = Lane("lane", poll=0.02, concurrency=3)
PATIENCE_S = 30.0


class VirtualClock:
    """Stands still until told to move; sleepers wake in the order of their time."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 23, 8, 0, 0, 500_000, tzinfo=UTC)
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._serial = itertools.count()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        waking = asyncio.get_running_loop().create_future()
        at = self._now + timedelta(seconds=seconds)
        heapq.heappush(self._sleepers, (at, next(self._serial), waking))
        await waking

    def jump(self) -> None:
        """To the next moment at which somebody wakes."""
        while self._sleepers:
            at, _serial, waking = heapq.heappop(self._sleepers)
            if not waking.done():
                self._now = max(self._now, at)
                waking.set_result(None)
                return


class Workshop(Protocol):
    """Where runners are made that share one storage."""

    lane: Lane

    def runner(
        self, executor_id: str = "slot-1", *, patient: bool = False, **options: Any
    ) -> Runner:
        """A new runner, as a new process would make it; stopped when the test ends.

        A patient one gives steps in flight time to finish when it is stopped.
        """
        ...

    async def soon(self, something: Awaitable[T]) -> T:
        """Wait for it while time passes."""
        ...


class _Base:
    def __init__(self) -> None:
        self.lane = LANE
        self._made: list[Runner] = []

    async def close(self) -> None:
        for runner in self._made:
            await runner.stop()


class RehearsedWorkshop(_Base):
    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.journal = Journal()
        self.clock = VirtualClock()
        self._rng = rng

    def runner(
        self,
        executor_id: str = "slot-1",
        *,
        patient: bool = False,  # noqa: ARG002  # it always is, in turns of the loop
        **options: Any,
    ) -> Rehearsal:
        runner = Rehearsal(
            self.journal,
            (LANE,),
            clock=self.clock,
            rng=self._rng,
            executor_id=executor_id,
            **options,
        )
        self._made.append(runner)
        return runner

    async def soon(self, something: Awaitable[T]) -> T:
        waiting = asyncio.ensure_future(something)
        for _turn in range(100_000):
            if waiting.done():
                return waiting.result()
            for _pass in range(20):
                await asyncio.sleep(0)
            if not waiting.done():
                self.clock.jump()
        waiting.cancel()
        raise AssertionError("it never happened")


class DbosWorkshop(_Base):
    def __init__(self, database_url: str) -> None:
        super().__init__()
        self.database_url = database_url
        self.clock: Clock = SystemClock()

    def runner(
        self, executor_id: str = "slot-1", *, patient: bool = False, **options: Any
    ) -> Durable:
        runner = Durable(
            self.database_url,
            executor_id,
            (LANE,),
            grace_s=PATIENCE_S if patient else 0.05,
            **options,
        )
        self._made.append(runner)
        return runner

    async def soon(self, something: Awaitable[T]) -> T:
        return await asyncio.wait_for(something, PATIENCE_S)


@pytest.fixture
async def dbos_workshop(database_url: str) -> AsyncIterator[DbosWorkshop]:
    """DBOS on either database."""
    workshop = DbosWorkshop(database_url)
    yield workshop
    await workshop.close()


@pytest.fixture
async def rehearsed_workshop(rng: random.Random) -> AsyncIterator[RehearsedWorkshop]:
    """The deterministic runner."""
    workshop = RehearsedWorkshop(rng)
    yield workshop
    await workshop.close()


@pytest.fixture(
    params=[
        pytest.param("rehearsal", id="rehearsal"),
        # Its clock is real, so these wait more than they work; `test_durable.py` stays fast.
        pytest.param("sqlite", id="sqlite", marks=pytest.mark.e2e),
        pytest.param("postgres", id="postgres", marks=pytest.mark.postgres),
    ]
)
async def workshop(
    request: pytest.FixtureRequest, tmp_path: Path, rng: random.Random
) -> AsyncIterator[Workshop]:
    """Each of the two runners, DBOS on either database."""
    made: RehearsedWorkshop | DbosWorkshop
    match request.param:
        case "rehearsal":
            made = RehearsedWorkshop(rng)
        case "sqlite":
            made = DbosWorkshop(f"sqlite:///{tmp_path / 'jackfield.db'}")
        case _:
            new_database = request.getfixturevalue("postgres_server")
            made = DbosWorkshop(new_database(f"t{uuid.uuid4().hex}"))
    yield made
    await made.close()
