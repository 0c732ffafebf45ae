"""The row of each run, begun once and ended once, and the lease of its tenant it works under.

Alarms and waiting times that follow from how runs end are here too. What a run does, and in which
order, is in `people_run.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from jackfield.clock import Clock
from jackfield.core.schedule import Mode, wait_after
from jackfield.core.waiting import TURN, Waits, at
from jackfield.core.wording import run_name
from jackfield.durable import Json
from jackfield.flows.failures import GRAPH_AWAY, OUTAGE, PHONES_AWAY, Failure
from jackfield.flows.outcomes import Outcome
from jackfield.store.alarms import begin_alarm, end_alarm
from jackfield.store.cursors import Resource, load_cursor
from jackfield.store.database import Database
from jackfield.store.errors import StoreError
from jackfield.store.leases import (
    Lease,
    give_up_lease,
    list_leases,
    release_lease,
    renew_lease,
    take_lease,
)
from jackfield.store.outcomes import skip_pending
from jackfield.store.planned import add_unsettled
from jackfield.store.plans import (
    PlanStatus,
    StoredPlan,
    find_plan_of_run,
    list_plans,
    load_plan,
    move_plan,
)
from jackfield.store.runs import (
    UNDER_WAY,
    RunStatus,
    StoredRun,
    Trigger,
    begin_run,
    end_run,
    list_runs,
    load_run_of_flow,
    queue_run,
    report_progress,
    save_waits,
)
from jackfield.store.schedule import Due, load_due, postpone, recover, settle
from jackfield.store.transaction import Transaction

WORK = "people"
LEASE = timedelta(seconds=180)
"""How long a run may be silent before another may take the tenant over; longer than any step."""
RENEW_EVERY_S = 20.0
ON_DEMAND = frozenset({"person", "preview"})
"""Modes that somebody waits for: their failing is told there, and delays nothing else."""

GUARD = "people.guard"
GROUPS = "graph.groups"
"""Groups may not be read: a permission, or the consent to it, is missing."""
NO_GROUPS = "graph.no_groups"
"""There are none to read: a server that keeps people only."""

_AT_MOST = 500
_INTERRUPTED = "Interrupted when the process ended; what was left goes on by itself."
_DONE_ALREADY = "Nothing to do: another run has done what was due."
_SKIPPED = "Not carried out: the run was interrupted, and everyone is planned again."
_log = structlog.get_logger("jackfield.flows.people")


class LeaseLost(Exception):
    """The run was silent for too long, and another one works for its tenant."""


class Runs:
    """Begins, follows and ends the rows of runs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._renewed: dict[str, float] = {}
        self._leases: dict[str, Lease] = {}
        """As this process took them: another one that carries the same run on has a later fence."""

    # --- The lease --------------------------------------------------------------------------------

    async def take_lease(self, flow: str, tenant: int) -> bool:
        """Take the tenant's lease; False while another run holds it."""
        async with self._database.write() as tx:
            lease = await take_lease(tx, tenant, WORK, flow, length=LEASE, now=self._clock.now())
        if lease is not None:
            self._leases[flow] = lease
            self._renewed[flow] = self._clock.monotonic()
        return lease is not None

    async def take_turn(
        self, flow: str, tenant: int, trigger: str, mode: str, by: str
    ) -> dict[str, Json]:
        """Take the tenant's lease; while another run holds it, be shown as queued.

        Answers `held`, and else `because`, and `stuck` where the other run does not get on.
        """
        if await self.take_lease(flow, tenant):
            return {"held": True}
        now = self._clock.now()
        async with self._database.write() as tx:
            turn = await _turn(tx, tenant, now)
            if turn is None:
                return {"held": False, "because": "", "stuck": False}
            waits, stuck = turn
            await queue_run(
                tx,
                tenant,
                flow,
                waits,
                kind=WORK,
                trigger=Trigger(trigger),
                mode=mode,
                now=now,
                by=by,
            )
        return {"held": False, "because": waits.because, "stuck": stuck}

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
            kept = await take_lease(tx, tenant, WORK, flow, length=LEASE, now=now)
        else:
            kept = await renew_lease(tx, tenant, lease, length=LEASE, now=now)
        if kept is None:
            raise LeaseLost(
                f"The run was silent for more than {LEASE.total_seconds():.0f} seconds, and another"
                " one goes on with its work."
            )
        self._leases[flow] = kept
        self._renewed[flow] = self._clock.monotonic()

    async def _is_carried_elsewhere(self, tx: Transaction, flow: str, tenant: int) -> bool:
        """Whether another process has taken this very run over: its row is theirs to end."""
        mine = self._leases.get(flow)
        held = [one for one in await list_leases(tx, tenant, WORK) if one.name == WORK]
        return mine is not None and any(
            one.owner == flow and one.fence != mine.fence for one in held
        )

    async def _give_up_lease(self, tx: Transaction, flow: str, tenant: int) -> None:
        mine = self._leases.get(flow)
        if mine is None:
            await give_up_lease(tx, tenant, WORK, flow)
        else:
            await release_lease(tx, tenant, mine)

    def forget(self, flow: str) -> None:
        """The run has ended."""
        self._renewed.pop(flow, None)
        self._leases.pop(flow, None)

    # --- The row ----------------------------------------------------------------------------------

    async def begin(
        self, flow: str, tenant: int, *, trigger: Trigger, mode: str, by: str
    ) -> StoredRun:
        """Begin the row, under the lease: whatever else still seems to be at work is not."""
        now = self._clock.now()
        async with self._database.write() as tx:
            for one in await list_runs(tx, tenant, status=[RunStatus.RUNNING], limit=_AT_MOST):
                if one.flow != flow:
                    await end_run(tx, tenant, one.id, RunStatus.FAILED, now=now, text=_INTERRUPTED)
            for plan in await list_plans(tx, tenant, status=PlanStatus.APPLYING):
                if plan.run != flow:
                    await _lay_down(tx, tenant, plan, now)
            return await begin_run(
                tx, tenant, flow, kind=WORK, trigger=trigger, mode=mode, now=now, by=by
            )

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

    async def end(
        self,
        flow: str,
        tenant: int,
        outcome: Outcome,
        *,
        mark: int | None,
        came_through: bool = False,
    ) -> None:
        """End the row; with a `mark`, what was wanted up to it is settled.

        A run that `came_through` shows that an earlier failure is over.
        """
        now = self._clock.now()
        async with self._database.write() as tx:
            await self.fence(tx, flow, tenant)
            run = await run_of(tx, tenant, flow)
            if mark is not None:
                await _settle(tx, tenant, run, mark)
                for kind in (OUTAGE, GRAPH_AWAY):
                    await end_alarm(tx, tenant, kind, now=now)
            if came_through:
                await recover(tx, tenant, WORK)
                for kind in (OUTAGE, GRAPH_AWAY, PHONES_AWAY):
                    await end_alarm(tx, tenant, kind, now=now)
            await end_run(
                tx,
                tenant,
                run.id,
                outcome.status,
                now=now,
                counts=outcome.counts,
                text=outcome.text,
            )
            await self._give_up_lease(tx, flow, tenant)

    async def fail(self, flow: str, tenant: int, failure: Failure) -> None:
        """End the row of a run that cannot go on: said once, tried again later and later."""
        now = self._clock.now()
        async with self._database.write() as tx:
            if await self._is_carried_elsewhere(tx, flow, tenant):
                _log.warning("people.run_carried_elsewhere", tenant=tenant, run=flow)
                return
            run = await load_run_of_flow(tx, tenant, flow)
            plan = (
                await load_plan(tx, tenant, failure.plan)
                if failure.plan
                else await find_plan_of_run(tx, tenant, flow)
            )
            if plan is not None and plan.status is PlanStatus.APPLYING:
                await _lay_down(tx, tenant, plan, now)
            if not failure.taken_over:
                on_demand = run is not None and run.mode in ON_DEMAND
                if not on_demand:
                    state = await load_due(tx, tenant, WORK)
                    not_before = now + wait_after(state.failures)
                    await postpone(tx, tenant, WORK, not_before=not_before)
                if not on_demand or failure.alarm == PHONES_AWAY:
                    await begin_alarm(
                        tx,
                        tenant,
                        failure.alarm,
                        text=failure.text,
                        next_step=failure.next_step,
                        now=now,
                    )
                if on_demand:
                    # Whoever asked looks here, not at alarms.
                    failure = replace(failure, text=f"{failure.text} {failure.next_step}".rstrip())
            if run is not None:
                await end_run(tx, tenant, run.id, RunStatus.FAILED, now=now, text=failure.text)
            await self._give_up_lease(tx, flow, tenant)
        _log.warning("people.run_failed", tenant=tenant, run=flow, because=failure.text)

    async def leave(self, flow: str, tenant: int) -> dict[str, Any]:
        """End a run that finds nothing to do: what it was begun for has been done meanwhile."""
        now = self._clock.now()
        async with self._database.write() as tx:
            run = await load_run_of_flow(tx, tenant, flow)
            if run is not None:
                await end_run(tx, tenant, run.id, RunStatus.DONE, now=now, text=_DONE_ALREADY)
            await give_up_lease(tx, tenant, WORK, flow)
        return {"status": RunStatus.DONE.value}

    async def bury(self, tenant: int, flows: Sequence[str]) -> None:
        """Runs that nobody carries any more are over, and so is what they had begun to apply."""
        now = self._clock.now()
        async with self._database.write() as tx:
            for flow in flows:
                run = await load_run_of_flow(tx, tenant, flow)
                await give_up_lease(tx, tenant, WORK, flow)
                if run is not None:
                    await end_run(tx, tenant, run.id, RunStatus.FAILED, now=now, text=_INTERRUPTED)
            # A peer may have begun another one by now: what is being applied is that one's then.
            if not await list_runs(tx, tenant, status=UNDER_WAY, limit=1):
                for plan in await list_plans(tx, tenant, status=PlanStatus.APPLYING):
                    await _lay_down(tx, tenant, plan, now)

    async def begin_alarm(self, tenant: int, kind: str, text: str, next_step: str) -> None:
        """Say what is wrong, unless it is said already."""
        async with self._database.write() as tx:
            await begin_alarm(
                tx, tenant, kind, text=text, next_step=next_step, now=self._clock.now()
            )

    async def end_alarm(self, tenant: int, kind: str) -> None:
        """Say that it is over, if it was said that it had begun."""
        async with self._database.write() as tx:
            await end_alarm(tx, tenant, kind, now=self._clock.now())


async def run_of(tx: Transaction, tenant: int, flow: str) -> StoredRun:
    """The row of a run that was begun."""
    run = await load_run_of_flow(tx, tenant, flow)
    if run is None:
        raise StoreError(f"The run {flow} of tenant {tenant} has no row.")
    return run


async def _turn(tx: Transaction, tenant: int, now: datetime) -> tuple[Waits, bool] | None:
    """Whose end a run of the tenant has to wait for, and whether that one does not get on.

    None where nobody is at work any more.
    """
    held = [one for one in await list_leases(tx, tenant, WORK) if one.owner and one.name == WORK]
    if not held:
        return None
    holder = await load_run_of_flow(tx, tenant, held[0].owner)
    if holder is None:
        until = at(held[0].until, now)
        because = (
            "Another process works for this tenant and has not said what it does; its lease runs "
            f"until {until}."
        )
        return Waits(TURN, because, now), True
    name = f"{run_name(holder.mode)} {holder.id}"
    because = f"{name}, begun at {at(holder.started_at, now)}, is not finished."
    if holder.waits is not None:
        because += f" {name} w{holder.waits.said(now)[1:]}"
    return Waits(TURN, because, now), holder.waits is not None


async def _settle(tx: Transaction, tenant: int, run: StoredRun, mark: int) -> None:
    cursor = await load_cursor(tx, tenant, Resource.USERS)
    full = cursor.full_finished_at is not None and (
        run.mode == Mode.FULL or cursor.full_finished_at >= run.started_at
    )
    await settle(
        tx,
        tenant,
        WORK,
        Due(tenant, WORK, mark=mark),
        full_began_at=run.started_at if full else None,
        delta_began_at=None if full else run.started_at,
    )


async def _lay_down(tx: Transaction, tenant: int, plan: StoredPlan, now: datetime) -> None:
    """Nobody is carrying the plan out any more.

    What a person decided is taken up again; any other plan is made anew.
    """
    if plan.decided_at is not None:
        await move_plan(
            tx,
            tenant,
            plan.id,
            [PlanStatus.APPLYING],
            PlanStatus.APPROVED,
            now=plan.decided_at,
            by=plan.decided_by,
        )
        return
    await move_plan(
        tx, tenant, plan.id, [PlanStatus.APPLYING], PlanStatus.FAILED, now=now, text=_INTERRUPTED
    )
    await skip_pending(tx, tenant, plan.id, text=_SKIPPED, now=now)
    await add_unsettled(tx, tenant, None)
