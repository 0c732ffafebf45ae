"""Many who leave at once: told where nothing is held, and told once where something is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from doubles.house import House
from doubles.web_visitor import Visitor
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules


async def _left(house: House, many: int, rules: PeopleRules) -> None:
    stage = house.raise_stage(people=0)
    ids = [str(stage.tenant.hire(f"Person {at:02}").id) for at in range(40)]
    await house.connect(stage)
    await house.choose(rules, enabled=True)
    await house.sync(full=True)
    for person in ids[:many]:
        stage.tenant.delete(person)
    await house.sync()


@pytest.mark.parametrize(("many", "told"), [(5, False), (6, True)])
async def test_kept_leavers_are_told_where_they_are_many(
    house: House, admin: Visitor, many: int, told: bool
) -> None:
    """A directory that loses its people by accident does not pass in silence."""
    await _left(house, many, PeopleRules(on_deleted=LeaverPolicy.KEEP))
    said = f"{many} leavers at once, out of 40 linked people: as chosen, their extensions are kept."

    (run, *_) = await house.runs()
    overview = (await admin.get("/")).page
    await house.sync(full=True)
    later = (await house.runs())[0]
    house.clock.advance(timedelta(days=2).total_seconds())
    after = (await admin.get("/")).page

    assert (said in run.text) is told
    assert run.status == "done"
    assert ("many-left" in overview.ids()) is told
    assert "leavers at once" not in later.text
    assert "many-left" not in after.ids()


async def test_what_a_guard_holds_is_said_once_on_overview(house: House, admin: Visitor) -> None:
    """Not by the last run and by the alarm right below it."""
    await _left(house, 6, PeopleRules(on_deleted=LeaverPolicy.DISABLE))
    await house.sync(full=True)
    held = "A guard holds back 6 extensions to disable (plan 2) until an administrator releases"

    here = await admin.part("/running", "running", hx_current_url="http://127.0.0.1:8200/")
    elsewhere = await admin.part("/running", "running", hx_current_url="http://127.0.0.1:8200/runs")
    alarm = (await admin.get("/")).page

    assert held in elsewhere.page.text
    assert "Full sync: Nothing to do for" in here.page.text
    assert held not in here.page.text
    assert held in alarm.text
    assert "jackfield plan refuse 2" in alarm.text
    assert "put them right in Microsoft 365" in alarm.text
