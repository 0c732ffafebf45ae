"""The steps of a run: what they answer is a type in the flow and a plain document in the record.

A record may outlive the version that wrote it, for a run goes on after an upgrade: names and
meanings of fields stay, and a new field has a default (`tests/flows/test_recorded_steps.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple

import msgspec

from jackfield.clock import Clock
from jackfield.durable import DurableError, Json, Run, StepFailedError
from jackfield.flows.failures import Failed
from jackfield.flows.run_rows import LeaseLost
from jackfield.store.runs import RunStatus

STINT_S = 0.5
MOST_PIECES = 5
LARGE_PIECE = 500
"""Rows of a piece that another one may follow in the same step."""

A = TypeVar("A", bound=msgspec.Struct)
Ts = TypeVarTuple("Ts")


class More(msgspec.Struct, frozen=True):
    """Whether the same step has more to do."""

    more: bool


class Stint:
    """How long a step goes on that does its work piece by piece, each saved by itself.

    Of many thousands each piece would be recorded by the runner and told by the run's row, which
    costs as much as a tenth of it. Small pieces are steps of their own.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = clock.monotonic() + STINT_S
        self._pieces = 0

    def goes_on(self, rows: int) -> bool:
        """Whether after a piece of so many rows another one belongs to this step."""
        self._pieces += 1
        quick = self._pieces < MOST_PIECES and self._clock.monotonic() < self._until
        return quick and rows >= LARGE_PIECE


class Read(msgspec.Struct, frozen=True):
    """All was read; there is nothing else to say about it."""


class Ended(msgspec.Struct, frozen=True):
    """How a run ended: the last that the runner keeps of it."""

    status: RunStatus | None = None
    """None = it has not: something of its plan is left to carry out."""

    @property
    def is_left(self) -> bool:
        return self.status is None


IS_LEFT = Ended()


async def answered(
    run: Run, kind: type[A], name: str, step: Callable[[*Ts], Awaitable[A]], *args: *Ts
) -> A:
    """What a step answers, or has answered before the process was started anew."""

    async def recorded() -> Json:
        return document_of(await step(*args))

    return msgspec.convert(await run.step(name, recorded), kind)


async def tried(
    run: Run, kind: type[A], name: str, step: Callable[[*Ts], Awaitable[A | Failed]], *args: *Ts
) -> A | Failed:
    """The same of a step that may fail, and then says why."""

    async def recorded() -> Json:
        return document_of(await step(*args))

    return answer_of(await run.step(name, recorded), kind)


def document_of(answer: msgspec.Struct) -> Json:
    """An answer as the runner keeps it."""
    document: Json = msgspec.json.decode(msgspec.json.encode(answer))
    return document


def answer_of(document: Json, kind: type[A]) -> A | Failed:
    """What `document_of` has told."""
    if isinstance(document, dict) and document.get("failed"):
        return msgspec.convert(document, Failed)
    return msgspec.convert(document, kind)


def broken(error: Exception) -> Failed:
    """Why a run that met an error nobody expected does not go on.

    What the runner says about itself is no failure of the run, and raised again.
    """
    if isinstance(error, StepFailedError):
        return Failed(str(error), taken_over=error.kind == LeaseLost.__name__)
    if isinstance(error, DurableError):
        raise error
    return Failed(f"{type(error).__name__}: {error}")
