"""The row of each run, begun once and ended once, and the lease of its tenant it works under.

Alarms and waiting times that follow from how runs end are here too. What a run does, and in which
order, is in `people_run.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import structlog

from jackfield.clock import Clock
from jackfield.core.schedule import Mode, wait_after
from jackfield.core.waiting import TURN, Waits, at
from jackfield.core.wording import run_name
from jackfield.flows.asks import Ask
from jackfield.flows.failures import AWAY, GRAPH_AWAY, OUTAGE, PHONES_AWAY, Failed
from jackfield.flows.held_actions import AllHeld
from jackfield.flows.outcomes import RunEnd
from jackfield.flows.run_rows import INTERRUPTED, RunRows, run_of
from jackfield.flows.steps import Ended
from jackfield.store.alarms import begin_alarm, end_alarm
from jackfield.store.cursors import Resource, load_cursor
from jackfield.store.database import Database
from jackfield.store.leases import give_up_lease, load_lease
from jackfield.store.outcomes import skip_pending
from jackfield.store.planned import add_unsettled
from jackfield.store.plans import (
    PlanOutline,
    PlanStatus,
    find_plan_of_run,
    list_plans,
    load_outline,
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
)
from jackfield.store.schedule import Due, load_due, postpone, recover, settle
from jackfield.store.transaction import Transaction

WORK = "people"
ON_DEMAND = frozenset({"person", "preview"})
"""Modes that somebody waits for: their failing is told there, and delays nothing else."""

GUARD = "people.guard"
GROUPS = "graph.groups"
"""Groups may not be read: a permission, or the consent to it, is missing."""
NO_GROUPS = "graph.no_groups"
"""There are none to read: a server that keeps people only."""

_DONE_ALREADY = "Nothing to do: another run has done what was due."
_SKIPPED = "Not carried out: the run was interrupted, and everyone is planned again."
_log = structlog.get_logger("jackfield.flows.people")


class Turn(msgspec.Struct, frozen=True):
    """Whether it is a run's turn to work for its tenant."""

    held: bool
    """It has the tenant's lease."""
    because: str = ""
    """Why it has not."""
    stuck: bool = False
    """The run that has it does not get on."""


class Runs(RunRows):
    """Begins, follows and ends the rows of people runs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock, WORK)

    async def take_turn(self, flow: str, tenant: int, ask: Ask) -> Turn:
        """Take the tenant's lease; while another run holds it, be shown as queued."""
        if await self.take_lease(flow, tenant):
            return Turn(held=True)
        now = self._clock.now()
        async with self._database.write() as tx:
            turn = await _turn(tx, tenant, now)
            if turn is None:
                return Turn(held=False)
            waits, stuck = turn
            await queue_run(
                tx,
                tenant,
                flow,
                waits,
                kind=WORK,
                trigger=ask.trigger,
                mode=ask.kind,
                now=now,
                by=ask.by,
            )
        return Turn(held=False, because=waits.because, stuck=stuck)

    async def begin(self, flow: str, tenant: int, ask: Ask) -> StoredRun:
        """Begin the row, under the lease: whatever else still seems to be at work is not."""
        now = self._clock.now()
        async with self._database.write() as tx:
            await self.interrupt_others(tx, tenant, flow)
            for plan in await list_plans(tx, tenant, status=PlanStatus.APPLYING):
                if plan.run != flow:
                    await _lay_down(tx, tenant, plan, now)
            return await begin_run(
                tx,
                tenant,
                flow,
                kind=WORK,
                trigger=ask.trigger,
                mode=ask.kind,
                now=now,
                by=ask.by,
            )

    async def tell_held(
        self, tenant: int, all_held: AllHeld, *, over: bool, flow: str = ""
    ) -> None:
        """Let the alarm say what guards hold back now, or end it where that is over.

        `flow`: the run that says so, if it is one.
        """
        if all_held:
            text = f"{all_held.text} {all_held.because}"
            await self.begin_alarm(tenant, GUARD, text, all_held.next_step, flow=flow)
        elif over:
            await self.end_alarm(tenant, GUARD, flow=flow)

    async def end(
        self,
        flow: str,
        tenant: int,
        outcome: RunEnd,
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
            await self.give_up_lease(tx, flow, tenant)

    async def fail(self, flow: str, tenant: int, failure: Failed) -> None:
        """End the row of a run that cannot go on: said once, tried again later and later."""
        now = self._clock.now()
        async with self._database.write() as tx:
            if await self.is_carried_elsewhere(tx, flow, tenant):
                _log.warning("people.run_carried_elsewhere", tenant=tenant, run=flow)
                return
            run = await load_run_of_flow(tx, tenant, flow)
            plan = (
                await load_outline(tx, tenant, failure.plan)
                if failure.plan
                else await find_plan_of_run(tx, tenant, flow)
            )
            if plan is not None and plan.status is PlanStatus.APPLYING:
                await _lay_down(tx, tenant, plan, now)
            if not failure.taken_over:
                on_demand = run is not None and run.mode in ON_DEMAND
                if not on_demand:
                    state = await load_due(tx, tenant, WORK)
                    not_before = now + wait_after(state.failures, away=failure.alarm in AWAY)
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
                if on_demand or (run is not None and run.trigger is not Trigger.SCHEDULE):
                    # Whoever asked looks here, not at alarms.
                    told = f"{failure.text} {failure.next_step}".rstrip()
                    failure = msgspec.structs.replace(failure, text=told)
            if run is not None:
                await end_run(tx, tenant, run.id, RunStatus.FAILED, now=now, text=failure.text)
            await self.give_up_lease(tx, flow, tenant)
        _log.warning("people.run_failed", tenant=tenant, run=flow, because=failure.text)

    async def leave(self, flow: str, tenant: int) -> Ended:
        """End a run that finds nothing to do: what it was begun for has been done meanwhile."""
        now = self._clock.now()
        async with self._database.write() as tx:
            run = await load_run_of_flow(tx, tenant, flow)
            if run is not None:
                await end_run(tx, tenant, run.id, RunStatus.DONE, now=now, text=_DONE_ALREADY)
            await give_up_lease(tx, tenant, WORK, flow)
        return Ended(RunStatus.DONE)

    async def bury(self, tenant: int, flows: Sequence[str]) -> None:
        """Runs that nobody carries any more are over, and so is what they had begun to apply."""
        now = self._clock.now()
        async with self._database.write() as tx:
            await self.end_lost(tx, tenant, flows)
            # A peer may have begun another one by now: what is being applied is that one's then.
            if not await list_runs(tx, tenant, kind=WORK, status=UNDER_WAY, limit=1):
                for plan in await list_plans(tx, tenant, status=PlanStatus.APPLYING):
                    await _lay_down(tx, tenant, plan, now)


async def _turn(tx: Transaction, tenant: int, now: datetime) -> tuple[Waits, bool] | None:
    """Whose end a run of the tenant has to wait for, and whether that one does not get on.

    None where nobody is at work any more.
    """
    lease = await load_lease(tx, tenant, WORK)
    if lease is None or not lease.owner:
        return None
    holder = await load_run_of_flow(tx, tenant, lease.owner)
    if holder is None:
        until = at(lease.until, now)
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


async def _lay_down(tx: Transaction, tenant: int, plan: PlanOutline, now: datetime) -> None:
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
        tx, tenant, plan.id, [PlanStatus.APPLYING], PlanStatus.FAILED, now=now, text=INTERRUPTED
    )
    await skip_pending(tx, tenant, plan.id, text=_SKIPPED, now=now)
    await add_unsettled(tx, tenant, None)
