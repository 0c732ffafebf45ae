"""What SQLite is told of tables that it has not counted yet.

Until it has counted (ANALYZE, after a large run), it takes it that a value of an index's first
column leads to ten rows. With us that column is the tenant, which leads to all of them: in the
first sync of a large tenant, pages read every membership where an index would have found fifty.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

ROWS = 100_000
ROWS_OF_PARTIAL = 1_000
"""In an index of some rows only."""
ROWS_OF_LAST = 4
"""With the same values in all columns of an index that does not keep them unique."""

_INDEXES = text("""
    SELECT t.name, i.name, i."unique", i.partial, count(*),
           i.origin = 'pk' AND t.sql LIKE '%WITHOUT ROWID%'
    FROM sqlite_master AS t, pragma_index_list(t.name) AS i, pragma_index_info(i.name) AS c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'
    GROUP BY t.name, i.name
""")
_COUNTED = text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
_TAKE_IN = text("ANALYZE sqlite_master")
_WRITE = text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:table, :index, :figures)")


async def estimate(connection: AsyncConnection) -> None:
    """Give every index of a SQLite file figures of a large tenant, where nothing was counted.

    Source: SQLite docs, ANALYZE: "applications can write to sqlite_stat1", read 2026-11.
    """
    if await connection.scalar(_COUNTED):
        return
    await connection.execute(_TAKE_IN)
    found = (await connection.execute(_INDEXES)).all()
    rows = [
        {
            "table": table,
            # The rows of such a table stand in its key, which goes by the table's name.
            "index": table if is_the_table else index,
            "figures": _figures(columns, unique=bool(unique), partial=bool(partial)),
        }
        for table, index, unique, partial, columns, is_the_table in found
    ]
    await connection.execute(_WRITE, rows)
    await connection.execute(_TAKE_IN)


def _figures(columns: int, *, unique: bool, partial: bool) -> str:
    """Rows in all, then rows with the same values in the first column, the first two and so on."""
    rows = ROWS_OF_PARTIAL if partial else ROWS
    last = 1 if unique else ROWS_OF_LAST
    alike = [round(rows ** (1 - at / columns)) for at in range(columns - 1)]
    return " ".join(map(str, [rows, *alike, last]))
