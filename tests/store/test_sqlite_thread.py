"""The way to SQLite's thread: rows come in order, and nothing that was begun is left behind."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jackfield.store.sqlite_thread import FETCHED_AT_ONCE, SqliteConnection, connect

_COUNT = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n"
)


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[SqliteConnection]:
    """A file of its own, without transactions that begin by themselves."""
    opened = await connect(str(tmp_path / "rows.db"), isolation_level=None)
    await opened.cursor().execute("CREATE TABLE one (a)")
    yield opened
    await opened.close()


@pytest.mark.parametrize("rows", [0, 1, FETCHED_AT_ONCE, FETCHED_AT_ONCE + 1, 3 * FETCHED_AT_ONCE])
async def test_every_row_is_fetched_once(connection: SqliteConnection, rows: int) -> None:
    """The first rows come with the statement; where they end the others must go on."""
    expected = [(number,) for number in range(1, max(rows, 1) + 1)]
    whole, paged = connection.cursor(), connection.cursor()

    await whole.execute(_COUNT, (rows,))
    await paged.execute(_COUNT, (rows,))
    pages = []
    while page := await paged.fetchmany(500):
        pages.append(page)

    assert await whole.fetchall() == expected
    assert [row for page in pages for row in page] == expected
    assert all(len(page) == 500 for page in pages[:-1])


async def test_a_cursor_that_is_closed_early_holds_nothing(connection: SqliteConnection) -> None:
    """A statement that is still open would keep the file's log from being emptied."""
    await connection.cursor().executemany("INSERT INTO one VALUES (?)", [(n,) for n in range(2000)])
    cursor = connection.cursor()
    await cursor.execute("SELECT a FROM one")
    await cursor.close()

    await connection.cursor().execute("DROP TABLE one")

    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await connection.cursor().execute("SELECT a FROM one")


async def test_what_a_cut_off_task_began_is_rolled_back(connection: SqliteConnection) -> None:
    """The thread does what it was told although nobody waits for the answer any more."""
    begins = asyncio.create_task(connection.cursor().execute("BEGIN IMMEDIATE"))
    await asyncio.sleep(0)
    begins.cancel()
    await asyncio.wait([begins])

    await connection.rollback()

    await connection.cursor().execute("BEGIN IMMEDIATE")


async def test_what_was_not_committed_is_rolled_back(connection: SqliteConnection) -> None:
    """A commit makes a rollback needless only until the next statement."""
    await connection.cursor().execute("BEGIN")
    await connection.commit()
    await connection.cursor().execute("BEGIN")
    await connection.cursor().execute("INSERT INTO one VALUES (1)")

    await connection.rollback()

    found = connection.cursor()
    await found.execute("SELECT count(*) FROM one")
    assert await found.fetchone() == (0,)


async def test_what_a_statement_changed_is_counted(connection: SqliteConnection) -> None:
    """Compare-and-set depends on the number of rows that were touched."""
    inserted, returned = connection.cursor(), connection.cursor()

    await inserted.executemany("INSERT INTO one VALUES (?)", [(1,), (2,), (3,)])
    await returned.execute("DELETE FROM one WHERE a > 1 RETURNING a")

    assert inserted.rowcount == 3
    assert await returned.fetchall() == [(2,), (3,)]
    assert returned.rowcount == 2
