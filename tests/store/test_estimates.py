"""What SQLite is told of tables that it has not counted yet."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from jackfield.store.database import Database

MEMBERS = "FROM group_member AS m JOIN directory_group AS g ON g.tenant = m.tenant"
FIFTY = ", ".join(f"'{number}'" for number in range(50))


@pytest.mark.parametrize(
    ("query", "index"),
    [
        pytest.param(
            f"SELECT m.member {MEMBERS} AND g.id = m.group_id WHERE m.tenant = 1"
            f" AND g.standing = 'present' AND m.member IN ({FIFTY}) ORDER BY m.group_id, m.member",
            "ix_group_member_member",
            id="groups_of_fifty_people",
        ),
        pytest.param(
            f"SELECT m.member {MEMBERS} AND g.id = m.group_id WHERE m.tenant = 1"
            " AND g.standing = 'present' AND m.kind = 'group' ORDER BY m.group_id, m.member",
            "ix_group_member_nested",
            id="groups_in_groups",
        ),
    ],
)
async def test_a_new_database_takes_the_index_that_leads_to_few(
    database: Database, query: str, index: str
) -> None:
    """In the first sync of 100,000 people a page does not read every membership of the tenant."""
    if not database.sqlite:
        pytest.skip("not on PostgreSQL: it counts by itself")
    async with database.read() as tx:
        plan = [row[3] for row in await tx.rows(text(f"EXPLAIN QUERY PLAN {query}"))]

    assert any(index in step for step in plan), plan


async def test_what_was_counted_is_kept(database: Database) -> None:
    """A restart does not put estimates in the place of figures."""
    if not database.sqlite:
        pytest.skip("not on PostgreSQL: it counts by itself")
    async with database.write() as tx:
        await tx.run(text("INSERT INTO sequences (tenant) VALUES (1)"))
    await database.analyze()
    counted = text("SELECT idx, stat FROM sqlite_stat1 WHERE tbl = 'sequences'")
    async with database.read() as tx:
        before = await tx.rows(counted)

    again = await Database.open(database.url)
    async with again.read() as tx:
        after = await tx.rows(counted)
    await again.close()

    assert [tuple(row) for row in after] == [tuple(row) for row in before]
    assert all(row[1].startswith("1") for row in after)
