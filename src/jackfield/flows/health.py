"""How the installation is: Graph's figures by the minute, and what is forgotten in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from jackfield.clock import Clock
from jackfield.flows.connections import Connections
from jackfield.graph.meter import WorkloadFigures
from jackfield.graph.pace import Workload
from jackfield.store.alarms import purge_alarms
from jackfield.store.database import Database
from jackfield.store.images import forget_images
from jackfield.store.journal import purge_journal
from jackfield.store.photos import forget_photos
from jackfield.store.pictures import forget_gone
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
    """A function of the archive that drops what is older than a moment."""

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


class Health:
    """Keeps figures, and keeps tables from growing for ever."""

    def __init__(self, database: Database, connections: Connections, clock: Clock) -> None:
        self._database = database
        self._connections = connections
        self._clock = clock
        self._written: dict[int, Calls] = {}

    def figures(self, tenant: int) -> WorkloadFigures:
        """Graph calls of this process for a tenant's directory, since it started."""
        meter, pace = self._connections.meter, self._connections.pace
        closed = pace.closed_for_s(str(tenant), Workload.DIRECTORY)
        return meter.figures(str(tenant), Workload.DIRECTORY, closed_for_s=closed)

    async def write_figures(self) -> None:
        """Write down what was called since the last time."""
        async with self._database.read() as tx:
            tenants = await load_tenants(tx)
        for tenant in tenants:
            figures = self.figures(tenant.number)
            spent = round(figures.latency_median_ms * figures.calls)
            total = Calls(figures.calls, figures.throttled, figures.failed, spent)
            before = self._written.get(tenant.number, Calls())
            new = Calls(
                total.calls - before.calls,
                total.throttled - before.throttled,
                total.errors - before.errors,
                max(0, total.ms - before.ms),
            )
            if not new.calls:
                continue
            async with self._database.write() as tx:
                await add_calls(
                    tx, tenant.number, {Workload.DIRECTORY.value: new}, now=self._clock.now()
                )
            self._written[tenant.number] = total

    async def forget_old(self) -> None:
        """Forget what is older than anybody asks for."""
        now = self._clock.now()
        async with self._database.read() as tx:
            tenants = await load_tenants(tx)
        for tenant in (INSTALLATION, *(one.number for one in tenants)):
            # One table a transaction, so that nobody waits for all of them.
            for forget, kept in _FORGOTTEN:
                async with self._database.write() as tx:
                    await forget(tx, tenant, before=now - kept)
            async with self._database.write() as tx:
                # Here too, for where photos are switched off no look at them ends.
                await forget_photos(tx, tenant)
                await forget_images(tx, tenant)
        await SessionStore(self._database, self._clock).purge()
