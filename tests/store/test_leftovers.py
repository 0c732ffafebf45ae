"""What is left of a removed tenant is deleted in every table, and nothing of anybody else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Column, Table, select

from jackfield.store.database import Database
from jackfield.store.leftovers import close, tables_of_tenants
from jackfield.store.pieces import delete_piece
from jackfield.store.schema import Moment
from jackfield.store.sequences import next_change, sequences
from jackfield.store.transaction import Transaction

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ROWS = 3


def value(column: Column[Any], number: int) -> Any:
    """Something that fits the column; another one for each number."""
    if isinstance(column.type, Moment):
        return NOW.replace(minute=number)
    kind = column.type.python_type
    if kind is bytes:
        return bytes([number])
    if kind is bool:
        return False
    return kind(number)


async def fill(tx: Transaction, table: Table, tenant: int) -> None:
    """Rows whose keys are the same for every tenant."""
    several = len(table.primary_key.columns) > 1
    for number in range(1, (ROWS if several else 1) + 1):
        row = {one.name: value(one, number) for one in table.columns} | {"tenant": tenant}
        await tx.run(table.insert().values(**row))


async def rows_of(tx: Transaction, table: Table, tenant: int) -> list[str]:
    return sorted(map(repr, await tx.rows(select(table).where(table.c.tenant == tenant))))


async def test_a_row_of_a_late_writer_keeps_the_sign_that_something_is_left(
    database: Database,
) -> None:
    """It came into a table that was emptied already: nobody would ever look there again."""
    alarms = next(one for one in tables_of_tenants() if one.name == "alarm")
    async with database.write() as tx:
        for tenant in (5, 6):
            await next_change(tx, tenant)
        await fill(tx, alarms, 5)
        await fill(tx, alarms, 6)

        early = await close(tx, 6)
        await delete_piece(tx, 6, alarms)
        late = await close(tx, 6)

        assert (early, late) == (False, True)
        assert await rows_of(tx, sequences, 6) == []
        assert await rows_of(tx, sequences, 5)


@pytest.mark.parametrize("table", tables_of_tenants(), ids=lambda table: table.name)
async def test_a_piece_is_of_one_tenant_alone(database: Database, table: Table) -> None:
    """The keys of two customers may be the same: a condition on them alone deletes both."""
    async with database.write() as tx:
        for tenant in (5, 6):
            await fill(tx, table, tenant)
        theirs = await rows_of(tx, table, 5)
        count = len(await rows_of(tx, table, 6))

        deleted = await delete_piece(tx, 6, table, most=2)
        deleted += await delete_piece(tx, 6, table, most=2)

        assert theirs
        assert deleted == count
        assert await rows_of(tx, table, 5) == theirs
        assert await rows_of(tx, table, 6) == []
