"""What DBOS would log as trouble and is none, or is one trouble said many times a second.

None: a cancel, a run taken over, a stop under flows: the record says the same, or the run goes on.
Many times: each of its threads complains of a lost database at each look; one line a minute passes.
"""

from __future__ import annotations

import asyncio
import logging

from jackfield.clock import Clock

SAID_AGAIN_AFTER_S = 60.0

_ASKED_FOR = ("DBOSAwaitedWorkflowCancelledError",)
_NO_TROUBLE = (
    "was cancelled during execution",
    "is no longer owned by this execution",
    "Asyncio task cancelled",
    # A role that may use its own database only; DBOS wanted to create what is there already.
    "Could not connect to postgres database to verify existence",
)
_GONE = (
    "cannot schedule new futures after",
    "Executor accessed before DBOS was launched",
    "System database accessed before DBOS was launched",
    "the work database is closed",
)
_DATABASE_AWAY = (
    "Database connection failed",
    "Database connection pool exhausted",
    "Error fetching dequeued workflow statuses",
    "Exception encountered in queue thread",
    "Exception finding work for queue",
    "Exception in background job",
    "Exception in schedule",
    "Exception listing queues",
    "Exception polling schedules",
    "Exception reloading queue",
    "Exception taking the",
    "Notification listener error",
    "Notification poller error",
    "Notifier",
)


class Hush(logging.Filter):
    """Let a record of logger `dbos` pass, or not."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.stopping = False
        self._clock = clock
        self._said_at = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        message = record.getMessage()
        if type(error).__name__ in _ASKED_FOR or any(words in message for words in _NO_TROUBLE):
            return False
        if message.startswith(_DATABASE_AWAY):
            return not self.stopping and self._is_due()
        if self.stopping:
            gone = any(words in f"{message} {error}" for words in _GONE)
            return not gone and not isinstance(error, asyncio.CancelledError)
        return True

    def _is_due(self) -> bool:
        now = self._clock.monotonic()
        if now - self._said_at < SAID_AGAIN_AFTER_S:
            return False
        self._said_at = now
        return True
