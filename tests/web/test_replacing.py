"""Another phone system is accepted where its alarm is shown, by whoever was told which it is."""

from __future__ import annotations

import pytest

from doubles.house import House
from doubles.web_visitor import Visitor
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.store.phone_state import save_identity


@pytest.fixture
async def replaced(house: House, admin: Visitor) -> Visitor:
    """Ada has an extension, and another phone system answers since."""
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Ada One")
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    house.phones[1] = BuiltInPhones(house.database, 11, house.clock)
    await house.sync(full=True)
    return admin


async def test_it_is_accepted_from_its_alarm(replaced: Visitor, house: House) -> None:
    """With both identities and the number of links, asked once more."""
    found = await house.phones[1].read_identity()
    overview = (await replaced.get("/")).page
    asked = (await replaced.get("/phone-system/accept")).page
    links = len(await house.links())
    (form,) = [one for one in asked.all("form") if one.get("id") == "confirm"]

    answer = await replaced.post(form["action"] or "")

    assert "accept-phones" in overview.ids()
    assert f"Answers now: {found}" in asked.text
    assert "Known until now: builtin-" in asked.text
    assert "Links between people and extensions that are dropped: 1." in asked.text
    assert (answer.status, answer.headers["location"], links) == (303, "/", 1)
    assert await house.links() == {}
    assert await house.alarms() == ()
    assert "accept-phones" not in (await replaced.get("/")).page.ids()
    (line,) = [one for one in await house.lines() if one.kind == "phones.accepted"]
    assert line.by == "administrator"


async def test_a_third_one_is_not_accepted_unseen(replaced: Visitor, house: House) -> None:
    """Nobody has looked at it."""
    asked = (await replaced.get("/phone-system/accept")).page
    (form,) = [one for one in asked.all("form") if one.get("id") == "confirm"]
    house.phones[1] = BuiltInPhones(house.database, 12, house.clock)

    answer = await replaced.post(form["action"] or "")

    assert answer.status == 409
    assert "not the one that you were asked about" in answer.page.text
    assert len(await house.links()) == 1


async def test_the_known_one_is_not_to_be_accepted(replaced: Visitor, house: House) -> None:
    """It came back, or somebody else has accepted it meanwhile."""
    async with house.database.write() as tx:
        await save_identity(tx, 1, await house.phones[1].read_identity())

    asked = await replaced.get("/phone-system/accept")
    dialog = await replaced.part("/phone-system/accept", "dialogs")

    assert asked.status == 409
    assert "is the one that is known" in asked.page.text
    assert dialog.status == 200
    assert "confirm-ok" not in dialog.page.ids()
