"""Undoing a plan: a new plan takes back what it did, previewed and approved like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from jackfield.clock import Clock
from jackfield.core.actions import Action, DepartmentAction, KeepLeaver, Notice
from jackfield.core.journal_kinds import LineKind
from jackfield.core.people import ObjectId
from jackfield.core.undo import Stands, undo
from jackfield.flows.drafting import store_ahead
from jackfield.store.database import Database
from jackfield.store.journal import Line, append_lines
from jackfield.store.links import load_department_links, load_links
from jackfield.store.phone_departments import load_departments
from jackfield.store.phone_numbers import load_used_numbers
from jackfield.store.phone_state import load_phone_state
from jackfield.store.phones import load_extensions
from jackfield.store.plan_actions import ActionFilter, ActionStatus, load_actions
from jackfield.store.plans import (
    UNDO,
    PlanOutline,
    PlanStatus,
    Versions,
    load_outline,
    save_plan,
    supersede_plans,
)
from jackfield.store.released import load_former
from jackfield.store.sequences import latest_change
from jackfield.store.settings import Approval, load_people_settings
from jackfield.store.transaction import Transaction

ONCE_APPROVED = (
    "Once it is approved, every plan waits for an administrator, or the next sync would do again"
    " what is taken back. You can change that under Users > M365."
)
_PAGE = 1_000
SAID = 3


class NotUndoable(Exception):
    """There is nothing to take back; the text says why."""


class UnknownPlan(NotUndoable):
    """There is no such plan (any more)."""


class Undoing:
    """Makes plans that take back what earlier ones did."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def propose(self, tenant: int, plan: int, *, by: str) -> int:
        """Store the plan that takes back what plan number `plan` did; returns its number.

        Raises:
            UnknownPlan: there is no such plan.
            NotUndoable: it has done nothing, or nothing of it still stands.
        """
        async with self._database.read() as tx:
            stored = await load_outline(tx, tenant, plan)
            if stored is None:
                raise UnknownPlan(
                    f"There is no plan {plan}; plans are kept for 90 days after their end."
                )
            if stored.status in {PlanStatus.APPLYING, PlanStatus.APPROVED}:
                raise NotUndoable(f"Plan {plan} is being carried out; wait until it has ended.")
            done = await _done(tx, tenant, plan)
            if not done:
                raise NotUndoable(f"Plan {plan} is {stored.status} and has done nothing.")
            standing = await _standing(tx, tenant, done)
            state = await load_phone_state(tx, tenant)
            settings = await load_people_settings(tx, tenant)
            versions = Versions(await latest_change(tx, tenant), state.version, settings.version)
        made = await asyncio.to_thread(undo, done, standing, plan)
        if not made.actions:
            raise NotUndoable(_nothing_left(plan, done, made.notices))
        now, scope = self._clock.now(), f"{UNDO}{plan}"
        draft = await store_ahead(self._database, self._clock, tenant, made, scope)
        async with self._database.write() as tx:
            id_ = await save_plan(
                tx,
                tenant,
                made,
                now=now,
                made_by=by,
                versions=versions,
                people_now=stored.people_now,
                scope=scope,
                draft=draft,
            )
            await supersede_plans(tx, tenant, now=now, scope=scope, by=id_)
            text = f"Plan {id_} was made: it would take back what plan {plan} did."
            await append_lines(tx, tenant, [Line(LineKind.PLAN_UNDO, text, by=by)], now=now)
        return id_


async def makes_plans_wait(tx: Transaction, tenant: int, plan: PlanOutline) -> bool:
    """Whether the plan takes another one back, and its approval stops syncs from doing it again."""
    if plan.status is not PlanStatus.PROPOSED or not plan.scope.startswith(UNDO):
        return False
    settings = (await load_people_settings(tx, tenant)).value
    return settings.enabled and settings.approve is Approval.AUTOMATIC


def _nothing_left(plan: int, done: Sequence[Action], notices: Sequence[Notice]) -> str:
    """Why a plan that has done something cannot be taken back."""
    if all(isinstance(action, KeepLeaver) for action in done):
        kept = (
            "a leaver's extension as it stood"
            if len(done) == 1
            else f"the extensions of {len(done):,} leavers as they stood"
        )
        return (
            f"Plan {plan} only kept {kept}, and changed nothing in the phone system:"
            " there is nothing to take back. What becomes of leavers is chosen under Users > M365."
        )
    left = "; ".join(f"{one.name}: {one.text.rstrip('.')}" for one in notices[:SAID])
    more = f"; and {len(notices) - SAID:,} more" if len(notices) > SAID else ""
    return (
        f"Nothing that plan {plan} did can be taken back"
        f"{f'. {left}{more}' if left else ', for nothing of it still stands as it left it'}."
    )


async def _done(tx: Transaction, tenant: int, plan: int) -> list[Action]:
    done: list[Action] = []
    after: int | None = None
    while True:
        wanted = ActionFilter(status=ActionStatus.DONE)
        page = await load_actions(tx, tenant, plan, wanted, after=after, limit=_PAGE)
        done += [one.action for one in page.actions]
        after = page.next
        if after is None:
            return done


async def _standing(tx: Transaction, tenant: int, done: Sequence[Action]) -> Stands:
    people = sorted(
        {ObjectId(action.person) for action in done if not isinstance(action, DepartmentAction)}
    )
    links = await load_links(tx, tenant, people)
    return Stands(
        links=links,
        extensions=await load_extensions(tx, tenant, sorted(one.key for one in links.values())),
        former=await load_former(tx, tenant, people),
        departments=await load_departments(tx, tenant),
        department_links=await load_department_links(tx, tenant),
        used_numbers=await load_used_numbers(tx, tenant),
    )
