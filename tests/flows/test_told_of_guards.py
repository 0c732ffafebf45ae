"""That something waits for a release is said wherever somebody looks, truly, and once a run."""

from collections import Counter

import pytest

from core.sketches import AT_ONCE
from doubles.house import House
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules
from jackfield.flows.held_actions import AllHeld, load_all_held
from jackfield.flows.outcomes import stands
from jackfield.flows.people import PlanNotOpen
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.runs import RunStatus, list_runs
from jackfield.web.tags import plan_tag
from m365_emulator.server import Emulator

MANY = 20
REMOVE = PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE)
HELD = "A guard holds back 8 extensions to remove (plan 2) until an administrator releases them."


async def accident(
    house: House, rules: PeopleRules = REMOVE, newcomer: str = ""
) -> tuple[Emulator, list[str]]:
    """Eight of twenty people are deleted, and the guard has seen it."""
    stage = house.raise_stage(people=0)
    ids = [str(stage.tenant.hire(f"Person {at:02}").id) for at in range(MANY)]
    await house.connect(stage)
    await house.choose(rules, enabled=True)
    await house.sync(full=True)
    for person in ids[:8]:
        stage.tenant.delete(person)
    if newcomer:
        stage.tenant.hire(newcomer)
    await house.sync()
    return stage, ids


async def standing(house: House) -> AllHeld:
    async with house.database.read() as tx:
        return await load_all_held(tx, 1)


async def test_every_later_run_names_what_is_held(house: House) -> None:
    """A success would be believed, and eight extensions would stay for ever."""
    await accident(house)

    later = [await house.sync(), await house.sync(full=True), await house.sync()]

    assert {run.text for run in later} == {f"Nothing to do for 12 people. {HELD}"}
    assert {run.status for run in later} == {RunStatus.REFUSED}


async def test_a_run_that_held_everything_does_not_say_there_was_nothing(house: House) -> None:
    """There was much to do, and none of it was done."""
    await accident(house)

    run = (await house.runs())[0]

    assert run.text == f"Nothing was done for 12 people. {HELD}"


async def test_each_run_counts_by_kind_what_it_did_itself(house: House) -> None:
    """Charts are made of it: what was released was drawn as updated."""
    await accident(house, newcomer="Nina Newcomer")

    made = (await house.runs())[0]
    released = await house.approve(2, release=True)

    assert made.text.startswith("Extension 120 created for Nina Newcomer.")
    assert made.counts == {"people": 13, "changes": 1, "create_extension": 1, "held": 8}
    assert released.text == "8 extensions removed."
    assert released.counts == {"people": 13, "changes": 8, "remove_extension": 8}


async def test_quiet_looks_of_the_schedule_stay_out_of_the_lists(house: House) -> None:
    """Once a minute would bury everything else."""
    await accident(house)

    for _ in range(3):
        await house.sweep(after_s=120)

    async with house.database.read() as tx:
        shown = await list_runs(tx, 1, noteworthy=True)
    assert (await house.runs())[0].status is RunStatus.REFUSED
    assert [run.id for run in shown] == [2, 1]


async def test_the_alarm_says_which_plan_how_many_of_what_and_why(house: House) -> None:
    """It is all that some administrators see."""
    await accident(house)

    (alarm,) = await house.alarms()

    assert alarm.text.startswith(
        f"{HELD} Microsoft 365 answered with 12 people, where there were 20."
    )
    assert "release the held actions" in alarm.next_step
    assert "jackfield plan approve 2 --release-held" in alarm.next_step
    assert "jackfield plan refuse 2" in alarm.next_step


async def test_the_alarm_follows_the_plan_that_is_made_anew(house: House) -> None:
    """To keep eight extensions became to remove them: not the same to release."""
    await accident(house, PeopleRules(on_deleted=LeaverPolicy.KEEP))
    (before,) = await house.alarms()

    await house.choose(REMOVE)
    await house.sync()

    (alarm,) = await house.alarms()
    assert "holds back 8 leavers to keep (plan 2)" in before.text
    assert "holds back 8 extensions to remove (plan 3)" in alarm.text
    assert "holds back 8 extensions to remove (plan 3)" in (await house.runs())[0].text


async def test_more_that_is_held_later_is_counted_in(house: House) -> None:
    """Several plans hold something; what two of them hold is one."""
    stage, ids = await accident(house)
    stage.tenant.delete(ids[8])
    await house.sync()

    several = await standing(house)
    await house.sync(full=True)

    assert several.text.startswith("A guard holds back 9 extensions to remove (plans 2 and 3)")
    assert (await standing(house)).text.startswith(
        "A guard holds back 9 extensions to remove (plan 4)"
    )


async def test_a_preview_of_the_same_is_not_counted_twice(house: House) -> None:
    """Whoever looks does not make it more."""
    await accident(house)

    preview = await house.sync(preview=True)

    assert (await standing(house)).plan_ids == [3]
    assert "A guard holds back 8 extensions to remove (plan 3)" in preview.text


async def test_once_released_nothing_says_so_any_more(house: House) -> None:
    """Runs, alarm and figures."""
    await accident(house)

    released = await house.approve(2, release=True)
    after = await house.sync()

    assert released.text == "8 extensions removed."
    assert after.text == "Nothing to do for 12 people."
    assert (released.status, after.status) == (RunStatus.DONE, RunStatus.DONE)
    assert not await standing(house)
    assert await house.alarms() == ()


async def test_a_sync_of_one_person_tells_of_that_person(house: House) -> None:
    """Who syncs a newcomer is not refused for what waits elsewhere."""
    stage, ids = await accident(house)
    stage.tenant.update(ids[19], jobTitle="New")

    run = await house.sync(person=ids[19])

    assert (run.status, run.text) == (
        RunStatus.DONE,
        "Extension 119 of Person 19 updated.",
    )


async def test_whoever_is_back_is_held_no_more(house: House) -> None:
    """The cause was mended: nothing is left to release, and no night is waited for."""
    stage, ids = await accident(house)
    for person in ids[:3]:
        stage.tenant.restore(person)
    some = await house.sync()
    (alarm,) = await house.alarms()
    for person in ids[3:8]:
        stage.tenant.restore(person)
    all_back = await house.sync()

    told = "A guard holds back 5 extensions to remove (plan 2) until an administrator releases them"
    assert told in some.text
    assert told in alarm.text
    assert all_back.text == "Nothing to do for 20 people."
    assert all_back.status is RunStatus.DONE
    assert not await standing(house)
    assert await house.alarms() == ()
    assert {one.status for one in await house.actions(2)} == {ActionStatus.SKIPPED}
    with pytest.raises(PlanNotOpen, match="Plan 2 holds nothing back"):
        await house.people.approve(1, 2, by="admin", release=True)


async def test_somebody_else_who_is_planned_leaves_it_held(house: House) -> None:
    """Only what was judged again is known to be otherwise."""
    stage, ids = await accident(house)
    stage.tenant.update(ids[9], jobTitle="Head")

    run = await house.sync()

    assert HELD in run.text
    assert (await house.plans())[0].counts == {"update_extension": 1}


@pytest.mark.parametrize("beside", [False, True], ids=["all_of_the_plan", "beside_what_was_done"])
async def test_what_is_held_can_be_turned_down(house: House, beside: bool) -> None:
    """A no is an answer too: the alarm ends, until everybody is looked at again."""
    stage = house.raise_stage(people=0)
    ids = [str(stage.tenant.hire(f"Person {at:02}").id) for at in range(MANY)]
    await house.connect(stage)
    await house.choose(PeopleRules(on_disabled=LeaverPolicy.REMOVE, remove_after=AT_ONCE))
    await house.sync(full=True)
    for person in ids[:8]:
        stage.tenant.disable(person)
    if beside:
        stage.tenant.hire("Newcomer")
    await house.sync()
    plan = (await house.plans())[0]

    await house.people.turn_down(1, plan.id, by="ann")

    assert await house.alarms() == ()
    assert not await standing(house)
    line = next(one for one in await house.lines() if one.kind == "plan.turned_down")
    held = f"Plan {plan.id} (8 actions that guards held back) was turned down."
    assert (line.text, line.by) == (held, "ann")
    with pytest.raises(PlanNotOpen):
        await house.people.turn_down(1, plan.id, by="ben")
    with pytest.raises(PlanNotOpen):
        await house.people.approve(1, plan.id, by="ben", release=True)
    assert (await house.sync()).status is RunStatus.DONE
    assert "holds back 8 extensions to remove" in (await house.sync(full=True)).text
    assert len(await house.extensions()) == MANY + beside


async def test_a_plan_says_what_became_of_what_it_held(house: House) -> None:
    """Eight removals were held, six people are back: none of the eight may read as done."""
    stage, ids = await accident(house)
    for person in ids[:6]:
        stage.tenant.restore(person)
    await house.sync()
    partly = (await house.plans())[-2]
    stage.tenant.delete(ids[9])
    await house.sync(full=True)

    newest, plan = (await house.plans())[0], (await house.plans())[-2]
    told = Counter(one.text for one in await house.actions(2))

    assert (partly.id, partly.text, partly.held) == (2, "Nothing carried out; 6 withdrawn", 2)
    assert plan.text == f"Nothing carried out; 6 withdrawn, 2 in plan {newest.id}"
    assert told == {
        "Withdrawn: the person was planned again since, without this.": 6,
        f"Withdrawn: it stands in plan {newest.id} since.": 2,
    }
    assert (stands(plan), plan_tag(plan).text) == ("was withdrawn", "Withdrawn")
    assert (stands(partly), plan_tag(partly).text) == ("has been carried out", "Held by a guard")
