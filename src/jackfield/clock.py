"""The one place that asks what time it is.

Everything above `core` is handed a `Clock`; tests hand over a virtual one.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

_NEVER_STOPS: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Where the system has one, a clock that also counts while the machine is suspended."""


class Clock(Protocol):
    """Time as the product sees it."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring lengths of time, a suspended machine's too."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; returns at once for zero or less."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(_NEVER_STOPS)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
