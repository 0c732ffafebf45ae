"""An open transaction: what flows open and hand to the functions of the archive.

Statements are SQLAlchemy Core. Building one takes longer than running it, so those of every step of
a flow are built once, with `bindparam`, and run with their values. Large numbers of rows go through
`Bulk`: a Core statement compiled once for a database, run with plain tuples of stored values,
because building a dict and a bound parameter per value costs more than SQLite.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Executable, Row, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

from jackfield.store.schema import CHUNK
from jackfield.store.writer_queue import WriterQueue

PAGE = 500
"""Rows of a large result that are turned into records in one go."""

_T = TypeVar("_T")
AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row whose columns the type checker does not follow."""


class Transaction:
    """A transaction of `Database.write` or `Database.read`; ends with their block."""

    __slots__ = ("_queue", "changes", "connection", "sqlite")

    def __init__(self, connection: AsyncConnection, queue: WriterQueue | None = None) -> None:
        self.connection = connection
        self._queue = queue
        self.sqlite = connection.dialect.name == "sqlite"
        self.changes: dict[int, int] = {}
        """Change numbers this transaction has taken (see `sequences.next_change`)."""

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody waits for this transaction to end: a large one goes on in another."""
        return self._queue is not None and self._queue.is_waited_for

    def insert(self, table: Table) -> Any:
        """An insert that knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
        return insert_into(table, on_sqlite=self.sqlite)

    async def rows(
        self, statement: Executable, values: dict[str, Any] | None = None
    ) -> Sequence[AnyRow]:
        """All rows of a statement."""
        return (await self.connection.execute(statement, values)).all()

    async def pages(
        self, statement: Executable, values: dict[str, Any] | None = None
    ) -> AsyncIterator[Sequence[AnyRow]]:
        """All rows of a statement in pages of 500, for results that may be large.

        Between two pages the event loop runs: a hundred thousand rows at once would stop it for a
        second.
        """
        result = await self.connection.stream(
            statement, values, execution_options={"yield_per": PAGE}
        )
        async for page in result.partitions():
            yield page

    async def row(
        self, statement: Executable, values: dict[str, Any] | None = None
    ) -> AnyRow | None:
        """The first row, or None."""
        return (await self.connection.execute(statement, values)).first()

    async def scalar(self, statement: Executable, values: dict[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        return await self.connection.scalar(statement, values)

    def write_ahead(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> bool:
        """Have rows written before whatever comes next; False where that cannot be."""
        if not self.sqlite:
            return False
        connection: Any = self.connection.sync_connection
        written: bool = connection.connection.driver_connection.write_ahead(sql, rows)
        return written

    async def write_through(self) -> None:
        """Return when what `write_ahead` took is written."""
        if self.sqlite:
            connection: Any = self.connection.sync_connection
            await connection.connection.driver_connection.write_through()

    async def run(
        self, statement: Executable, values: dict[str, Any] | Sequence[dict[str, Any]] | None = None
    ) -> int:
        """Run a statement for its effect; returns the number of rows it touched."""
        return (await self.connection.execute(statement, values)).rowcount


def insert_into(table: Table, *, on_sqlite: bool) -> Any:
    """The insert of a database, for statements that are built once (see `Transaction.insert`)."""
    return sqlite.insert(table) if on_sqlite else postgresql.insert(table)


class Bulk:
    """A statement for many rows: tuples in the order of `names`, moments in microseconds."""

    __slots__ = ("_build", "_compiled", "names")

    def __init__(
        self, names: Sequence[str], build: Callable[[Callable[[Table], Any]], ClauseElement]
    ) -> None:
        """`build` is given the insert function of the database; its statement binds `names`."""
        self.names = tuple(names)
        self._build = build
        self._compiled: dict[bool, tuple[str, Callable[[tuple[Any, ...]], Any] | None]] = {}

    async def run(
        self, tx: Transaction, rows: Iterable[tuple[Any, ...]], *, at_once: bool = False
    ) -> int:
        """Run the statement for every row; returns how many rows were given.

        On SQLite they may be written with the next statement or the commit, which then tells what
        is wrong with them; `at_once` for who wants to hear of it here.
        """
        sql, arrange = self._for(tx)
        done = 0
        iterator = iter(rows)
        while chunk := list(islice(iterator, CHUNK)):
            done += len(chunk)
            if arrange is not None:
                chunk = [arrange(row) for row in chunk]
            if at_once or not tx.write_ahead(sql, chunk):
                await tx.connection.exec_driver_sql(sql, chunk)
            await asyncio.sleep(0)
        return done

    def _for(self, tx: Transaction) -> tuple[str, Callable[[tuple[Any, ...]], Any] | None]:
        known = self._compiled.get(tx.sqlite)
        if known is None:
            known = self._compiled[tx.sqlite] = self._compile(tx)
        return known

    def _compile(self, tx: Transaction) -> tuple[str, Callable[[tuple[Any, ...]], Any] | None]:
        statement = self._build(tx.insert)
        compiled = statement.compile(dialect=tx.connection.dialect, column_keys=list(self.names))
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - tells mypy which compiler Core has
        order = list(compiled.positiontup or ())
        if set(order) != set(self.names):
            raise ValueError(f"the statement binds {order}, the rows bring {list(self.names)}")
        if order == list(self.names):
            return compiled.string, None
        return compiled.string, itemgetter(*(self.names.index(name) for name in order))


def upsert(
    table: Table,
    names: Sequence[str],
    *,
    keep: Sequence[str] = (),
    where: Callable[[Any], Any] | None = None,
) -> Bulk:
    """Insert rows or, where the key stands already, overwrite every column but those of `keep`.

    `where` receives the excluded row and may narrow which standing rows are overwritten.
    """
    primary = [column.name for column in table.primary_key.columns]

    def build(insert: Callable[[Table], Any]) -> ClauseElement:
        statement = insert(table)
        change = {
            name: statement.excluded[name]
            for name in names
            if name not in primary and name not in keep
        }
        if not change:
            return statement.on_conflict_do_nothing(index_elements=primary)  # type: ignore[no-any-return]
        condition = None if where is None else where(statement.excluded)
        return statement.on_conflict_do_update(  # type: ignore[no-any-return]
            index_elements=primary, set_=change, where=condition
        )

    return Bulk(names, build)


def append(table: Table, names: Sequence[str]) -> Bulk:
    """Insert rows; one whose key or unique mark stands already is left out."""
    return Bulk(names, lambda insert: insert(table).on_conflict_do_nothing())


def chunks(items: Sequence[_T], size: int = CHUNK) -> Iterable[Sequence[_T]]:
    """`items` in pieces of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))
