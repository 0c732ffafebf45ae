"""What is shown is what is done: previews, plans that wait for a person, and what goes stale."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from core.sketches import AT_ONCE
from doubles.house import House
from jackfield.core.actions import ActionKind
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.extensions import ExtensionFields, Field
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules
from jackfield.flows.people import PeopleSync, PlanNotOpen
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.pbx.port import RemoveExtensionWrite, UpdateExtensionWrite
from jackfield.store.database import Database
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanStatus
from jackfield.store.runs import RunStatus
from jackfield.store.settings import Approval
from m365_emulator.server import Emulator


async def office(house: House, *names: str) -> tuple[Emulator, dict[str, str]]:
    """A connected organisation whose plans wait for a person."""
    stage = house.raise_stage(people=0)
    ids = {name: str(stage.tenant.hire(name).id) for name in names}
    await house.connect(stage)
    await house.choose(approval=Approval.BY_HAND)
    return stage, ids


async def statuses(house: House) -> list[PlanStatus]:
    return [plan.status for plan in await house.plans()]


async def test_the_preview_shows_what_the_sync_does(house: House) -> None:
    """Same actions, same numbers, same reasons, whatever the tenant looks like."""
    stage = house.raise_stage(people=90)
    await house.connect(stage)
    await house.choose(PeopleRules(departments=DepartmentRules(DepartmentSource.ALL)))

    preview = await house.sync(preview=True)
    shown = [one.action for one in await house.actions((await house.plans())[0].id)]
    standing = await house.extensions()
    run = await house.sync(full=True)
    done = await house.actions((await house.plans())[0].id)

    assert standing == []
    assert preview.counts["changes"] == 0
    assert shown == [one.action for one in done]
    assert len(shown) > 60
    assert {one.status for one in done} == {ActionStatus.DONE}
    assert run.counts["changes"] == len(shown)
    numbers = {one.person: one.number for one in shown if one.kind is ActionKind.CREATE_EXTENSION}
    assert numbers == {one.person: one.number for one in (await house.links()).values()}


async def test_a_preview_changes_nothing_and_raises_no_alarm(house: House) -> None:
    """Looking is free, also at something that a guard would stop."""
    stage, ids = await office(house, *[f"Person {at:02}" for at in range(12)])
    await house.choose(PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE))
    await house.sync(full=True)
    for person in ids.values():
        stage.tenant.delete(person)

    await house.sync(preview=True)

    assert await house.alarms() == ()
    assert len(await house.extensions()) == 12


async def test_a_plan_waits_and_is_carried_out_as_it_was_shown(house: House) -> None:
    """Approving executes the stored actions, and a second approval is refused."""
    await office(house, "Ada One", "Ben Two")

    waiting = await house.sync(full=True)
    (plan,) = await house.plans()
    nothing_yet = await house.extensions()
    approved = await house.approve(plan.id)

    assert waiting.text == "Plan 1 with 2 actions waits for approval."
    assert nothing_yet == []
    assert await house.numbers() == {"Ada One": "100", "Ben Two": "101"}
    assert approved.text == "2 extensions created."
    assert (approved.by, approved.mode) == ("admin", "approved")
    assert await statuses(house) == [PlanStatus.APPLIED]
    with pytest.raises(PlanNotOpen, match="only a proposed plan can be approved"):
        await house.approve(plan.id)


async def test_two_administrators_approve_at_once(house: House) -> None:
    """One of them wins; the plan is carried out once."""
    await office(house, "Ada One")
    await house.sync(full=True)
    await house.people.approve(1, 1, by="first", release=False)

    with pytest.raises(PlanNotOpen):
        await house.people.approve(1, 1, by="second", release=True)
    await house.runner.idle()

    assert len(await house.extensions()) == 1
    assert [run.mode for run in await house.runs()] == ["approved", "full"]


@asynccontextmanager
async def other_process(house: House, url: str) -> AsyncIterator[PeopleSync]:
    """The product over the same database: on PostgreSQL with connections of its own."""
    sqlite = url.startswith("sqlite:")  # where one process works at a time
    database = house.database if sqlite else await Database.open(url)
    try:
        people = PeopleSync(database, house.clock)
        people.work_with(house.runner)
        yield people
    finally:
        if not sqlite:
            await database.close()


async def _decide(doing: Coroutine[Any, Any, object]) -> str:
    """What the administrator is told: "" where the decision counts."""
    try:
        await doing
    except PlanNotOpen as error:
        return str(error)
    return ""


@pytest.mark.parametrize("nth", range(2))
async def test_of_a_yes_and_a_no_at_the_same_moment_one_counts(
    house: House, migrated_url: str, nth: int
) -> None:
    """In two processes, on the same plan: the other administrator is told who was faster."""
    await office(house, "Ada One")
    await house.sync(full=True)
    async with other_process(house, migrated_url) as elsewhere:
        said = [
            _decide(house.people.approve(1, 1, by="Yes", release=False)),
            _decide(elsewhere.turn_down(1, 1, by="No")),
        ]
        if nth % 2:
            said.reverse()
        told = await asyncio.gather(*said)
    await house.runner.idle()

    (plan,) = await house.plans()
    approved, refused = reversed(told) if nth % 2 else told
    assert sorted(map(bool, told)) == [False, True]
    if refused:
        # The run that carries it out may have begun in the meantime.
        told_so = ("Plan 1 is approved already", "Plan 1 is being carried out")
        assert refused.startswith(tuple(f"{one} (decided by Yes). " for one in told_so))
        assert (plan.status, len(await house.extensions())) == (PlanStatus.APPLIED, 1)
    else:
        assert approved.startswith("Plan 1 was turned down (decided by No); only a proposed plan")
        assert (plan.status, await house.extensions()) == (PlanStatus.REFUSED, [])


async def test_a_second_release_at_the_same_moment_is_told_so(
    house: House, migrated_url: str
) -> None:
    """What a guard held is let go once."""
    stage, ids = await office(house, *[f"Person {at:02}" for at in range(12)])
    await house.choose(PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE))
    await house.sync(full=True)
    for person in list(ids.values())[:8]:
        stage.tenant.delete(person)
    await house.sync()
    async with other_process(house, migrated_url) as elsewhere:
        told = await asyncio.gather(
            _decide(house.people.approve(1, 2, by="One", release=True)),
            _decide(elsewhere.approve(1, 2, by="Other", release=True)),
        )
    await house.runner.idle()

    (late,) = filter(None, told)
    assert late.startswith("Plan 2 is approved already (decided by O")
    assert len(await house.extensions()) == 4


async def test_a_plan_that_is_unknown_or_turned_down_cannot_be_approved(house: House) -> None:
    """And says why."""
    await office(house, "Ada One")
    await house.sync(full=True)

    await house.people.turn_down(1, 1, by="admin")

    assert await statuses(house) == [PlanStatus.REFUSED]
    for plan in (1, 99):
        with pytest.raises(PlanNotOpen):
            await house.approve(plan)
    with pytest.raises(PlanNotOpen):
        await house.people.turn_down(1, 1, by="admin")
    assert await house.extensions() == []


async def test_a_newer_plan_takes_the_place_of_a_proposal(house: House) -> None:
    """The old one can no longer be approved, and nobody it was about is forgotten."""
    stage, ids = await office(house, "Ada One", "Ben Two")
    await house.sync(full=True)
    await house.approve(1)
    for name, person in ids.items():
        stage.tenant.update(person, jobTitle=f"{name}'s job")
    await house.sync()
    stage.tenant.hire("Nina Newcomer")

    await house.sync()

    assert (await statuses(house))[:2] == [PlanStatus.PROPOSED, PlanStatus.SUPERSEDED]
    with pytest.raises(PlanNotOpen):
        await house.approve(2)
    await house.approve(3)
    titles = [one.fields.job_title for one in await house.extensions()]
    assert titles[:2] == ["Ada One's job", "Ben Two's job"]
    assert len(titles) == 3


async def test_a_look_that_finds_nothing_leaves_a_proposal_alone(house: House) -> None:
    """A plan does not vanish from the screen because a minute has passed."""
    await office(house, "Ada One")
    await house.sync(full=True)

    await house.sync()

    assert await statuses(house) == [PlanStatus.PROPOSED]


async def test_a_proposal_is_withdrawn_when_nothing_is_left_to_do(house: House) -> None:
    """Nobody gets a phone by an approval that comes after their leaving."""
    stage, ids = await office(house, "Ada One", "Ben Two")
    await house.sync(full=True)
    await house.approve(1)
    nina = stage.tenant.hire("Nina Newcomer").id
    await house.sync()
    stage.tenant.delete(nina)

    run = await house.sync()

    assert run.text == "Nothing to do for 2 people."
    assert await statuses(house) == [PlanStatus.SUPERSEDED, PlanStatus.APPLIED]
    with pytest.raises(PlanNotOpen):
        await house.approve(2)
    assert ids.keys() == (await house.numbers()).keys()


async def test_one_person_on_demand_does_not_disturb_the_large_plan(house: House) -> None:
    """Both wait side by side; together they give each person one extension."""
    _, ids = await office(house, "Ada One", "Ben Two", "Cem Three")
    await house.sync(full=True)

    await house.sync(person=ids["Cem Three"])
    await house.approve(2)
    await house.approve(1)

    # The large plan had promised 100 to somebody else: that one action went stale.
    assert await house.numbers() == {"Cem Three": "100", "Ben Two": "101"}
    await house.sync()
    await house.approve(3)
    assert await house.numbers() == {"Cem Three": "100", "Ben Two": "101", "Ada One": "102"}
    assert len(await house.links()) == 3


async def test_what_changed_in_the_phone_system_goes_stale(house: House) -> None:
    """The approved value was shown beside another one than stands there now."""
    stage, ids = await office(house, "Ada One", "Ben Two")
    await house.sync(full=True)
    await house.approve(1)
    for person in ids.values():
        stage.tenant.update(person, companyName="New Name Ltd")
    await house.sync()
    ada = (await house.by_name())["Ada One"]
    by_hand = UpdateExtensionWrite(ada.key, {Field.COMPANY: "By hand"})
    await house.phone(1).write([by_hand])

    run = await house.approve(2)

    outcomes = {one.name: one for one in await house.actions(2)}
    assert outcomes["Ben Two"].status is ActionStatus.DONE
    assert outcomes["Ada One"].status is ActionStatus.STALE
    assert "it is “By hand”" in outcomes["Ada One"].text
    assert run.text.endswith("1 of 2 actions did not come through; see plan 2.")
    await house.sync()
    assert (await house.plans())[0].counts == {"update_extension": 1}


async def test_an_extension_deleted_meanwhile_goes_stale(house: House) -> None:
    """Its update has nowhere to go; the next plan makes it again."""
    stage, ids = await office(house, "Ada One")
    await house.sync(full=True)
    await house.approve(1)
    stage.tenant.update(ids["Ada One"], jobTitle="New")
    await house.sync()
    (ada,) = await house.extensions()
    await house.phone(1).write([RemoveExtensionWrite(ada.key, ada.number)])

    await house.approve(2)

    assert [one.status for one in await house.actions(2)] == [ActionStatus.STALE]
    await house.sync()
    assert (await house.plans())[0].counts == {"create_extension": 1}


@pytest.mark.parametrize("policy", [LeaverPolicy.REMOVE, LeaverPolicy.DISABLE])
async def test_who_came_back_meanwhile_loses_nothing(house: House, policy: LeaverPolicy) -> None:
    """The approval was for somebody who had left."""
    stage, ids = await office(house, "Ada One", "Ben Two")
    await house.choose(
        PeopleRules(on_deleted=policy, remove_after=AT_ONCE), approval=Approval.BY_HAND
    )
    await house.sync(full=True)
    await house.approve(1)
    stage.tenant.delete(ids["Ada One"])
    await house.sync()
    stage.tenant.restore(ids["Ada One"])
    await house.sync(person=ids["Ada One"])

    run = await house.approve(2)

    assert [one.enabled for one in await house.extensions()] == [True, True]
    assert [one.status for one in await house.actions(2)] == [ActionStatus.STALE]
    assert run.counts["changes"] == 0


async def test_a_newcomer_who_changed_meanwhile_is_planned_again(house: House) -> None:
    """Nothing is written that nobody has seen."""
    stage, ids = await office(house, "Ada One")
    await house.sync(full=True)
    stage.tenant.rename(ids["Ada One"], display_name="Ada Married")
    await house.sync(person=ids["Ada One"])

    await house.approve(1)

    assert await house.extensions() == []
    await house.approve(2)
    assert await house.numbers() == {"Ada Married": "100"}


async def test_a_number_taken_meanwhile_is_not_given_twice(house: House) -> None:
    """The phone system refuses it, and the next plan takes the next one."""
    await office(house, "Ada One")
    await house.sync(full=True)
    phone = house.phone(1)
    assert isinstance(phone, BuiltInPhones)
    await phone.create_extension("100", ExtensionFields("Fax"))

    await house.approve(1)
    await house.sync()
    await house.approve(2)

    assert await house.numbers() == {"Fax": "100", "Ada One": "101"}


async def test_turned_down_in_the_moment_it_begins(house: House) -> None:
    """The run finds its plan closed, says so and carries out nothing."""
    await office(house, "Ada One")
    await house.sync(full=True)
    await house.people.approve(1, 1, by="admin", release=False)
    await house.people.turn_down(1, 1, by="admin", also_approved=True)

    await house.runner.idle()

    (run, _) = await house.runs()
    assert await house.extensions() == []
    assert run.status is RunStatus.DONE
    assert run.text == "Plan 1 was turned down; this run had nothing to carry out."


async def test_an_approved_plan_outlives_the_runner_that_was_to_carry_it_out(
    house: House,
) -> None:
    """Approved is approved: also when the runner's own tables are thrown away."""
    await office(house, "Ada One")
    await house.sync(full=True)
    await house.people.approve(1, 1, by="admin", release=False)
    await house.restart(forget_work=True)

    await house.sweep()

    assert await house.numbers() == {"Ada One": "100"}
    assert await statuses(house) == [PlanStatus.APPLIED]
