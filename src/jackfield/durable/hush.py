"""What DBOS would log as trouble and is none: a cancel, a run taken over, a stop under flows.

Nothing is lost with it: the run's record says the same, or it goes on here or elsewhere.
"""

from __future__ import annotations

import asyncio
import logging

_ASKED_FOR = ("DBOSAwaitedWorkflowCancelledError",)
_NO_TROUBLE = (
    "was cancelled during execution",
    "is no longer owned by this execution",
    # A role that may use its own database only; DBOS wanted to create what is there already.
    "Could not connect to postgres database to verify existence",
)
_GONE = (
    "cannot schedule new futures after",
    "Executor accessed before DBOS was launched",
    "System database accessed before DBOS was launched",
)


class Hush(logging.Filter):
    """Let a record of logger `dbos` pass, or not."""

    def __init__(self) -> None:
        super().__init__()
        self.stopping = False

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        message = record.getMessage()
        if type(error).__name__ in _ASKED_FOR or any(words in message for words in _NO_TROUBLE):
            return False
        if not self.stopping:
            return True
        if isinstance(error, asyncio.CancelledError) or message.startswith(
            "Asyncio task cancelled"
        ):
            return False
        return not any(words in f"{message} {error}" for words in _GONE)
