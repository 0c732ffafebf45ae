"""What both kinds of runs do before there is one: look for what is due, and take stock.

The tables say what is to be done; the runner's own records are looked at only for what lives.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from jackfield.durable import DurableError, RunId, Runner
from jackfield.store.database import Database
from jackfield.store.errors import StoreError
from jackfield.store.leases import load_lease
from jackfield.store.runs import UNDER_WAY, list_runs
from jackfield.store.tenants import load_tenants

_AT_MOST = 500


async def sweep_all(database: Database, sweep: Callable[[int], Awaitable[int]]) -> int:
    """Look at what is due for each tenant; returns how many runs were asked for.

    What is wrong with one tenant is raised after all others were served.
    """
    async with database.read() as tx:
        tenants = await load_tenants(tx)
    begun = 0
    trouble: StoreError | None = None
    for tenant in tenants:
        try:
            begun += await sweep(tenant.number)
        except StoreError as error:
            trouble = trouble or error
    if trouble is not None:
        raise trouble
    return begun


async def lost_runs(
    database: Database, runner: Runner, work: str
) -> AsyncIterator[tuple[int, list[str]]]:
    """By tenant, the runs that were under way and that the runner does not know any more."""
    async with database.read() as tx:
        tenants = [one.number for one in await load_tenants(tx)]
    for tenant in tenants:
        async with database.read() as tx:
            running = await list_runs(tx, tenant, kind=work, status=UNDER_WAY, limit=_AT_MOST)
            lease = await load_lease(tx, tenant, work)
        # A run that died before its row was begun holds nothing but the lease.
        holder = [lease.owner] if lease is not None and lease.owner else []
        flows = dict.fromkeys([*(one.flow for one in running), *holder])
        yield tenant, [flow for flow in flows if not await is_alive(runner, flow)]


async def is_alive(runner: Runner, flow: str) -> bool:
    """Whether the runner knows a run of this id that has not ended."""
    try:
        return await runner.is_alive(RunId(flow))
    except DurableError:
        return False
