"""How long somebody has waited for the database, for those who want to know where time goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Waited:
    """What one piece of work, such as a request, has waited for since it began."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self.database_s = 0.0
        """In transactions, from asking for one to its end."""
        self.turn_s = 0.0
        """Of it until those were through who write to SQLite already."""

    @property
    def total_s(self) -> float:
        """Seconds since it began."""
        return time.perf_counter() - self._begun


_waited: ContextVar[Waited | None] = ContextVar("waited", default=None)


def begin_waiting() -> Waited:
    """Count from now on what this task waits for."""
    waited = Waited()
    _waited.set(waited)
    return waited


def waited_so_far() -> Waited | None:
    """What this task has waited for; None where nobody has begun to count."""
    return _waited.get()


@contextmanager
def waiting_for_database() -> Iterator[None]:
    """The time of the block is spent with the database."""
    waited = _waited.get()
    if waited is None:
        yield
        return
    begun = time.perf_counter()
    try:
        yield
    finally:
        waited.database_s += time.perf_counter() - begun


def note_turn(seconds: float) -> None:
    """So long it took to get the writer."""
    if (waited := _waited.get()) is not None:
        waited.turn_s += seconds
