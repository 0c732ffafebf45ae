"""Clocks that jump, disks that fill up, groups in a circle, and two administrators at once."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from core.sketches import AT_ONCE
from doubles.house import House, open_house
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import GuardRules, PeopleRules, RemoveAfter, Threshold
from jackfield.core.schedule import ScheduleRules
from jackfield.flows.people import Ask, PlanNotOpen
from jackfield.store.plans import PlanStatus
from jackfield.store.runs import RunStatus, Trigger
from jackfield.store.settings import Approval
from m365_emulator.tenant import Tenant

LATER = PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=RemoveAfter(deleted=30))


async def office(house: House, *names: str, rules: PeopleRules = LATER) -> Tenant:
    """A connected organisation of the named people, synced once, on a schedule."""
    stage = house.raise_stage(people=0)
    for name in names:
        stage.tenant.hire(name)
    await house.connect(stage)
    schedule = ScheduleRules(delta_interval_s=60, nightly_hour=2, time_zone="UTC")
    await house.choose(rules, schedule=schedule, enabled=True)
    await house.sync(full=True)
    return stage.tenant


@pytest.mark.parametrize("jump", [timedelta(days=-2), timedelta(hours=-1), timedelta(days=40)])
async def test_after_a_jump_of_the_clock_the_sync_goes_on(house: House, jump: timedelta) -> None:
    """A battery was empty, a virtual machine slept: newcomers come, and nobody is removed."""
    tenant = await office(house, "Ada One")
    tenant.hire("Ben Two")

    house.clock.jump(jump)
    begun = [await house.sweep(after_s=61) for _ in range(3)]

    assert sum(begun) >= 1
    assert await house.numbers() == {"Ada One": "100", "Ben Two": "101"}


async def test_a_clock_that_ran_ahead_removes_no_leaver_beyond_the_guard(house: House) -> None:
    """Thirty days that never were: the removals come all at once, which is what guards see."""
    names = [f"Person {chr(65 + n)}" for n in range(10)]
    tenant = await office(house, *names)
    for user in list(tenant.people()):
        tenant.delete(str(user.id))
    await house.approve((await preview_held(house)), release=True)

    house.clock.jump(timedelta(days=31))
    run = await house.sync(full=True)

    assert run.status is RunStatus.REFUSED
    assert len(await house.extensions()) == 10


async def preview_held(house: House) -> int:
    """The plan of a sync whose disables a guard holds."""
    await house.sync()
    return (await house.plans())[0].id


async def test_a_disk_that_is_full_holds_the_run_up_and_loses_nothing(tmp_path: Path) -> None:
    """Nothing can be written down meanwhile; once there is space the run goes on by itself."""
    async with open_house(f"sqlite:///{tmp_path / 'jackfield.db'}", tmp_path) as house:
        stage = house.raise_stage(people=400)
        await house.connect(stage)
        async with house.database.write() as tx:
            pages = int(await tx.scalar(text("PRAGMA page_count")))
            await tx.scalar(text(f"PRAGMA max_page_count={pages + 12}"))

        syncing = asyncio.create_task(house.sync(full=True))
        await house.clock.sleep(600)
        held_up = not syncing.done()
        async with house.database.write() as tx:
            await tx.scalar(text("PRAGMA max_page_count=1073741823"))
        run = await syncing

        assert held_up
        assert run.status is RunStatus.DONE
        assert len(await house.extensions()) == len(await house.links()) > 200


async def test_groups_in_a_circle_and_very_many_of_them(house: House) -> None:
    """Nested both ways, as Microsoft 365 allows; each member is in each department once."""
    tenant = await office(house, "Ada One", "Ben Two")
    ada, ben = (str(user.id) for user in tenant.people())
    circle = [tenant.create_group(f"Circle {n}") for n in range(3)]
    for group, next_ in zip(circle, [*circle[1:], circle[0]], strict=True):
        tenant.add_member(str(group.id), str(next_.id))
    tenant.add_member(str(circle[0].id), ada)
    for number in range(120):
        tenant.add_member(str(tenant.create_group(f"Crowd {number:03}").id), ben)
    lax = GuardRules(memberships=Threshold(1_000))
    await house.choose(
        PeopleRules(departments=DepartmentRules(DepartmentSource.ALL), guards=lax), enabled=True
    )

    run = await house.sync(full=True)
    again = await house.sync(full=True)
    members = await house.departments()

    assert run.status is RunStatus.DONE
    assert all(members[f"Circle {n}"] == ["Ada One"] for n in range(3))
    assert all(members[f"Crowd {n:03}"] == ["Ben Two"] for n in range(120))
    assert again.text == "Nothing to do for 2 people."


@pytest.mark.sim
@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
async def test_five_thousand_groups(house: House) -> None:
    """Each with its department, also of those that were created, renamed or emptied meanwhile."""
    tenant = await office(house, "Ada One", "Ben Two")
    ada, ben = (str(user.id) for user in tenant.people())
    for number in range(5_000):
        tenant.create_group(f"Crowd {number:04}", members=[ada if number % 2 else ben])
    lax = GuardRules(memberships=Threshold(10_000))
    await house.choose(
        PeopleRules(departments=DepartmentRules(DepartmentSource.ALL), guards=lax), enabled=True
    )

    first = await house.sync(full=True)
    tenant.create_group("New", members=[ben])
    second = await house.sync()
    again = await house.sync(full=True)
    members = await house.departments()

    assert {first.status, second.status} == {RunStatus.DONE}
    assert sum(name.startswith("Crowd") for name in members) == 5_000
    assert members["Crowd 0000"] == members["New"] == ["Ben Two"]
    assert members["Crowd 4999"] == ["Ada One"]
    assert again.text == "Nothing to do for 2 people."


async def test_two_administrators_who_approve_two_plans_at_once(house: House) -> None:
    """One for everybody, one for a person: both are carried out, and nobody gets two extensions."""
    tenant = await office(house, "Ada One")
    await house.choose(LATER, approval=Approval.BY_HAND)
    tenant.hire("Ben Two")
    eve = tenant.hire("Eve Five")
    await house.sync()
    await house.people.start(1, Ask(trigger=Trigger.ADMINISTRATOR, by="ann", person=str(eve.id)))
    await house.runner.idle()
    waiting = [one for one in await house.plans() if one.status is PlanStatus.PROPOSED]

    answers = await asyncio.gather(
        *(
            house.people.approve(1, plan.id, by=name, release=False)
            for plan, name in zip(waiting, ("ann", "bob"), strict=True)
        ),
    )
    await house.runner.idle()
    told = {one.text for plan in waiting for one in await house.actions(plan.id) if one.text}
    texts = [one.text for one in await house.runs()]
    await house.sync(full=True)
    (newest, *_) = await house.plans()
    if newest.status is PlanStatus.PROPOSED:
        await house.approve(newest.id)
    again = await house.sync(full=True)

    assert len(set(answers)) == len(waiting) == 2
    assert {one.decided_by for one in await house.plans()} >= {"ann", "bob"}
    # Both were to give number 101: the later of them says so, and the next plan mends it.
    assert told <= {
        "Number 101 is taken by Eve Five.",
        "Number 101 is taken by Ben Two.",
        "The person has got an extension since the plan was made.",
    }
    assert told
    assert any("did not come through; see plan" in text for text in texts)
    assert sorted(await house.numbers()) == ["Ada One", "Ben Two", "Eve Five"]
    assert len(await house.extensions()) == len(await house.links()) == 3
    assert again.text == "Nothing to do for 3 people."


@pytest.mark.sim
@pytest.mark.parametrize("migrated_url", ["sqlite", "postgres"], indirect=True)
async def test_a_mass_leave(house: House) -> None:
    """Two in five are gone overnight: nothing happens to their phones before somebody says so."""
    stage = house.raise_stage(people=600)
    await house.connect(stage)
    at_once = PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE)
    await house.choose(at_once, enabled=True)
    await house.sync(full=True)
    before = await house.links()
    leavers = sorted(before)[: len(before) * 2 // 5]
    for person in leavers:
        stage.tenant.delete(str(person))

    held = await house.sync(full=True)
    untouched = await house.links() == before
    (plan, *_) = await house.plans()
    released = await house.approve(plan.id, release=True)
    again = await house.sync(full=True)

    assert held.status is RunStatus.REFUSED
    assert untouched
    assert plan.held == len(leavers)
    assert released.status is RunStatus.DONE
    assert set(await house.links()) == set(before) - set(leavers)
    assert len(await house.extensions()) == len(before) - len(leavers)
    assert again.text.startswith("Nothing to do"), again.text


async def test_two_administrators_who_approve_at_once(house: House) -> None:
    """One of them is told; the plan is carried out once."""
    stage = house.raise_stage(people=30)
    await house.connect(stage)
    await house.choose(PeopleRules(), approval=Approval.BY_HAND)
    await house.sync(full=True)
    plan = (await house.plans())[0].id

    answers = await asyncio.gather(
        *(house.people.approve(1, plan, by=name, release=False) for name in ("ann", "bob")),
        return_exceptions=True,
    )
    await house.runner.idle()

    refused = [one for one in answers if isinstance(one, PlanNotOpen)]
    assert len(refused) == 1
    assert len(await house.extensions()) == len(await house.links()) > 10
    created = [one for one in await house.lines() if one.kind == "create_extension.done"]
    assert len(created) == len(await house.links())
