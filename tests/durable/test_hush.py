"""What of DBOS's log reaches ours."""

import asyncio
import logging

import pytest

from jackfield.durable.hush import Hush


class Minutes:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at


def _record(message: str, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = None if error is None else (type(error), error, None)
    return logging.LogRecord("dbos", logging.WARNING, __file__, 1, message, (), exc_info)


def test_a_lost_database_is_said_once_a_minute():
    """Each of DBOS's threads complains at each look: twenty lines a second for one outage."""
    clock = Minutes()
    hush = Hush(clock)
    complaints = [
        "Exception listing queues: connection is bad",
        "Exception encountered in queue thread for people: connection is bad",
        "Database connection failed: connection refused. Retrying in 1.00s (attempt 1)",
    ]

    said = []
    for second in range(120):
        clock.at = float(second)
        said += [second for complaint in complaints if hush.filter(_record(complaint))]

    assert said == [0, 60]


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(_record("Workflow x was cancelled during execution. Waiting"), id="cancel"),
        pytest.param(_record("Workflow x is no longer owned by this execution. W"), id="adopted"),
        pytest.param(_record("Asyncio task cancelled for workflow or step f"), id="cut_off"),
    ],
)
def test_what_was_asked_for_is_no_trouble(record):
    """An administrator's cancel in red makes people look for a fault."""
    assert not Hush(Minutes()).filter(record)


def test_only_a_stop_silences_what_a_stop_causes():
    """The same words in the middle of the day are a fault, and must be seen."""
    hush = Hush(Minutes())
    shut_pool = RuntimeError("cannot schedule new futures after shutdown")
    records = [
        _record("Exception encountered in asynchronous workflow:", shut_pool),
        _record("Exception encountered in asynchronous workflow:", asyncio.CancelledError()),
        _record("Error executing workflow x: the work database is closed"),
    ]

    in_the_day = [hush.filter(record) for record in records]
    hush.stopping = True
    at_the_stop = [hush.filter(record) for record in records]
    real = hush.filter(_record("Exception encountered in asynchronous workflow:", KeyError("x")))

    assert in_the_day == [True] * 3
    assert at_the_stop == [False] * 3
    assert real
