"""The runner's own connections: a server that takes what is sent and never answers ends in time."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from doubles.relay import Relay, relayed
from jackfield.durable.work_database import WorkDatabase, open_work_database

pytestmark = pytest.mark.postgres
ANSWER_S = 0.5
LATE_S = 20.0


@pytest.fixture
def wire(postgres_server: Callable[[str], str]) -> Iterator[Relay]:
    """The way to the database server, to be cut by the test."""
    folder = postgres_server("swallowed").split("host=")[1]
    with relayed(socket.AF_UNIX, f"{folder}/.s.PGSQL.5432") as relay:
        yield relay


@pytest.fixture
def database(wire: Relay) -> Iterator[WorkDatabase]:
    url = f"postgresql://postgres@127.0.0.1:{wire.port}/swallowed"
    database = open_work_database(url, answer_s=ANSWER_S)
    yield database
    database.close()


def one(database: WorkDatabase) -> int:
    with database.engine.connect() as connection:
        return int(connection.scalar(sa.text("SELECT 1")))


def test_a_swallowed_question_fails_in_time_and_the_next_one_is_answered(
    wire: Relay, database: WorkDatabase
) -> None:
    """The network says that the bytes came, so no other limit ever ends it: a run would hang."""
    before = one(database)
    with database.engine.connect() as connection:
        connection.scalar(sa.text("SELECT 1"))
        wire.swallow()
        began = time.monotonic()
        with pytest.raises(sa.exc.OperationalError, match=r"connection failed.*answered") as failed:
            connection.scalar(sa.text("SELECT 2"))
        took_s = time.monotonic() - began

    assert (before, one(database)) == (1, 1)
    assert ANSWER_S <= took_s < LATE_S
    assert failed.value.connection_invalidated


def test_connections_that_were_swallowed_while_they_rested_are_left(
    wire: Relay, database: WorkDatabase
) -> None:
    """The next who needs one gets a new one."""
    one(database)

    wire.swallow()

    assert one(database) == 1


def test_who_listens_may_hear_nothing_for_long(database: WorkDatabase) -> None:
    """A listener is not one who waits for an answer."""
    listener = database.engine.raw_connection()
    try:
        connection = listener.driver_connection
        connection.set_autocommit(True)
        connection.execute("LISTEN quiet")
        heard = connection.notifies(timeout=3 * ANSWER_S)

        assert list(heard) == []
        assert not connection.closed
    finally:
        listener.close()
