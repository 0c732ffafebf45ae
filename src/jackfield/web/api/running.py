"""How a run is told: queued, under way, or ended, wherever it was asked about."""

from __future__ import annotations

from typing import Any

from jackfield.flows.people import Ask
from jackfield.store.plans import (
    find_plan_of_run,
)
from jackfield.store.runs import StoredRun, load_run_of_flow
from jackfield.web.api.shapes import (
    RunOut,
)
from jackfield.web.rooms import Rooms


async def started(rooms: Rooms, ask: Ask) -> RunOut:
    return await run_of_flow(rooms, await rooms.people.start(rooms.tenant, ask))


async def run_of_flow(rooms: Rooms, flow: str) -> RunOut:
    async with rooms.database.read() as tx:
        row = await load_run_of_flow(tx, rooms.tenant, flow)
        return queued(flow) if row is None else await run_out(tx, rooms.tenant, row)


def queued(flow: str) -> RunOut:
    return RunOut(
        flow, "people", "", "queued", "Waiting for its turn", 0, 0, {}, None, "", None, None
    )


async def run_out(tx: Any, tenant: int, row: StoredRun) -> RunOut:
    made = await find_plan_of_run(tx, tenant, row.flow)
    return RunOut(
        str(row.id),
        row.kind,
        row.mode,
        row.status,
        row.text or row.stage or "Starting",
        row.done,
        row.total,
        dict(row.counts),
        None if made is None else made.id,
        row.by,
        row.started_at,
        row.ended_at,
    )
