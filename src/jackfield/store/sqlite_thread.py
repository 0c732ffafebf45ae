"""A SQLite connection with its thread, each statement one errand to it.

aiosqlite goes to the thread four times for a query (cursor, execute, fetch, close) and once more to
roll back what was committed already; each time costs more than SQLite takes for a small statement.
What answers nothing (the beginning of a transaction, rows to write) does not go there by itself at
all: the next errand takes it along. This is as much of aiosqlite as SQLAlchemy's dialect asks for.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

import aiosqlite

FETCHED_AT_ONCE = 512
"""Rows that come back with the statement itself; larger results are fetched as they are asked for.
"""
MOST_AHEAD = 4096
"""Rows that may wait for the next errand."""


async def connect(path: str, **options: Any) -> SqliteConnection:
    """Open a file; takes the options of `sqlite3.connect`."""

    def open_file() -> sqlite3.Connection:
        opened: sqlite3.Connection = sqlite3.connect(path, **options)
        return opened

    connection = SqliteConnection(open_file, iter_chunk_size=FETCHED_AT_ONCE)
    thread = connection._thread  # noqa: SLF001 - SQLAlchemy does the same where it opens a file
    thread.daemon = True
    try:
        await connection
    except BaseException:
        # aiosqlite tells its thread to end but does not wait for it; the loop may end sooner.
        await asyncio.to_thread(thread.join)
        raise
    return connection


class SqliteConnection(aiosqlite.Connection):
    """aiosqlite's connection with cursors of our own."""

    _is_clean = True
    """Nothing was run since the last commit or rollback has come to its end."""
    _beginning = ""
    """How the transaction begins that nothing was run in yet."""
    _ahead: tuple[tuple[str, Sequence[Any]], ...] = ()
    """Statements with their rows, to be run before anything else."""
    _rows_ahead = 0
    only_reads = False
    """Then nobody waits for the end of a transaction: it has nothing to tell."""

    def cursor(self) -> SqliteCursor:  # type: ignore[override]
        """A cursor that exists once it has something to run."""
        return SqliteCursor(self)

    def begin(self, statement: str) -> None:
        """Begin a transaction with the next errand, by this statement."""
        self._beginning = statement

    def write_ahead(self, statement: str, rows: Sequence[Any]) -> bool:
        """Run a statement for each row, before whatever comes next; that tells what is wrong.

        False, and nothing happens, where too much waits already.
        """
        if self._rows_ahead >= MOST_AHEAD:
            return False
        self._ahead = (*self._ahead, (statement, rows))
        self._rows_ahead += len(rows)
        return True

    async def commit(self) -> None:
        # Also where nothing was run: whether the file can be used is told by any transaction.
        if self._ahead or self._beginning:
            await self.in_thread(_commit)
        elif self.only_reads:
            if not self._is_clean:
                self._tx.put_nowait((None, self._conn.commit))
        elif not self._is_clean:
            await super().commit()
        self._is_clean = True

    async def rollback(self) -> None:
        self._beginning, self._ahead, self._rows_ahead = "", (), 0
        # SQLAlchemy rolls back whatever it takes back into its pool.
        if not self._is_clean:
            await super().rollback()
            self._is_clean = True

    async def write_through(self) -> None:
        """Return when what was to be run ahead has been; that tells what is wrong with it."""
        if self._ahead:
            await self.in_thread(_nothing)

    async def in_thread(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """Have something done with the connection, after all that is to be done before."""
        self._is_clean = False
        beginning, ahead = self._beginning, self._ahead
        if beginning or ahead:
            self._beginning, self._ahead, self._rows_ahead = "", (), 0
            work = partial(_after, beginning, ahead, work)
        return await self._execute(work, self._conn)  # type: ignore[no-untyped-call] # aiosqlite's


def _after(
    beginning: str,
    ahead: Sequence[tuple[str, Sequence[Any]]],
    work: Callable[[sqlite3.Connection], Any],
    connection: sqlite3.Connection,
) -> Any:
    if beginning:
        connection.execute(beginning)
    for statement, rows in ahead:
        connection.executemany(statement, rows).close()
    return work(connection)


def _nothing(_: sqlite3.Connection) -> None:
    pass


def _commit(connection: sqlite3.Connection) -> None:
    connection.commit()


class SqliteCursor:
    """A statement and its rows."""

    __slots__ = ("_connection", "_open", "_rows", "description", "lastrowid", "rowcount")

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._open: sqlite3.Cursor | None = None
        """While it holds rows that were not fetched yet."""
        self._rows: list[Any] = []
        self.description: Any = None
        self.lastrowid: int | None = None
        self.rowcount = -1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> None:
        """Run a statement and fetch the first rows of its result."""

        def run(connection: sqlite3.Connection) -> sqlite3.Cursor:
            cursor = connection.execute(statement, parameters)
            if cursor.description is not None:
                self._fetch(cursor, FETCHED_AT_ONCE)
            else:
                cursor.close()
            return cursor

        self._learn(await self._connection.in_thread(run))

    async def executemany(self, statement: str, parameters: Sequence[Any]) -> None:
        """Run a statement once for each set of parameters."""

        def run(connection: sqlite3.Connection) -> sqlite3.Cursor:
            cursor = connection.executemany(statement, parameters)
            cursor.close()
            return cursor

        self._learn(await self._connection.in_thread(run))

    async def fetchone(self) -> Any:
        """The next row, or None."""
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows, fewer than asked for only at the end."""
        size = FETCHED_AT_ONCE if size is None else size
        if len(self._rows) < size and (cursor := self._open) is not None:
            missing = size - len(self._rows)
            await self._connection.in_thread(lambda _connection: self._fetch(cursor, missing))
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    async def fetchall(self) -> list[Any]:
        """All rows that are left."""
        if (cursor := self._open) is not None:
            await self._connection.in_thread(lambda _connection: self._fetch(cursor, None))
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Let go of rows that nobody has fetched."""
        if (cursor := self._open) is not None:
            self._open = None
            await self._connection.in_thread(lambda _connection: cursor.close())

    def _fetch(self, cursor: sqlite3.Cursor, count: int | None) -> None:
        """In the thread: take rows over, all of them without a count; close where that was all."""
        rows = cursor.fetchall() if count is None else cursor.fetchmany(count)
        self._rows = [*self._rows, *rows] if self._rows else rows
        if count is None or len(rows) < count:
            self._open = None
            cursor.close()
        else:
            self._open = cursor

    def _learn(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self.lastrowid = cursor.lastrowid
        self.rowcount = cursor.rowcount
