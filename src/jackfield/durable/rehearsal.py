"""The second runner: deterministic, in memory, on the caller's loop and a virtual clock.

For rehearsals of the whole product and for tests of flows. It keeps the promises of `run.py` with
the same step borders, and may be killed at any of them.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from jackfield.clock import Clock
from jackfield.durable.run import Flow, GivenUp, Json, Lane, Report, RunId


class Killed(BaseException):
    """The process has died here. A hook raises it; no flow may catch it."""


class Border(StrEnum):
    """Where a hook is asked: before a step, after it ran and before it is recorded, and after."""

    BEFORE = "before"
    EXECUTED = "executed"
    RECORDED = "recorded"


Hook = Callable[[Border, RunId, str], None]
"""Called with (border, run, step's name) at each border of each step that is really done."""


@dataclass(slots=True)
class Journal:
    """What survives a kill: hand the same one to the next Rehearsal."""

    runs: dict[RunId, object] = field(default_factory=dict)


class Rehearsal:
    """The face of `Durable`, without a database, real time or luck.

    `await rehearsal.idle()` returns when nothing is queued or running, and raises `Killed` when the
    hook did.
    """

    def __init__(
        self,
        journal: Journal,
        lanes: Sequence[Lane],
        *,
        clock: Clock,
        rng: random.Random,
        executor_id: str = "slot-1",
        hook: Hook | None = None,
        report: Report | None = None,
        given_up: Callable[[GivenUp], Awaitable[None]] | None = None,
    ) -> None: ...

    def define(self, name: str, lane: Lane, flow: Flow) -> None:
        raise NotImplementedError

    def every(self, cron: str, name: str) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        raise NotImplementedError

    async def enqueue(self, name: str, *args: Json, key: str | None = None) -> RunId:
        raise NotImplementedError

    async def cancel(self, name: str, key: str) -> bool:
        raise NotImplementedError

    async def wait(self, run_id: RunId, timeout_s: float | None = None) -> Json:
        raise NotImplementedError

    async def adopt(self, executor_id: str) -> list[RunId]:
        raise NotImplementedError

    async def purge(self, older_than: timedelta) -> int:
        raise NotImplementedError

    async def idle(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError
