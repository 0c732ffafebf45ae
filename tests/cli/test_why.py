"""`jackfield why`: the reasons that the console shows, at a keyboard."""

from __future__ import annotations

import pytest

from doubles.house import House
from doubles.keyboard import HouseDoor
from jackfield.cli.exits import CommandFailed
from jackfield.cli.naming import find_person
from jackfield.cli.why import department_text, find_department, person_text


@pytest.fixture
async def nina(house: House, door: HouseDoor) -> str:
    """The UPN of the one person, who is in the one department."""
    stage = house.raise_stage(people=0)
    hired = stage.tenant.hire("Nina Newcomer")
    group = stage.tenant.create_group("Harbour", members=[hired.id])
    await house.connect(stage, sync=True)
    chosen = {"source": "chosen", "groups": [group.id]}
    await door.api.sync()
    await door.api.choose(rules={"departments": chosen})
    await door.api.sync(full=True)
    return hired.user_principal_name


async def test_a_person_s_extension_is_explained(door: HouseDoor, nina: str) -> None:
    """Number first, then all the reasons of the page."""
    lines = person_text(await find_person(door, nina.upper())).splitlines()

    assert lines[0] == f"{nina}: extension 100."
    assert len(lines) > 3


async def test_a_department_is_explained_by_its_name(door: HouseDoor, nina: str) -> None:
    """In whatever case, or by its key; made by hand too."""
    assert nina
    await door.api.post("/departments", {"name": "Front desk"})

    by_name = await find_department(door, "harbour")
    by_key = await find_department(door, by_name["key"])
    by_hand = await find_department(door, "Front desk")

    lines = department_text(by_name).splitlines()
    assert lines[0] == "Harbour: 1 member."
    assert lines[1].startswith("It follows the group “Harbour” of Microsoft 365: it is one of")
    assert by_key == by_name
    assert department_text(by_hand).startswith("Front desk: 0 members.\nMade in the phone system")


@pytest.mark.parametrize("name", ["Nowhere", "A/B"])
async def test_a_department_that_is_not_there_is_said(door: HouseDoor, name: str) -> None:
    """A slash is no part of an address."""
    with pytest.raises(CommandFailed, match="no department"):
        await find_department(door, name)
