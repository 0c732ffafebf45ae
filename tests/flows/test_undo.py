"""A plan is taken back by a plan: proposed, approved, carried out, and not redone by itself."""

from dataclasses import replace

import pytest

from core.sketches import AT_ONCE
from doubles.house import House
from jackfield.core.people import LeaverCause, LeaverPolicy, ObjectId
from jackfield.core.rules import GuardRules, PeopleRules, Threshold
from jackfield.flows.undo import NotUndoable, Undoing, UnknownPlan, makes_plans_wait
from jackfield.store.links import load_links
from jackfield.store.plans import PlanStatus, load_plan
from jackfield.store.settings import Approval
from m365_emulator.server import Emulator

LAX = GuardRules(removals=Threshold(1_000))
REMOVE = PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE, guards=LAX)
NAMES = ("Ada One", "Ben Two", "Cyd Three")


async def office(house: House) -> tuple[Emulator, dict[str, str], Undoing]:
    """Three people with extensions; who is deleted loses theirs at once."""
    stage = house.raise_stage(people=0)
    ids = {name: str(stage.tenant.hire(name).id) for name in NAMES}
    await house.connect(stage)
    await house.choose(REMOVE, enabled=True)
    await house.sync(full=True)
    return stage, ids, Undoing(house.database, house.clock)


async def warned(house: House, plan: int) -> bool:
    """Whether the plan says, before its approval, that every plan waits from then on."""
    async with house.database.read() as tx:
        stored = await load_plan(tx, 1, plan)
        assert stored is not None
        return await makes_plans_wait(tx, 1, stored)


async def test_removed_extensions_are_back_as_they_were(house: House) -> None:
    """The wrong people were deleted, and their phones with them."""
    stage, ids, undoing = await office(house)
    before = await house.by_name()
    for name in NAMES[:2]:
        stage.tenant.delete(ids[name])
    await house.sync()
    (wrong, *_) = await house.plans()

    undo = await undoing.propose(1, wrong.id, by="owner")
    waiting = await house.numbers()
    await house.approve(undo)

    after = await house.by_name()
    assert waiting == {"Cyd Three": "102"}
    assert {name: (one.number, one.fields, one.enabled) for name, one in after.items()} == {
        name: (one.number, one.fields, one.enabled) for name, one in before.items()
    }


async def test_the_next_sync_proposes_and_does_not_redo(house: House) -> None:
    """Approving an undo switches approval to by hand; its run and the journal say so."""
    stage, ids, undoing = await office(house)
    stage.tenant.delete(ids["Ben Two"])
    await house.sync()
    undo = await undoing.propose(1, (await house.plans())[0].id, by="owner")
    assert await warned(house, undo)

    approved = await house.approve(undo)
    await house.sync()
    again = await house.sync(full=True)

    later = await undoing.propose(1, undo, by="owner")
    assert not await warned(house, later)
    assert (await house.settings()).approve is Approval.BY_HAND
    assert "From now on every plan waits for approval" in approved.text
    assert "choose otherwise under Users > M365" in approved.text
    assert "waits for approval" in again.text
    assert (await house.numbers())["Ben Two"] == "101"


async def test_a_sync_meanwhile_leaves_the_proposal_standing(house: House) -> None:
    """An administrator may look at it for longer than a minute."""
    stage, _, undoing = await office(house)
    first = (await house.plans())[-1].id
    undo = await undoing.propose(1, first, by="owner")

    stage.tenant.hire("Dan Four")
    await house.sync()
    await house.sync(full=True)
    again = await undoing.propose(1, first, by="owner")

    plans = {plan.id: plan for plan in await house.plans()}
    assert plans[undo].status is PlanStatus.SUPERSEDED
    assert plans[again].status is PlanStatus.PROPOSED
    assert plans[undo].scope == f"undo of plan {first}"
    assert plans[undo].counts == {"remove_extension": 3}


async def test_what_cannot_be_taken_back_says_why(house: House) -> None:
    """An unknown plan, one that did nothing, one of which nothing stands."""
    _, _, undoing = await office(house)
    first = (await house.plans())[-1].id
    await house.choose(replace(REMOVE), approval=Approval.BY_HAND)
    undo = await undoing.propose(1, first, by="owner")

    with pytest.raises(UnknownPlan, match="no plan 77"):
        await undoing.propose(1, 77, by="owner")
    with pytest.raises(NotUndoable, match="has done nothing"):
        await undoing.propose(1, undo, by="owner")
    await house.approve(undo)
    with pytest.raises(
        NotUndoable, match=r"Nothing that plan 1 did can be taken back\. Cyd Three: "
    ):
        await undoing.propose(1, first, by="owner")


async def test_a_plan_that_only_kept_leavers_has_nothing_to_take_back(house: House) -> None:
    """It reads as done, and nothing in the phone system was changed by it."""
    stage, ids, undoing = await office(house)
    await house.choose(PeopleRules())
    stage.tenant.delete(ids["Ben Two"])
    await house.sync()
    kept = (await house.plans())[0]

    with pytest.raises(NotUndoable) as refused:
        await undoing.propose(1, kept.id, by="owner")

    assert kept.counts == {"keep_leaver": 1}
    assert "only kept a leaver's extension as it stood" in str(refused.value)
    assert "nothing to take back" in str(refused.value)


async def test_undoing_a_return_keeps_what_is_known_of_a_leaver_since(house: House) -> None:
    """They stay somebody who was deleted, since then."""
    stage, ids, undoing = await office(house)
    await house.choose(replace(REMOVE, on_disabled=LeaverPolicy.DISABLE))
    stage.tenant.disable(ids["Ben Two"])
    await house.sync()
    stage.tenant.enable(ids["Ben Two"])
    await house.sync()
    (returned, *_) = await house.plans()
    await house.choose(replace(REMOVE, on_deleted=LeaverPolicy.KEEP))
    stage.tenant.delete(ids["Ben Two"])
    await house.sync()
    async with house.database.read() as tx:
        (before,) = (await load_links(tx, 1, [ObjectId(ids["Ben Two"])])).values()

    await house.approve(await undoing.propose(1, returned.id, by="owner"))

    async with house.database.read() as tx:
        (after,) = (await load_links(tx, 1, [ObjectId(ids["Ben Two"])])).values()
    assert (before.left, before.left_at is None) == (LeaverCause.DELETED, False)
    assert (after.left, after.left_at) == (before.left, before.left_at)
