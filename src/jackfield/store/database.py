"""The database: opened, brought to the newest shape, and lent out in transactions.

SQLite has one writer connection, at which everyone waits their turn, and five readers that cannot
write. PostgreSQL has one pool of ten. Whose turn it is: `jackfield.store.writer_queue`; what is
wrong with a database: `jackfield.store.located`; how its shape changes: `jackfield.store.migrate`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import URL, ExceptionContext, event, make_url, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from jackfield.store import sqlite_thread
from jackfield.store.checkpoints import LONGEST_LOG, Checkpoints
from jackfield.store.errors import DatabaseUnusable
from jackfield.store.estimates import estimate
from jackfield.store.leases import Lease, renew_lease
from jackfield.store.located import located, place_of, silent, translate
from jackfield.store.migrate import migrate
from jackfield.store.processes import still_holds
from jackfield.store.schema import CHUNK, INSTALLATION
from jackfield.store.timing import waiting_for_database
from jackfield.store.transaction import Transaction
from jackfield.store.writer_queue import WriterQueue

READERS = 5
POSTGRESQL_CONNECTIONS = 10
POSTGRESQL_OLDEST = 15
WAIT_FOR_CONNECTION_S = 60.0
BUSY_TIMEOUT_MS = 10_000
"""How long a connection waits for another program that holds the SQLite file."""
CONNECT_TIMEOUT_S = 10.0
PING_S = 5.0
"""How long a connection that was idle may take to show that it still works."""
ANSWER_S = 60.0
"""How long a server may take for one statement: one that is stopped, or behind a wire that swallows
what is sent, never ends a connection by itself."""
IDLE = timedelta(seconds=5)
"""How long a process that holds a slot may be silent inside a transaction: less than its lease."""

_TABLES = text("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")

Row = TypeVar("Row")
Result = TypeVar("Result")
SqliteConnect = Callable[..., Awaitable[Any]]
"""What opens a connection to a SQLite file, in place of the one that has a thread."""


class Database:
    """An open database at the newest version of its tables.

    Make it with `open`, end it with `close`.
    """

    def __init__(self, url: str, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self.url = url
        self.sqlite = writer.dialect.name == "sqlite"
        self._writer = writer
        self._reader = reader
        self._queue = WriterQueue(patience_s=WAIT_FOR_CONNECTION_S) if self.sqlite else None
        self._checkpoints: Checkpoints | None = None
        self._written = 0
        self._slot: Lease | None = None
        self._slot_length = timedelta()
        self.replaced = asyncio.Event()
        """Set when a peer has taken this process's slot over: it must end."""
        self.tell: Callable[[DatabaseUnusable], None] = _tell_nobody
        """Told each time a transaction finds that the database cannot be used."""

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        sqlite_connect: SqliteConnect | None = None,
        busy_timeout_ms: int = BUSY_TIMEOUT_MS,
        ping_s: float = PING_S,
        answer_s: float = ANSWER_S,
    ) -> Database:
        """Open `sqlite:///path` or `postgresql://user:password@host/database`, migrate it if due.

        Safe for several starters at once, and to be killed in the middle. Raises
        `DatabaseUnusable`.
        """
        if url.startswith("sqlite:"):
            path = make_url(url).database
            if not path or path == ":memory:":
                raise DatabaseUnusable(
                    "The database needs a file.",
                    "Give an address like sqlite:///folder/jackfield.db.",
                )
            writer = _sqlite_engine(path, sqlite_connect, busy_timeout_ms, writes=True)
            reader = _sqlite_engine(path, sqlite_connect, busy_timeout_ms, writes=False)
        elif url.startswith(("postgresql:", "postgres:")):
            writer = _postgresql_engine(url, ping_s, answer_s)
            reader = writer.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        else:
            raise DatabaseUnusable(
                f"The database address starts with {url.split(':', 1)[0]!r}.",
                "Use sqlite:///path or postgresql://user:password@host/database.",
            )
        database = cls(url, writer, reader)
        if database.sqlite and sqlite_connect is None:
            database._checkpoints = Checkpoints(reader, partial(database._turn, large=False))
        try:
            async with located(url), database._unhurried() as engine, engine.begin() as connection:
                if not database.sqlite:
                    await _check_postgresql(connection)
                await migrate(connection)
                if database.sqlite:
                    await estimate(connection)
        except BaseException:
            await database.close()
            raise
        return database

    @asynccontextmanager
    async def write(self, *, large: bool = False) -> AsyncIterator[Transaction]:
        """A transaction that may write; commits at the end of the block, rolls back when it raises.

        On SQLite it holds the only writer connection: no network, no long computing inside. A
        `large` one lets those that are not go first.
        """
        try:
            async with self._located(), self._turn(large=large), self._writer.begin() as connection:
                tx = Transaction(connection, self._queue)
                if self._slot is None or await still_holds(tx, self._slot, IDLE):
                    yield tx
                    return
        finally:
            self._written += 1
            if self._checkpoints is not None:
                self._checkpoints.wrote()
        self.replaced.set()
        # No error, which somebody might write down as theirs: the process is about to end.
        await asyncio.Event().wait()

    async def write_much(
        self,
        rows: Sequence[Row],
        save: Callable[[Transaction, Sequence[Row]], Awaitable[object]],
        end: Callable[[Transaction], Awaitable[Result]],
        *,
        begin: Callable[[Transaction], Awaitable[object]] | None = None,
    ) -> Result:
        """Save many rows a stretch at a time, then what `end` saves; returns what that answers.

        It is one transaction as long as nobody else waits to write, on PostgreSQL always; else
        another one goes on after them, and `begin` is called in each. So whatever `save` has saved
        must do no harm where `end` is never reached, and may come again.
        """
        while True:
            async with self.write(large=True) as tx:
                if begin is not None:
                    await begin(tx)
                while rows:
                    some = rows[: self.stretch()]
                    await save(tx, some)
                    # Only then it is known who has come meanwhile.
                    await tx.write_through()
                    rows = rows[len(some) :]
                    if rows and tx.is_waited_for:
                        break
                else:
                    return await end(tx)

    def stretch(self) -> int:
        """How many rows a large write puts down before it looks whether somebody waits."""
        return CHUNK if self._queue is None else self._queue.stretch()

    def _turn(self, *, large: bool) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._queue is None else self._queue.turn(large=large)

    @property
    def written(self) -> int | None:
        """Grows with each transaction that may have written; None where other processes write too.

        While it stays, whatever was read stands.
        """
        return self._written if self.sqlite else None

    def write_as(self, slot: Lease, length: timedelta) -> None:
        """From now on write only while this process holds its slot, a lease of that length.

        Once a peer has taken it over, `write` waits for ever, and `replaced` says so.
        """
        self._slot, self._slot_length = slot, length

    async def keep_slot(self, tx: Transaction, now: datetime) -> None:
        """Renew the slot of this process, if it has one, in a transaction that ends at once."""
        if self._slot is not None:
            await renew_lease(tx, INSTALLATION, self._slot, length=self._slot_length, now=now)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """A transaction that sees one moment of the database and cannot write."""
        async with self._located(), self._reader.begin() as connection:
            yield Transaction(connection)

    @asynccontextmanager
    async def _located(self) -> AsyncIterator[None]:
        try:
            with waiting_for_database():
                async with located(self.url):
                    yield
        except DatabaseUnusable as error:
            self.tell(error)
            raise

    async def analyze(self) -> None:
        """Refresh the planner's figures.

        Owed after every bulk load (PostgreSQL is slow for minutes without).
        """
        if self.sqlite:
            async with self.read() as tx:
                tables = [row.name for row in await tx.rows(_TABLES)]
            for table in tables:
                async with self.write(large=True) as tx:
                    await tx.connection.execute(text(f'ANALYZE "{table}"'))
            return
        # VACUUM marks pages as seen by all, which lets searches read indexes alone.
        async with located(self.url), self._unhurried() as engine:
            alone = engine.execution_options(isolation_level="AUTOCOMMIT")
            async with alone.connect() as connection:
                await connection.execute(text("VACUUM (ANALYZE)"))

    @asynccontextmanager
    async def _unhurried(self) -> AsyncIterator[AsyncEngine]:
        """For what may take minutes in a large database: changing tables, clearing up."""
        if self.sqlite:
            yield self._writer
            return
        engine = _postgresql_engine(self.url, PING_S, None)
        try:
            yield engine
        finally:
            await engine.dispose()

    async def close(self) -> None:
        """Close every connection."""
        if self._checkpoints is not None:
            await self._checkpoints.close()
        await self._reader.dispose()
        await self._writer.dispose()


def _tell_nobody(_: DatabaseUnusable) -> None:
    pass


def _sqlite_engine(
    path: str, connect: SqliteConnect | None, busy_timeout_ms: int, *, writes: bool
) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=path),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1 if writes else READERS,
        max_overflow=0,
        pool_timeout=WAIT_FOR_CONNECTION_S,
        connect_args={
            "isolation_level": None,
            "timeout": busy_timeout_ms / 1000,
            "async_creator_fn": connect or sqlite_thread.connect,
        },
    )
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
    pragmas = (
        f"PRAGMA busy_timeout={busy_timeout_ms}",
        # Counts for a new file only. Measured: a first sync costs a fifth less CPU than with 4096.
        "PRAGMA page_size=8192",
        "PRAGMA journal_mode=WAL",
        f"PRAGMA synchronous={'FULL' if writes else 'NORMAL'}",
        "PRAGMA foreign_keys=ON",
        f"PRAGMA cache_size={-32_000 if writes else -16_000}",
        f"PRAGMA wal_autocheckpoint={LONGEST_LOG}",
        "PRAGMA temp_store=MEMORY",
        *(() if writes else ("PRAGMA query_only=ON",)),
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()
        if isinstance(driver := connection.driver_connection, sqlite_thread.SqliteConnection):
            driver.only_reads = not writes

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.connection.driver_connection.begin(begin)

    return engine


# Our tables fit in memory, where an index is cheap; workers and compiled plans cost more to start
# than our queries take. Measured on 100,000 people: searches two to four times as fast.
_POSTGRESQL_HABITS = (
    "SET random_page_cost = 1.1; SET max_parallel_workers_per_gather = 0; SET jit = off"
)


def _postgresql_engine(url: str, ping_s: float, answer_s: float | None) -> AsyncEngine:
    import asyncpg

    async def connect() -> Any:
        # The address goes to asyncpg as it is: it knows libpq's sslmode, host=/socket and the rest.
        try:
            connection = await asyncpg.connect(
                url,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=answer_s,
                server_settings={"application_name": "jackfield"},
            )
            await connection.execute(_POSTGRESQL_HABITS)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
            raise (translate(url, error) or _unreachable(url, error)) from error
        return connection

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=POSTGRESQL_CONNECTIONS,
        max_overflow=0,
        pool_timeout=WAIT_FOR_CONNECTION_S,
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def ping(connection: Any, _record: Any, _proxy: Any) -> None:
        # As the engine's own, which is without a limit of its own and takes three questions.
        try:
            connection.run_async(lambda raw: raw.execute("SELECT 1", timeout=ping_s))
        except TimeoutError as error:
            connection.driver_connection.terminate()
            raise silent(url, ping_s) from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise DisconnectionError(str(error)) from error

    @event.listens_for(engine.sync_engine, "handle_error")
    def break_off(context: ExceptionContext) -> None:
        # Whatever else would be asked here, a rollback above all, would wait for the same answer.
        error = context.original_exception
        if isinstance(error, TimeoutError) and answer_s and context.connection is not None:
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False
            raw = context.connection.connection.driver_connection
            if raw is not None:
                raw.terminate()
            raise silent(url, answer_s) from error

    return engine


def _unreachable(url: str, error: Exception) -> DatabaseUnusable:
    # What asyncpg says of an address that it cannot read quotes parts of it, the password perhaps.
    told = "the address cannot be read" if isinstance(error, ValueError) else str(error)
    return DatabaseUnusable(
        f"The database server {place_of(url)} cannot be used ({told or type(error).__name__}).",
        "Check that it runs and that the database address is right.",
    )


async def _check_postgresql(connection: AsyncConnection) -> None:
    version = (
        int((await connection.execute(text("SHOW server_version_num"))).scalar_one()) // 10_000
    )
    if version < POSTGRESQL_OLDEST:
        raise DatabaseUnusable(
            f"The database server is PostgreSQL {version}; the oldest that works is "
            f"{POSTGRESQL_OLDEST}.",
            "Upgrade the server or name another one.",
        )
