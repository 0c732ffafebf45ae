"""The figures behind the charts of runs, over the API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from doubles.api_caller import ApiCaller
from jackfield.flows.run_history import PERIODS
from jackfield.store.runs import RunStatus, Trigger, begin_run, end_run


async def ran(
    api: ApiCaller, ago: timedelta, took_s: float, status: RunStatus, counts: dict[str, int]
) -> None:
    now = api.house.clock.now() - ago
    async with api.house.database.write() as tx:
        run = await begin_run(
            tx, 1, f"{now} {status}", kind="people", trigger=Trigger.SCHEDULE, mode="full", now=now
        )
        end = now + timedelta(seconds=took_s)
        await end_run(tx, 1, run.id, status, now=end, counts=counts)


@pytest.mark.parametrize("period", PERIODS)
async def test_a_period_has_all_its_stretches(api: ApiCaller, period: str) -> None:
    """Whoever draws it need not fill in hours without a run."""
    told = await api.get("/runs/history", period=period)

    begins = [one["begins_at"] for one in told["stretches"]]
    assert len(begins) == PERIODS[period].stretches
    assert begins == sorted(begins)
    assert {one["runs"] for one in told["stretches"]} == {0}


async def test_a_stretch_adds_up_its_runs(api: ApiCaller) -> None:
    """What they changed, how long the longest took, and how they ended."""
    minute = timedelta(minutes=1)
    created = {"changes": 12, "create_extension": 7, "disable_extension": 2}
    await ran(api, minute, 75, RunStatus.DONE, created)
    await ran(api, minute, 2, RunStatus.FAILED, {})
    await ran(api, timedelta(days=3), 9, RunStatus.REFUSED, {"changes": 1})

    day = (await api.get("/runs/history"))["stretches"]
    week = (await api.get("/runs/history", period="week"))["stretches"]

    (busy,) = (one for one in day if one["runs"])
    assert {name: busy[name] for name in ("runs", "failed", "held")} == {
        "runs": 2,
        "failed": 1,
        "held": 0,
    }
    assert (busy["created"], busy["updated"], busy["stopped"]) == (7, 3, 2)
    assert (busy["longest_full_s"], busy["longest_look_s"]) == (75.0, None)
    assert [one["held"] for one in week if one["held"]] == [1]
