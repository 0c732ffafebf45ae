"""The row of a run and the lease it works under, whatever kind of work it does.

Each kind of work has one lease per tenant, so that its runs come one after the other in whatever
process they are; different kinds do not wait for each other. What follows from how a run ends is
its kind's own business (`runs.py`, `photos_run.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from jackfield.clock import Clock
from jackfield.core.waiting import Waits
from jackfield.store.alarms import begin_alarm, end_alarm
from jackfield.store.database import Database
from jackfield.store.errors import StoreError
from jackfield.store.leases import (
    Lease,
    give_up_lease,
    load_lease,
    release_lease,
    renew_lease,
    take_lease,
)
from jackfield.store.runs import (
    RunStatus,
    StoredRun,
    end_run,
    list_runs,
    load_run_of_flow,
    report_progress,
    save_waits,
)
from jackfield.store.tenants import is_there
from jackfield.store.transaction import Transaction

LEASE = timedelta(seconds=180)
"""How long a run may be silent before another may take the tenant over; longer than any step."""
RENEW_EVERY_S = 20.0
INTERRUPTED = "Interrupted when the process ended; what was left goes on by itself."

Fence = Callable[[Transaction], Awaitable[None]]
"""Raises inside a transaction of one who may not write any more."""

_AT_MOST = 500


class LeaseLost(Exception):
    """The run was silent for too long, and another one works for its tenant."""


class RunRows:
    """Follows the rows of runs of one kind of work."""

    def __init__(self, database: Database, clock: Clock, work: str) -> None:
        self._database = database
        self._clock = clock
        self._work = work
        self._renewed: dict[str, float] = {}
        self._leases: dict[str, Lease] = {}
        """As this process took them: another one that carries the same run on has a later fence."""

    async def take_lease(self, flow: str, tenant: int) -> bool:
        """Take the tenant's lease; False while another run of this kind holds it.

        Raises `LeaseLost` where the tenant was removed meanwhile.
        """
        now = self._clock.now()
        async with self._database.write() as tx:
            if not await is_there(tx, tenant):
                raise LeaseLost("The tenant was removed.")
            lease = await take_lease(tx, tenant, self._work, flow, length=LEASE, now=now)
        if lease is not None:
            self._leases[flow] = lease
            self._renewed[flow] = self._clock.monotonic()
        return lease is not None

    async def keep_lease(self, flow: str, tenant: int) -> None:
        """Renew the lease now and then. Raises `LeaseLost` before anything more is written."""
        if self._clock.monotonic() - self._renewed.get(flow, -RENEW_EVERY_S) < RENEW_EVERY_S:
            return
        async with self._database.write() as tx:
            await self.fence(tx, flow, tenant)

    async def fence(self, tx: Transaction, flow: str, tenant: int) -> None:
        """Renew the lease inside a transaction that writes. Raises `LeaseLost`.

        Whoever has taken the lease since, this transaction or theirs waits for the other: nothing
        is written by a process that was paused while another one carried its run on.
        """
        now = self._clock.now()
        lease = self._leases.get(flow)
        if lease is None:  # this process goes on with a run that another one began
            kept = await take_lease(tx, tenant, self._work, flow, length=LEASE, now=now)
        else:
            kept = await renew_lease(tx, tenant, lease, length=LEASE, now=now)
        if kept is None:
            raise LeaseLost(
                f"The run was silent for more than {LEASE.total_seconds():.0f} seconds, and another"
                " one goes on with its work."
            )
        self._leases[flow] = kept
        self._renewed[flow] = self._clock.monotonic()

    async def is_carried_elsewhere(self, tx: Transaction, flow: str, tenant: int) -> bool:
        """Whether another process has taken this very run over: its row is theirs to end."""
        mine = self._leases.get(flow)
        lease = await load_lease(tx, tenant, self._work)
        if mine is None or lease is None:
            return False
        return lease.owner == flow and lease.fence != mine.fence

    async def give_up_lease(self, tx: Transaction, flow: str, tenant: int) -> None:
        """The run has ended: the next one need not wait."""
        mine = self._leases.get(flow)
        if mine is None:
            await give_up_lease(tx, tenant, self._work, flow)
        else:
            await release_lease(tx, tenant, mine)

    def carries(self, flow: str) -> bool:
        """Whether this process has the lease under which the run works, as far as it knows."""
        return flow in self._leases

    def forget(self, flow: str) -> None:
        """The run has ended."""
        self._renewed.pop(flow, None)
        self._leases.pop(flow, None)

    async def interrupt_others(self, tx: Transaction, tenant: int, flow: str) -> None:
        """Whatever else of this kind still seems to be at work is not: `flow` has the lease."""
        now = self._clock.now()
        running = [RunStatus.RUNNING]
        for one in await list_runs(tx, tenant, kind=self._work, status=running, limit=_AT_MOST):
            if one.flow != flow:
                await end_run(tx, tenant, one.id, RunStatus.FAILED, now=now, text=INTERRUPTED)

    async def bury(self, tenant: int, flows: Sequence[str]) -> None:
        """Runs that nobody carries any more are over."""
        if flows:
            async with self._database.write() as tx:
                await self.end_lost(tx, tenant, flows)

    async def end_lost(self, tx: Transaction, tenant: int, flows: Sequence[str]) -> None:
        """End their rows, and let go of the lease that one of them may hold."""
        now = self._clock.now()
        for flow in flows:
            run = await load_run_of_flow(tx, tenant, flow)
            await give_up_lease(tx, tenant, self._work, flow)
            if run is not None:
                await end_run(tx, tenant, run.id, RunStatus.FAILED, now=now, text=INTERRUPTED)

    async def wait(self, flow: str, tenant: int, what: str, because: str, wait_s: float) -> None:
        """Show what the run waits for, and until when; it goes on with its next progress."""
        now = self._clock.now()
        async with self._database.write() as tx:
            run = await run_of(tx, tenant, flow)
            known = run.waits is not None and run.waits.what == what
            since = run.waits.since if run.waits is not None and known else now
            until = now + timedelta(seconds=wait_s)
            await save_waits(tx, tenant, run.id, Waits(what, because, since, until))

    async def load(self, flow: str, tenant: int) -> StoredRun:
        """The row as it stands."""
        async with self._database.read() as tx:
            return await run_of(tx, tenant, flow)

    async def report(
        self, flow: str, tenant: int, done: int, total: int, *, stage: str = ""
    ) -> None:
        """How far the run is."""
        async with self._database.write() as tx:
            run = await run_of(tx, tenant, flow)
            await report_progress(tx, tenant, run.id, done, total, stage=stage)

    async def begin_alarm(
        self, tenant: int, kind: str, text: str, next_step: str, *, flow: str = ""
    ) -> None:
        """Say what is wrong, unless it is said already.

        `flow` is the run that has found it: while another one has its lease it says nothing, and
        `LeaseLost` is raised. Who decides about a plan has none, and says what stands by then.
        """
        async with self._database.write() as tx:
            if flow:
                await self.fence(tx, flow, tenant)
            await begin_alarm(
                tx, tenant, kind, text=text, next_step=next_step, now=self._clock.now()
            )

    async def end_alarm(self, tenant: int, kind: str, *, flow: str = "") -> None:
        """Say that it is over, if it was said that it had begun; `flow` as above."""
        async with self._database.write() as tx:
            if flow:
                await self.fence(tx, flow, tenant)
            await end_alarm(tx, tenant, kind, now=self._clock.now())


async def run_of(tx: Transaction, tenant: int, flow: str) -> StoredRun:
    """The row of a run that was begun."""
    run = await load_run_of_flow(tx, tenant, flow)
    if run is None:
        raise StoreError(f"The run {flow} of tenant {tenant} has no row.")
    return run
