"""What becomes of a plan that somebody decides on: half carried out, held, turned down."""

import pytest

from core.sketches import AT_ONCE
from doubles.faulty_phones import Faults, FaultyPhones
from doubles.house import House, Interlude
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules
from jackfield.core.schedule import Mode
from jackfield.flows.people import PlanNotOpen
from jackfield.flows.runs import WORK
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanStatus
from jackfield.store.runs import RunStatus
from jackfield.store.schedule import load_due, want
from jackfield.store.settings import Approval
from m365_emulator.server import Emulator

REMOVE = PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE)


async def halfway(house: House) -> Faults:
    """An approved plan of which the department was made and the extension was not."""
    faults = Faults()
    house.phones[1] = FaultyPhones(house.phone(1), faults)
    stage = house.raise_stage(people=0)
    ada = stage.tenant.hire("Ada One")
    stage.tenant.create_group("Research", members=[ada.id])
    await house.connect(stage)
    rules = PeopleRules(departments=DepartmentRules(DepartmentSource.ALL))
    await house.choose(rules, approval=Approval.BY_HAND)
    await house.restart(Interlude("apply", 1, lambda: setattr(faults, "away", True)))
    await house.sync(full=True)
    await house.approve(1)
    faults.away = False
    return faults


async def office(house: House, approval: Approval) -> tuple[Emulator, list[str]]:
    """Twenty people with extensions, who lose them when they leave."""
    stage = house.raise_stage(people=0)
    ids = [str(stage.tenant.hire(f"Person {at:02}").id) for at in range(20)]
    await house.connect(stage)
    await house.choose(REMOVE)
    await house.sync(full=True)
    await house.choose(REMOVE, approval=approval)
    return stage, ids


async def test_a_plan_turned_down_halfway_ends_as_it_stands(house: House) -> None:
    """What is done is not called refused; what is not done is never done."""
    await halfway(house)

    await house.people.turn_down(1, 1, by="admin", also_approved=True)
    await house.sweep(after_s=3600)

    (plan,) = await house.plans()
    assert plan.status is PlanStatus.APPLIED
    assert plan.text == "Turned down by admin after 2 of 3 actions."
    newest = next(one for one in await house.lines() if one.kind == "plan.turned_down")
    assert newest.text == "Plan 1 (1 action) was turned down, as far as it was not done yet."
    *before, last = [one.status for one in await house.actions(1)]
    assert (set(before), last) == ({ActionStatus.DONE}, ActionStatus.SKIPPED)
    assert await house.extensions() == []
    with pytest.raises(PlanNotOpen):
        await house.people.turn_down(1, 1, by="admin")


async def test_the_journal_says_who_decided_about_a_plan(house: House) -> None:
    """The first question after a mass removal is who let it through."""
    stage, ids = await office(house, Approval.BY_HAND)
    for person in ids:
        stage.tenant.delete(person)
    await house.sync(full=True)
    plan = (await house.plans())[0].id
    await house.people.turn_down(1, plan, by="ann")
    await house.sync(full=True)
    await house.people.approve(1, plan + 1, by="ben", release=True)
    await house.runner.idle()

    decided = [one for one in await house.lines() if one.kind.startswith("plan.")]

    assert [(one.kind, one.by, one.text) for one in reversed(decided)] == [
        ("plan.turned_down", "ann", f"Plan {plan} (20 actions) was turned down."),
        (
            "plan.approved",
            "ben",
            f"Plan {plan + 1} (20 actions) was approved, with what guards held back.",
        ),
    ]


async def test_the_journal_counts_what_a_decision_lets_go(house: House) -> None:
    """Not what a guard keeps back: that was not approved, and is not done."""
    stage, ids = await office(house, Approval.BY_HAND)
    for person in ids[:19]:
        stage.tenant.delete(person)
    stage.tenant.hire("Ada One")
    await house.sync(full=True)
    plan = (await house.plans())[0].id
    for release in (False, True):
        await house.approve(plan, release=release)

    told = [one.text for one in await house.lines() if one.kind == "plan.approved"]

    assert told[::-1] == [
        f"Plan {plan} (1 action) was approved; guards hold back 19 actions more.",
        f"What guards held back of plan {plan} (19 actions) was approved.",
    ]


async def test_the_journal_says_of_each_action_who_asked_for_it(house: House) -> None:
    """Of what was done at night, of what somebody began, and of what somebody approved."""
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Ada One")
    await house.connect(stage)
    await house.choose(enabled=True)
    await house.sync(full=True)
    stage.tenant.hire("Ben Two")
    await house.sweep(after_s=3600)
    await house.choose(approval=Approval.BY_HAND)
    stage.tenant.hire("Cyd Three")
    await house.sync()
    await house.people.approve(1, (await house.plans())[0].id, by="ann", release=False)
    await house.runner.idle()

    made = {one.name: one.by for one in await house.lines() if one.kind == "create_extension.done"}

    assert made == {"Ada One": "admin", "Ben Two": "schedule", "Cyd Three": "ann"}


async def test_a_plan_that_comes_through_later_ends_what_was_wrong(house: House) -> None:
    """Nothing waits and no alarm stands for a fault that is over."""
    await halfway(house)
    waiting = [one.kind for one in await house.alarms()]

    await house.sweep(after_s=3600)

    async with house.database.read() as tx:
        due = await load_due(tx, 1, WORK)
    assert waiting == ["phones.unreachable"]
    assert (await house.runs())[0].status is RunStatus.DONE
    assert (due.failures, due.not_before) == (0, None)
    assert await house.alarms() == ()


async def test_the_guard_alarm_stands_while_another_plan_holds_something(house: House) -> None:
    """Releasing one of two says nothing about the other."""
    stage, ids = await office(house, Approval.AUTOMATIC)
    for some in (ids[:8], ids[8:16]):
        for person in some:
            stage.tenant.delete(person)
        await house.sync()

    await house.approve(3, release=True)
    after_one = [one.kind for one in await house.alarms()]
    await house.approve(2, release=True)

    assert after_one == ["people.guard"]
    assert await house.alarms() == ()
    assert len(await house.extensions()) == 4


async def test_what_a_turned_down_plan_held_can_still_be_released(house: House) -> None:
    """The next full run shows it again, in a plan that is open."""
    stage, ids = await office(house, Approval.BY_HAND)
    for person in ids[:8]:
        stage.tenant.delete(person)
    await house.sync(full=True)
    await house.people.turn_down(1, 2, by="admin")

    run = await house.sync(full=True)
    again = await house.sync(full=True)

    (newest, *_) = await house.plans()
    assert (newest.status, newest.held) == (PlanStatus.PROPOSED, 8)
    removals = "A guard holds back 8 extensions to remove"
    held = f"{removals} (plan 3) until an administrator releases them."
    assert run.text == f"Nothing would be done. {held}"
    assert again.text == f"Nothing to do for 12 people. {held}"
    await house.approve(3, release=True)
    assert len(await house.extensions()) == 12


async def test_as_many_others_are_not_the_same_ones(house: House) -> None:
    """Whose extension would be removed counts, not how many."""
    stage, ids = await office(house, Approval.BY_HAND)
    for person in ids[:8]:
        stage.tenant.delete(person)
    await house.sync(full=True)
    for left, back in zip(ids[8:16], ids[:8], strict=True):
        stage.tenant.delete(left)
        stage.tenant.restore(back)

    await house.sync(full=True)

    (newest, *_) = await house.plans()
    held = {one.subject for one in await house.actions(newest.id) if one.held}
    assert newest.status is PlanStatus.PROPOSED
    assert held == set(ids[8:16])


async def test_disbelief_stays_open_however_often_it_is_said(house: House) -> None:
    """A plan that only says "the answer is empty" can be accepted after the third night too."""
    stage, ids = await office(house, Approval.BY_HAND)
    for person in ids:
        stage.tenant.delete(person)

    for _ in range(4):
        await house.sync(full=True)

    plans = await house.plans()
    assert [one.status for one in plans] == [PlanStatus.PROPOSED, PlanStatus.APPLIED]


async def test_what_was_asked_for_is_done_while_the_schedule_is_off(house: House) -> None:
    """A run that failed owes the administrator the one they asked for."""
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Ada One")
    await house.connect(stage)
    async with house.database.write() as tx:
        await want(tx, 1, WORK, Mode.DELTA, now=house.clock.now())

    await house.sweep(after_s=60)
    begun_again = await house.sweep(after_s=60)

    assert await house.numbers() == {"Ada One": "100"}
    assert begun_again == 0
