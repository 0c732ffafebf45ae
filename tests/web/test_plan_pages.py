"""A plan that waits for the administrator's word: shown, approved, released, turned down."""

import pytest

from doubles.house import House
from doubles.web_visitor import Answer, Visitor
from jackfield.core.actions import ActionKind
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules
from jackfield.store.plans import PlanStatus
from jackfield.store.settings import Approval


async def prepare(house: House) -> int:
    stage = house.raise_stage(12)
    await house.connect(stage, sync=True)
    await house.choose(approval=Approval.BY_HAND)
    await house.sync(full=True)
    return (await house.plans())[0].id


async def test_it_is_shown_before_anything_is_done(house: House, admin: Visitor) -> None:
    plan = await prepare(house)

    answer = await followed(admin, "/plans")
    only = await admin.get(f"/plans/{plan}?kind={ActionKind.CREATE_EXTENSION}&q=200")

    assert "Waits for a decision" in answer.page.text
    assert "Extensions to create" in answer.page.text
    assert {"approve", "refuse"} <= set(answer.page.ids())
    assert only.status == 200
    assert not await house.links()
    overview = (await admin.get("/")).page.text
    assert f"Plan {plan} waits for your decision" in overview


async def test_approved_it_is_carried_out_as_shown(house: House, admin: Visitor) -> None:
    plan = await prepare(house)
    asked = await admin.get(f"/plans/{plan}/approve")

    answer = await admin.post(f"/plans/{plan}/approve")
    await house.runner.idle()

    assert "will be carried out as shown" in asked.page.text
    assert (answer.status, answer.headers["location"]) == (303, f"/plans/{plan}")
    page = (await admin.get(f"/plans/{plan}")).page.text
    assert "Carried out" in page
    assert "by administrator" in page
    assert await house.links()


@pytest.mark.parametrize("decision", ["approve", "release", "refuse"])
@pytest.mark.parametrize("headers", [{}, {"hx_request": "true"}])
async def test_a_plan_that_is_carried_out_has_no_question(
    house: House, admin: Visitor, decision: str, headers: dict[str, str]
) -> None:
    """A button under "0 actions will be carried out" could only fail."""
    plan = await prepare(house)
    await house.approve(plan)

    asked = await admin.get(f"/plans/{plan}/{decision}", **headers)
    told = await admin.post(f"/plans/{plan}/{decision}", **headers)

    assert f"Plan {plan} has been carried out; there is nothing to decide" in asked.page.text
    for answer in (asked, told):
        assert "confirm-ok" not in answer.page.ids()
        assert "will be carried out" not in answer.page.text
        assert "Nothing of it will be done" not in answer.page.text


async def test_turned_down_nothing_of_it_is_done(house: House, admin: Visitor) -> None:
    plan = await prepare(house)

    answer = await admin.post(f"/plans/{plan}/refuse", hx_request="true")
    await house.runner.idle()

    assert answer.status == 204
    assert answer.headers["hx-trigger"] == "jackfield:close"
    assert "Turned down" in (await admin.get(f"/plans/{plan}")).page.text
    assert not await house.links()


async def test_a_second_word_comes_too_late_and_is_told_so(house: House, admin: Visitor) -> None:
    """Two administrators, two open pages."""
    plan = await prepare(house)
    await admin.post(f"/plans/{plan}/refuse")

    answer = await admin.post(f"/plans/{plan}/approve")
    part = await admin.post(f"/plans/{plan}/approve", hx_request="true")

    assert (answer.status, part.status) == (409, 200)
    assert "only a proposed plan can be approved" in answer.page.text
    assert "only a proposed plan can be approved" in part.page.text
    assert not part.page.all("html")


async def test_a_no_behind_a_yes_is_told_so_before_it_counts(house: House, admin: Visitor) -> None:
    """Two administrators at the same moment: the second learns of the first, and may insist."""
    plan = await prepare(house)
    asked = await admin.get(f"/plans/{plan}/refuse")
    await house.decide(plan, PlanStatus.APPROVED, by="Somebody else")

    late = await admin.post(f"/plans/{plan}/refuse")
    page = await admin.get(f"/plans/{plan}")
    stands = (await house.plans())[0].status
    insisting = await admin.post(f"/plans/{plan}/refuse", {"also_approved": "yes"})

    assert "Nothing of it will be done" in asked.page.text
    assert (late.status, stands) == (409, PlanStatus.APPROVED)
    assert f"Plan {plan} is approved already (decided by Somebody else)." in late.page.text
    assert "What of it is not carried out yet will not be done" in late.page.text
    assert 'name="also_approved" value="yes"' in late.text
    assert "refuse" in page.page.ids()
    assert insisting.status == 303
    assert (await house.plans())[0].status is PlanStatus.REFUSED


@pytest.mark.parametrize("free", [0, 3])
async def test_what_a_guard_holds_is_told_before_the_word(
    house: House, admin: Visitor, free: int
) -> None:
    """Held whole, there is nothing to approve; the way leads to the release."""
    stage = house.raise_stage(0)
    ids = [str(stage.tenant.hire(f"Person {at:02}").id) for at in range(20)]
    await house.connect(stage)
    await house.choose(PeopleRules(on_disabled=LeaverPolicy.DISABLE))
    await house.sync(full=True)
    await house.choose(approval=Approval.BY_HAND)
    for person in ids[:8]:
        stage.tenant.disable(person)
    for person in ids[17 : 17 + free]:
        stage.tenant.update(person, jobTitle="New")
    await house.sync()

    asked = await admin.get("/plans/2/approve")
    dialog = await admin.get("/plans/2/approve", hx_request="true")
    answer = await admin.post("/plans/2/approve")
    await house.runner.idle()
    release = await admin.get("/plans/2/release")

    for question in (asked, dialog):
        assert "Held back: 8 extensions to disable." in question.page.text
        assert "8 extensions would be disabled, out of 20" in question.page.text
        assert link(question, "confirm-release") == "/plans/2/release"
        assert link(question, "confirm-held") == "/plans/2?held=yes"
        assert ("confirm-ok" in question.page.ids()) is bool(free)
    assert answer.status == (303 if free else 409)
    assert sum(not one.enabled for one in await house.extensions()) == 0
    assert "8 actions will be carried out" in release.page.text
    assert "8 of which a guard held back" in release.page.text
    assert "Held back: 8 extensions to disable." in release.page.text
    # The dangerous answer has the colour of danger, not the safe one.
    refusal = await admin.get("/plans/2/refuse")
    assert (look(release, "confirm-ok"), look(asked, "confirm-release")) == (
        "danger",
        "button danger",
    )
    assert look(refusal, "confirm-ok") == "primary"


async def test_a_new_count_of_people_is_accepted_on_the_plans_page(
    house: House, admin: Visitor
) -> None:
    """A guard that holds no action, only the count, is released like any other."""
    stage = house.raise_stage(0)
    rooms = [str(stage.tenant.hire(f"Room {at:02}", skus=()).id) for at in range(8)]
    await house.connect(stage)
    await house.sync(full=True)
    for one in rooms:
        stage.tenant.delete(one)
    await house.sync(full=True)
    number = (await house.plans())[0].id

    page = await admin.get(f"/plans/{number}")
    question = await admin.get(link(page, "release"))
    await admin.post(link(page, "release"))
    await house.runner.idle()

    assert "Accept the new count" in page.page.text
    assert "The new count of 0 people in Microsoft 365 is accepted." in question.page.text
    assert "release" not in (await admin.get(f"/plans/{number}")).page.ids()


@pytest.mark.parametrize("path", ["/plans/9/approve", "/plans/1/explode", "/plans/x/approve"])
async def test_words_about_nothing_are_not_found(admin: Visitor, path: str) -> None:
    assert (await admin.post(path)).status in {404, 409}
    assert (await admin.get(path)).status == 404


async def followed(visitor: Visitor, path: str) -> Answer:
    """Where a page leads."""
    return await visitor.get((await visitor.get(path)).headers["location"])


def look(answer: Answer, id_: str) -> str:
    """The class of a button."""
    return next(one["class"] or "" for _, one in answer.page.tags if one.get("id") == id_)


def link(answer: Answer, id_: str) -> str:
    return next(str(a["href"]) for a in answer.page.all("a") if a.get("id") == id_)


async def test_a_long_name_is_cut_for_display(house: House, admin: Visitor) -> None:
    """It would push what is done off the screen; the whole of it stands in the title."""
    stage = house.raise_stage(1)
    name = "Ada " * 63 + "Last"
    stage.tenant.hire(name)
    await house.connect(stage, sync=True)
    await house.choose(approval=Approval.BY_HAND)
    await house.sync(full=True)

    page = await admin.get(f"/plans/{(await house.plans())[0].id}")

    assert f"for {name}" not in page.page.text
    assert f"for {'Ada ' * 14}Ada…" in page.page.text
    assert any(one.get("title", "").endswith(f"for {name}") for one in page.page.all("span"))
