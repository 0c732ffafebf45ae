"""A psycopg connection that waits for an answer for so long and no longer.

libpq has limits for connecting and for bytes that nobody acknowledges. A proxy or a firewall that
acknowledges them and forgets them is met by none: whoever asks would wait for ever.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import psycopg
from psycopg import Notify
from psycopg.abc import RV, PQGen


class PatientConnection(psycopg.Connection[Any]):
    """Breaks where one statement is not answered within `answer_s` seconds."""

    answer_s: float | None = None
    """None = no limit."""
    _listens = False

    def notifies(
        self, *, timeout: float | None = None, stop_after: int | None = None
    ) -> Generator[Notify]:
        """Whoever listens waits for no answer: from now on there is no limit."""
        self._listens = True
        return super().notifies(timeout=timeout, stop_after=stop_after)

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        if timeout is not None or self.answer_s is None or self._listens:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_s)
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001 - it has no other name
            self.close()
            # In words by which DBOS knows a lost connection, and tries again on another.
            raise psycopg.OperationalError(
                f"connection failed: the server has not answered for {self.answer_s:g} s"
            ) from error
