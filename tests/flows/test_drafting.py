"""A large plan is stored a piece at a time: seen only when it is whole, and by one maker alone."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from doubles.house import House
from jackfield.core.actions import Plan, RemoveExtension
from jackfield.core.extensions import ExtensionKey, ExtensionNumber
from jackfield.core.people import LeaverCause, ObjectId
from jackfield.flows.drafting import FORSAKEN, store_ahead
from jackfield.flows.health import Health
from jackfield.flows.run_rows import LeaseLost
from jackfield.store.drafts import Draft, drafts
from jackfield.store.errors import DraftLost
from jackfield.store.plan_actions import load_actions, load_actions_of, plan_actions
from jackfield.store.plans import Versions, list_plans, save_plan
from jackfield.store.sequences import next_change
from jackfield.store.transaction import Transaction

MANY = 2_600


def large(many: int = MANY) -> Plan:
    return Plan(
        tuple(
            RemoveExtension(
                ObjectId(f"p{at}"),
                f"Person {at}",
                ExtensionKey(str(at)),
                ExtensionNumber(str(1000 + at)),
                LeaverCause.DELETED,
                "gone",
            )
            for at in range(many)
        )
    )


async def stored(house: House, plan: Plan, draft: Draft | None) -> int:
    async with house.database.write() as tx:
        return await save_plan(
            tx, 1, plan, now=house.clock.now(), made_by="a", versions=Versions(), draft=draft
        )


async def ahead(house: House, plan: Plan, purpose: str = "run") -> Draft:
    draft = await store_ahead(house.database, house.clock, 1, plan, purpose)
    assert draft is not None
    return draft


async def rows(house: House) -> int:
    async with house.database.read() as tx:
        return int(await tx.scalar(select(func.count()).select_from(plan_actions)) or 0)


class Reaper:
    """A fence that lets so many transactions through, and then none."""

    def __init__(self, through: int) -> None:
        self.left = through

    async def fence(self, _: Transaction) -> None:
        if self.left == 0:
            raise LeaseLost("silent for too long")
        self.left -= 1


async def test_nobody_sees_a_plan_before_it_is_whole(house: House) -> None:
    """What is shown can be approved: half of a plan would be carried out as if it were all."""
    plan = large()

    draft = await ahead(house, plan)

    async with house.database.read() as tx:
        before = await list_plans(tx, 1), await load_actions_of(tx, 1, "p7")
    id_ = await stored(house, plan, draft)
    async with house.database.read() as tx:
        (after,) = await list_plans(tx, 1)
        page = await load_actions(tx, 1, id_, after=MANY - 1)
        theirs = await load_actions_of(tx, 1, "p7")
    assert before == ((), ())
    assert (after.id, after.total) == (id_, MANY)
    assert [one.action for one in page.actions] == [plan.actions[-1]]
    assert [number for number, _ in theirs] == [id_]


async def test_few_actions_go_with_their_plan(house: House) -> None:
    """The plans of every minute cost no transaction more."""
    few = large(3)

    draft = await store_ahead(house.database, house.clock, 1, few, "run")

    assert draft is None
    assert await rows(house) == 0


async def test_a_plan_that_was_cut_off_is_made_anew_under_its_number(house: House) -> None:
    """Its pieces vanish, and an administrator who counts plans misses none."""
    first = await stored(house, large(1), None)
    reaper = Reaper(2)
    with pytest.raises(LeaseLost):
        await store_ahead(house.database, house.clock, 1, large(), "run", reaper.fence)
    left = await rows(house)
    plan = large(700)

    again = await stored(house, plan, await ahead(house, plan))

    assert left > 1
    assert again == first + 1
    assert await rows(house) == 1 + 700


async def test_who_has_lost_the_tenant_stores_nothing_more(house: House) -> None:
    """A process that was paused while another one went on must not mix its actions in."""
    plan = large()
    late = await ahead(house, plan)
    taken = await ahead(house, plan)

    with pytest.raises(DraftLost):
        await stored(house, plan, late)

    assert taken.plan == late.plan
    assert await stored(house, plan, taken) == taken.plan
    async with house.database.read() as tx:
        assert [one.id for one in await list_plans(tx, 1)] == [taken.plan]


async def test_plans_for_different_purposes_are_made_side_by_side(house: House) -> None:
    """Somebody takes a plan back while a run makes one: two numbers, none of them lost."""
    plan = large(600)

    run, undo = await ahead(house, plan), await ahead(house, plan, "undo of plan 1")

    numbers = [await stored(house, plan, undo), await stored(house, plan, run)]
    assert numbers == [run.plan + 1, run.plan]
    assert await rows(house) == 1200


async def test_others_write_between_two_pieces(house: House) -> None:
    """A notification does not wait for 70,000 actions."""
    seen: list[int] = []
    begun = asyncio.Event()

    async def fence(_: Transaction) -> None:
        begun.set()
        await asyncio.sleep(0)

    async def notify() -> None:
        await begun.wait()
        async with house.database.write() as tx:
            await next_change(tx, 1)
        seen.append(await rows(house))

    async with asyncio.TaskGroup() as group:
        group.create_task(notify())
        await store_ahead(house.database, house.clock, 1, large(), "run", fence)

    assert seen[0] < MANY
    assert await rows(house) == MANY


async def test_what_nobody_goes_on_with_is_dropped_in_time(house: House) -> None:
    """Somebody began to take a plan back, the process ended, and nobody asked for it again."""
    await ahead(house, large(), "undo of plan 1")
    health = Health(house.database, house.connections, house.clock)
    await health.forget_old()
    young = await rows(house)
    house.clock.advance((FORSAKEN + timedelta(minutes=1)).total_seconds())

    await health.forget_old()

    assert young == MANY
    assert await rows(house) == 0
    async with house.database.read() as tx:
        assert await tx.rows(select(drafts)) == []
