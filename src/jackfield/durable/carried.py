"""A run as its flow sees it: the same in both runners, which differ in how a step is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, TypeVarTuple

import structlog

from jackfield.clock import Clock
from jackfield.durable.catalogue import Defined
from jackfield.durable.gate import Gate, Whereabouts
from jackfield.durable.run import (
    Json,
    NotJsonError,
    Report,
    RunFailedError,
    RunId,
    StepFailedError,
    StepsChangedError,
    recordable,
)
from jackfield.store.errors import DatabaseUnusable

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0
"""Between two tries of a step while the database is away."""

_log = structlog.get_logger("jackfield.durable")

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Work = Callable[[], Awaitable[Json]]
Perform = Callable[[str, Work], Awaitable[Json]]
"""Do the work of a step and record what it returned or raised; or answer from the record."""


class Carried:
    """`Run`, from one start of it to its end or the next restart."""

    def __init__(
        self,
        run: RunId,
        defined: Defined,
        perform: Perform,
        gate: Gate,
        report: Report | None,
        clock: Clock,
    ) -> None:
        self.id = run
        self.whereabouts = Whereabouts()
        self._defined = defined
        self._perform = perform
        self._gate = gate
        self._report = report
        self._clock = clock
        self._recorded = 0
        self._at = 0
        self._furthest = -1

    async def through(self, args: tuple[Json, ...], recorded: int) -> Json:
        """The flow's result, checked; the first `recorded` steps are replayed.

        An exception comes out as `RunFailedError`.
        """
        self._recorded = recorded
        name = self._defined.name
        try:
            return recordable(await self._defined.flow(self, *args), f"the result of {name}")
        except (StepFailedError, RunFailedError) as error:
            raise RunFailedError(str(error), error.kind) from error
        except Exception as error:
            raise RunFailedError(str(error), type(error).__name__) from error

    async def step(self, name: str, fn: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T:
        flow = self._defined.name

        async def work() -> Json:
            try:
                done = await self._once_there_is_a_database(name, lambda: fn(*args))
                return recordable(done, f"the result of step {name} of {flow}")
            except NotJsonError:
                raise
            except Exception as error:
                # The exception's own attributes stay out of the record: they may hold a secret.
                raise StepFailedError(str(error), type(error).__name__) from error

        if self.whereabouts.in_step:
            raise RuntimeError(f"{flow} began step {name} before another step had ended")
        with self._gate.entered():
            self.whereabouts.in_step = True
            try:
                value: Any = await self._perform(name, work)
            except (StepFailedError, StepsChangedError, NotJsonError):
                raise
            except Exception as error:
                # The record failed, not the step: a flow must not take that for its own failure.
                _log.warning("durable.record_lost", run=self.id, step=name, error=first_line(error))
                self.whereabouts.interrupted = True
                raise asyncio.CancelledError("the step could not be recorded") from error
            finally:
                self.whereabouts.in_step = False
                self._at += 1
        return value  # type: ignore[no-any-return]  # T: the check says it equals what fn gave

    async def _once_there_is_a_database(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns; again while the database cannot be used.

        Nobody could write down that the step failed, and a step is safe to do twice.
        """
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return await work()
            except DatabaseUnusable as error:
                if pause_s == FIRST_PAUSE_S:
                    _log.warning("durable.no_database", run=self.id, step=name, error=str(error))
            await self._clock.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    async def progress(self, done: int, total: int) -> None:
        if self._report is None or self._at < self._recorded or done < self._furthest:
            return
        with self._gate.entered():
            self._furthest = done
            await self._report(self.id, done, total)

    async def sleep(self, seconds: float) -> None:
        until = await self.step("sleep", self._alarm, seconds)
        await self._clock.sleep(until - self._clock.now().timestamp())

    async def _alarm(self, seconds: float) -> float:
        return self._clock.now().timestamp() + seconds


def first_line(error: Exception) -> str:
    """What a database's error says before it quotes the statement and its values."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def as_replayed(kind: str, message: str) -> StepFailedError | NotJsonError:
    """What a recorded failure of a step raises in the flow: the same as the first time."""
    return (
        NotJsonError(message) if kind == NotJsonError.__name__ else StepFailedError(message, kind)
    )
