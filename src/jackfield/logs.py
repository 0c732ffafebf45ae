"""One stream of JSON lines on standard error for everything the process says, libraries included.

A line is an event name and fields. Set up once, before anything that logs is built.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from types import TracebackType
from typing import Any

import structlog

_NOISY = {"dbos": "WARNING", "alembic": "WARNING", "aiosqlite": "WARNING", "asyncio": "WARNING"}


def configure_logs(level: str) -> None:
    """Send every log line, warnings and uncaught errors included, through one JSON renderer.

    `level` is a name the standard library knows, in any case. Idempotent.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.stdlib.ExtraAdder(),
        _name_flow,
    ]
    if isinstance(sys.stderr, io.TextIOWrapper):
        # JSON is UTF-8 whatever the locale says, and halves of characters are no JSON.
        sys.stderr.reconfigure(encoding="utf-8", errors="replace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.EventRenamer("event"),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, floor in _NOISY.items():
        logger = logging.getLogger(name)
        # dbos adds a text handler of its own unless it finds one here when it is built.
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(floor)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_dead_thread


def _name_flow(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    event.pop("color_message", None)  # uvicorn's line once more, with a terminal's colours
    operation = event.pop("operationUUID", None)
    if operation:
        event.setdefault("flow", operation)
    return event


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("jackfield").critical("process.died", exc_info=(kind, error, trace))


def _log_dead_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        logging.getLogger("jackfield").error(
            "thread.died", exc_info=(args.exc_type, args.exc_value, args.exc_traceback)
        )
