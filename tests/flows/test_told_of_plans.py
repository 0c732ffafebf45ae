"""That a plan waits for approval, or was turned down, is said until somebody decides."""

from doubles.house import House
from jackfield.core.people import ObjectId
from jackfield.flows.undecided import Undecided, load_undecided, was_turned_down
from jackfield.store.runs import RunStatus
from jackfield.store.settings import Approval
from m365_emulator.server import Emulator

WITHOUT = (
    "2 people have no extension since plan 1 was turned down; the next full sync, at the latest,"
    " proposes them again."
)


async def office(house: House) -> tuple[Emulator, list[ObjectId]]:
    """Two people whose extensions wait for approval in plan 1."""
    stage = house.raise_stage(people=0)
    ids = [ObjectId(stage.tenant.hire(name).id) for name in ("Ada One", "Ben Two")]
    await house.connect(stage)
    await house.choose(approval=Approval.BY_HAND)
    await house.sync(full=True)
    return stage, ids


async def undecided(house: House) -> Undecided:
    async with house.database.read() as tx:
        return await load_undecided(tx, 1)


async def test_every_later_run_names_the_plan_that_waits(house: House) -> None:
    """Nothing to do would be believed, and nobody would get a phone."""
    await office(house)

    first, later = (await house.runs())[0], await house.sync()

    waits = "Plan 1 with 2 actions waits for approval."
    assert first.text == waits
    assert (later.status, later.text) == (RunStatus.DONE, f"Nothing to do for 2 people. {waits}")
    assert (await undecided(house)).next_step.startswith("Look at it: jackfield plan show 1.")


async def test_a_plan_that_was_approved_is_not_named_any_more(house: House) -> None:
    """It is done."""
    await office(house)

    await house.approve(1)

    assert (await house.sync()).text == "Nothing to do for 2 people."
    assert not await undecided(house)


async def test_who_was_turned_down_is_not_forgotten(house: House) -> None:
    """Each run says so, the person's page too, and the next full sync proposes them again."""
    _, (ada, _) = await office(house)
    await house.people.turn_down(1, 1, by="admin")

    later = await house.sync()
    async with house.database.read() as tx:
        plan = await was_turned_down(tx, 1, ada)
    reasons = await house.planning.explain(1, ada, plan)
    full = await house.sync(full=True)

    assert later.text == f"Nothing to do for 2 people. {WITHOUT}"
    assert any(
        one.startswith("Next full sync, since plan 1 was turned down: Create extension 1")
        for one in reasons
    )
    assert full.text == "Plan 2 with 2 actions waits for approval."
    assert (await undecided(house)).text == full.text


async def test_a_change_proposes_who_was_turned_down_before_the_next_full_sync(
    house: House,
) -> None:
    """Whoever waits for an extension is in every plan; who has left is in none."""
    stage, (ada, _) = await office(house)
    await house.people.turn_down(1, 1, by="admin")
    stage.tenant.delete(ada)

    assert (await house.sync()).text == "Plan 2 with 1 action waits for approval."
    assert (await undecided(house)).turned_down is None


async def test_several_plans_are_named_the_oldest_first(house: House) -> None:
    """One person's plan waits beside that of everybody."""
    _, (ada, _) = await office(house)
    await house.sync(person=ada)

    later = await house.sync()

    assert later.text == "Nothing to do for 2 people. Plans 1 and 2 wait for approval."
