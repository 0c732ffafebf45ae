"""The history of runs: charts that can be read as tables, over a day up to a quarter."""

from __future__ import annotations

from datetime import timedelta

import pytest

from doubles.house import House
from doubles.web_visitor import Visitor
from jackfield.flows.run_history import PERIODS
from jackfield.store.runs import RunStatus, Trigger, begin_run, end_run


async def _ran(
    house: House, ago: timedelta, took_s: float, status: RunStatus, counts: dict[str, int]
) -> None:
    now = house.clock.now() - ago
    async with house.database.write() as tx:
        run = await begin_run(
            tx, 1, f"{now} {status}", kind="people", trigger=Trigger.SCHEDULE, mode="full", now=now
        )
        end = now + timedelta(seconds=took_s)
        await end_run(tx, 1, run.id, status, now=end, counts=counts)


@pytest.mark.parametrize("period", PERIODS)
async def test_without_a_run_every_chart_says_so(admin: Visitor, period: str) -> None:
    """An empty frame would look as if something was broken."""
    page = (await admin.get(f"/runs/history?period={period}" if period else "/runs/history")).page

    assert page.text.count(f"in {PERIODS[period].name}.") == 4
    assert not page.all("svg") or all(
        "chart" not in (one["class"] or "") for one in page.all("svg")
    )


async def test_runs_are_added_up_over_the_period(house: House, admin: Visitor) -> None:
    """What they changed, how long they took, and how many failed: as figures and as tables."""
    minute = timedelta(minutes=1)
    created = {"changes": 12, "create_extension": 7, "disable_extension": 2}
    await _ran(house, minute, 75, RunStatus.DONE, created)
    await _ran(house, minute, 2, RunStatus.FAILED, {})
    await _ran(house, timedelta(days=3), 9, RunStatus.REFUSED, {"changes": 1, "held": 4})
    await _ran(house, timedelta(days=3, seconds=5), 9, RunStatus.REFUSED, {"people": 9})
    await _ran(house, minute * 2, 1, RunStatus.DONE, {"changes": 70, "keep_leaver": 70})

    day = (await admin.get("/runs/history")).page
    week = (await admin.get("/runs/history?period=week")).page

    assert "Runs 3 that began in 24 hours and have ended" in day.text
    assert "Changes 12" in day.text
    assert "Failed 1 33.3 % of all" in day.text
    assert "Created 7; Updated 3; Disabled or removed 2" in day.text
    assert "Full sync 75 s; Look for changes –; Photos –" in day.text
    assert "Failed 1; Held by a guard 0" in day.text
    assert "Runs 5 that began in 7 days and have ended" in week.text
    assert "Failed 0; Held by a guard 1" in week.text


async def test_a_period_that_is_none_is_refused(admin: Visitor) -> None:
    """A mistyped address is not shown as something else."""
    assert (await admin.get("/runs/history?period=century")).status == 400


async def test_the_history_is_a_tab_of_the_runs(admin: Visitor) -> None:
    """And says which of the tabs is shown."""
    for path, current in (
        ("/runs", "tab-noteworthy"),
        ("/runs?show_all=yes", "tab-all"),
        ("/runs/history", "tab-history"),
    ):
        page = (await admin.get(path)).page
        tabs = {one.get("id"): one for one in page.all("a") if "tab-" in (one.get("id") or "")}
        assert [key for key, one in tabs.items() if "aria-current" in one] == [current]
