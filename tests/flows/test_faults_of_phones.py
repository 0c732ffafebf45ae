"""A phone system that refuses, forgets to answer, is away, or has 3CX's habits."""

import pytest

from core.sketches import AT_ONCE
from doubles.faulty_phones import Faults, FaultyPhones
from doubles.house import House, Interlude
from doubles.threecx_habits import Notes, ThreeCxHabits
from doubles.threecx_pbx import Line, ThreeCx
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules
from jackfield.pbx.port import RefusalCode, Refused
from jackfield.store.alarms import list_alarms
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanStatus
from jackfield.store.runs import RunStatus
from jackfield.store.settings import Approval
from m365_emulator.server import Emulator

EVERY_GROUP = PeopleRules(
    departments=DepartmentRules(DepartmentSource.ALL),
    on_deleted=LeaverPolicy.REMOVE,
    remove_after=AT_ONCE,
)


async def office(house: House, faults: Faults, people: int = 60) -> Emulator:
    """A connected organisation in front of a phone system with faults; never synced."""
    house.phones[1] = FaultyPhones(house.phone(1), faults, house.clock)
    stage = house.raise_stage(people=people)
    await house.connect(stage)
    await house.choose(EVERY_GROUP)
    return stage


async def assert_at_rest(house: House) -> None:
    """One extension for each link, the picture true, nothing left to do."""
    extensions, links = await house.extensions(), await house.links()
    assert sorted(link.key for link in links.values()) == sorted(one.key for one in extensions)
    assert len({one.number for one in extensions}) == len(extensions) > 20
    run = await house.sync(full=True)
    assert run.text.startswith("Nothing to do"), run.text
    assert await house.pictured() == await house.extensions()


async def test_every_tenth_write_is_refused(house: House) -> None:
    """The others come through; what was refused is shown and comes with the next nightly run."""
    faults = Faults(refuse_every=10)
    await office(house, faults)

    run = await house.sync(full=True)
    outcomes = [one.status for one in await house.actions(1)]
    faults.refuse_every = 0
    await house.sync(full=True)

    assert run.status is RunStatus.DONE
    assert "did not come through; see plan 1" in run.text
    assert outcomes.count(ActionStatus.FAILED) == faults.refused > 3
    assert outcomes.count(ActionStatus.DONE) == len(outcomes) - faults.refused
    await house.sync()
    await assert_at_rest(house)


async def test_a_department_that_is_refused_does_not_keep_its_members_out(house: House) -> None:
    """They get their extensions at once, and the department when there is one."""
    faults = Faults(refuse_every=1)
    stage = house.raise_stage(people=0)
    ada = stage.tenant.hire("Ada One")
    stage.tenant.create_group("Research", members=[ada.id])
    house.phones[1] = FaultyPhones(house.phone(1), faults)
    await house.connect(stage)
    await house.choose(EVERY_GROUP)
    await house.restart(Interlude("apply", 1, lambda: setattr(faults, "refuse_every", 0)))

    await house.sync(full=True)
    alone = await house.departments()
    await house.sync(full=True)

    assert alone == {}
    assert (await house.departments())["Research"] == ["Ada One"]


@pytest.mark.sim
@pytest.mark.parametrize("seed", range(3))
async def test_one_answer_in_twenty_is_lost(house: House, seed: int) -> None:
    """Whether it was done nobody knows: it is asked again, and never done twice."""
    faults = Faults(seed=seed, lose_one_in=20, lose_call_one_in=5, lose_read_one_in=8)
    await office(house, faults)
    await house.choose(EVERY_GROUP, enabled=True)

    for _ in range(30):
        await house.sweep(after_s=60)
    faults.lose_one_in = faults.lose_call_one_in = faults.lose_read_one_in = 0
    await house.sweep(after_s=3600)
    await house.sync()

    assert faults.lost > 1
    await assert_at_rest(house)
    assert await house.alarms() == ()


async def test_a_slow_phone_system_keeps_its_lease(house: House) -> None:
    """Half a minute for each call: nobody else takes the tenant over meanwhile."""
    faults = Faults(late_s=30.0)
    await office(house, faults)

    run = await house.sync(full=True)
    faults.late_s = 0.0

    assert run.status is RunStatus.DONE
    await assert_at_rest(house)


async def test_away_when_the_sync_begins(house: House) -> None:
    """Said once, by one alarm; when it is back, everybody gets an extension by itself."""
    faults = Faults(away=True)
    await office(house, faults)
    await house.choose(EVERY_GROUP, enabled=True)
    for _ in range(10):
        await house.sweep(after_s=300)
    (alarm,) = await house.alarms()
    failed = {run.status for run in await house.runs()}

    faults.away = False
    await house.sweep(after_s=3600)
    await house.sync()

    async with house.database.read() as tx:
        assert len(await list_alarms(tx, 1)) == 1
    assert alarm.kind == "phones.unreachable"
    assert alarm.text.startswith("The phone system: ")
    assert failed == {RunStatus.FAILED}
    assert await house.alarms() == ()
    await assert_at_rest(house)


async def test_away_in_the_middle_of_a_plan(house: House) -> None:
    """What was done stays done; the rest is planned again, and nobody gets two."""
    faults = Faults()
    await office(house, faults, people=120)
    await house.choose(EVERY_GROUP, enabled=True)
    await house.restart(Interlude("apply", 1, lambda: setattr(faults, "away", True)))
    await house.sweep()
    (broken, *_) = await house.plans()
    outcomes = {one.status for one in await house.actions(broken.id)}
    for _ in range(4):
        await house.sweep(after_s=60)

    faults.away = False
    await house.sweep(after_s=3600)
    await house.sync()

    assert broken.status is PlanStatus.FAILED
    assert outcomes == {ActionStatus.DONE, ActionStatus.SKIPPED}
    await assert_at_rest(house)


async def test_an_approved_plan_waits_until_the_phone_system_is_back(house: House) -> None:
    """An administrator does not have to click twice because a phone system was restarted."""
    faults = Faults()
    await office(house, faults)
    await house.choose(EVERY_GROUP, approval=Approval.BY_HAND)
    await house.sync(full=True)
    faults.away = True
    failed = await house.approve(1)
    (waiting,) = await house.plans()

    faults.away = False
    await house.sweep(after_s=3600)

    (done,) = await house.plans()
    assert failed.status is RunStatus.FAILED
    assert waiting.status is PlanStatus.APPROVED
    assert (done.status, done.decided_by) == (PlanStatus.APPLIED, "admin")
    assert len(await house.extensions()) == len(await house.links()) > 20


async def test_a_phone_system_that_is_full_says_so(house: House) -> None:
    """The licence does not go so far: said in its own words, for each person."""
    refusal = Refused(RefusalCode.LIMIT, "The licence allows 10 extensions.")
    await office(house, Faults(refuse_every=1, refusal=refusal), people=20)

    run = await house.sync(full=True)

    assert run.status is RunStatus.FAILED
    texts = {one.text for one in await house.actions(1)}
    assert texts == {"The licence allows 10 extensions."}
    lines = [one for one in await house.lines() if one.kind == "create_extension.failed"]
    assert "The licence allows 10 extensions." in lines[0].text


@pytest.mark.sim
@pytest.mark.parametrize("seed", range(2))
async def test_a_3cx_as_the_whole_phone_system(house: House, seed: int) -> None:
    """No cursor, no external keys, no batch, a hundred a page, one answer in twenty lost."""
    pbx, notes = ThreeCx(), Notes()
    line = Line(pbx, seed=seed, lost_of=20)
    house.phones[1] = ThreeCxHabits(line, notes)
    stage = house.raise_stage(people=180)
    await house.connect(stage)
    await house.choose(EVERY_GROUP, enabled=True)
    for _ in range(6):
        await house.sweep(after_s=60)
    first = {user.number for user in pbx.users.values()}
    leaver = next(iter(await house.links()))
    stage.tenant.delete(leaver)
    nina = stage.tenant.hire("Nina Newcomer")
    mary = next(one for one in await house.links() if one != leaver)
    stage.tenant.update(mary, mobilePhone="+44 7700 900123")
    for _ in range(4):
        await house.sweep(after_s=60)

    links = await house.links()
    assert len(first) > 100
    assert len(pbx.users) == len(links) == len(first)
    assert leaver not in links
    assert nina.id in links
    mobiles = {user.mobile for user in pbx.users.values()}
    assert "+44 7700 900123" in mobiles
    assert all(int(user.number) not in {800, 900} for user in pbx.users.values())
    run = await house.sync(full=True)
    assert run.text.startswith("Nothing to do"), run.text
    assert await house.alarms() == ()
