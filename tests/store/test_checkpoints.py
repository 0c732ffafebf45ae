"""SQLite's log is moved into the file beside the writer, and begins anew when it has grown long."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from jackfield.store.checkpoints import Checkpoints
from jackfield.store.database import Database

pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


def checkpoints(database: Database, *, long_log: int = 8_000) -> Checkpoints:
    @asynccontextmanager
    async def turn() -> Any:
        async with database._turn(large=False):
            yield

    return Checkpoints(database._reader, turn, long_log=long_log)


async def write(database: Database, rows: int = 500) -> None:
    """Some hundred pages."""
    async with database.write() as tx:
        await tx.run(
            text("INSERT INTO schedule (tenant, work, mark) VALUES (:tenant, :work, 1)"),
            [{"tenant": n, "work": "x" * 2_000} for n in range(rows)],
        )
    async with database.write() as tx:
        await tx.run(text("DELETE FROM schedule"))


def log_of(database: Database) -> int:
    """How many bytes its log takes."""
    return Path(f"{database.url.removeprefix('sqlite:///')}-wal").stat().st_size


async def test_what_is_written_is_moved_and_the_log_begins_anew(database: Database) -> None:
    """Else the log grows for as long as somebody writes, and fills the disk."""
    moving = checkpoints(database, long_log=1)
    await write(database)
    once = log_of(database)

    for _ in range(5):
        left = await moving.move()
        await write(database)

    assert left == 0
    assert log_of(database) == once


async def test_what_somebody_reads_stays_until_they_are_done(database: Database) -> None:
    """An export of an hour holds up neither the checkpoint nor those who write."""
    await write(database, 1)
    moving = checkpoints(database, long_log=1)
    async with database.read() as tx:
        await tx.scalar(text("SELECT count(*) FROM schedule"))
        await write(database)

        disturbed = await moving.move()

    assert disturbed > 0
    assert await moving.move() == 0


async def test_a_database_that_is_closed_moves_nothing_more(database: Database) -> None:
    """The server stops at once, whatever is still to be moved."""
    moving = checkpoints(database)
    moving.wrote()

    await moving.close()

    assert moving._task is not None
    assert moving._task.cancelled()


async def test_a_full_disk_is_left_to_whoever_writes(database: Database) -> None:
    """They are told what is wrong; a task that died of it would only fill the log."""

    @asynccontextmanager
    async def full() -> Any:
        raise sqlite3.OperationalError("database or disk is full")
        yield

    moving = Checkpoints(database._reader, full, long_log=1, pause_s=0.0)
    await write(database)

    before = asyncio.all_tasks()
    with capture_logs() as said:
        moving.wrote()
        (task,) = asyncio.all_tasks() - before
        await task

    assert [line["event"] for line in said] == ["checkpoint.failed"]
