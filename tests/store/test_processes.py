"""Slots of processes: taken, kept, lost to a peer, and never written under by two."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from jackfield.store.database import Database
from jackfield.store.errors import DatabaseUnusable
from jackfield.store.leases import Lease, expired_leases, list_leases, renew_lease
from jackfield.store.processes import (
    SLOT,
    Process,
    leave_slot,
    load_processes,
    save_process,
    take_over,
    take_slot,
)
from jackfield.store.schema import INSTALLATION

LONG, NONE = timedelta(minutes=5), timedelta(0)


@pytest.fixture
async def database(postgres_server: Callable[[str], str]) -> AsyncIterator[Database]:
    """Only PostgreSQL can be shared."""
    opened = await Database.open(postgres_server(f"s{uuid.uuid4().hex}"))
    yield opened
    await opened.close()


async def take(database: Database, owner: str, length: timedelta = LONG) -> Lease:
    async with database.write() as tx:
        return await take_slot(tx, owner, length=length, now=datetime.now().astimezone())


async def inherit(database: Database, dead: Lease, owner: str) -> Lease | None:
    async with database.write() as tx:
        return await take_over(tx, dead, owner, length=LONG, now=datetime.now().astimezone())


async def test_each_process_gets_the_lowest_free_slot(database: Database) -> None:
    """Also those that start at once; one with unfinished work behind it is not free."""
    together = await asyncio.gather(*(take(database, f"p{number}") for number in range(4)))
    await take(database, "dead", NONE)

    late = await take(database, "late")

    assert sorted(one.name for one in together) == ["slot-1", "slot-2", "slot-3", "slot-4"]
    assert late.name == "slot-6"


async def test_a_dead_ones_slot_has_one_heir(database: Database, now: datetime) -> None:
    """Three survivors race; two who adopted the same runs would do everything twice."""
    dead = await take(database, "dead", NONE)
    alive = await take(database, "alive")

    heirs = await asyncio.gather(*(inherit(database, dead, f"p{number}") for number in range(6)))
    robbed = await inherit(database, alive, "robber")

    assert [one.fence for one in heirs if one is not None] == [2]
    assert robbed is None
    async with database.read() as tx:
        assert await expired_leases(tx, INSTALLATION, SLOT, now=now) == ()


async def test_nothing_is_taken_over_in_the_middle_of_a_write(database: Database) -> None:
    """A process that was silent for too long still writes: first its transaction ends."""
    slot = await take(database, "slow", NONE)
    peer = await Database.open(database.url)
    try:
        database.write_as(slot, LONG)
        async with database.write():
            during = await inherit(peer, slot, "peer")
        after = await inherit(peer, slot, "peer")
    finally:
        await peer.close()

    assert during is None
    assert after is not None


async def test_a_write_that_never_ends_is_broken_off(database: Database) -> None:
    """A machine that was suspended amid a statement: for the server it is at work for ever."""
    slot = await take(database, "suspended", NONE)
    peer = await Database.open(database.url)
    begun = asyncio.Event()

    async def write() -> None:
        async with database.write() as tx:
            begun.set()
            await tx.run(text("SELECT pg_sleep(60)"))

    async def inherit_at_last() -> Lease:
        while True:
            async with peer.write() as tx:
                now = datetime.now().astimezone()
                heir = await take_over(tx, slot, "peer", length=LONG, now=now, grace=NONE)
            if heir is not None:
                return heir
            await asyncio.sleep(0.01)

    try:
        database.write_as(slot, LONG)
        writing = asyncio.create_task(write())
        await begun.wait()
        during = await inherit(peer, slot, "peer")
        heir = await asyncio.wait_for(inherit_at_last(), 10)
        with pytest.raises(DatabaseUnusable):
            await writing
    finally:
        await peer.close()

    assert during is None
    assert heir.owner == "peer"


async def test_who_has_lost_its_slot_writes_nothing_more(database: Database) -> None:
    """It waits for ever instead of failing: a failure might be recorded as somebody's."""
    slot = await take(database, "slow", NONE)
    peer = await Database.open(database.url)
    try:
        database.write_as(slot, LONG)
        assert await inherit(peer, slot, "peer") is not None
    finally:
        await peer.close()

    async def write() -> None:
        async with database.write() as tx:
            await save_process(tx, _process("slot-9"))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(write(), 0.2)

    assert database.replaced.is_set()
    async with database.read() as tx:
        assert await load_processes(tx, now=datetime.now().astimezone()) == ()


async def test_a_lease_is_renewed_under_the_writes_it_guards(
    database: Database, now: datetime
) -> None:
    """Renewing waits for no write, nor a write for it."""
    slot = await take(database, "mine", LONG)
    database.write_as(slot, LONG)

    async with database.write(), database.write() as tx:
        kept = await renew_lease(tx, INSTALLATION, slot, length=LONG, now=now)

    assert kept is not None


async def test_a_slot_that_ran_out_is_renewed_before_a_write_leaves_the_house(
    database: Database, now: datetime
) -> None:
    """What goes to a phone system is in no transaction: nobody may take the work over meanwhile."""
    slot = await take(database, "mine", NONE)
    database.write_as(slot, LONG)
    async with database.write() as tx:
        await database.keep_slot(tx, now)

    peer = await Database.open(database.url)
    try:
        taken = await inherit(peer, slot, "peer")
    finally:
        await peer.close()

    assert taken is None


async def test_only_the_living_are_listed(database: Database, now: datetime) -> None:
    """With what each said of itself; who left has left its work to the others at once."""
    for owner, length in (("a", LONG), ("b", NONE), ("c", LONG)):
        slot = await take(database, owner, length)
        async with database.write() as tx:
            await save_process(tx, _process(slot.name))
    async with database.write() as tx:
        await leave_slot(tx, slot)

    async with database.read() as tx:
        alive = await load_processes(tx, now=now)
        left = await expired_leases(tx, INSTALLATION, SLOT, now=now)
        every = await list_leases(tx, INSTALLATION, SLOT)

    assert alive == (_process("slot-1"),)
    assert [one.name for one in left] == ["slot-2", "slot-3"]
    assert len(every) == 3


def _process(name: str) -> Process:
    started_at = datetime.fromisoformat("2026-11-23T08:00:00+00:00")
    return Process(name, "host", 7, ("web", "sync"), "1.0", "http://127.0.0.1:1", started_at)
