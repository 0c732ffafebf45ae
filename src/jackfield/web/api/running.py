"""How a run is told: queued, under way, or ended, wherever it was asked about."""

from __future__ import annotations

from litestar.exceptions import NotFoundException

from jackfield.flows.asks import Ask
from jackfield.flows.photos import PHOTOS
from jackfield.store.plans import find_plan_id_of_run
from jackfield.store.runs import StoredRun, load_run, load_run_of_flow
from jackfield.store.transaction import Transaction
from jackfield.web.api.asking import LARGEST
from jackfield.web.api.run_shapes import RunOut, RunState, WaitsOut
from jackfield.web.rooms import Rooms


async def started(house: Rooms, ask: Ask) -> RunOut:
    """Begin a run and tell how it stands."""
    return await run_of_flow(house, await house.people.start(house.tenant, ask))


async def run_of_flow(house: Rooms, flow: str) -> RunOut:
    """A run by the durable runner's id, which it certainly has."""
    async with house.database.read() as tx:
        row = await load_run_of_flow(tx, house.tenant, flow)
        return _queued(flow) if row is None else await run_out(tx, house, row)


async def run_by_name(house: Rooms, name: str) -> RunOut:
    """A run by its number, or by the durable runner's id. Raises `NotFoundException`."""
    if name.isascii() and name.isdigit() and int(name) <= LARGEST:
        async with house.database.read() as tx:
            row = await load_run(tx, house.tenant, int(name))
            if row is not None:
                return await run_out(tx, house, row)
        raise NotFoundException(f"There is no run {name}.")
    waiting = await house.people.is_waiting(name)
    async with house.database.read() as tx:
        row = await load_run_of_flow(tx, house.tenant, name)
        if row is not None:
            return await run_out(tx, house, row)
    if waiting:
        return _queued(name)
    raise NotFoundException(
        f"There is no run {name}: give the number of one, or the id that its start answered."
    )


async def run_out(tx: Transaction, house: Rooms, row: StoredRun) -> RunOut:
    """A run that has a row."""
    waits = row.waits
    plan = await find_plan_id_of_run(tx, house.tenant, row.flow)
    return RunOut(
        str(row.id),
        row.kind,
        row.mode,
        RunState(row.status.value),
        waits.said(house.clock.now()) if waits else row.text or row.stage or "Starting",
        row.done,
        row.total,
        dict(row.counts),
        plan,
        row.by,
        None if waits is None else WaitsOut(waits.what, waits.because, waits.since, waits.until),
        row.started_at,
        row.ended_at,
    )


def _queued(flow: str) -> RunOut:
    state = RunState.QUEUED
    kind = "photos" if flow.startswith(f"{PHOTOS}:") else "people"
    return RunOut(
        flow, kind, "", state, "Waiting for its turn", 0, 0, {}, None, "", None, None, None
    )
