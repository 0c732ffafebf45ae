"""The steps that end a people run: its plan is closed, its row says what came of it.

Whoever a plan did not come through for is marked to be looked at again.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from jackfield.clock import Clock
from jackfield.core.actions import ActionKind
from jackfield.core.fields import shown_name
from jackfield.core.people import ObjectId
from jackfield.core.wording import told
from jackfield.flows.failures import Failed
from jackfield.flows.held_actions import all_held_of, load_all_held, load_held_back
from jackfield.flows.many_left import told_of_leavers
from jackfield.flows.numbers import Numbers
from jackfield.flows.outcomes import (
    About,
    Done,
    Started,
    applied,
    beside,
    closed,
    doubting,
    held_back,
    nothing_planned,
    planned,
)
from jackfield.flows.runs import Runs
from jackfield.flows.steps import IS_LEFT, Ended
from jackfield.flows.undecided import Undecided, load_undecided
from jackfield.store.database import Database
from jackfield.store.errors import StoreError
from jackfield.store.outcomes import Progress, count_done, count_outcomes, load_unsettled
from jackfield.store.people import count_people, load_people
from jackfield.store.plan_actions import ActionFilter, load_actions, load_pending
from jackfield.store.planned import add_unsettled
from jackfield.store.plans import (
    UNDO,
    PlanStatus,
    StoredPlan,
    load_plan,
    load_plan_head,
    move_plan,
)
from jackfield.store.runs import UNDER_WAY, RunStatus, load_run_of_flow
from jackfield.store.transaction import Transaction

_EVERY_PLAN_WAITS = (
    "From now on every plan waits for approval, so that no sync does it again by itself; choose"
    " otherwise under Users > M365."
)


_OPEN = frozenset({PlanStatus.PROPOSED, PlanStatus.APPROVED, PlanStatus.APPLYING})


class Planned(msgspec.Struct, frozen=True):
    """What a run has decided, and whether it acts on it by itself."""

    plan: int
    """0 where there was nothing to do."""
    total: int = 0
    guarded: bool = False
    doubtful: int = 0
    everyone: bool = False
    apply: bool = False
    person: str = ""
    """Whom alone it was about; empty = everybody."""


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
        made: Planned,
        started: Started,
        mark: int | None,
    ) -> Ended:
        """End a run that made a plan, or none; with a `mark`, what was wanted is settled.

        Ends nothing where actions of the plan are still to be carried out.
        """
        plan = made.plan
        stored = None
        if made.apply:
            stored = await self._close_plan(flow, tenant, plan, started)
            if stored is None:
                return IS_LEFT
        async with self._database.read() as tx:
            about = await _about(tx, tenant, made.person)
            if plan and stored is None:
                stored = await load_plan(tx, tenant, plan)
            progress = await count_outcomes(tx, tenant, plan)
            what = await _what_was_done(tx, tenant, plan, progress)
            if mark is not None:
                all_held = await load_all_held(tx, tenant)
                open_plans = (await load_undecided(tx, tenant)).but(plan)
            else:  # about one person, or only looked: what waits elsewhere is not its business
                held = None if stored is None else await load_held_back(tx, tenant, stored)
                all_held, open_plans = all_held_of(held), Undecided()
            kept = what.since(started).get(ActionKind.KEEP_LEAVER, 0)
            many_left = await told_of_leavers(tx, tenant, kept)
        if stored is None:
            outcome = nothing_planned(about)
        elif started.closed:
            outcome = closed(stored, about)
        elif made.apply:
            outcome = applied(stored, progress, started, about, what)
        else:
            outcome = planned(stored, about)
        outcome = beside(outcome, many_left)
        outcome = beside(doubting(outcome, made.doubtful), open_plans.text)
        outcome = held_back(outcome, all_held)
        if mark is not None:
            await self._runs.tell_held(tenant, all_held, over=not made.guarded, flow=flow)
        if mark is not None and made.everyone:
            await self._numbers.watch(tenant)
        await self._runs.end(flow, tenant, outcome, mark=mark)
        if made.total >= 1_000:
            await self._database.analyze()
        return Ended(outcome.status)

    async def end_apply(self, flow: str, tenant: int, plan: int, started: Started) -> Ended:
        """End a run that carried an approved plan out; or nothing, as `end`."""
        stored = await self._close_plan(flow, tenant, plan, started)
        if stored is None:
            return IS_LEFT
        async with self._database.read() as tx:
            about = await _about(tx, tenant)
            progress = await count_outcomes(tx, tenant, plan)
            what = await _what_was_done(tx, tenant, plan, progress)
            all_held = await load_all_held(tx, tenant)
        if started.closed:
            outcome = closed(stored, about)
        else:
            outcome = applied(stored, progress, started, about, what)
            if all_held:
                # What was approved is done; that more waits is said beside it.
                outcome = beside(outcome, all_held.text)
            if stored.scope.startswith(UNDO):
                outcome = beside(outcome, _EVERY_PLAN_WAITS)
            await self._runs.tell_held(tenant, all_held, over=True, flow=flow)
        came_through = not started.closed and outcome.status is not RunStatus.FAILED
        await self._runs.end(flow, tenant, outcome, mark=None, came_through=came_through)
        return Ended(outcome.status)

    async def fail(self, flow: str, tenant: int, failed: Failed) -> Ended:
        """End a run that cannot go on."""
        await self._runs.fail(flow, tenant, failed)
        return Ended(RunStatus.FAILED)

    async def _close_plan(
        self, flow: str, tenant: int, plan: int, started: Started
    ) -> StoredPlan | None:
        """The plan, closed; None where something of it is left that this run is to carry out."""
        now = self._clock.now()
        async with self._database.write() as tx:
            await self._runs.fence(tx, flow, tenant)
            if not started.closed and await _is_left(tx, flow, tenant, plan):
                return None
            await move_plan(tx, tenant, plan, [PlanStatus.APPLYING], PlanStatus.APPLIED, now=now)
            await plan_again(tx, tenant, plan, now)
            stored = await load_plan(tx, tenant, plan)
        if stored is None:
            raise StoreError(
                f"Plan {plan} is not in the database any more, although the database had"
                " acknowledged it. The next sync makes a new one."
            )
        return stored


async def _is_left(tx: Transaction, flow: str, tenant: int, plan: int) -> bool:
    """Whether the plan waits to be carried out by this run, which has not ended yet.

    Its status may be lost with what was done: then it is open again.
    """
    run = await load_run_of_flow(tx, tenant, flow)
    head = await load_plan_head(tx, tenant, plan)
    if run is None or run.status not in UNDER_WAY or head is None or head.status not in _OPEN:
        return False
    return bool(await load_pending(tx, tenant, plan, limit=1))


async def _what_was_done(tx: Transaction, tenant: int, plan: int, progress: Progress) -> Done:
    """What of a plan that no guard holds was done; of one action also to whom."""
    kinds = await count_done(tx, tenant, plan)
    if progress.total != 1 or not kinds:
        return Done(kinds)
    page = await load_actions(tx, tenant, plan, ActionFilter(held=False), limit=1)
    return Done(kinds, "".join(told(one.action) for one in page.actions))


async def _about(tx: Transaction, tenant: int, person: str = "") -> About:
    """Whom a run was about, by their name as it is now."""
    if not person:
        return About((await count_people(tx, tenant)).present)
    known = (await load_people(tx, tenant, [ObjectId(person)])).get(ObjectId(person))
    return About(1, shown_name(known) if known else "")


async def plan_again(tx: Transaction, tenant: int, plan: int, now: datetime) -> None:
    """Whoever a plan did not come through for is looked at again."""
    unsettled = await load_unsettled(tx, tenant, plan, now=now)
    people = None if unsettled is None else [ObjectId(one) for one in unsettled]
    await add_unsettled(tx, tenant, people)
