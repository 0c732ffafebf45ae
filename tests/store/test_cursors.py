"""Where a walk through Graph stands, and that two walkers cannot both go on from there."""

from datetime import datetime, timedelta

import pytest

from jackfield.store.cursors import (
    Resource,
    RoundKind,
    accept_people,
    advance,
    begin_round,
    forget_cursors,
    load_cursor,
)
from jackfield.store.database import Database
from jackfield.store.errors import CursorMoved


async def test_a_walk_from_the_first_page_to_the_next_delta(
    database: Database, now: datetime
) -> None:
    """After a crash the walk goes on at the page that was saved last."""
    later = now + timedelta(minutes=1)
    async with database.write() as tx:
        cursor = await load_cursor(tx, 1, Resource.USERS)
        assert (cursor.version, cursor.position) == (0, None)
        cursor = await begin_round(tx, 1, cursor, RoundKind.FULL, now=now)
        cursor = await advance(tx, 1, cursor, "next-1")
        assert (cursor.round, cursor.pages, cursor.finished_at) == (1, 1, None)
        cursor = await advance(tx, 1, cursor, "delta-1", finished_at=later)
        await accept_people(tx, 1, 250)
    assert (cursor.position, cursor.full_finished_at, cursor.pages) == ("delta-1", later, 2)

    async with database.write() as tx:
        cursor = await load_cursor(tx, 1, Resource.USERS)
        cursor = await begin_round(tx, 1, cursor, RoundKind.DELTA, now=later)
        assert (cursor.position, cursor.round, cursor.finished_at) == ("delta-1", 1, None)
        assert cursor.full_finished_at == later
        cursor = await advance(tx, 1, cursor, "delta-2", finished_at=later)
        cursor = await begin_round(tx, 1, cursor, RoundKind.FULL, now=later)

    assert (cursor.position, cursor.round, cursor.accepted_people) == (None, 2, 250)


async def test_only_one_of_two_walkers_gets_on(database: Database, now: datetime) -> None:
    """A process that was believed dead must not save its page over its successor's."""
    async with database.write() as tx:
        cursor = await load_cursor(tx, 1, Resource.USERS)
        mine = await begin_round(tx, 1, cursor, RoundKind.FULL, now=now)
    async with database.write() as tx:
        await advance(tx, 1, mine, "page-2")

    with pytest.raises(CursorMoved):
        async with database.write() as tx:
            await advance(tx, 1, mine, "page-2 again")
    with pytest.raises(CursorMoved):
        async with database.write() as tx:
            await begin_round(tx, 1, cursor, RoundKind.FULL, now=now)

    async with database.read() as tx:
        assert (await load_cursor(tx, 1, Resource.USERS)).position == "page-2"


async def test_another_organisation_begins_from_nothing(database: Database, now: datetime) -> None:
    """A delta link of the old organisation means nothing in the new one; round numbers go on."""
    async with database.write() as tx:
        cursor = await load_cursor(tx, 1, Resource.GROUPS)
        cursor = await begin_round(tx, 1, cursor, RoundKind.FULL, now=now)
        cursor = await advance(tx, 1, cursor, "delta", finished_at=now)

    async with database.write() as tx:
        await forget_cursors(tx, 1)
        fresh = await load_cursor(tx, 1, Resource.GROUPS)

    assert (fresh.position, fresh.full_finished_at, fresh.round) == (None, None, 1)
    with pytest.raises(CursorMoved):
        async with database.write() as tx:
            await advance(tx, 1, cursor, "page")
