"""One side suddenly knows much less: extensions that are gone, groups without their members."""

from doubles.house import House
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.people import GroupId, ObjectId
from jackfield.core.rules import PeopleRules
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.pbx.port import RemoveExtensionWrite, UpdateExtensionWrite
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.runs import RunStatus
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator

MANY = 12


async def office(house: House) -> tuple[Emulator, list[str], str]:
    """Twelve people with extensions, all of them in the department Sales."""
    stage = house.raise_stage(people=0)
    ids = [str(stage.tenant.hire(f"Person {at:02}").id) for at in range(MANY)]
    sales = str(stage.tenant.create_group("Sales", members=ids).id)
    await house.connect(stage)
    departments = DepartmentRules(DepartmentSource.CHOSEN, (GroupId(sales),))
    await house.choose(PeopleRules(departments=departments))
    await house.sync(full=True)
    assert len((await house.departments())["Sales"]) == MANY
    return stage, ids, sales


class Emptied(BuiltInPhones):
    """The phone system by its own account, and nothing in it: begun anew from a wrong backup."""

    def __init__(self, house: House) -> None:
        super().__init__(house.database, 2, house.clock)
        self._before = house.phone(1)

    async def read_identity(self) -> str:
        return await self._before.read_identity()


async def alarms(house: House) -> list[str]:
    return [one.kind for one in await house.alarms()]


async def empty(house: House, count: int = MANY) -> None:
    """Somebody deletes extensions in the phone system."""
    extensions = (await house.extensions())[:count]
    await house.phone(1).write([RemoveExtensionWrite(one.key, one.number) for one in extensions])


async def test_a_phone_system_that_answers_nothing_is_not_filled_anew(house: House) -> None:
    """It forgot everything but who it is: with what it had back all is as it was."""
    stage, ids, _ = await office(house)
    right, links = house.phone(1), await house.links()
    wrong = house.phones[1] = Emptied(house)
    stage.tenant.update(ids[0], jobTitle="New")

    held = [await house.sync(full=True), await house.sync(full=True)]
    by_name = await house.sync(person=ids[0])
    standing = await alarms(house)
    made_there = [page.extensions async for page in wrong.read_extensions(None)]
    house.phones[1] = right
    good = await house.sync(full=True)

    assert [run.status for run in held] == [RunStatus.REFUSED] * 2
    assert by_name.status is RunStatus.REFUSED
    assert standing == ["people.guard"]
    assert sum(map(len, made_there)) == 0
    assert good.status is RunStatus.DONE
    assert await alarms(house) == []
    assert {one.key for one in (await house.links()).values()} == {
        one.key for one in links.values()
    }
    assert (await house.by_name())["Person 00"].fields.job_title == "New"


async def test_extensions_that_are_really_gone_are_made_again_on_release(house: House) -> None:
    """With their numbers and departments; while it waits, a newcomer gets a number of their own."""
    stage, _, sales = await office(house)
    before = await house.numbers()
    await empty(house)
    nina = stage.tenant.hire("Nina Newcomer").id
    stage.tenant.add_member(sales, nina)

    run = await house.sync(full=True)

    assert run.status is RunStatus.REFUSED
    assert await house.numbers() == {"Nina Newcomer": "112"}
    plan = (await house.plans())[0]
    assert plan.held_counts == {"create_extension": MANY}
    (refusal,) = plan.refusals
    assert refusal.because.startswith("12 linked people have no extension any more")

    released = await house.approve(plan.id, release=True)
    after = await house.sync(full=True)

    assert released.status is RunStatus.DONE
    assert await house.numbers() == before | {"Nina Newcomer": "112"}
    assert len((await house.departments())["Sales"]) == MANY + 1
    assert after.text.startswith("Nothing to do")
    assert await alarms(house) == []


async def test_extensions_lost_in_small_portions_count_together(house: House) -> None:
    """Five of an hour come back by themselves; the sixth is looked at."""
    await office(house)
    await empty(house, 5)
    first = await house.sync()
    await empty(house, 1)

    second = await house.sync()

    assert (first.status, second.status) == (RunStatus.DONE, RunStatus.REFUSED)
    assert len(await house.extensions()) == MANY - 1


async def test_members_that_are_suddenly_gone_keep_their_departments(house: House) -> None:
    """Nobody is taken out of a queue because Microsoft 365 forgot who is in a group."""
    stage, ids, sales = await office(house)
    for person in ids:
        stage.tenant.remove_member(sales, person)
    stage.tenant.update(ids[0], jobTitle="New")

    runs = [await house.sync(), await house.sync(full=True)]
    plan = (await house.plans())[0]

    assert [run.status for run in runs] == [RunStatus.REFUSED] * 2
    assert plan.held_counts == {"update_extension": MANY}
    assert len((await house.departments())["Sales"]) == MANY
    assert (await house.by_name())["Person 00"].fields.job_title == "New"
    assert await alarms(house) == ["people.guard"]

    for person in ids:
        stage.tenant.add_member(sales, person)
    good = await house.sync(full=True)

    assert good.status is RunStatus.DONE
    assert len((await house.departments())["Sales"]) == MANY
    assert await alarms(house) == []


async def test_members_that_really_left_lose_their_department_on_release(house: House) -> None:
    """And whoever was put back before the click keeps it."""
    stage, ids, sales = await office(house)
    for person in ids:
        stage.tenant.remove_member(sales, person)
    await house.sync()
    for person in ids[:4]:
        stage.tenant.add_member(sales, person)
    await house.sync()
    plan = next(one for one in await house.plans() if one.held)

    await house.approve(plan.id, release=True)
    after = await house.sync(full=True)

    outcomes = [one.status for one in await house.actions(plan.id)]
    assert outcomes == [ActionStatus.SKIPPED] * 4 + [ActionStatus.DONE] * 8
    assert (await house.departments())["Sales"] == [f"Person {at:02}" for at in range(4)]
    assert after.text.startswith("Nothing to do")
    assert await alarms(house) == []


async def test_a_round_of_groups_that_answers_nothing_takes_nothing(house: House) -> None:
    """All groups look deleted: memberships stay, and with the next good answer all is followed."""
    stage, _, _ = await office(house)
    before = await house.extensions()
    fault = stage.faults.switch_on(Order(kind=Kind.EMPTY_VALUE, path="/v1.0/groups*"))

    await house.sync(full=True)
    between = await house.extensions()
    stage.faults.switch_off(fault.id)
    await house.sync(full=True)
    quiet = await house.sync(full=True)

    assert between == before
    assert await house.extensions() == before
    assert quiet.text.startswith("Nothing to do")


TEAMS = [f"Team {at}" for at in range(7)]


async def teams(house: House) -> tuple[Emulator, list[str]]:
    """Three people, each of them in seven departments."""
    stage = house.raise_stage(people=0)
    ids = [str(stage.tenant.hire(f"Person {at:02}").id) for at in range(3)]
    groups = [GroupId(stage.tenant.create_group(team, members=ids).id) for team in TEAMS]
    await house.connect(stage)
    departments = DepartmentRules(DepartmentSource.CHOSEN, tuple(groups))
    await house.choose(PeopleRules(departments=departments))
    await house.sync(full=True)
    return stage, ids


async def without_departments(house: House) -> None:
    """Somebody clears them out of the phone system."""
    phone = house.phone(1)
    for one in await house.extensions():
        await phone.write([UpdateExtensionWrite(one.key, remove_departments=one.departments)])
    for department in await phone.read_departments():
        await phone.remove_department(department.key)


async def test_departments_that_are_not_found_are_not_made_again_unseen(house: House) -> None:
    """The phone system forgot itself: it gets no departments, and with all back no others."""
    stage, ids = await teams(house)
    right, before = house.phone(1), await house.departments()
    wrong = house.phones[1] = Emptied(house)
    stage.tenant.update(ids[0], jobTitle="New")

    held = [await house.sync(), await house.sync(full=True)]
    standing = await alarms(house)
    said = await house.planning.explain(1, ObjectId(ids[0]))
    made_there = await wrong.read_departments()
    house.phones[1] = right
    good = await house.sync(full=True)

    assert len(before) == len(TEAMS)
    assert [run.status for run in held] == [RunStatus.REFUSED] * 2
    assert standing == ["people.guard"]
    assert any(one.startswith("Gone from the phone system, and given again") for one in said)
    assert list(made_there) == []
    assert good.status is RunStatus.DONE
    assert await house.departments() == before
    assert await alarms(house) == []


async def test_departments_that_are_really_gone_come_back_on_release(house: House) -> None:
    """With their members, by the next sync; a second release of an older plan makes no others."""
    stage, ids = await teams(house)
    before = await house.departments()
    await without_departments(house)
    await house.sync()
    stage.tenant.update(ids[0], jobTitle="New")
    await house.sync()
    newer, older = [one for one in await house.plans() if one.held][:2]

    released = await house.approve(newer.id, release=True)
    again = await house.approve(older.id, release=True)
    await house.sync()
    after = await house.sync(full=True)

    assert newer.held_counts == older.held_counts == {"create_department": len(TEAMS)}
    assert released.status is RunStatus.DONE
    assert again.status is RunStatus.FAILED
    assert {one.status for one in (await house.actions(older.id))[-len(TEAMS) :]} == {
        ActionStatus.STALE
    }
    assert await house.departments() == before
    assert after.text.startswith("Nothing to do")
    assert await alarms(house) == []
