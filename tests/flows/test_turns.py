"""Two processes on one PostgreSQL look at the same phone system at the same moment."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from doubles.house import House
from jackfield.flows.phones import PhoneReading
from jackfield.flows.turns import NAME, Turns
from jackfield.pbx.port import ExtensionsPage, PhoneSystem, PhoneSystemUnreachable
from jackfield.store.leases import give_up_everywhere, leases, take_lease
from jackfield.store.schema import EPOCH

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True),
]


class Slow:
    """`PhoneSystem` around another one, whose reading goes on when the test says so."""

    def __init__(self, inner: PhoneSystem) -> None:
        self._inner = inner
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def read_extensions(self, cursor: str | None = None) -> AsyncIterator[ExtensionsPage]:
        self.asked.set()
        await self.go_on.wait()
        async for page in self._inner.read_extensions(cursor):
            yield page


def reading(house: House, phone: object, slot: str) -> PhoneReading:
    """The reading of one process."""
    turns = Turns(house.database, house.clock, lambda: slot)
    return PhoneReading(house.database, lambda _: phone, house.clock, turns)  # type: ignore[arg-type, return-value]


async def test_the_second_waits_until_the_first_has_saved(house: House) -> None:
    """Else the one would drop what only the other has met."""
    first, second = Slow(house.phone(1)), Slow(house.phone(1))
    second.go_on.set()
    one = asyncio.create_task(reading(house, first, "slot-1").read(1, everything=True))
    await first.asked.wait()
    other = asyncio.create_task(reading(house, second, "slot-2").read(1, everything=True))
    waits = house.clock.monotonic() + 1.0
    while house.clock.monotonic() < waits:
        await house.clock.sleep(0.2)
    early = second.asked.is_set()

    first.go_on.set()
    await asyncio.gather(one, other)

    assert not early
    assert second.asked.is_set()


async def test_tenants_do_not_wait_for_each_other(house: House) -> None:
    """A phone system that hangs is its own tenant's trouble."""
    first, second = Slow(house.phone(1)), Slow(house.phone(2))
    second.go_on.set()
    one = asyncio.create_task(reading(house, first, "slot-1").read(1, everything=True))
    await first.asked.wait()

    await reading(house, second, "slot-2").read(2, everything=True)

    first.go_on.set()
    await one
    assert second.asked.is_set()


async def test_the_turn_of_a_dead_process_ends_with_its_slot(house: House) -> None:
    """Within the same seconds as its runs."""
    length = timedelta(hours=1)
    async with house.database.write() as tx:
        await take_lease(tx, 1, NAME, "slot-7", length=length, now=house.clock.now())
        ended = await give_up_everywhere(tx, NAME, "slot-7")

    await reading(house, house.phone(1), "slot-2").read(1, everything=True)

    assert ended == 1


async def test_who_slept_saves_nothing_after_another_one_has_read(house: House) -> None:
    """It wakes up with a page of yesterday."""
    slow = Slow(house.phone(1))
    asleep = asyncio.create_task(reading(house, slow, "slot-1").read(1, everything=True))
    await slow.asked.wait()
    async with house.database.write() as tx:
        await tx.run(update(leases).where(leases.c.name == NAME).values(until=EPOCH))
    await reading(house, house.phone(1), "slot-2").read(1, everything=True)

    slow.go_on.set()

    with pytest.raises(PhoneSystemUnreachable, match="stood still"):
        await asleep
