"""The door that a stop shuts: who is inside may finish, nobody else gets in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Whereabouts:
    """Of the run that is executing: inside one of its steps? turned away at the gate?"""

    in_step: bool = False
    interrupted: bool = False


# Told by context, because what a step calls (an enqueue, say) belongs to the step.
current_run: ContextVar[Whereabouts | None] = ContextVar("current_run", default=None)


class Gate:
    """Counts who is inside."""

    def __init__(self) -> None:
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self.is_shut = False

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be inside. Where the gate is shut a flow ends here, by `CancelledError`."""
        run = current_run.get()
        if self.is_shut and not (run and run.in_step):
            if run:
                run.interrupted = True
            raise asyncio.CancelledError("the runner is stopping")
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def keep_until_done(self, task: asyncio.Task[object]) -> None:
        """Count the task as inside until it ends."""
        self._enter()
        task.add_done_callback(lambda _task: self._leave())

    def shut(self) -> None:
        self.is_shut = True

    @property
    def is_empty(self) -> bool:
        return not self._inside

    async def empty(self) -> None:
        """Return once nobody is inside."""
        await self._empty.wait()

    def _enter(self) -> None:
        self._inside += 1
        self._empty.clear()

    def _leave(self) -> None:
        self._inside -= 1
        if not self._inside:
            self._empty.set()
