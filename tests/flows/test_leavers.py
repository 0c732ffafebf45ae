"""Leavers over weeks: what the phone system has while the days pass, and what comes back."""

from dataclasses import replace

import pytest

from core.sketches import AT_ONCE
from doubles.house import House
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.extensions import DepartmentKey
from jackfield.core.people import LeaverPolicy, ObjectId
from jackfield.core.rules import PeopleRules, RemoveAfter
from jackfield.pbx.port import (
    CreateDepartmentWrite,
    Done,
    RemoveExtensionWrite,
    UpdateExtensionWrite,
)
from jackfield.store.sessions import SessionStore, owned_by_person
from m365_emulator.server import Emulator

DAY_S = 24 * 3600.0
LATER = PeopleRules(
    on_deleted=LeaverPolicy.REMOVE,
    on_disabled=LeaverPolicy.REMOVE,
    remove_after=RemoveAfter(deleted=30, disabled=10),
)


AT_ONCE_REMOVED = replace(LATER, remove_after=AT_ONCE)


async def office(
    house: House, *names: str, rules: PeopleRules = LATER
) -> tuple[Emulator, dict[str, str]]:
    """A connected organisation of the named people, synced once."""
    stage = house.raise_stage(people=0)
    ids = {name: str(stage.tenant.hire(name).id) for name in names}
    await house.connect(stage)
    await house.choose(rules)
    await house.sync(full=True)
    return stage, ids


async def phones(house: House) -> dict[str, bool]:
    """The numbers there are, and whether they are enabled."""
    return {one.number: one.enabled for one in await house.extensions()}


async def test_u_04_a_leaver_is_disabled_at_once_and_removed_when_the_days_are_over(
    house: House,
) -> None:
    """From the deletion on, by the full syncs of the nights."""
    stage, ids = await office(house, "Ada One", "Ben Two")
    stage.tenant.delete(ids["Ben Two"])
    await house.sync()
    at_once = await phones(house)

    house.clock.advance(29 * DAY_S)
    await house.sync(full=True)
    a_day_before = await phones(house)
    house.clock.advance(DAY_S)
    await house.sync(full=True)

    assert at_once == a_day_before == {"100": True, "101": False}
    assert await phones(house) == {"100": True}


@pytest.mark.parametrize("policy", LeaverPolicy)
@pytest.mark.parametrize("how", ["delete", "disable"])
async def test_whoever_leaves_is_signed_out(house: House, how: str, policy: LeaverPolicy) -> None:
    """Whatever becomes of the extension: nobody goes on reading the phone system from a beach."""
    rules = replace(AT_ONCE_REMOVED, on_deleted=policy, on_disabled=policy)
    stage, ids = await office(house, "Ada One", "Ben Two", "Cem Three", rules=rules)
    sessions = SessionStore(house.database, house.clock)
    for name, person in ids.items():
        await sessions.set(name, b"{}", owner=owned_by_person(1, ObjectId(person)))

    getattr(stage.tenant, how)(ids["Ben Two"])
    await house.sync()

    known = {name: await sessions.get(name) for name in ids}
    assert known == {"Ada One": b"{}", "Ben Two": None, "Cem Three": b"{}"}


async def test_u_05_whoever_is_deleted_after_being_disabled_has_the_days_of_the_deleted(
    house: House,
) -> None:
    """Each cause counts from when it was noted."""
    stage, ids = await office(house, "Ada One", "Ben Two")
    stage.tenant.disable(ids["Ben Two"])
    await house.sync()
    house.clock.advance(9 * DAY_S)
    stage.tenant.delete(ids["Ben Two"])
    await house.sync()

    house.clock.advance(29 * DAY_S)
    await house.sync(full=True)

    assert await phones(house) == {"100": True, "101": False}


async def give_by_hand(house: House, name: str, department: str) -> DepartmentKey:
    """An administrator makes a department in the phone system, primary for one person."""
    phone = house.phone(1)
    (made,) = await phone.write([CreateDepartmentWrite("by hand", department)])
    assert isinstance(made, Done)
    assert made.department is not None
    key = made.department.key
    one = (await house.by_name())[name]
    await phone.write([UpdateExtensionWrite(one.key, add_departments=(key,), primary=key)])
    return key


async def test_u_04_whoever_is_restored_has_everything_back(house: House) -> None:
    """The number although somebody came meanwhile, the group's department, and that by hand."""
    everything = replace(AT_ONCE_REMOVED, departments=DepartmentRules(DepartmentSource.ALL))
    stage, ids = await office(house, "Ada One", "Ben Two", rules=everything)
    sales = stage.tenant.create_group("Sales")
    stage.tenant.add_member(sales.id, ids["Ben Two"])
    await house.sync(full=True)
    await give_by_hand(house, "Ben Two", "Fire wardens")
    await house.sync(full=True)
    before = (await house.by_name())["Ben Two"]
    stage.tenant.delete(ids["Ben Two"])
    await house.sync()
    stage.tenant.hire("Cyd Three")
    await house.sync()
    meanwhile = await house.numbers()

    stage.tenant.restore(ids["Ben Two"])
    stage.tenant.add_member(sales.id, ids["Ben Two"])
    await house.sync()

    after = (await house.by_name())["Ben Two"]
    assert meanwhile == {"Ada One": "100", "Cyd Three": "102"}
    assert (
        (after.number, after.primary) == (before.number, before.primary) == ("101", after.primary)
    )
    assert set(after.departments) == set(before.departments)
    members = await house.departments()
    assert "Ben Two" in members["Sales"]
    assert "Ben Two" in members["Fire wardens"]


async def test_a_number_given_up_by_hand_is_held_too(house: House) -> None:
    """Whoever removes an extension in the phone system wants its callers spared as well."""
    stage, _ = await office(house, "Ada One")
    phone = house.phone(1)
    outcome = await phone.create_extension("101", (await house.extensions())[0].fields)  # type: ignore[attr-defined]
    await house.sync(full=True)
    await phone.write([RemoveExtensionWrite(outcome.extension.key, "101")])
    await house.sync(full=True)

    stage.tenant.hire("Ben Two")
    await house.sync()
    held = await house.numbers()
    house.clock.advance(31 * DAY_S)
    stage.tenant.hire("Cyd Three")
    await house.sync(full=True)

    assert held == {"Ada One": "100", "Ben Two": "102"}
    assert (await house.numbers())["Cyd Three"] == "101"


async def test_u_03_an_extension_deleted_by_hand_stays_so_where_that_is_chosen(
    house: House,
) -> None:
    """Until the choice is undone; then it is back with its number."""
    _, ids = await office(house, "Ada One", "Ben Two")
    ben = (await house.by_name())["Ben Two"]
    await house.choose(replace(LATER, not_recreated=frozenset({ObjectId(ids["Ben Two"])})))
    await house.phone(1).write([RemoveExtensionWrite(ben.key, ben.number)])

    await house.sync(full=True)
    deleted = await house.numbers()
    quiet = await house.sync(full=True)
    await house.choose(LATER)
    await house.sync()

    assert deleted == {"Ada One": "100"}
    assert quiet.text == "Nothing to do for 2 people."
    assert await house.numbers() == {"Ada One": "100", "Ben Two": "101"}
