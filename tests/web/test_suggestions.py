"""What a field suggests while somebody types."""

from __future__ import annotations

import pytest

from doubles.house import House
from doubles.web_fillings import fill, group_id, person_id
from doubles.web_visitor import Visitor
from jackfield.core.departments import Group
from jackfield.store.groups import save_groups


@pytest.fixture(autouse=True)
async def directory(house: House) -> None:
    names = ["Sales", "Sales", "Sales North", *(f"Team {at}" for at in range(12))]
    groups = [Group(group_id(at), name) for at, name in enumerate(names)]
    async with house.database.write() as tx:
        await fill(tx, 20, house.clock.now())
        await save_groups(tx, 1, groups, 1, now=house.clock.now())


async def _values(admin: Visitor, path: str) -> list[str | None]:
    page = (await admin.get(path)).page
    return [one["data-value"] for one in page.all("li") if one.get("role") == "option"]


async def test_people_are_suggested_by_name_and_taken_by_upn(admin: Visitor) -> None:
    """A UPN is what the form takes, and what nobody shares."""
    (value,) = await _values(admin, "/suggest/people?whose=person%200007")

    assert value is not None
    assert "@" in value


async def test_groups_of_one_name_are_taken_by_their_id(admin: Visitor) -> None:
    """The name alone would be refused as meaning two."""
    values = await _values(admin, "/suggest/groups?whose=sales")

    assert values == [group_id(0), group_id(1), "Sales North"]


async def test_a_few_are_enough(admin: Visitor) -> None:
    """Who is not among them is found by typing on; how many there are is said."""
    answer = await admin.get("/suggest/groups?whose=team")

    assert len(answer.page.all("li")) == 8
    (box,) = answer.page.all("ul")
    assert box["data-said"] in {"12 groups", "9 groups or more"}


async def test_nobody_fits(admin: Visitor) -> None:
    answer = await admin.get("/suggest/people?whose=zzz")

    (box,) = answer.page.all("ul")
    assert box["data-said"] == "0 people"
    assert person_id(1) not in answer.text
