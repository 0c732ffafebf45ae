"""The steps that end a people run: its plan is closed, its row says what came of it.

Whoever a plan did not come through for is marked to be looked at again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jackfield.clock import Clock
from jackfield.core.actions import DISBELIEF
from jackfield.core.people import ObjectId
from jackfield.flows.failures import failure_of
from jackfield.flows.numbers import Numbers
from jackfield.flows.outcomes import Started, applied, closed, nothing_planned, planned
from jackfield.flows.runs import GUARD, Runs
from jackfield.store.cursors import Resource, load_cursor
from jackfield.store.database import Database
from jackfield.store.held import find_holding
from jackfield.store.outcomes import count_outcomes, load_unsettled
from jackfield.store.people import count_people
from jackfield.store.planned import add_unsettled
from jackfield.store.plans import PlanStatus, StoredPlan, list_plans, load_plan, move_plan
from jackfield.store.runs import RunStatus
from jackfield.store.transaction import Transaction


class SettlingSteps:
    """Ends runs."""

    def __init__(self, database: Database, runs: Runs, numbers: Numbers, clock: Clock) -> None:
        self._database = database
        self._runs = runs
        self._numbers = numbers
        self._clock = clock

    async def end(
        self,
        flow: str,
        tenant: int,
        made: dict[str, Any],
        started: dict[str, Any],
        mark: int | None,
    ) -> dict[str, Any]:
        """End a run that made a plan, or none; with a `mark`, what was wanted is settled."""
        guarded, plan = bool(made["guarded"]), int(made["plan"])
        stored = await self._close_plan(flow, tenant, plan) if made["apply"] else None
        async with self._database.read() as tx:
            people = (await count_people(tx, tenant)).present
            if plan and stored is None:
                stored = await load_plan(tx, tenant, plan)
            progress = await count_outcomes(tx, tenant, plan)
        if stored is None:
            outcome = nothing_planned(people, guarded=guarded)
        elif started.get("closed"):
            outcome = closed(stored, people)
        elif made["apply"]:
            outcome = applied(stored, progress, _started(started), people, guarded=guarded)
        else:
            outcome = planned(stored, people, guarded=guarded)
        if mark is not None and guarded:
            await self._runs.begin_alarm(
                tenant,
                GUARD,
                outcome.text,
                "Look at the plan and release what is meant; what is not stays undone.",
            )
        elif mark is not None and made["everyone"]:
            await self._runs.end_alarm(tenant, GUARD)
        if mark is not None and made["everyone"]:
            await self._numbers.watch(tenant)
        await self._runs.end(flow, tenant, outcome, mark=mark)
        if int(made["total"]) >= 1_000:
            await self._database.analyze()
        return {"status": outcome.status.value}

    async def end_apply(
        self, flow: str, tenant: int, plan: int, started: dict[str, Any]
    ) -> dict[str, Any]:
        """End a run that carried an approved plan out."""
        stored = await self._close_plan(flow, tenant, plan)
        async with self._database.read() as tx:
            people = (await count_people(tx, tenant)).present
            progress = await count_outcomes(tx, tenant, plan)
        if stored is None:
            outcome = nothing_planned(people, guarded=False)
        elif started["closed"]:
            outcome = closed(stored, people)
        else:
            outcome = applied(stored, progress, _started(started), people, guarded=False)
            if not await self._guards_wait(tenant, plan):
                await self._runs.end_alarm(tenant, GUARD)
        came_through = not started["closed"] and outcome.status is not RunStatus.FAILED
        await self._runs.end(flow, tenant, outcome, mark=None, came_through=came_through)
        return {"status": outcome.status.value}

    async def _guards_wait(self, tenant: int, applied_plan: int) -> bool:
        """Whether a guard still waits for somebody to look, now that this plan is carried out."""
        async with self._database.read() as tx:
            if await find_holding(tx, tenant):
                return True
            (newest, *_) = await list_plans(tx, tenant, limit=1)
            accepted = (await load_cursor(tx, tenant, Resource.USERS)).accepted_people
        disbelieves = any(one.kind in DISBELIEF for one in newest.refusals)
        return disbelieves and newest.id != applied_plan and newest.people_now < accepted

    async def fail(self, flow: str, tenant: int, failed: dict[str, Any]) -> dict[str, Any]:
        """End a run that cannot go on."""
        await self._runs.fail(flow, tenant, failure_of(failed))
        return {"status": RunStatus.FAILED.value}

    async def _close_plan(self, flow: str, tenant: int, plan: int) -> StoredPlan | None:
        now = self._clock.now()
        async with self._database.write() as tx:
            await self._runs.fence(tx, flow, tenant)
            await move_plan(tx, tenant, plan, [PlanStatus.APPLYING], PlanStatus.APPLIED, now=now)
            await plan_again(tx, tenant, plan, now)
            return await load_plan(tx, tenant, plan)


async def plan_again(tx: Transaction, tenant: int, plan: int, now: datetime) -> None:
    """Whoever a plan did not come through for is looked at again."""
    unsettled = await load_unsettled(tx, tenant, plan, now=now)
    people = None if unsettled is None else [ObjectId(one) for one in unsettled]
    await add_unsettled(tx, tenant, people)


def _started(document: dict[str, Any]) -> Started:
    return Started(int(document.get("ended", 0)), int(document.get("done", 0)))
