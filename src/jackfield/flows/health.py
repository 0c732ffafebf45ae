"""How the installation is: Graph's figures by the minute, and what is forgotten in time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from jackfield.clock import Clock
from jackfield.flows.connections import Connections
from jackfield.flows.drafting import drop_forsaken
from jackfield.graph.pace import Workload
from jackfield.store.alarms import purge_alarms
from jackfield.store.crossings import forget_gone
from jackfield.store.database import Database
from jackfield.store.images import forget_images
from jackfield.store.journal import purge_journal
from jackfield.store.photos import forget_photos
from jackfield.store.pieces import PIECE
from jackfield.store.plans import purge_plans
from jackfield.store.released import forget_former, purge_released
from jackfield.store.runs import purge_runs
from jackfield.store.schema import INSTALLATION
from jackfield.store.sessions import SessionStore
from jackfield.store.tenants import load_tenants
from jackfield.store.transaction import Transaction
from jackfield.store.usage import Calls, add_calls, purge_calls

KEPT = timedelta(days=400)
PLANS_KEPT = timedelta(days=90)
GONE_KEPT = timedelta(days=90)
CALLS_KEPT = timedelta(days=35)


class Forget(Protocol):
    """A function of the archive that drops a piece (`PIECE`) of what is older than a moment."""

    async def __call__(self, tx: Transaction, tenant: int, *, before: datetime) -> int: ...


_FORGOTTEN: tuple[tuple[Forget, timedelta], ...] = (
    (purge_journal, KEPT),
    (purge_runs, KEPT),
    (purge_alarms, KEPT),
    (purge_plans, PLANS_KEPT),
    (purge_calls, CALLS_KEPT),
    (forget_gone, GONE_KEPT),
    (forget_former, GONE_KEPT),
    (purge_released, KEPT),
)


@dataclass(frozen=True, slots=True)
class GraphFigures:
    """One tenant's calls to Microsoft Graph since the process started."""

    calls: int
    throttled: int
    failed: int
    closed_for_s: float
    """Seconds until calls of every kind go out again; 0 = they do now."""
    latency_median_ms: float


class Health:
    """Keeps figures, and keeps tables from growing for ever."""

    def __init__(self, database: Database, connections: Connections, clock: Clock) -> None:
        self._database = database
        self._connections = connections
        self._clock = clock
        self._written: dict[tuple[int, Workload], Calls] = {}

    def figures(self, tenant: int) -> GraphFigures:
        """Graph calls of this process for a tenant, since it started."""
        totals = self._connections.meter.totals(str(tenant))
        return GraphFigures(
            calls=totals.calls,
            throttled=totals.throttled,
            failed=totals.failed,
            closed_for_s=max(self._connections.closed_for_s(tenant, one) for one in Workload),
            latency_median_ms=totals.latency_median_ms,
        )

    async def write_figures(self) -> None:
        """Write down what was called since the last time."""
        async with self._database.read() as tx:
            tenants = await load_tenants(tx)
        for tenant in tenants:
            totals = {one: self._total(tenant.number, one) for one in Workload}
            new = {
                one.value: total.since(self._written.get((tenant.number, one), Calls()))
                for one, total in totals.items()
            }
            called = {name: calls for name, calls in new.items() if calls.calls}
            if not called:
                continue
            async with self._database.write() as tx:
                await add_calls(tx, tenant.number, called, now=self._clock.now())
            self._written |= {(tenant.number, one): total for one, total in totals.items()}
            for one in Workload:
                self._connections.meter.forget_busiest(str(tenant.number), one)

    def _total(self, tenant: int, workload: Workload) -> Calls:
        figures = self._connections.meter.figures(str(tenant), workload)
        spent = round(figures.latency_median_ms * figures.calls)
        units, busiest = math.ceil(figures.units), math.ceil(figures.busiest)
        return Calls(figures.calls, figures.throttled, figures.failed, spent, units, busiest)

    async def forget_old(self) -> None:
        """Forget what is older than anybody asks for."""
        now = self._clock.now()
        async with self._database.read() as tx:
            tenants = await load_tenants(tx)
        for tenant in (INSTALLATION, *(one.number for one in tenants)):
            for forget, kept in _FORGOTTEN:
                count = PIECE
                while count >= PIECE:
                    async with self._database.write(large=True) as tx:
                        count = await forget(tx, tenant, before=now - kept)
            await drop_forsaken(self._database, self._clock, tenant)
            async with self._database.write() as tx:
                # Here too, for where photos are switched off no look at them ends.
                await forget_photos(tx, tenant)
                await forget_images(tx, tenant)
        await SessionStore(self._database, self._clock).purge()
