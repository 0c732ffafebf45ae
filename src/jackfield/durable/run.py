"""The words of durable work: what a flow is given, what it may record, and what can go wrong.

Both runners (`engine.Durable` and `rehearsal.Rehearsal`) keep the promises written here; nothing in
this file runs anything.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import NewType, Protocol, TypeAlias, TypeVar, TypeVarTuple

RunId = NewType("RunId", str)
"""One run of one flow; opaque."""

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What may be recorded: exactly these types, so that a replayed value equals the first one."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Run(Protocol):
    """What a flow holds of its own run.

    After a restart the flow is replayed from its first line: finished steps answer from the record,
    and code between steps runs again.
    """

    @property
    def id(self) -> RunId: ...

    async def step(self, name: str, fn: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T:
        """Do `fn(*args)` and record its result, once; after a restart answer from the record.

        The step that was in flight at a crash is done again: let `fn` be safe to repeat. Its result
        must be JSON (`NotJsonError` otherwise); its arguments need not be. An exception of `fn` is
        recorded too, as `StepFailedError`, the first time as in every replay. One step at a time:
        what runs side by side belongs inside one step.
        """
        ...

    async def progress(self, done: int, total: int) -> None:
        """Tell how far the run is: call it after the step that got it there.

        Smaller figures than before are not passed on, nor those of a replay.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait, as a step of its own; a restart in between does not start the wait again."""
        ...


Flow: TypeAlias = Callable[..., Awaitable[object]]
"""`async def flow(run: Run, *args: Json) -> Json`, usually a bound method.

It must let `CancelledError` (any `BaseException`) pass. Its steps must come in the same order when
it is replayed: whatever decides about them comes from arguments and step results.
"""

Report: TypeAlias = Callable[[RunId, int, int], Awaitable[None]]
"""Called with (run, done, total)."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A run that will not be tried again: too many starts ended without a finished step."""

    run_id: RunId
    flow: str
    key: str | None
    args: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """A queue with a width: at most `concurrency` of its runs at once in one process.

    `poll` is how often it is looked at, in seconds: the mean delay of a start is half of it, and
    the idle cost about 0.4 % of a core per look a second.
    """

    name: str
    poll: float
    concurrency: int

    def __post_init__(self) -> None:
        if self.poll <= 0 or self.concurrency < 1:
            raise ValueError(f"lane {self.name}: poll and concurrency must be positive")


class Runner(Protocol):
    """The face of both runners. `define` and `every` come before `start`."""

    def define(self, name: str, lane: Lane, flow: Flow) -> None:
        """Name a flow. Names are the contract with recorded work: never rename one."""
        ...

    def every(self, cron: str, name: str) -> None:
        """Run the flow `name`, without arguments, by a cron line in UTC (six fields: with seconds).

        Each tick runs once, however many processes there are; ticks missed while all were down are
        not made up for. Give ticks a lane of their own, or they queue behind long runs.
        """
        ...

    async def start(self) -> None:
        """Take up the own unfinished runs and begin to work."""
        ...

    async def enqueue(self, name: str, *args: Json, key: str | None = None) -> RunId:
        """Queue a run of the flow `name`.

        While a run of the same flow and key is queued or running, that one is answered instead.
        Waits for `start` to finish; `NotRunningError` when it failed, or after `stop`. Inside a
        flow call it within a step, or a replay queues again.
        """
        ...

    async def cancel(self, name: str, key: str) -> bool:
        """Stop the queued or running run of that flow and key at its next step border.

        False if there was none.
        """
        ...

    async def wait(self, run_id: RunId, timeout_s: float | None = None) -> Json:
        """The result of a run, once it has ended.

        `RunFailedError`, `RunCancelledError`, `UnknownRunError`, or `TimeoutError`.
        """
        ...

    async def is_alive(self, run_id: RunId) -> bool:
        """Whether the run is recorded and has not ended; asked at once, without waiting for it."""
        ...

    async def adopt(self, executor_id: str) -> list[RunId]:
        """Take over the unfinished runs of a process that is known to be dead.

        The caller holds the dead process's lease: nobody else may adopt it, and nobody may start
        under its id meanwhile.
        """
        ...

    async def carriers(self) -> set[str]:
        """The processes that are recorded as carrying runs, whether they live or not."""
        ...

    async def purge(self, older_than: timedelta) -> int:
        """Forget runs that ended longer ago; how many."""
        ...

    async def stop(self) -> None:
        """Stop at step borders; whatever is unfinished goes on at the next start."""
        ...


class DurableError(Exception):
    """Base of what a runner raises.

    DurableError
      NotJsonError        the value cannot be recorded               -> mend the code
      UnknownFlowError    nobody defined that name                   -> mend the code
      StepsChangedError   the replay took another way than the first -> a new run
      NotRunningError     not started, failed to, or stopped         -> again after a start
      UnknownRunError     never was, or is purged                    -> nothing to wait for
      StepFailedError     what a step did raised                     -> the flow decides, by `kind`
      RunFailedError      the flow raised                            -> show it; a new run
      RunCancelledError   somebody cancelled the run                 -> nothing
      GivenUpError        too many starts without a finished step    -> tell the administrator
    """


class NotJsonError(DurableError, TypeError):
    """A value that would not come back from the record as it went in."""


class UnknownFlowError(DurableError):
    """Nobody defined that name."""


class StepsChangedError(DurableError):
    """The record has another step at this place: the flow's code has changed under a run."""


class NotRunningError(DurableError):
    """The runner has not started, failed to start, or has stopped."""


class UnknownRunError(DurableError):
    """No such run is recorded."""


class _Raised(DurableError):
    """What is kept of an exception: `kind`, its class name, and its message."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind

    @property
    def code(self) -> str:
        """The one attribute that DBOS records of an exception beside its own class and message."""
        return self.kind


class StepFailedError(_Raised):
    """What a step did raised.

    Only kind and message are recorded, so only these are given, the first time as in every replay;
    the first time the exception itself is the `__cause__`, for the log.
    """


class RunFailedError(_Raised):
    """The flow raised; of a `StepFailedError` that it let pass, kind and message are the step's."""


class RunCancelledError(DurableError):
    """Somebody cancelled the run."""


class GivenUpError(DurableError):
    """Too many starts of the run in a row ended without a finished step."""


def recordable(value: object, what: str) -> Json:
    """A copy of `value`, checked to be plain JSON; `what` and the path name it in the complaint.

    Tuples, enums and other subclasses are refused: they would come back as something else. NaN,
    infinities and lone surrogates are no JSON.
    """
    kind = type(value)
    if value is None or kind is bool or kind is int:
        return value  # type: ignore[return-value]  # told by the exact type above
    if kind is str:
        try:
            value.encode()  # type: ignore[attr-defined]  # told by the exact type above
        except UnicodeEncodeError as error:
            raise NotJsonError(
                f"{what}: text with half a character pair ({error.reason})"
            ) from None
        return value  # type: ignore[return-value]  # told by the exact type above
    if isinstance(value, float) and kind is float:
        if not math.isfinite(value):
            raise NotJsonError(f"{what}: {value} is not JSON")
        return value
    if isinstance(value, list) and kind is list:
        return [recordable(item, f"{what}[{at}]") for at, item in enumerate(value)]
    if isinstance(value, dict) and kind is dict:
        for name in value:
            if type(name) is not str:
                raise NotJsonError(
                    f"{what}: the key {name!r} is a {type(name).__name__}, not a str"
                )
        return {name: recordable(item, f"{what}[{name!r}]") for name, item in value.items()}
    raise NotJsonError(
        f"{what}: a {kind.__module__}.{kind.__qualname__} is not plain JSON "
        "(None, bool, int, float, str, list, dict)"
    )
