"""Runs: begun once, never going back, ended once."""

from dataclasses import replace
from datetime import datetime, timedelta

from jackfield.core.waiting import MICROSOFT, TURN, Waits
from jackfield.store.database import Database
from jackfield.store.runs import (
    UNDER_WAY,
    RunStatus,
    StoredRun,
    Trigger,
    begin_run,
    end_run,
    list_runs,
    load_run,
    load_run_of_flow,
    purge_runs,
    queue_run,
    report_progress,
    save_waits,
)


async def begin(database: Database, now: datetime, flow: str, kind: str = "people") -> StoredRun:
    async with database.write() as tx:
        return await begin_run(
            tx, 1, flow, kind=kind, trigger=Trigger.SCHEDULE, mode="delta", now=now
        )


async def test_a_replayed_flow_finds_its_run(database: Database, now: datetime) -> None:
    """After a restart the same bar goes on, not a second one beside it."""
    first = await begin(database, now, "flow-1")
    again = await begin(database, now + timedelta(minutes=5), "flow-1")
    other = await begin(database, now, "flow-2")

    async with database.read() as tx:
        loaded = await load_run(tx, 1, first.id)
        by_flow = await load_run_of_flow(tx, 1, "flow-1")
        nobody = await load_run_of_flow(tx, 1, "flow-9")

    assert first == again == loaded == by_flow
    assert (other.id, nobody) == (2, None)


async def test_progress_never_goes_back_within_a_stage(database: Database, now: datetime) -> None:
    """A replay reports its first steps again; the bar stood at 120 and fell to 0."""
    run = await begin(database, now, "flow")
    reports = [("reading", 10, 100), ("reading", 5, 100), ("reading", 20, 150), ("writing", 1, 3)]
    seen = []
    for stage, done, total in reports:
        async with database.write() as tx:
            await report_progress(tx, 1, run.id, done, total, stage=stage)
        async with database.read() as tx:
            now_run = await load_run(tx, 1, run.id)
        assert now_run is not None
        seen.append((now_run.stage, now_run.done, now_run.total))

    assert seen == [
        ("reading", 10, 100),
        ("reading", 10, 100),
        ("reading", 20, 150),
        ("writing", 1, 3),
    ]


async def test_a_queued_run_begins_when_its_turn_has_come(
    database: Database, now: datetime
) -> None:
    """It has one row from the moment it waits, and what it waited for is gone with the wait."""
    waits = Waits(TURN, "Full sync 1 is not finished.", now)
    later = now + timedelta(seconds=30)
    for moment in (now, later):
        async with database.write() as tx:
            await queue_run(
                tx,
                1,
                "flow",
                replace(waits, since=moment),
                kind="people",
                trigger=Trigger.ADMINISTRATOR,
                mode="delta",
                now=moment,
            )
    async with database.read() as tx:
        (queued,) = await list_runs(tx, 1, status=UNDER_WAY)
    async with database.write() as tx:
        begun = await begin_run(
            tx, 1, "flow", kind="people", trigger=Trigger.SCHEDULE, mode="full", now=later
        )
        stored = await load_run(tx, 1, begun.id)

    assert (queued.status, queued.started_at, queued.waits) == (RunStatus.QUEUED, now, waits)
    assert stored is not None
    assert (stored.id, stored.status, stored.mode) == (queued.id, RunStatus.RUNNING, "full")
    assert (stored.started_at, stored.waits) == (later, None)


async def test_what_a_run_waits_for_is_kept_until_it_gets_on(
    database: Database, now: datetime
) -> None:
    """The same told again is no change; progress and the end clear it; an ended run never waits."""
    run = await begin(database, now, "flow")
    waits = Waits(MICROSOFT, "No connection\0.", now, now + timedelta(seconds=30))
    async with database.write() as tx:
        told = [await save_waits(tx, 1, run.id, waits)]
        kept = await load_run(tx, 1, run.id)
        told.append(await save_waits(tx, 1, run.id, kept and kept.waits))
        await report_progress(tx, 1, run.id, 1, 0, stage="Reading")
        went_on = await load_run(tx, 1, run.id)
        told.append(await save_waits(tx, 1, run.id, waits))
        await end_run(tx, 1, run.id, RunStatus.DONE, now=now)
        told.append(await save_waits(tx, 1, run.id, waits))
        ended = await load_run(tx, 1, run.id)

    assert told == [True, False, True, False]
    assert kept is not None
    assert kept.waits == replace(waits, because="No connection\ufffd.")
    assert went_on is not None
    assert ended is not None
    assert (went_on.waits, ended.waits) == (None, None)


async def test_a_run_ends_once(database: Database, now: datetime) -> None:
    """A replay of the last step must not turn a failure into a success."""
    run = await begin(database, now, "flow")
    async with database.write() as tx:
        first = await end_run(
            tx, 1, run.id, RunStatus.FAILED, now=now, counts={"changes": 3}, text="no\0answer"
        )
        second = await end_run(tx, 1, run.id, RunStatus.DONE, now=now)
        await report_progress(tx, 1, run.id, 99, 99)
        ended = await load_run(tx, 1, run.id)

    assert (first, second) == (True, False)
    assert ended is not None
    assert (ended.status, ended.text, ended.counts, ended.done) == (
        RunStatus.FAILED,
        "no\ufffdanswer",
        {"changes": 3},
        0,
    )


async def test_runs_are_listed_newest_first(database: Database, now: datetime) -> None:
    """The page of runs, its filters and its next page."""
    for number in range(5):
        run = await begin(database, now, f"flow-{number}", "apply" if number == 2 else "people")
    async with database.write() as tx:
        await end_run(tx, 1, run.id, RunStatus.DONE, now=now)

    async with database.read() as tx:
        ids = [
            [one.id for one in found]
            for found in (
                await list_runs(tx, 1),
                await list_runs(tx, 1, limit=2),
                await list_runs(tx, 1, before=3),
                await list_runs(tx, 1, kind="apply"),
                await list_runs(tx, 1, status=[RunStatus.DONE]),
            )
        ]

    assert ids == [[5, 4, 3, 2, 1], [5, 4], [2, 1], [3], [5]]


async def test_old_runs_go(database: Database, now: datetime) -> None:
    """A run a minute is half a million a year; one that has not ended stays."""
    before = now - timedelta(days=1)
    for number, (when, ended) in enumerate([(before, True), (before, False), (now, True)]):
        run = await begin(database, when, f"flow-{number}")
        if ended:
            async with database.write() as tx:
                await end_run(tx, 1, run.id, RunStatus.DONE, now=when)

    async with database.write() as tx:
        purged = await purge_runs(tx, 1, before=now)
        left = await list_runs(tx, 1)

    assert (purged, [one.id for one in left]) == (1, [3, 2])
