"""The way to SQLite's thread: rows come in order, and nothing that was begun is left behind."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jackfield.core.schedule import Mode
from jackfield.store.database import Database
from jackfield.store.outcomes import Result, mark_outcomes
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.schedule import want
from jackfield.store.sqlite_thread import FETCHED_AT_ONCE, MOST_AHEAD, SqliteConnection, connect
from jackfield.store.tokens import create_token

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

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
    await connection.cursor().execute("BEGIN IMMEDIATE")
    await connection.cursor().executemany("INSERT INTO one VALUES (?)", [(n,) for n in range(2000)])
    await connection.commit()
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


async def count(connection: SqliteConnection) -> int:
    found = connection.cursor()
    await found.execute("SELECT count(*) FROM one")
    number: int = (await found.fetchone())[0]
    return number


async def test_rows_written_ahead_are_there_for_what_comes_next(
    connection: SqliteConnection,
) -> None:
    """A step reads what it has just written, whenever that went to the thread."""
    connection.begin("BEGIN IMMEDIATE")
    connection.write_ahead("INSERT INTO one VALUES (?)", [(1,), (2,)])
    connection.write_ahead("DELETE FROM one WHERE a = ?", [(1,)])

    assert await count(connection) == 1
    connection.write_ahead("INSERT INTO one VALUES (?)", [(3,)])
    await connection.commit()
    await connection.rollback()
    assert await count(connection) == 2


async def test_rows_that_cannot_be_written_are_told_of_by_the_commit(
    connection: SqliteConnection,
) -> None:
    """Nothing of the transaction stands, and the connection serves the next one."""
    await connection.cursor().execute("CREATE UNIQUE INDEX once ON one (a)")
    connection.begin("BEGIN IMMEDIATE")
    connection.write_ahead("INSERT INTO one VALUES (?)", [(1,), (1,)])

    with pytest.raises(sqlite3.IntegrityError):
        await connection.commit()
    await connection.rollback()

    connection.begin("BEGIN IMMEDIATE")
    assert await count(connection) == 0
    await connection.commit()


async def test_what_is_rolled_back_before_it_went_to_the_thread_never_goes(
    connection: SqliteConnection,
) -> None:
    """Neither its rows nor its beginning are left to the next transaction."""
    connection.begin("BEGIN IMMEDIATE")
    connection.write_ahead("INSERT INTO one VALUES (?)", [(1,)])
    await connection.rollback()

    connection.begin("BEGIN")
    assert await count(connection) == 0
    await connection.commit()
    assert await count(connection) == 0


async def test_an_empty_transaction_tells_whether_the_file_can_be_used(
    connection: SqliteConnection, tmp_path: Path
) -> None:
    """Whether a locked database is back is found out by one."""
    other = sqlite3.connect(tmp_path / "rows.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await connection.cursor().execute("PRAGMA busy_timeout=0")

    connection.begin("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await connection.commit()
    await connection.rollback()

    other.execute("ROLLBACK")
    other.close()
    connection.begin("BEGIN IMMEDIATE")
    await connection.commit()


async def test_only_so_many_rows_wait(connection: SqliteConnection) -> None:
    """A stored plan of 100,000 actions is not held in memory as a whole."""
    await connection.cursor().execute("BEGIN IMMEDIATE")
    rows = [(1,)] * MOST_AHEAD
    assert connection.write_ahead("INSERT INTO one VALUES (?)", rows)

    assert not connection.write_ahead("INSERT INTO one VALUES (?)", [(2,)])
    assert await count(connection) == MOST_AHEAD
    assert connection.write_ahead("INSERT INTO one VALUES (?)", [(2,)])


async def test_who_only_reads_does_not_wait_for_the_end(
    connection: SqliteConnection, tmp_path: Path
) -> None:
    """Half of what a page asks of the thread; the next transaction sees what is new."""
    reading = await connect(str(tmp_path / "rows.db"), isolation_level=None)
    reading.only_reads = True
    await connection.cursor().execute("PRAGMA journal_mode=WAL")
    counted = []
    for number in range(3):
        await connection.cursor().execute(f"INSERT INTO one VALUES ({number})")
        reading.begin("BEGIN")
        found = reading.cursor()
        await found.execute("SELECT count(*) FROM one")
        counted += await found.fetchall()

        await reading.commit()

    await reading.close()
    assert counted == [(1,), (2,), (3,)]


async def test_what_waits_to_be_written_is_there_when_asked_for(
    connection: SqliteConnection,
) -> None:
    """How long it took decides how much comes next; what was wrong with it is told here."""
    connection.begin("BEGIN IMMEDIATE")
    connection.write_ahead("INSERT INTO one VALUES (?)", [(1,), (2,)])
    await connection.write_through()
    connection.write_ahead("INSERT INTO nowhere VALUES (?)", [(1,)])

    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await connection.write_through()

    found = connection.cursor()
    await found.execute("SELECT count(*) FROM one")
    assert await found.fetchall() == [(2,)]
    await connection.rollback()


async def test_rows_that_answer_nothing_go_with_the_commit(migrated_sqlite: Path) -> None:
    """Each way to the thread takes as long as a turn of a busy loop: a form has to wait for it."""
    errands = []

    async def connect_and_count(path: str, **options: Any) -> SqliteConnection:
        opened = await connect(path, **options)
        to_thread = opened.in_thread

        async def counted(work: Callable[[sqlite3.Connection], Any]) -> Any:
            errands.append(work)
            return await to_thread(work)

        opened.in_thread = counted  # type: ignore[method-assign]
        return opened

    database = await Database.open(f"sqlite:///{migrated_sqlite}", sqlite_connect=connect_and_count)
    errands.clear()
    async with database.write() as tx:
        await create_token(tx, 1, name="a", role="owner", created_by="b", now=NOW)
        await want(tx, 1, "people", Mode.FULL, now=NOW)
        await mark_outcomes(tx, 1, 1, [Result(1, ActionStatus.DONE)], now=NOW)

    await database.close()
    # What was asked for, the change number, the commit.
    assert len(errands) == 3


@pytest.fixture
def migrated_sqlite(sqlite_template: Path, tmp_path: Path) -> Path:
    """A database file at its newest shape."""
    return Path(shutil.copy(sqlite_template, tmp_path / "jackfield.db"))
