"""A database that loses what it had acknowledged: a crash of a server that does not wait for its
disk, a machine that was set back to an older picture of itself.
"""

import sqlite3
from contextlib import closing

import pytest

from doubles.house import House
from jackfield.durable import Border, RunId
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanStatus
from jackfield.store.runs import RunStatus
from jackfield.store.settings import Approval

# A file is set back in one stroke; a server is crashed in tests/kill9.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


class Loss:
    """Sets the file back, right after a step, to how it stood after an earlier one: once."""

    def __init__(self, url: str, kept: str, lost: str, nth: int) -> None:
        self._path = url.removeprefix("sqlite:///")
        self._kept, self._lost, self._left = kept, lost, nth
        self._copy = sqlite3.connect(":memory:")
        self.happened = False

    def __call__(self, border: Border, _run: RunId, step: str) -> None:
        if border is not Border.RECORDED or self.happened:
            return
        if step == self._kept:
            with closing(sqlite3.connect(self._path)) as file:
                file.backup(self._copy)
        self._left -= step == self._lost
        if not self._left:
            self.happened = True
            with closing(sqlite3.connect(self._path)) as file:
                self._copy.backup(file)
            self._copy.close()


async def office(house: House) -> None:
    stage = house.raise_stage(people=0)
    for name in ("Ada One", "Ben Two"):
        stage.tenant.hire(name)
    await house.connect(stage)


@pytest.mark.parametrize("kept", ["plan", "start applying"])
async def test_what_is_pending_again_is_carried_out_before_the_run_ends(
    house: House, migrated_url: str, kept: str
) -> None:
    """The run had seen all of it done; the table has it pending, or the plan not even begun."""
    await office(house)
    loss = Loss(migrated_url, kept, "apply", 2)
    await house.restart(loss)

    run = await house.sync(full=True)
    (plan,) = await house.plans()

    assert loss.happened
    assert run.status is RunStatus.DONE
    assert run.text == "2 extensions created."
    assert plan.status is PlanStatus.APPLIED
    assert {one.status for one in await house.actions(plan.id)} == {ActionStatus.DONE}
    assert len(await house.extensions()) == len(await house.links()) == 2


async def test_what_was_approved_is_carried_out_although_its_begin_was_lost(
    house: House, migrated_url: str
) -> None:
    """The same for a plan that somebody has approved."""
    await office(house)
    await house.choose(approval=Approval.BY_HAND)
    await house.sync(full=True)
    loss = Loss(migrated_url, "begin", "apply", 2)
    await house.restart(loss)

    run = await house.approve(1)

    assert loss.happened
    assert run.text == "2 extensions created."
    assert len(await house.extensions()) == len(await house.links()) == 2


async def test_a_plan_that_was_lost_is_made_again(house: House, migrated_url: str) -> None:
    """The run says so instead of "nothing to do", and the next one does the work."""
    await office(house)
    await house.choose(enabled=True)
    await house.restart(Loss(migrated_url, "phones", "plan", 1))

    await house.sweep()
    (lost,) = await house.runs()
    (alarm,) = await house.alarms()
    await house.sweep(after_s=120)

    assert lost.status is RunStatus.FAILED
    assert "Plan 1 is not in the database any more" in lost.text
    assert "Plan 1 is not in the database any more" in alarm.text
    assert len(await house.extensions()) == len(await house.links()) == 2
    assert await house.alarms() == ()
