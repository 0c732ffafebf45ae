"""Runs over the API: begin a sync or a preview, and look how far it is."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import JSONBody, QueryParameter

from jackfield.core.schedule import Mode
from jackfield.flows.asks import Ask
from jackfield.flows.photos import WORK as PHOTOS
from jackfield.flows.run_history import DAY, PERIODS, changes_of, load_stretches
from jackfield.flows.runs import WORK as PEOPLE
from jackfield.store.run_history import Stretch
from jackfield.store.runs import RunStatus, Trigger, list_runs
from jackfield.web.api.asking import Before, Caller, Key, Limit, is_one_line
from jackfield.web.api.refusals import Unreadable, Unusable, told
from jackfield.web.api.run_shapes import RunHistoryOut, RunOut, RunsOut, StretchOut, SyncIn
from jackfield.web.api.running import run_by_name, run_out, started
from jackfield.web.rooms import House


@post(
    "/people/sync",
    summary="Bring the phone system in line now",
    status_code=202,
    responses=told(403, 422),
)
async def sync_people(house: House, caller: Caller, data: JSONBody[SyncIn | None] = None) -> RunOut:
    """Answers the run; while one for everybody is under way, that one."""
    asked = data or SyncIn()
    if asked.person is not None and not (asked.person.strip() and is_one_line(asked.person)):
        raise Unusable("`person` takes a UPN or an object ID, in one line.")
    if asked.person is not None and asked.full:
        raise Unreadable("The body's `full` is for everyone: leave it out with `person`.")
    mode = Mode.FULL if asked.full else Mode.DELTA
    ask = Ask(mode, Trigger.ADMINISTRATOR, caller.name, (asked.person or "").strip())
    return await started(house, ask)


@post(
    "/people/plan",
    summary="See what a sync would do",
    status_code=202,
    responses=told(403),
)
async def plan_people(house: House, caller: Caller) -> RunOut:
    """Reads and plans; nothing is changed. The run names its plan."""
    return await started(house, Ask(Mode.DELTA, Trigger.ADMINISTRATOR, caller.name, preview=True))


@get("/runs", summary="Runs, the newest first", responses=told())
async def runs(house: House, limit: Limit = 20, before: Before = 0) -> RunsOut:
    """Those of people and of photos, with what each waits for."""
    async with house.database.read() as tx:
        found = await list_runs(tx, house.tenant, limit=limit + 1, before=before or None)
        out = [await run_out(tx, house, one) for one in found[:limit]]
    return RunsOut(out, found[limit - 1].id if len(found) > limit else None)


@get("/runs/history", summary="How runs went over time", responses=told())
async def history(
    house: House,
    period: Annotated[
        str, QueryParameter(description=f"How far back: {', '.join(PERIODS)}.")
    ] = DAY,
) -> RunHistoryOut:
    """What the charts of the console show: how many, what they changed, how long, how they ended.

    The last stretch holds this moment, and may grow.
    """
    if period not in PERIODS:
        raise Unreadable(f"The parameter 'period' takes {', '.join(PERIODS)}, not {period[:50]!r}.")
    chosen = PERIODS[period]
    async with house.database.read() as tx:
        found = await load_stretches(tx, house.tenant, chosen, now=house.clock.now())
    out = [_stretch_out(one) for one in found]
    return RunHistoryOut(period, chosen.stretch.total_seconds(), out)


def _stretch_out(one: Stretch) -> StretchOut:
    changes = changes_of(one.counts)
    return StretchOut(
        one.begins_at,
        one.by_status.total(),
        one.by_status[RunStatus.FAILED] + one.by_status[RunStatus.CANCELLED],
        one.by_status[RunStatus.REFUSED],
        changes.created,
        changes.updated,
        changes.stopped,
        one.longest_s.get((PEOPLE, Mode.FULL)),
        one.longest_s.get((PEOPLE, Mode.DELTA)),
        one.longest_s.get((PHOTOS, PHOTOS)),
    )


@get("/runs/{run:str}", summary="One run, and how far it is", responses=told(404))
async def run(house: House, run: Key) -> RunOut:
    """By its number, or by the id that its start has answered."""
    return await run_by_name(house, run)


ROUTES = (sync_people, plan_people, runs, history, run)
