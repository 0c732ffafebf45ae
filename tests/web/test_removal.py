"""Removing a person's extension by hand, and that it is not made again where that was chosen."""

import pytest

from doubles.house import House
from doubles.web_visitor import Visitor


@pytest.mark.parametrize("not_again", [False, True])
async def test_a_removed_extension_comes_back_unless_that_was_chosen(
    house: House, admin: Visitor, not_again: bool
) -> None:
    """Asked once more, without a script; the journal says who did it."""
    stage = house.raise_stage(people=0)
    ada = str(stage.tenant.hire("Ada One").id)
    stage.tenant.hire("Ben Two")
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    number = (await house.numbers())["Ada One"]

    asked = await admin.get(f"/people/{ada}/remove")
    choice = {"choice": "on"} if not_again else {}
    answer = await admin.post(f"/people/{ada}/remove", choice)
    removed = await house.numbers()
    await house.sync(full=True)
    after = await house.numbers()

    assert f"Remove extension {number}?" in asked.page.text
    assert "Do not make it again for this person" in asked.page.text
    (here,) = [one["id"] for one in asked.page.all("a") if one.get("aria-current") == "page"]
    assert here == "menu-users"
    assert answer.status == 303
    assert "Ada One" not in removed
    assert ("Ada One" in after) is not not_again
    assert ((await house.settings()).rules.not_recreated == {ada}) is not_again
    (line,) = [one for one in await house.lines() if one.kind == "extension.removed"]
    assert line.by == "administrator"


async def test_who_has_no_extension_has_none_to_remove(admin: Visitor) -> None:
    """A page that has become old."""
    assert (await admin.get("/people/nobody/remove")).status == 404
