"""Who holds a slot knows how many do."""

from doubles.house import House
from jackfield.flows.slots import LEASE, Slot
from jackfield.store.leases import list_leases
from jackfield.store.processes import SLOT
from jackfield.store.schema import INSTALLATION


def slot_of(house: House, told: list[int]) -> Slot:
    roles = ("web",)
    return Slot(house.database, house.clock, roles=roles, works=False, share=told.append)


async def test_everybody_is_told_of_who_comes_and_who_goes(house: House) -> None:
    """What is limited for all of them together is shared among those alive."""
    first_told: list[int] = []
    second_told: list[int] = []
    first, second = slot_of(house, first_told), slot_of(house, second_told)

    await first.take()
    await second.take()
    await first.keep()
    await second.leave()
    await first.keep()

    assert first_told == [1, 2, 1]
    assert second_told == [2]


async def owners(house: House) -> set[str]:
    async with house.database.read() as tx:
        leases = await list_leases(tx, INSTALLATION, SLOT)
    return {one.owner for one in leases if one.owner}


async def test_nobody_takes_work_over_right_after_the_database_was_away(house: House) -> None:
    """All leases have run out by then: whoever looks first must not end the others."""
    first, second = slot_of(house, []), slot_of(house, [])
    await first.take()
    await second.take()
    alive = await owners(house)
    house.clock.advance(60)

    before_it_renews = await first.adopt(house.runner), await owners(house)
    await first.keep()
    right_after = await first.adopt(house.runner), await owners(house)
    await second.keep()
    for _ in range(8):
        house.clock.advance(1)
        await first.keep()
        await second.keep()
        await first.adopt(house.runner)

    assert before_it_renews == right_after == (0, alive)
    assert await owners(house) == alive


async def test_a_peer_that_stays_silent_is_taken_over(house: House) -> None:
    """Once there was time for everybody to renew."""
    first, second = slot_of(house, []), slot_of(house, [])
    await first.take()
    await second.take()
    alive = await owners(house)

    for _ in range(int(2 * LEASE.total_seconds()) + 2):
        house.clock.advance(1)
        await first.keep()
        await first.adopt(house.runner)

    if house.database.sqlite:  # elsewhere it is the server's own clock that counts
        assert len(await owners(house) & alive) == 1
