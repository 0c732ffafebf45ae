"""SQLite without its thread: every statement runs on the loop, at once, in the order asked for.

Threads finish in an order that nobody decides, and a virtual clock does not see that they are at
work. What is run is the same SQL on a real file; only the way to it is shorter, and nothing waits
for the disk: durability is SQLite's own business. Implements as much of aiosqlite as SQLAlchemy's
dialect asks for.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self


class Place:
    """Where connections lead: the same engines can serve one file after the other."""

    def __init__(self, path: Path = Path()) -> None:
        self.path = path

    async def connect(self, _path: str, **options: Any) -> InlineConnection:
        """Takes the place of `aiosqlite.connect`."""
        return InlineConnection(sqlite3.connect(self.path, **options))


class InlineConnection:
    """aiosqlite's connection, its promises kept before they are given."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._beginning = ""
        self._tx = _Done()

    @property
    def _conn(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("no active connection")
        return self._connection

    @property
    def isolation_level(self) -> str | None:
        return self._conn.isolation_level

    def cursor(self) -> InlineCursor:
        return InlineCursor(self._conn.cursor(), self.begin_now)

    def begin(self, statement: str) -> None:
        self._beginning = statement

    def begin_now(self) -> None:
        """Before the first statement of a transaction, as part of it."""
        beginning, self._beginning = self._beginning, ""
        if beginning:
            self._conn.execute(beginning)

    async def write_through(self) -> None:
        """Nothing waits to be written."""

    def write_ahead(self, _statement: str, _rows: Sequence[Any]) -> bool:
        return False

    async def create_function(self, *args: Any, **options: Any) -> None:
        self._conn.create_function(*args, **options)

    async def commit(self) -> None:
        self.begin_now()
        self._conn.commit()

    async def rollback(self) -> None:
        self._beginning = ""
        self._conn.rollback()

    async def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class InlineCursor:
    """aiosqlite's cursor."""

    def __init__(self, cursor: sqlite3.Cursor, begin_now: Callable[[], None]) -> None:
        self._cursor = cursor
        self._begin_now = begin_now

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._cursor.lastrowid

    async def execute(self, statement: str, parameters: Any = ()) -> None:
        if statement.startswith("PRAGMA synchronous"):
            statement = "PRAGMA synchronous=OFF"
        self._begin_now()
        self._cursor.execute(statement, parameters)

    async def executemany(self, statement: str, parameters: Any) -> None:
        self._begin_now()
        self._cursor.executemany(statement, parameters)

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        return self._cursor.fetchmany(self._cursor.arraysize if size is None else size)

    async def close(self) -> None:
        self._cursor.close()


class _Done:
    """The queue to the thread that there is none of: what is put into it is done."""

    def put_nowait(self, order: tuple[asyncio.Future[Any], Callable[[], Any]]) -> None:
        future, function = order
        future.set_result(function())


class InlineExecutor(ThreadPoolExecutor):
    """What is asked of a thread (`asyncio.to_thread`) is done where it is asked for."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **options))
        except BaseException as error:
            done.set_exception(error)
        return done
