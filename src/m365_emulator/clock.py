"""The tenant's clock: real time plus what the control API has advanced it by.

Everything on the stage asks this clock, so that a token can expire while a test holds its breath.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def stamp(moment: datetime) -> str:
    """A moment as Graph writes it, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Clock:
    """Call it for the moment (aware, UTC); it only ever goes forward."""

    def __init__(self, source: Callable[[], datetime] = _wall_clock) -> None:
        self._source = source
        self.advanced_by = timedelta(0)

    @classmethod
    def standing(cls, at: datetime) -> "Clock":
        """A clock that stands still until somebody advances it: for tests."""
        return cls(lambda: at)

    def __call__(self) -> datetime:
        return self._source() + self.advanced_by

    def advance(self, by: timedelta) -> None:
        if by < timedelta(0):
            raise ValueError("a clock does not go back")
        self.advanced_by += by
