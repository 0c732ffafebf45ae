"""Nothing reads green while a guard waits for somebody: Overview, and the plan's page."""

import re

import pytest

from core.sketches import AT_ONCE
from doubles.house import House
from doubles.web_visitor import Visitor
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules
from jackfield.store.settings import Approval
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator


async def accident(house: House) -> Emulator:
    """Six of ten people are deleted; the guard holds all six removals (plan 2)."""
    stage = house.raise_stage(people=0)
    ids = [str(stage.tenant.hire(f"Person {at:02}").id) for at in range(10)]
    await house.connect(stage, sync=True)
    await house.choose(
        PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE), enabled=True
    )
    await house.sync(full=True)
    for person in ids[:6]:
        stage.tenant.delete(person)
    await house.sync()
    return stage


async def test_the_plan_is_not_called_carried_out(house: House, admin: Visitor) -> None:
    """A green badge above six held removals says that they are done."""
    await accident(house)

    plan = (await admin.part("/plans/2", "plan")).page.text
    await house.sync(preview=True)
    later = (await admin.get("/plans/3")).page.text

    assert "Held by a guard" in plan
    assert "Carried out" not in plan
    assert "0 of 6 actions done; 6 held back until you release them." in plan
    assert re.search(r"Plan 2\b.*\b6 Held by a guard", later)


async def test_after_the_release_the_plan_page_does_not_ask_any_more(
    house: House, admin: Visitor
) -> None:
    """It said that no leaver is touched, under six removals that were done."""
    await accident(house)
    await house.approve(2, release=True)

    page = (await admin.get("/plans/2")).page

    assert "Carried out" in page.text
    assert "This guard holds nothing back any more." in page.text
    assert "release the held actions" not in page.text
    assert "release" not in page.ids()


async def test_what_is_held_is_turned_down_on_the_plan_page(house: House, admin: Visitor) -> None:
    """Nobody is left to release or to leave it red; the question says that it may come again."""
    await accident(house)

    page = (await admin.get("/plans/2")).page
    question = await admin.get("/plans/2/refuse")
    answer = await admin.post("/plans/2/refuse")
    after = (await admin.get("/plans/2")).page

    assert "Turn down 6 held" in page.text
    assert "6 actions that a guard holds back will not be done" in question.page.text
    assert "Turn down what is held" in question.page.text
    assert answer.status == 303
    assert "Turned down" in after.text
    assert not {"release", "refuse"} & set(after.ids())
    assert await house.alarms() == ()


async def test_the_overview_counts_who_is_in_sync(house: House, admin: Visitor) -> None:
    """Not ten of four; and it leads to the plan that waits, not to the newest."""
    await accident(house)
    await house.sync(preview=True)
    await house.people.turn_down(1, 3, by="admin")

    answer = await admin.get("/")

    assert re.search(r"People in sync\s*4\s*of 4 in Microsoft 365", answer.page.text)
    assert re.search(r"Leavers\s*6\s*who still hold", answer.page.text)
    assert "A guard holds back 6 extensions to remove (plan 2)" in answer.page.text
    assert 'href="/plans/2"' in answer.body.decode()
    assert 'href="/users?status=leavers"' in answer.body.decode()
    listed = (await admin.get("/users?status=leavers")).page.text
    assert "6 extensions" in listed
    assert listed.count("Deleted in Microsoft 365") == 6
    assert (await admin.get("/plans")).headers["location"] == "/plans/2"


@pytest.mark.parametrize("kind", [Kind.UNAVAILABLE, Kind.CUT_BEFORE])
async def test_in_an_outage_the_last_look_stands(house: House, admin: Visitor, kind: Kind) -> None:
    """Ten people are in sync; they are not being read for the first time."""
    stage = await accident(house)
    stage.faults.switch_on(Order(kind=kind, path="/v1.0/users*"))
    await house.people.sweep()
    house.clock.advance(120)
    await house.people.sweep()
    await house.runner.idle()

    page = (await admin.get("/")).page.text

    assert "reading for the first time" not in page
    assert "looked" in page


async def test_the_overview_names_people_left_without_by_a_plan_turned_down(
    house: House, admin: Visitor
) -> None:
    """And leads to the plan."""
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Ada One")
    await house.connect(stage)
    await house.choose(approval=Approval.BY_HAND, enabled=True)
    await house.sync(full=True)
    await house.people.turn_down(1, 1, by="admin")

    page = (await admin.get("/")).page

    assert "1 person has no extension since plan 1 was turned down" in page.text
    assert "turned-down" in page.ids()


async def test_the_page_of_a_deleted_person_says_what_is_held(house: House, admin: Visitor) -> None:
    """It looked as if nothing had happened: synced fields, no history, a dead button."""
    await accident(house)
    person = (await house.actions(2))[0].subject

    page = (await admin.get(f"/people/{person}")).page.text

    history = page.partition("In the journal")[2]
    assert "The account was deleted in Microsoft 365." in history
    assert "held back by a guard until an administrator releases it; see plan 2." in history
    assert "Microsoft 365: givenName" not in page
    assert "Sync now Deleted in Microsoft 365: nothing is left to read." in page
    await house.approve(2, release=True)
    assert "held back by a guard" not in (await admin.get(f"/people/{person}")).page.text
