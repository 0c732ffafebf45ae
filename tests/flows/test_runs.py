"""The rows of runs: none is left running that nobody carries."""

from doubles.house import House
from jackfield.store.runs import RunStatus, Trigger, begin_run, end_run, load_run


async def test_a_run_left_behind_is_closed_however_old_it_is(house: House) -> None:
    """Else its bar stands on the page for ever, below a day of runs that came after it."""
    stage = house.raise_stage(people=0)
    await house.connect(stage)
    now, trigger = house.clock.now(), Trigger.SCHEDULE
    async with house.database.write() as tx:
        lost, *others = [
            await begin_run(tx, 1, f"{at}", kind="people", trigger=trigger, mode="delta", now=now)
            for at in range(30)
        ]
        for one in others:
            await end_run(tx, 1, one.id, RunStatus.DONE, now=now)

    await house.sync()

    async with house.database.read() as tx:
        closed = await load_run(tx, 1, lost.id)
    assert closed is not None
    assert closed.status is RunStatus.FAILED
