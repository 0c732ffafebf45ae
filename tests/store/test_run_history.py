"""Runs over time: added up by stretch, the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jackfield.store.database import Database
from jackfield.store.run_history import load_history
from jackfield.store.runs import RunStatus, Trigger, begin_run, end_run

HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


async def _ran(
    database: Database,
    at: datetime,
    took_s: float,
    *,
    mode: str = "delta",
    status: RunStatus | None = RunStatus.DONE,
    counts: dict[str, int] | None = None,
    tenant: int = 1,
) -> None:
    async with database.write() as tx:
        flow = f"{at.isoformat()} {mode} {took_s}"
        run = await begin_run(
            tx, tenant, flow, kind="people", trigger=Trigger.SCHEDULE, mode=mode, now=at
        )
        if status is not None:
            end = at + timedelta(seconds=took_s)
            await end_run(tx, tenant, run.id, status, now=end, counts=counts)


async def test_runs_add_up_by_stretch(database: Database) -> None:
    """The longest of each mode, how each ended, and what was changed."""
    await _ran(database, NOON, 2, counts={"changes": 3, "create_extension": 3})
    await _ran(database, NOON + HOUR * 0.5, 9.5, mode="full", counts={"changes": 1})
    await _ran(database, NOON + HOUR * 0.9, 5, status=RunStatus.FAILED)
    await _ran(database, NOON + HOUR, 1, status=RunStatus.REFUSED, counts={"people": 4})

    async with database.read() as tx:
        history = await load_history(tx, 1, since=NOON, length=HOUR)

    first, second = history.values()
    assert list(history) == [NOON, NOON + HOUR]
    assert first.by_status == {RunStatus.DONE: 2, RunStatus.FAILED: 1}
    assert first.longest_s == {("people", "delta"): 5.0, ("people", "full"): 9.5}
    assert first.counts == {"changes": 4, "create_extension": 3}
    assert (second.by_status, second.counts) == ({RunStatus.REFUSED: 1}, {})


async def test_what_is_older_under_way_or_of_another_tenant_is_left_out(
    database: Database,
) -> None:
    """A run that has not ended has no length yet."""
    await _ran(database, NOON - timedelta(seconds=1), 2)
    await _ran(database, NOON, 0, status=None)
    await _ran(database, NOON, 2, tenant=2)

    async with database.read() as tx:
        assert await load_history(tx, 1, since=NOON, length=HOUR) == {}


async def test_a_day_begins_at_midnight_in_utc(database: Database) -> None:
    """Stretches do not move with the moment at which one looks."""
    await _ran(database, NOON, 2)

    async with database.read() as tx:
        history = await load_history(
            tx, 1, since=NOON - timedelta(days=3), length=timedelta(days=1)
        )

    assert list(history) == [datetime(2026, 11, 28, tzinfo=UTC)]
