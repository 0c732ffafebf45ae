"""A SQLite connection with its thread, each statement one errand to it.

aiosqlite goes to the thread four times for a query (cursor, execute, fetch, close) and once more to
roll back what was committed already; each time costs more than SQLite takes for a small statement.
This is as much of aiosqlite as SQLAlchemy's dialect asks for.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Self

import aiosqlite

FETCHED_AT_ONCE = 512
"""Rows that come back with the statement itself; larger results are fetched as they are asked for.
"""


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

    def cursor(self) -> SqliteCursor:  # type: ignore[override]
        """A cursor that exists once it has something to run."""
        return SqliteCursor(self)

    async def commit(self) -> None:
        await super().commit()
        self._is_clean = True

    async def rollback(self) -> None:
        # SQLAlchemy rolls back whatever it takes back into its pool.
        if not self._is_clean:
            await super().rollback()
            self._is_clean = True

    async def in_thread(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """Have something done with the connection."""
        self._is_clean = False
        return await self._execute(work, self._conn)  # type: ignore[no-untyped-call] # aiosqlite's


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
