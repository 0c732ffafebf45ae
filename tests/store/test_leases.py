"""Leases: one owner at a time, and a fence that tells the old one from the new."""

import asyncio
from datetime import datetime, timedelta

from jackfield.store.database import Database
from jackfield.store.leases import (
    Lease,
    list_leases,
    release_lease,
    renew_lease,
    take_lease,
)

LONG, NONE = timedelta(minutes=5), timedelta(0)


async def take(
    database: Database, now: datetime, owner: str, length: timedelta = LONG, name: str = "slot-1"
) -> Lease | None:
    async with database.write() as tx:
        return await take_lease(tx, 0, name, owner, length=length, now=now)


async def test_a_lease_has_one_owner(database: Database, now: datetime) -> None:
    """Two owners of a tenant would write every change twice."""
    mine = await take(database, now, "a")
    theirs = await take(database, now, "b")
    again = await take(database, now, "a")

    assert mine is not None
    assert mine.fence == 1
    assert theirs is None
    assert again is not None
    assert again.fence == 2  # a second process under the same name is told from the first


async def test_only_one_of_many_gets_it(database: Database, now: datetime) -> None:
    """Three survivors race for the work of a dead process."""
    await take(database, now, "dead", NONE)

    taken = await asyncio.gather(*(take(database, now, f"p{number}") for number in range(6)))

    winners = [lease for lease in taken if lease is not None]
    assert len(winners) == 1
    assert winners[0].fence == 2


async def test_an_expired_lease_goes_to_the_next_with_a_new_fence(
    database: Database, now: datetime
) -> None:
    """A process that slept must notice that its work is somebody else's now."""
    old = await take(database, now, "a", NONE)
    new = await take(database, now, "b")
    assert old is not None
    assert new is not None

    async with database.write() as tx:
        renewed = await renew_lease(tx, 0, old, length=LONG, now=now)
        released = await release_lease(tx, 0, old)
        kept = await renew_lease(tx, 0, new, length=LONG, now=now)

    assert (old.fence, new.fence) == (1, 2)
    assert (renewed, released) == (None, False)
    assert kept is not None


async def test_a_lease_given_up_is_free_at_once(database: Database, now: datetime) -> None:
    """A restart must not wait for the lease of the process it replaces."""
    mine = await take(database, now, "a")
    assert mine is not None
    async with database.write() as tx:
        kept = await renew_lease(tx, 0, mine, length=LONG, now=now)
        assert kept is not None
        assert await release_lease(tx, 0, kept)
        assert not await release_lease(tx, 0, kept)

    theirs = await take(database, now, "b")

    assert theirs is not None
    assert theirs.fence == 2


async def test_leases_are_listed_by_name(database: Database, now: datetime) -> None:
    """Expired ones and those that were given up too."""
    await take(database, now, "alive", LONG, "slot-1")
    await take(database, now, "dead", NONE, "slot-2")
    await take(database, now, "dead", NONE, "tenant-1")

    async with database.read() as tx:
        every = await list_leases(tx, 0, "slot-")

    assert [one.name for one in every] == ["slot-1", "slot-2"]
