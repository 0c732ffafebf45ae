"""Several processes speak of one outage: whose word counts, and what becomes of a dead one's."""

import pytest
from sqlalchemy import update

from doubles.house import House
from jackfield.core.reach import Reach
from jackfield.core.waiting import MICROSOFT
from jackfield.flows.outages import AWAY, TOLD_AGAIN_S, Outages
from jackfield.store.alarms import end_alarm, open_alarms
from jackfield.store.leases import leases
from jackfield.store.runs import RunStatus, Trigger, begin_run, end_run, list_runs
from jackfield.store.schema import EPOCH

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True),
]


class Process:
    """What one process knows of its calls to Microsoft 365, and says of them."""

    def __init__(self, house: House, slot: str) -> None:
        self.reach = Reach(MICROSOFT)
        self._house = house
        self._outages = Outages(house.database, {1: self.reach}, house.clock, lambda: slot)
        self._outages.carries = lambda flow: flow == f"a run of {slot}"

    async def fails(self) -> None:
        began = self._house.clock.now()
        self._house.clock.advance(30)
        now = self._house.clock.now()
        self.reach.failed("No answer.", "Check the network.", now, began=began)
        await self._outages.look()

    async def goes_well(self) -> None:
        self.reach.answered(self._house.clock.now())
        self._house.clock.advance(30)
        await self._outages.look()

    async def looks_again(self) -> None:
        self._house.clock.advance(TOLD_AGAIN_S)
        await self._outages.look()


async def alarms(house: House) -> list[str]:
    """What is said to be wrong."""
    async with house.database.read() as tx:
        return [one.kind for one in await open_alarms(tx, 1)]


async def waiting(house: House) -> set[str]:
    """The runs that are shown as waiting."""
    async with house.database.read() as tx:
        return {one.flow for one in await list_runs(tx, 1) if one.waits is not None}


async def dies(house: House) -> None:
    """Whoever claims to have met an outage is silent from now on."""
    async with house.database.write() as tx:
        await tx.run(update(leases).where(leases.c.name.startswith(AWAY)).values(until=EPOCH))


async def test_a_dead_process_leaves_no_alarm_behind(house: House) -> None:
    """Its peer, for whom all has gone well for long, ends what it had begun."""
    first, second = Process(house, "slot-1"), Process(house, "slot-2")
    await second.goes_well()
    await first.fails()
    begun = await alarms(house)

    await dies(house)
    await second.looks_again()

    assert begun == ["graph.away"]
    assert await alarms(house) == []


async def test_an_outage_lasts_while_any_process_meets_it(house: House) -> None:
    """One that comes through somewhere else does not make it over: it would flicker."""
    first, second = Process(house, "slot-1"), Process(house, "slot-2")
    await first.fails()

    await second.goes_well()
    await second.looks_again()
    during = await alarms(house)
    await first.goes_well()

    assert during == ["graph.away"]
    assert await alarms(house) == []


async def test_what_a_peer_carries_does_not_wait_for_what_is_met_here(house: House) -> None:
    """A network that fails one machine: the run on the other one gets on, and shows so."""
    first, second = Process(house, "slot-1"), Process(house, "slot-2")
    async with house.database.write() as tx:
        for slot, kind in (("slot-1", "people"), ("slot-2", "photos")):
            await begin_run(
                tx,
                1,
                f"a run of {slot}",
                kind=kind,
                trigger=Trigger.SCHEDULE,
                mode="delta",
                now=house.clock.now(),
            )

    await first.fails()
    during = await waiting(house)
    await second.goes_well()
    still = await waiting(house)
    await first.goes_well()

    over = await waiting(house)
    async with house.database.write() as tx:
        for run in await list_runs(tx, 1):
            await end_run(tx, 1, run.id, RunStatus.DONE, now=house.clock.now())

    assert during == still == {"a run of slot-1"}
    assert over == set()


async def test_who_still_meets_it_says_so_again(house: House) -> None:
    """Somebody whose run came through has ended the alarm meanwhile."""
    first = Process(house, "slot-1")
    await first.fails()
    async with house.database.write() as tx:
        await end_alarm(tx, 1, "graph.away", now=house.clock.now())

    await first.looks_again()

    assert await alarms(house) == ["graph.away"]
