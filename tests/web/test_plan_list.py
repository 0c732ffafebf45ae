"""All plans in a list, and what a plan says that is out of date."""

from __future__ import annotations

from doubles.house import House
from doubles.web_visitor import Visitor
from jackfield.core.rules import PeopleRules
from jackfield.store.settings import Approval


async def _two_plans(house: House) -> tuple[int, int]:
    """A plan that was replaced, and the one that waits."""
    stage = house.raise_stage(3)
    await house.connect(stage, sync=True)
    await house.choose(PeopleRules(), approval=Approval.BY_HAND)
    await house.sync(full=True)
    stage.tenant.hire("Nina Newcomer")
    await house.sync(full=True)
    new, old = (one.id for one in await house.plans())
    return old, new


async def test_before_the_first_plan_the_list_says_so(admin: Visitor) -> None:
    """And how to get one."""
    page = (await admin.get("/plans/all")).page

    assert "No plan was made yet. Preview shows what a sync would do." in page.text


async def test_the_list_tells_state_decision_and_size(house: House, admin: Visitor) -> None:
    """Who approved what, and when: without opening plan after plan."""
    old, new = await _two_plans(house)
    await admin.post(f"/plans/{new}/refuse", form={})

    page = (await admin.get("/plans/all")).page
    only = (await admin.get("/plans/all?status=refused")).page

    assert f"Replaced by plan {new}" in page.text
    assert "Turned down" in page.text
    assert "administrator" in page.text
    assert {f"plan-row-{old}", f"plan-row-{new}"} <= set(page.ids())
    assert f"plan-row-{old}" not in only.ids()
    assert f"plan-row-{new}" in only.ids()


async def test_an_old_number_leads_to_the_plan_that_stands(house: House, admin: Visitor) -> None:
    """A link in a mail, or a number on a note."""
    old, new = await _two_plans(house)

    page = (await admin.get(f"/plans/{old}")).page
    question = (await admin.get(f"/plans/{old}/approve")).page

    (link,) = [one for one in page.all("a") if one.get("id") == "replaced-by"]
    assert link["href"] == f"/plans/{new}"
    assert f"This plan was replaced by plan {new}" in page.text
    assert f"Plan {old} was replaced by plan {new}; there is nothing to decide" in question.text


async def test_a_plan_of_which_nothing_is_left_names_no_other(house: House, admin: Visitor) -> None:
    """There is none."""
    stage = house.raise_stage(3)
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    await house.choose(PeopleRules(), approval=Approval.BY_HAND)
    new = stage.tenant.hire("Nina Newcomer")
    await house.sync()
    plan = (await house.plans())[0].id
    stage.tenant.delete(new.id)
    await house.sync(full=True)

    page = (await admin.get(f"/plans/{plan}")).page

    assert "Out of date" in page.text
    assert "A later sync found nothing of it left to do" in page.text


async def test_a_state_that_is_none_is_refused(admin: Visitor) -> None:
    assert (await admin.get("/plans/all?status=lost")).status == 400
