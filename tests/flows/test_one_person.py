"""One person on demand: somebody stands at the desk and waits."""

import pytest

from core.sketches import AT_ONCE
from doubles.faulty_phones import Faults, FaultyPhones
from doubles.house import House, Interlude
from doubles.virtual_clock import START
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.people import GroupId, LeaverPolicy, Scope, ScopeRules
from jackfield.core.rules import PeopleRules
from jackfield.core.schedule import Mode
from jackfield.flows.asks import Ask
from jackfield.flows.run_rows import LEASE
from jackfield.flows.runs import WORK
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.store.leases import take_lease
from jackfield.store.runs import RunStatus, Trigger
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator

# What differs between the databases is tried by the other stories.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


async def office(house: House, *names: str) -> tuple[Emulator, dict[str, str]]:
    """A connected organisation, synced once; leavers are disabled."""
    stage = house.raise_stage(people=0)
    ids = {name: str(stage.tenant.hire(name).id) for name in names}
    await house.connect(stage)
    await house.choose(PeopleRules(on_deleted=LeaverPolicy.DISABLE))
    await house.sync(full=True)
    return stage, ids


def one(person: str) -> Ask:
    return Ask(Mode.DELTA, Trigger.ADMINISTRATOR, "admin", person)


@pytest.mark.parametrize("key", ["upn", "UPN", "id", "ID"])
async def test_a_newcomer_is_there_at_once(house: House, key: str) -> None:
    """By sign-in name or object id, in any case, and nobody else is touched."""
    stage, _ = await office(house, "Ada One")
    nina = stage.tenant.hire("Nina Newcomer")
    stage.tenant.hire("Somebody Else")
    wanted = nina.user_principal_name if key.lower() == "upn" else nina.id

    run = await house.sync(person=wanted.upper() if key.isupper() else wanted)

    assert run.status is RunStatus.DONE
    assert run.mode == "person"
    assert await house.numbers() == {"Ada One": "100", "Nina Newcomer": "101"}
    assert house.clock.monotonic() < 5
    await house.sync()
    assert "Somebody Else" in await house.numbers()


async def test_an_unknown_person_is_named_and_delays_nothing(house: House) -> None:
    """A typing mistake is told to whoever made it; the schedule does not suffer."""
    stage, _ = await office(house, "Ada One")
    await house.choose(enabled=True)

    run = await house.sync(person="nobody@nowhere.example")
    stage.tenant.hire("Nina Newcomer")
    begun = await house.sweep(after_s=60)

    assert run.status is RunStatus.FAILED
    assert run.text == (
        "There is no user 'nobody@nowhere.example' in Microsoft 365. Give a UPN or an object ID."
    )
    assert begun == 1
    assert "Nina Newcomer" in await house.numbers()
    assert await house.alarms() == ()


@pytest.mark.parametrize("by", ["id", "upn"])
@pytest.mark.parametrize("purged", [False, True], ids=["recycled", "purged"])
async def test_a_deleted_person(house: House, by: str, purged: bool) -> None:
    """Known here and no longer there: the leavers' policy, now, also by the old name."""
    stage, ids = await office(house, "Ada One", "Ben Two")
    upn = stage.tenant.user(ids["Ben Two"]).user_principal_name
    stage.tenant.delete(ids["Ben Two"])
    if purged:
        stage.tenant.purge(ids["Ben Two"])

    run = await house.sync(person=ids["Ben Two"] if by == "id" else upn)
    again = await house.sync(person=ids["Ben Two"])

    assert (run.status, again.status) == (RunStatus.DONE, RunStatus.DONE)
    assert {name: ext.enabled for name, ext in (await house.by_name()).items()} == {
        "Ada One": True,
        "Ben Two": False,
    }
    if not purged:
        stage.tenant.restore(ids["Ben Two"])
        await house.sync(person=upn)
        assert (await house.by_name())["Ben Two"].enabled


async def test_a_renamed_person_is_found_by_the_old_name(house: House) -> None:
    """The desk still knows the name of yesterday."""
    stage, ids = await office(house, "Ada One")
    old = stage.tenant.user(ids["Ada One"]).user_principal_name
    stage.tenant.rename(ids["Ada One"], display_name="Ada Married", upn="ada.m@new.example")

    run = await house.sync(person=old)

    assert run.status is RunStatus.DONE
    assert (await house.numbers()).keys() == {"Ada Married"}


async def test_memberships_are_read_too(house: House) -> None:
    """Under a scope of groups a newcomer's extension hangs on the group."""
    stage = house.raise_stage(people=0)
    ada = stage.tenant.hire("Ada One")
    sales = stage.tenant.create_group("Sales", members=[ada.id])
    await house.connect(stage)
    groups = (GroupId(sales.id),)
    await house.choose(PeopleRules(scope=ScopeRules(Scope.SELECTED_GROUPS, selected_groups=groups)))
    await house.sync(full=True)
    nina = stage.tenant.hire("Nina Newcomer", groups=[sales.id])

    await house.sync(person=nina.id)

    assert await house.departments() == {"Sales": ["Ada One", "Nina Newcomer"]}


async def test_before_groups_were_ever_read_nobody_leaves_for_want_of_one(house: House) -> None:
    """The permission is missing: that says nothing about one person's memberships."""
    stage = house.raise_stage(people=0)
    ada = stage.tenant.hire("Ada One")
    sales = stage.tenant.create_group("Sales", members=[ada.id])
    app = house.apps["localhost:8365"]
    stage.registrations.grant(app, ["User.Read.All", "Organization.Read.All"])
    await house.connect(stage)
    await house.sync(full=True)
    scope = ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(GroupId(sales.id),))
    await house.choose(
        PeopleRules(scope=scope, on_out_of_scope=LeaverPolicy.REMOVE, remove_after=AT_ONCE)
    )

    await house.sync(person=ada.id)

    assert (await house.numbers()).keys() == {"Ada One"}


async def test_a_department_made_for_one_takes_in_the_others_soon(house: House) -> None:
    """Whoever else is in the group follows with the next look."""
    stage, ids = await office(house, "Ada One", "Ben Two")
    sales = stage.tenant.create_group("Sales", members=[ids["Ada One"], ids["Ben Two"]])
    rules = DepartmentRules(DepartmentSource.CHOSEN, (GroupId(sales.id),))
    await house.choose(PeopleRules(departments=rules))

    await house.sync(person=ids["Ada One"])
    only_one = await house.departments()
    await house.sync()

    assert only_one == {"Sales": ["Ada One"]}
    assert await house.departments() == {"Sales": ["Ada One", "Ben Two"]}


async def test_asked_for_while_another_run_is_under_way(house: House) -> None:
    """It waits its turn, and both do what they were asked for."""
    stage, _ = await office(house, "Ada One")
    nina = stage.tenant.hire("Nina Newcomer")
    await house.restart(Interlude("page users", 1, lambda: house.people.start(1, one(nina.id))))
    await house.sync(full=True)

    assert [run.mode for run in (await house.runs())[:2]] == ["person", "full"]
    assert [run.status for run in (await house.runs())[:2]] == [RunStatus.DONE] * 2
    assert await house.numbers() == {"Ada One": "100", "Nina Newcomer": "101"}


async def test_asked_for_twice_is_done_once(house: House) -> None:
    """Two clicks on one button are one wish."""
    _, ids = await office(house, "Ada One")
    before = len(await house.runs())

    first = await house.people.start(1, one(ids["Ada One"]))
    second = await house.people.start(1, one(ids["Ada One"].upper()))
    await house.runner.idle()

    assert first == second
    assert len(await house.runs()) == before + 1


async def test_while_microsoft_is_away_the_answer_does_not_take_minutes(house: House) -> None:
    """Whoever waits in person is told soon, and no alarm is raised for it."""
    stage, ids = await office(house, "Ada One")
    stage.faults.switch_on(Order(kind=Kind.CUT_BEFORE, path="/v1.0/*"))
    before = house.clock.monotonic()

    run = await house.sync(person=ids["Ada One"])

    assert run.status is RunStatus.FAILED
    assert "cannot be reached" in run.text
    assert "Ask again once it works" in run.text
    assert house.clock.monotonic() - before < 10
    assert await house.alarms() == ()


@pytest.mark.parametrize("path", ["/v1.0/groups*", "/*/oauth2/v2.0/token"])
async def test_nor_where_only_a_later_call_does_not_come_through(house: House, path: str) -> None:
    """The person is read, but not their memberships, or no token is given."""
    stage, ids = await office(house, "Ada One")
    stage.tokens.revoke()
    stage.faults.switch_on(Order(kind=Kind.UNAVAILABLE, path=path, retry_after_s=None))
    before = house.clock.monotonic()

    run = await house.sync(person=ids["Ada One"])

    assert run.status is RunStatus.FAILED
    assert "503" in run.text
    assert house.clock.monotonic() - before < 10


async def test_nor_while_the_phone_system_is_away(house: House) -> None:
    """The other side of the same wish."""
    _, ids = await office(house, "Ada One")
    away = Faults(away=True)
    house.phones[1] = FaultyPhones(BuiltInPhones(house.database, 1, house.clock), away)
    before = house.clock.monotonic()

    run = await house.sync(person=ids["Ada One"])

    assert run.status is RunStatus.FAILED
    assert run.text.startswith("The phone system: Lost for the test")
    assert house.clock.monotonic() - before < 10


async def test_behind_a_run_that_does_not_get_on_the_answer_comes_soon(house: House) -> None:
    """Another run holds the tenant and waits out a pause: whoever asks is told which, and why."""
    stage, ids = await office(house, "Ada One")
    stage.faults.switch_on(Order(kind=Kind.THROTTLED, path="/v1.0/*", retry_after_s=800, count=1))
    asked: list[float] = []

    async def ask() -> None:
        await house.clock.sleep(100)
        asked.append(house.clock.monotonic())
        await house.people.start(1, one(ids["Ada One"]))

    await house.restart(Interlude("begin", 1, ask))

    await house.sync(full=True)

    person, full = (await house.runs())[:2]
    assert (full.status, person.status) == (RunStatus.DONE, RunStatus.FAILED)
    assert person.ended_at is not None
    assert (person.ended_at - START).total_seconds() - asked[0] < 10
    assert f"Full sync {full.id} waits for Microsoft 365 since " in person.text
    assert "429" in person.text
    assert "Next try at " in person.text
    assert "Ask again once it works" in person.text


async def test_behind_a_run_that_gets_on_it_waits_its_turn(house: House) -> None:
    """However long that takes: nothing is wrong, and the answer comes."""
    stage, ids = await office(house, "Ada One")
    stage.faults.switch_on(Order(kind=Kind.SLOW, path="/v1.0/*", delay_s=25))
    await house.restart(Interlude("begin", 1, lambda: house.people.start(1, one(ids["Ada One"]))))

    await house.sync(full=True)

    person, full = (await house.runs())[:2]
    assert (full.status, person.status) == (RunStatus.DONE, RunStatus.DONE)


async def test_nor_behind_a_process_that_says_nothing(house: House) -> None:
    """Somebody holds the lease and has no run to show for it."""
    _, ids = await office(house, "Ada One")
    async with house.database.write() as tx:
        now = house.clock.now()
        await take_lease(tx, 1, WORK, "somebody", length=LEASE, now=now)
    before = house.clock.monotonic()

    run = await house.sync(person=ids["Ada One"])

    assert run.status is RunStatus.FAILED
    assert "Another process works for this tenant" in run.text
    assert house.clock.monotonic() - before < 10
