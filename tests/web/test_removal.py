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


async def test_whoever_is_not_made_again_is_listed_and_can_be_taken_off(
    house: House, admin: Visitor
) -> None:
    """A choice made months ago is found again by whoever wonders why there is no extension."""
    stage = house.raise_stage(people=0)
    ada = str(stage.tenant.hire("Ada One").id)
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    nobody = (await admin.get("/users/not-made-again")).page
    await admin.post(f"/people/{ada}/remove", {"choice": "on"})

    dialog = (await admin.get("/users/m365")).page
    listed = (await admin.get("/users/not-made-again")).page
    answer = await admin.post(f"/people/{ada}/made-again")
    again = await admin.post(f"/people/{ada}/made-again")
    await house.sync()

    assert "Nobody is on this list" in nobody.text
    assert "1 person chosen one by one is passed over" in dialog.text
    assert {"not-made-again"} <= set(dialog.ids())
    assert "Ada One" in listed.text
    assert (answer.status, answer.headers["location"]) == (303, "/users/not-made-again")
    assert again.status == 404
    assert (await house.settings()).rules.not_recreated == frozenset()
    assert set(await house.numbers()) == {"Ada One"}
    told = [one.text for one in await house.lines() if one.kind == "settings.changed"]
    assert "People whose extension is not made again from 1 to 0" in told[0]
    assert "taken out Ada One" in told[0]


async def test_who_has_no_extension_has_none_to_remove(admin: Visitor) -> None:
    """A page that has become old."""
    assert (await admin.get("/people/nobody/remove")).status == 404


async def test_what_another_tab_removed_is_told_so(house: House, admin: Visitor) -> None:
    """By its number, with who did it: the key of the phone system says nothing to anybody."""
    stage = house.raise_stage(people=0)
    ada = str(stage.tenant.hire("Ada One").id)
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    number = (await house.numbers())["Ada One"]
    await admin.get(f"/people/{ada}/remove")
    await admin.post(f"/people/{ada}/remove")

    late = await admin.post(f"/people/{ada}/remove")

    assert late.status == 409
    assert f"Extension {number} was removed already (by administrator, " in late.page.text
    assert "with the key" not in late.page.text
