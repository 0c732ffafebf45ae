"""What the phone system refused: said as it is, tried again, and not for ever."""

from doubles.faulty_phones import Faults, FaultyPhones
from doubles.house import House
from jackfield.store.outcomes import FAILURES_A_DAY
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.runs import RunStatus
from m365_emulator.server import Emulator


async def office(house: House) -> tuple[Emulator, Faults, str]:
    """Ada has an extension and a new title, in front of a phone system that refuses everything."""
    faults = Faults()
    house.phones[1] = FaultyPhones(house.phone(1), faults)
    stage = house.raise_stage(people=0)
    ada = str(stage.tenant.hire("Ada One").id)
    await house.connect(stage)
    await house.choose(enabled=True)
    await house.sync(full=True)
    stage.tenant.update(ada, jobTitle="New")
    faults.refuse_every = 1
    return stage, faults, ada


async def failures(house: House) -> int:
    found = 0
    for plan in await house.plans():
        statuses = [one.status for one in await house.actions(plan.id)]
        found += statuses.count(ActionStatus.FAILED)
    return found


async def test_a_run_of_which_nothing_came_through_has_failed(house: House) -> None:
    """Neither a script nor a page may take it for success."""
    _, faults, _ = await office(house)

    run = await house.sync()
    faults.refuse_every = 0
    after = await house.sync()

    assert run.status is RunStatus.FAILED
    assert run.text.startswith("Nothing was done for 1 person. 1 of 1 action did not come")
    assert after.status is RunStatus.DONE
    assert (await house.by_name())["Ada One"].fields.job_title == "New"


async def test_what_is_refused_again_and_again_is_left_for_the_night(house: House) -> None:
    """A few tries for what passes by itself, then silence, and one try with every full round."""
    _, faults, _ = await office(house)

    for _ in range(10):
        await house.sweep(after_s=61)
    by_minutes = await failures(house)
    await house.sync(full=True)
    by_night = await failures(house)
    await house.sweep(after_s=61)
    still = await failures(house)

    assert by_minutes == FAILURES_A_DAY
    assert (by_night, still) == (FAILURES_A_DAY + 1, FAILURES_A_DAY + 1)
    faults.refuse_every = 0
    await house.sync(full=True)
    assert (await house.by_name())["Ada One"].fields.job_title == "New"


async def test_who_changes_is_tried_again_however_often_it_failed(house: House) -> None:
    """The change may be what the phone system was waiting for."""
    stage, faults, ada = await office(house)
    for _ in range(6):
        await house.sweep(after_s=61)
    faults.refuse_every = 0

    stage.tenant.update(ada, jobTitle="Newer")
    await house.sweep(after_s=61)

    assert (await house.by_name())["Ada One"].fields.job_title == "Newer"
