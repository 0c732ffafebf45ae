"""What no run does by itself: dangerous actions are held until a person has looked at them."""

import pytest

from core.sketches import AT_ONCE
from doubles.house import House, Interlude
from jackfield.core.extensions import ExtensionFields
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import GuardRules, PeopleRules, Threshold
from jackfield.flows.people import PlanHeld, PlanNotOpen
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.pbx.port import RemoveExtensionWrite
from jackfield.store.alarms import list_alarms
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.runs import RunStatus
from jackfield.store.settings import Approval
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator

MANY = 20


async def office(house: House, policy: LeaverPolicy) -> tuple[Emulator, list[str]]:
    """Twenty people with extensions, and a policy for those who leave."""
    stage = house.raise_stage(people=0)
    ids = [str(stage.tenant.hire(f"Person {at:02}").id) for at in range(MANY)]
    await house.connect(stage)
    await house.choose(
        PeopleRules(
            on_deleted=policy, on_disabled=policy, on_out_of_scope=policy, remove_after=AT_ONCE
        )
    )
    await house.sync(full=True)
    return stage, ids


async def alarms(house: House) -> list[str]:
    return [one.kind for one in await house.alarms()]


async def enabled(house: House) -> int:
    return sum(one.enabled for one in await house.extensions())


POLICIES = [LeaverPolicy.KEEP, LeaverPolicy.DISABLE, LeaverPolicy.REMOVE]


@pytest.mark.parametrize("policy", POLICIES)
async def test_an_answer_that_is_suddenly_empty(house: House, policy: LeaverPolicy) -> None:
    """It is never taken for "everyone has left"; with the next good answer all is as it was."""
    stage, _ = await office(house, policy)
    before = await house.extensions()
    empty = stage.faults.switch_on(Order(kind=Kind.EMPTY_VALUE, path="/v1.0/users*"))

    held = [await house.sync(full=True), await house.sync(full=True), await house.sync()]
    plans = await house.plans()
    standing = await alarms(house)
    stage.faults.switch_off(empty.id)
    good = await house.sync(full=True)

    assert {run.status for run in held} == {RunStatus.REFUSED}
    assert len(plans) == 2  # the second one is the same, and not stored again
    assert "there is nobody, where there were 20" in plans[0].refusals[0].because
    assert standing == ["people.guard"]
    assert good.status is RunStatus.DONE
    assert await alarms(house) == []
    assert await house.extensions() == before
    assert {link.left for link in (await house.links()).values()} == {None}


@pytest.mark.parametrize("policy", POLICIES)
async def test_an_answer_that_is_much_smaller(house: House, policy: LeaverPolicy) -> None:
    """A third of all people gone at once is looked at before anybody loses a phone."""
    stage, ids = await office(house, policy)
    before = await house.extensions()
    for person in ids[:8]:
        stage.tenant.delete(person)
        stage.tenant.purge(person)

    run = await house.sync(full=True)

    assert run.status is RunStatus.REFUSED
    assert await house.extensions() == before
    assert await alarms(house) == ["people.guard"]
    (plan, _) = await house.plans()
    assert plan.held == 8
    assert "A guard holds back 8 " in run.text


async def test_what_is_meant_is_released(house: House) -> None:
    """An administrator has looked: it is done, the new count is accepted, the alarm ends."""
    stage, ids = await office(house, LeaverPolicy.REMOVE)
    for person in ids[:8]:
        stage.tenant.delete(person)
    await house.sync()

    released = await house.approve(2, release=True)
    after = await house.sync(full=True)

    assert released.text == "8 extensions removed."
    assert len(await house.extensions()) == 12
    assert await alarms(house) == []
    assert after.status is RunStatus.DONE
    assert after.text.startswith("Nothing to do")
    with pytest.raises(PlanNotOpen, match="holds nothing back"):
        await house.approve(2, release=True)


@pytest.mark.parametrize("approval", list(Approval))
async def test_what_a_guard_holds_whole_is_not_approved_without_a_release(
    house: House, approval: Approval
) -> None:
    """Approving nothing would look like a success, and the leavers would keep their phones."""
    stage, ids = await office(house, LeaverPolicy.REMOVE)
    await house.choose(approval=approval)
    await house.sync()
    for person in ids[:8]:
        stage.tenant.delete(person)
    await house.sync()
    before = (await house.plans())[0]

    with pytest.raises(PlanHeld) as refused:
        await house.approve(before.id)

    assert "holds back everything of plan 2" in str(refused.value)
    assert "It holds 8 extensions to remove." in str(refused.value)
    assert "there were 20" in str(refused.value)
    assert "jackfield plan approve 2 --release-held" in str(refused.value)
    assert (await house.plans())[0] == before
    assert [run.mode for run in await house.runs()] == ["delta", "delta", "full"]
    await house.approve(before.id, release=True)
    assert len(await house.extensions()) == MANY - 8


async def test_a_count_of_people_that_is_not_believed_is_no_plan_to_approve(house: House) -> None:
    """Nobody had an extension, so nothing is held but the count; a release accepts it."""
    stage = house.raise_stage(people=0)
    ids = [str(stage.tenant.hire(f"Room {at:02}", skus=()).id) for at in range(MANY)]
    await house.connect(stage)
    await house.sync(full=True)
    for person in ids:
        stage.tenant.delete(person)
    await house.sync(full=True)
    (plan, *_) = await house.plans()

    with pytest.raises(PlanHeld, match="there is nobody, where there were 20"):
        await house.approve(plan.id)
    await house.approve(plan.id, release=True)
    after = await house.sync(full=True)

    assert (plan.total, plan.held) == (0, 0)
    assert after.status is RunStatus.DONE


async def test_nobody_left_can_be_accepted_too(house: House) -> None:
    """A tenant that was really emptied does not raise alarms for ever."""
    stage, ids = await office(house, LeaverPolicy.KEEP)
    for person in ids:
        stage.tenant.delete(person)
    await house.sync()

    await house.approve(2, release=True)
    run = await house.sync(full=True)

    assert run.status is RunStatus.DONE
    assert await alarms(house) == []
    assert len(await house.extensions()) == MANY


@pytest.mark.parametrize("policy", [LeaverPolicy.DISABLE, LeaverPolicy.REMOVE])
@pytest.mark.parametrize("how", ["at_once", "one_by_one"])
async def test_too_many_leavers(house: House, policy: LeaverPolicy, how: str) -> None:
    """Six of twenty is too many, also when they come in small portions."""
    stage, ids = await office(house, policy)
    for person in ids[:6]:
        stage.tenant.disable(person)
        if how == "one_by_one":
            await house.sync()
    await house.sync(full=how == "at_once")

    expected = 1 if how == "one_by_one" else 6
    held = [one for plan in await house.plans() for one in await house.actions(plan.id) if one.held]
    assert len(held) == expected
    assert await enabled(house) == MANY - (6 - expected)
    assert await alarms(house) == ["people.guard"]


async def test_few_leavers_pass_without_a_word(house: House) -> None:
    """Guards are for accidents, not for Fridays."""
    stage, ids = await office(house, LeaverPolicy.REMOVE)
    for person in ids[:3]:
        stage.tenant.delete(person)

    run = await house.sync()

    assert run.status is RunStatus.DONE
    assert await enabled(house) == MANY - 3
    assert await alarms(house) == []


async def test_held_actions_do_not_stop_the_others(house: House) -> None:
    """While somebody makes up their mind, newcomers get their phones."""
    stage, ids = await office(house, LeaverPolicy.REMOVE)
    for person in ids[:8]:
        stage.tenant.disable(person)
    nina = stage.tenant.hire("Nina Newcomer").id
    stage.tenant.update(ids[19], jobTitle="New")

    run = await house.sync()

    assert run.status is RunStatus.REFUSED
    assert await house.number_of(nina) == "120"
    assert (await house.by_name())["Person 19"].fields.job_title == "New"
    assert await enabled(house) == MANY + 1


async def test_who_came_back_is_not_removed_by_a_late_release(house: House) -> None:
    """Between the alarm and the click, half of them were restored."""
    stage, ids = await office(house, LeaverPolicy.REMOVE)
    for person in ids[:8]:
        stage.tenant.delete(person)
    await house.sync()
    for person in ids[:4]:
        stage.tenant.restore(person)
    await house.sync()

    await house.approve(2, release=True)

    outcomes = [one.status for one in await house.actions(2)]
    assert outcomes == [ActionStatus.SKIPPED] * 4 + [ActionStatus.DONE] * 4
    assert await enabled(house) == MANY - 4


async def test_many_new_numbers_at_once_are_held(house: House) -> None:
    """Somebody emptied the phone system and filled it anew: nobody is renumbered unseen."""
    _, _ = await office(house, LeaverPolicy.KEEP)
    phone = house.phone(1)
    assert isinstance(phone, BuiltInPhones)
    for one in (await house.extensions())[:8]:
        await phone.write([RemoveExtensionWrite(one.key, one.number)])
        await phone.create_extension(one.number, ExtensionFields(f"Other {one.number}"))

    run = await house.sync()

    assert run.status is RunStatus.REFUSED
    (plan, _) = await house.plans()
    assert plan.held_counts == {"create_extension": 8}
    assert len(await house.extensions()) == MANY
    await house.approve(plan.id, release=True)
    assert len(await house.extensions()) == MANY + 8


async def test_an_unfinished_round_makes_nobody_gone(house: House) -> None:
    """Who stands on a page that was not read is not missing."""
    stage, ids = await office(house, LeaverPolicy.REMOVE)
    before = await house.extensions()
    stage.tenant.delete(ids[0])
    stage.tenant.purge(ids[0])
    cut = Order(kind=Kind.CUT_BEFORE, path="/v1.0/users*")
    await house.restart(Interlude("page users", 1, lambda: stage.faults.switch_on(cut)))
    broken = await house.sync(full=True)
    stage.faults.clear()

    by_person = await house.sync(person=ids[0])
    finished = await house.sync(full=True)

    assert broken.status is RunStatus.FAILED
    assert by_person.status is RunStatus.REFUSED
    assert len(before) - 1 == len(await house.extensions())
    assert finished.status is RunStatus.DONE
    assert await alarms(house) == []


async def test_a_wider_threshold_lets_them_go_with_the_next_look(house: House) -> None:
    """The alarm ends as soon as no guard objects any more."""
    stage, ids = await office(house, LeaverPolicy.DISABLE)
    for person in ids[:8]:
        stage.tenant.disable(person)
    await house.sync()
    assert await alarms(house) == ["people.guard"]

    guards = GuardRules(disables=Threshold(50, 80.0))
    await house.choose(PeopleRules(on_disabled=LeaverPolicy.DISABLE, guards=guards))
    run = await house.sync()

    assert run.status is RunStatus.DONE
    assert await enabled(house) == MANY - 8
    assert await alarms(house) == []


async def test_the_alarm_is_raised_once_and_ended_once(house: House) -> None:
    """However many runs pass in between."""
    stage, ids = await office(house, LeaverPolicy.REMOVE)
    for person in ids[:7]:
        stage.tenant.delete(person)
    for _ in range(3):
        await house.sync(full=True)
        await house.sync()
    for person in ids[:7]:
        stage.tenant.restore(person)
    await house.sync(full=True)

    async with house.database.read() as tx:
        (alarm,) = await list_alarms(tx, 1)
    assert alarm.kind == "people.guard"
    assert alarm.ended_at is not None
    assert len(await house.extensions()) == MANY


async def test_what_was_held_and_is_over_counts_no_more(house: House) -> None:
    """After the accident a single leaver is a single leaver again."""
    stage, ids = await office(house, LeaverPolicy.DISABLE)
    for person in ids[:8]:
        stage.tenant.disable(person)
    await house.sync()
    for person in ids[:8]:
        stage.tenant.enable(person)
    await house.sync(full=True)
    with pytest.raises(PlanNotOpen, match="holds nothing back"):
        await house.approve(2, release=True)

    stage.tenant.disable(ids[19])
    run = await house.sync()

    assert run.status is RunStatus.DONE
    assert await enabled(house) == MANY - 1


async def test_five_and_five_again_are_ten(house: House) -> None:
    """A full run right after deltas does not begin to count anew."""
    stage, ids = await office(house, LeaverPolicy.DISABLE)
    for person in ids[:5]:
        stage.tenant.disable(person)
    await house.sync()
    for person in ids[5:10]:
        stage.tenant.disable(person)
    by_delta = await house.sync()
    by_night = await house.sync(full=True)

    assert (by_delta.status, by_night.status) == (RunStatus.REFUSED, RunStatus.REFUSED)
    assert await enabled(house) == MANY - 5


async def removals_held(house: House) -> tuple[Emulator, list[str]]:
    """Eight of twenty were disabled and are to be removed; the guard holds that as plan 2."""
    stage, ids = await office(house, LeaverPolicy.REMOVE)
    for person in ids[:8]:
        stage.tenant.disable(person)
    await house.sync()
    return stage, ids


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("refused", [False, True])
async def test_what_is_left_of_an_accident_waits_on(
    house: House, refused: bool, full: bool
) -> None:
    """Restored one after the other, the last five must not be lost for being few."""
    stage, ids = await removals_held(house)
    if refused:
        await house.people.turn_down(1, 2, by="admin")
    for person in ids[:6]:
        stage.tenant.update(person, accountEnabled=True)
        await house.sync()

    runs = [await house.sync(full=full), await house.sync(full=True), await house.sync(full=True)]

    assert await enabled(house) == MANY
    assert {run.status for run in runs[1:]} == {RunStatus.REFUSED}
    assert runs[-1].text.startswith("Nothing to do for 20 people. A guard holds back 2 extensions")


async def test_what_is_left_of_an_accident_goes_with_a_release(house: House) -> None:
    """And who leaves later is nobody's accident."""
    stage, ids = await removals_held(house)
    for person in ids[:6]:
        stage.tenant.update(person, accountEnabled=True)
    await house.sync(full=True)
    plan = (await house.plans())[0]
    (said,) = plan.guards

    await house.approve(plan.id, release=True)
    stage.tenant.disable(ids[9])
    after = await house.sync(full=True)

    assert said.because == "2 extensions to remove are left of 8 that nobody has released."
    assert after.status is RunStatus.DONE
    assert await enabled(house) == MANY - 3


async def test_who_came_back_and_leaves_again_is_no_accident(house: House) -> None:
    """What was held once is not held for ever."""
    stage, ids = await removals_held(house)
    for person in ids[:8]:
        stage.tenant.update(person, accountEnabled=True)
    await house.sync(full=True)

    stage.tenant.disable(ids[0])
    run = await house.sync(full=True)

    assert run.status is RunStatus.DONE
    assert await enabled(house) == MANY - 1
