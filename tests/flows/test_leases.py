"""One run at a time works for a tenant: who holds the lease, who waits, and who was too slow."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from doubles.house import House, Interlude
from jackfield.core.schedule import Mode
from jackfield.flows.asks import Ask
from jackfield.flows.run_rows import LEASE, LeaseLost, RunRows
from jackfield.flows.runs import WORK
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.pbx.port import Outcome, Write
from jackfield.store.leases import give_up_lease, list_leases, take_lease
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanStatus
from jackfield.store.runs import RunStatus, Trigger
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator

# PostgreSQL counts leases by its own clock, which cannot be turned.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


async def office(house: House) -> Emulator:
    stage = house.raise_stage(people=0)
    for name in ("Ada One", "Ben Two"):
        stage.tenant.hire(name)
    await house.connect(stage)
    await house.choose(enabled=True)
    return stage


async def taken_by_another(house: House) -> None:
    """The run was silent for longer than its lease, and another process came by."""
    house.clock.advance(LEASE.total_seconds() + 1)
    async with house.database.write() as tx:
        lease = await take_lease(
            tx, 1, WORK, "another", length=timedelta(seconds=60), now=house.clock.now()
        )
    assert lease is not None


@pytest.mark.parametrize("step", ["page users", "phones", "plan", "apply"])
async def test_a_run_that_was_too_slow_leaves_quietly(house: House, step: str) -> None:
    """It writes nothing more and raises no alarm; what is left is done by the next run."""
    await office(house)
    house.chunk = 1
    await house.restart(Interlude(step, 1, lambda: taken_by_another(house)))
    await house.sweep()
    (late,) = await house.runs()
    plans = [plan.status for plan in await house.plans()]
    alarms = await house.alarms()
    async with house.database.write() as tx:
        await give_up_lease(tx, 1, WORK, "another")

    begun = await house.sweep()

    assert late.status is RunStatus.FAILED
    assert "silent for more than 180 seconds" in late.text
    assert alarms == ()
    assert plans == ([PlanStatus.FAILED] if step in {"plan", "apply"} else [])
    assert begun == 1
    assert (await house.runs())[0].status is RunStatus.DONE
    assert await house.numbers() == {"Ada One": "100", "Ben Two": "101"}
    for plan in await house.plans():
        assert ActionStatus.PENDING not in {one.status for one in await house.actions(plan.id)}


async def taken_over(house: House) -> None:
    """Another process carries the same run on: this one was paused, or its clock has jumped."""
    async with house.database.write() as tx:
        (held,) = [one for one in await list_leases(tx, 1, WORK) if one.name == WORK]
        taken = await take_lease(tx, 1, WORK, held.owner, length=LEASE, now=house.clock.now())
    assert taken is not None


async def assert_done_after_all(house: House) -> None:
    """The other process dies as well; the next start and run do everything, once."""
    await house.people.take_stock()
    await house.sweep()
    assert await house.numbers() == {"Ada One": "100", "Ben Two": "101"}
    assert len(await house.links()) == 2


class PausedBeforeItAnswers(BuiltInPhones):
    """Carries a write out, and while it does so the run is taken over."""

    house: House

    async def write(self, writes: Sequence[Write]) -> list[Outcome]:
        outcomes = await super().write(writes)
        await taken_over(self.house)
        return outcomes


async def test_of_two_processes_that_carry_one_run_the_earlier_writes_nothing(
    house: House,
) -> None:
    """It has renewed its lease a moment ago and knows nothing: the fence tells it."""
    await office(house)
    await house.restart(Interlude("plan", 1, lambda: taken_over(house)))

    await house.sweep()

    (run,) = await house.runs()
    assert await house.numbers() == {}
    assert run.status is RunStatus.RUNNING  # the other process's to end
    assert await house.alarms() == ()
    (plan,) = await house.plans()
    assert {one.status for one in await house.actions(plan.id)} == {ActionStatus.PENDING}
    await assert_done_after_all(house)


async def test_what_came_of_a_write_is_not_saved_over_the_other_process(house: House) -> None:
    """Taken over while the phone system answers: the other one finds its records by our key."""
    await office(house)
    phones = PausedBeforeItAnswers(house.database, 1, house.clock)
    phones.house = house
    house.phones[1] = phones

    await house.sweep()

    (run,) = await house.runs()
    (plan,) = await house.plans()
    assert await house.links() == {}
    assert run.status is RunStatus.RUNNING
    assert {one.status for one in await house.actions(plan.id)} == {ActionStatus.PENDING}
    house.phones.clear()
    await assert_done_after_all(house)


async def test_a_run_that_waits_keeps_its_lease(house: House) -> None:
    """However long Microsoft asks it to pause: somebody else's run comes after it, not between."""
    stage = await office(house)
    stage.faults.switch_on(
        Order(kind=Kind.THROTTLED, path="/v1.0/users*", retry_after_s=800, count=1)
    )
    look = Ask(Mode.DELTA, Trigger.ADMINISTRATOR, "admin", preview=True)
    await house.restart(Interlude("begin", 1, lambda: house.people.start(1, look)))

    await house.sweep()

    preview, full = await house.runs()
    assert (full.mode, preview.mode) == ("full", "preview")
    assert (full.status, preview.status) == (RunStatus.DONE, RunStatus.DONE)
    assert full.ended_at is not None
    assert preview.started_at >= full.ended_at
    assert (full.ended_at - full.started_at).total_seconds() >= 800


async def test_what_a_run_met_is_no_alarm_once_another_has_its_lease(house: House) -> None:
    """It was paused amid a call to Microsoft 365: the other run has had an answer since."""
    await office(house)
    late = RunRows(house.database, house.clock, WORK)
    await late.take_lease("late", 1)
    await taken_by_another(house)

    with pytest.raises(LeaseLost):
        await late.begin_alarm(1, "graph.groups", "Groups may not be read.", "", flow="late")

    assert await house.alarms() == ()
