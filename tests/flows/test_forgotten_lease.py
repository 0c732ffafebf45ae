"""What a dead run leaves behind that nobody has a record of."""

from doubles.house import House
from jackfield.flows.run_rows import LEASE
from jackfield.flows.runs import WORK
from jackfield.store.leases import take_lease
from jackfield.store.runs import RunStatus


async def test_the_lease_of_a_run_that_is_nowhere_recorded_is_given_up(house: House) -> None:
    """Killed before its row was begun, and the runner's records lost: three minutes of silence."""
    await house.connect(house.raise_stage(people=20))
    async with house.database.write() as tx:
        now = house.clock.now()
        await take_lease(tx, 1, WORK, "people.sync:ghost", length=LEASE, now=now)

    await house.people.take_stock()
    began = house.clock.monotonic()
    run = await house.sync(full=True)

    assert run.status is RunStatus.DONE
    assert house.clock.monotonic() - began < 30
