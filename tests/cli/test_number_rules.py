"""`jackfield numbers held`, `reserve`, `give` and the like: the console's rules at a keyboard."""

from __future__ import annotations

from typing import Any

import pytest

from doubles.house import House
from doubles.keyboard import HouseDoor
from jackfield.cli.exits import CommandFailed, Exit
from jackfield.cli.number_rules import given_line, held_line, reserved_line, ruled
from m365_emulator.tenant import Tenant


@pytest.fixture
async def tenant(house: House) -> Tenant:
    """Nina has an extension; there are two groups, one name twice."""
    stage = house.raise_stage(people=0)
    nina = stage.tenant.hire("Nina Newcomer")
    for name in ("Harbour", "Twice", "Twice"):
        stage.tenant.create_group(name, members=[nina.id])
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    return stage.tenant


async def reserve(door: HouseDoor, numbers: str, **more: Any) -> Any:
    return await ruled(door, "POST", "/numbers/reserved", {"numbers": numbers, **more})


async def refusal(door: HouseDoor, method: str, path: str, body: object = None) -> CommandFailed:
    with pytest.raises(CommandFailed) as refused:
        await ruled(door, method, path, body)
    return refused.value


@pytest.mark.usefixtures("tenant")
async def test_a_range_is_reserved_listed_and_free_again(door: HouseDoor) -> None:
    """For somebody by UPN, with a note; nothing else of the settings changes."""
    upn = (await door.api.get("/people"))["people"][0]["upn"]
    before = (await door.api.get("/settings/people"))["settings"]

    await reserve(door, "700-709", person=upn, note=" lifts ", confirm=True)
    (listed,) = (await door.api.get("/numbers/reserved"))["reserved"]
    await ruled(door, "DELETE", "/numbers/reserved/700-709")

    said = f"700-709: for {upn} (lifts). Has 100 and keeps it; this counts once another number"
    assert reserved_line(listed).startswith(said)
    assert (await door.api.get("/numbers/reserved"))["reserved"] == []
    assert (await door.api.get("/settings/people"))["settings"] == before


@pytest.mark.usefixtures("tenant")
async def test_a_number_in_use_is_asked_about(door: HouseDoor) -> None:
    """Whoever has it keeps it, which may not be what was meant."""
    body = {"numbers": "100"}

    asked = await refusal(door, "POST", "/numbers/reserved", body)
    made = await reserve(door, "100", confirm=True)

    assert asked.code is Exit.REFUSED
    assert str(asked) == (
        "Not reserved yet. 100: In use: Nina Newcomer has it and keeps it. To reserve it all the"
        " same, add --yes."
    )
    assert made["remark"] == "In use: Nina Newcomer has it and keeps it."


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        pytest.param({"numbers": "7oo"}, Exit.USAGE, "In `numbers`: The first number", id="none"),
        pytest.param({"numbers": "709-700"}, Exit.USAGE, "ends before it begins", id="backwards"),
        pytest.param({"numbers": "705-719"}, Exit.FAILED, "are reserved already", id="overlap"),
        pytest.param(
            {"numbers": "800", "person": "nobody@x.example"}, Exit.USAGE, "In `person`: ", id="who"
        ),
        pytest.param(
            {"numbers": "800", "note": "x" * 201}, Exit.USAGE, "201 characters", id="long_note"
        ),
    ],
)
async def test_what_cannot_be_reserved_is_said_with_its_part(
    door: HouseDoor, body: dict[str, str], code: Exit, says: str
) -> None:
    """By the same rules as on the page."""
    await reserve(door, "700-709")

    refused = await refusal(door, "POST", "/numbers/reserved", body)

    assert refused.code is code
    assert says in str(refused)


async def test_a_reservation_is_removed_by_exactly_its_numbers(door: HouseDoor) -> None:
    """Part of a range is not the range."""
    await reserve(door, "700-709")

    refused = await refusal(door, "DELETE", "/numbers/reserved/700")

    assert str(refused) == "No reservation is of exactly 700."


async def test_a_department_gets_numbers_by_its_group_s_name(
    door: HouseDoor, tenant: Tenant
) -> None:
    """In place of those it had, and taken away again; also once the group is forgotten."""
    path = "/numbers/departments/Harbour"
    await ruled(door, "PUT", path, {"numbers": "600-649"})
    made = await ruled(door, "PUT", path, {"numbers": "600-649, 700"})
    listed = (await door.api.get("/numbers/departments"))["departments"]
    tenant.delete_group(made["group"])
    await door.api.house.sync(full=True)

    await ruled(door, "DELETE", f"/numbers/departments/{made['group'].upper()}")

    assert listed == [made]
    assert given_line(made) == "Harbour: 600-649, 700"
    assert (await door.api.get("/numbers/departments"))["departments"] == []


@pytest.mark.usefixtures("tenant")
@pytest.mark.parametrize(
    ("group", "numbers", "says"),
    [
        pytest.param("None", "600", "In `group`: There is no group “None”", id="nobody"),
        pytest.param("Twice", "600", "2 groups are called “Twice”; give the object", id="two"),
        pytest.param("Harbour", "", "In `numbers`: Give its ranges", id="nothing"),
        pytest.param(
            "Harbour", "1-9", "1–9, the range of group “Harbour”; its ranges are", id="far"
        ),
    ],
)
async def test_a_department_that_cannot_be_served_is_said(
    door: HouseDoor, group: str, numbers: str, says: str
) -> None:
    """With its name, not its object ID."""
    path = f"/numbers/departments/{group}"

    refused = await refusal(door, "PUT", path, {"numbers": numbers})

    assert refused.code is Exit.USAGE
    assert says in str(refused)


@pytest.mark.usefixtures("tenant")
async def test_a_held_number_is_listed_and_let_go(door: HouseDoor) -> None:
    """Until when and for whom: a caller must not reach a stranger unawares."""
    made = await door.api.post("/extensions", {"number": "700"})
    await door.api.delete(f"/extensions/{made['key']}")
    await door.api.house.sync()
    (held,) = (await door.api.get("/numbers/held"))["numbers"]

    await ruled(door, "POST", "/numbers/700/release")
    again = await refusal(door, "POST", "/numbers/700/release")

    assert held_line(held).startswith("700: held for nobody who is known, released 20")
    assert "is not held (any more)" in str(again)
