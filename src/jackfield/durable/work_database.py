"""Where DBOS keeps its tables: `work.db` beside the product's SQLite file, or a PostgreSQL schema.

DBOS is handed an engine, so what its own would have set on each connection is set here.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

SCHEMA = "dbos"
POOL_SIZE = 8
# Of a server or a network that is gone without a farewell DBOS would wait for an answer for ever.
# By libpq's names, read 2026-11: seconds, and milliseconds for the last.
_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
ANSWER_S = 60.0
"""The same where somebody in between takes the bytes, so that to the network all is well."""
IDLE_IN_TRANSACTION_MS = 5_000
"""How long a process that is stopped inside a transaction holds its locks: whoever takes its runs
over waits for them."""


@dataclass(slots=True)
class WorkDatabase:
    """An open engine and the URL of the same database."""

    url: sa.URL
    engine: sa.Engine
    _closed: bool = False

    def close(self) -> None:
        """Close every connection, also those that a late thread still gives back."""
        self._closed = True
        self.engine.dispose()


def open_work_database(database_url: str, *, answer_s: float = ANSWER_S) -> WorkDatabase:
    """Open the database of the runner that belongs to the product's `database_url`.

    A server that has not answered a statement for `answer_s` seconds has lost the connection.
    """
    url = sa.make_url(database_url)
    patience: dict[str, int] = {}
    if url.get_backend_name() == "sqlite":
        file = _work_file(url)
        url = sa.URL.create("sqlite", database=str(file))
        _create_in_wal(file)
    else:
        url = url.set(drivername="postgresql+psycopg")
        patience = {name: value for name, value in _PATIENCE.items() if name not in url.query}
    engine = sa.create_engine(
        url,
        connect_args=patience,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=30,
        # A file goes nowhere; a server may have, while nobody asked it anything.
        pool_pre_ping=url.get_backend_name() != "sqlite",
    )
    database = WorkDatabase(url, engine)

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        if url.get_backend_name() == "sqlite":
            # Taking the write lock first is what keeps two writers from a stale snapshot.
            connection.isolation_level = "IMMEDIATE"
            connection.execute("PRAGMA busy_timeout=30000")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA foreign_keys=ON")
        else:
            connection.execute(
                f"SET idle_in_transaction_session_timeout = {IDLE_IN_TRANSACTION_MS}"
            )
            connection.commit()

    @sa.event.listens_for(engine, "do_connect")
    def _connect(dialect: sa.Dialect, _record: object, args: Any, kwargs: Any) -> Any:
        if database._closed:  # noqa: SLF001  # the engine's half of this class
            # In an outage DBOS tries again for ever: a thread of it would hold up the exit.
            raise RuntimeError("the work database is closed")
        try:
            if dialect.driver == "psycopg":
                from jackfield.durable.patient_connection import PatientConnection

                made = PatientConnection.connect(*args, **kwargs)
                made.answer_s = answer_s
                return made
            return dialect.connect(*args, **kwargs)
        except Exception as error:
            if "connection is bad" not in str(error):
                raise
            # DBOS waits out an outage whose text it knows, and psycopg has changed its text.
            raise type(error)(f"connection failed: {error}") from error

    @sa.event.listens_for(engine, "checkin")
    def _close_late(_connection: object, record: Any) -> None:
        if database._closed:  # noqa: SLF001  # the engine's half of this class
            record.invalidate()

    return database


def _work_file(url: sa.URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise ValueError("durable work needs a database in a file, not in memory")
    file = Path(url.database).with_name("work.db")
    if file.name == Path(url.database).name:
        raise ValueError("the product's database cannot be named work.db: that name is taken")
    return file


def _create_in_wal(file: Path) -> None:
    if not file.exists():
        # Somebody deleted the file alone: its old log would be replayed into the new one.
        for left in ("-wal", "-shm"):
            file.with_name(file.name + left).unlink(missing_ok=True)
    connection = sqlite3.connect(file, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
