"""Plans over the API: what would be done, difference by difference, and the word on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery, JSONBody, QueryParameter

from jackfield.core.actions import ActionKind, Notice, Refusal, groups_of
from jackfield.core.extensions import DepartmentKey
from jackfield.core.people import GroupId, ObjectId
from jackfield.core.wording import differences, title
from jackfield.flows.held_actions import load_held_back
from jackfield.flows.outcomes import is_withdrawn
from jackfield.flows.undo import ONCE_APPROVED, makes_plans_wait
from jackfield.store.groups import load_groups
from jackfield.store.outcomes import count_outcomes
from jackfield.store.people import load_people
from jackfield.store.phone_departments import load_departments
from jackfield.store.plan_actions import ActionFilter, ActionStatus, StoredAction, load_actions
from jackfield.store.plan_remarks import load_notices, load_refusals
from jackfield.store.plans import PlanOutline, PlanStatus, list_plans, load_outline
from jackfield.store.transaction import Transaction
from jackfield.web.api.asking import LARGEST, Before, Caller, Limit, Number, Search
from jackfield.web.api.refusals import told
from jackfield.web.api.run_shapes import (
    ActionOut,
    ActionsOut,
    ApproveIn,
    DifferenceOut,
    NoticeOut,
    NoticesOut,
    PlanLine,
    PlanOut,
    PlansOut,
    RefusalOut,
    RefusalsOut,
    RefuseIn,
    RunOut,
)
from jackfield.web.api.running import run_of_flow
from jackfield.web.rooms import House

AfterAction = Annotated[
    int,
    QueryParameter(ge=0, le=LARGEST, description="The `next` of the page before; 0: begin."),
]
FIRST = 500
"""Remarks that come along with a plan."""


@get("/plans", summary="Plans, the newest first", responses=told())
async def plans(
    house: House,
    limit: Limit = 20,
    before: Before = 0,
    status: FromQuery[PlanStatus | None] = None,
) -> PlansOut:
    """All kept ones, or those of one status."""
    async with house.database.read() as tx:
        found = await list_plans(
            tx, house.tenant, status=status, limit=limit + 1, before=before or None
        )
    lines = [_line(one) for one in found[:limit]]
    return PlansOut(lines, found[limit - 1].id if len(found) > limit else None)


@get("/plans/{plan:int}", summary="One plan without its actions", responses=told(404))
async def plan(house: House, plan: Number) -> PlanOut:
    """Its figures, what was refused, and what to know."""
    async with house.database.read() as tx:
        return await _plan_out(tx, await _plan(tx, house.tenant, plan), house.tenant)


@get("/plans/{plan:int}/refusals", summary="What a plan would not do", responses=told(404))
async def plan_refusals(
    house: House, plan: Number, after: AfterAction = 0, limit: Limit = 100
) -> RefusalsOut:
    """What guards say comes first, then the people, in the plan's order."""
    async with house.database.read() as tx:
        await _plan(tx, house.tenant, plan)
        page = await load_refusals(tx, house.tenant, plan, after=after, limit=limit)
        refusals = await _refusals_out(tx, house.tenant, page.remarks)
    return RefusalsOut(refusals, page.total, page.next)


@get("/plans/{plan:int}/notices", summary="What is to be known of a plan", responses=told(404))
async def plan_notices(
    house: House, plan: Number, after: AfterAction = 0, limit: Limit = 100
) -> NoticesOut:
    """In the plan's order."""
    async with house.database.read() as tx:
        await _plan(tx, house.tenant, plan)
        page = await load_notices(tx, house.tenant, plan, after=after, limit=limit)
        notices = await _notices_out(tx, house.tenant, page.remarks)
    return NoticesOut(notices, page.total, page.next)


@get(
    "/plans/{plan:int}/actions",
    summary="A plan's actions with their differences",
    responses=told(404),
)
async def plan_actions(
    house: House,
    plan: Number,
    kind: FromQuery[ActionKind | None] = None,
    status: FromQuery[ActionStatus | None] = None,
    held: FromQuery[bool | None] = None,
    text: Search = "",
    after: AfterAction = 0,
    limit: Limit = 100,
) -> ActionsOut:
    """In the order in which they are carried out; held ones come last."""
    which = ActionFilter(kind, status, held, text)
    async with house.database.read() as tx:
        await _plan(tx, house.tenant, plan)
        page = await load_actions(tx, house.tenant, plan, which, after=after or None, limit=limit)
        departments = {d.key: d.name for d in (await load_departments(tx, house.tenant)).values()}
        known = await load_groups(tx, house.tenant, groups_of(one.action for one in page.actions))
        groups = {one.id: one.name for one in known.values()}
        upns = await _upns(tx, house.tenant, [one.subject for one in page.actions])
    actions = [_action_out(one, departments, groups, upns) for one in page.actions]
    return ActionsOut(actions, page.total, page.more, page.next)


@post(
    "/plans/{plan:int}/approve",
    summary="Carry out a stored plan as it was shown",
    status_code=202,
    responses=told(403, 404, 409),
)
async def approve(
    house: House, caller: Caller, plan: Number, data: JSONBody[ApproveIn | None] = None
) -> RunOut:
    """Once; an action whose before-values no longer hold is left out and planned again.

    409 where a guard holds all of it, with what is held and why; `release_held` lets it go.
    """
    async with house.database.read() as tx:
        await _plan(tx, house.tenant, plan)
    release = data is not None and data.release_held
    flow = await house.people.approve(house.tenant, plan, by=caller.name, release=release)
    return await run_of_flow(house, flow)


@post(
    "/plans/{plan:int}/refuse",
    summary="Turn a plan down",
    status_code=200,
    responses=told(403, 404, 409),
)
async def refuse(
    house: House, caller: Caller, plan: Number, data: JSONBody[RefuseIn | None] = None
) -> PlanOut:
    """Nothing of it is carried out; the next sync makes another.

    Of a plan that was carried out but for what a guard holds back, that is turned down.
    409 where somebody else has decided meanwhile, with who and what. A plan that is approved and
    not (wholly) carried out takes `also_approved`; what is done stays done.
    """
    async with house.database.read() as tx:
        await _plan(tx, house.tenant, plan)
    await house.people.turn_down(
        house.tenant,
        plan,
        by=caller.name,
        also_approved=data is not None and data.also_approved,
    )
    async with house.database.read() as tx:
        return await _plan_out(tx, await _plan(tx, house.tenant, plan), house.tenant)


async def _plan(tx: Transaction, tenant: int, plan: int) -> PlanOutline:
    stored = await load_outline(tx, tenant, plan)
    if stored is None:
        raise NotFoundException(f"There is no plan {plan}.")
    return stored


async def _plan_out(tx: Transaction, stored: PlanOutline, tenant: int) -> PlanOut:
    line = _line(stored)
    progress = await count_outcomes(tx, tenant, stored.id)
    refused = await load_refusals(tx, tenant, stored.id, limit=FIRST)
    noted = await load_notices(tx, tenant, stored.id, limit=FIRST)
    told = {name: getattr(line, name) for name in PlanLine.__struct_fields__}
    if await makes_plans_wait(tx, tenant, stored):
        told["text"] += f". {ONCE_APPROVED}"
    return PlanOut(
        **told,
        releasable=await load_held_back(tx, tenant, stored) is not None,
        outcomes=dict(progress.by_status),
        refusals=await _refusals_out(tx, tenant, refused.remarks),
        notices=await _notices_out(tx, tenant, noted.remarks),
        refused=refused.people,
        noted=noted.people,
    )


async def _refusals_out(
    tx: Transaction, tenant: int, refusals: Sequence[Refusal]
) -> list[RefusalOut]:
    upns = await _upns(tx, tenant, (one.subject for one in refusals))
    return [
        RefusalOut(
            one.kind,
            one.subject,
            one.name,
            upns.get(one.subject, ""),
            one.because,
            one.next_step,
            one.held,
        )
        for one in refusals
    ]


async def _notices_out(tx: Transaction, tenant: int, notices: Sequence[Notice]) -> list[NoticeOut]:
    upns = await _upns(tx, tenant, (one.subject for one in notices))
    return [
        NoticeOut(one.subject, one.name, upns.get(one.subject, ""), one.text) for one in notices
    ]


async def _upns(tx: Transaction, tenant: int, subjects: Iterable[str]) -> Mapping[str, str]:
    """The UPNs of people by object ID; a group has none."""
    people = await load_people(tx, tenant, sorted({ObjectId(one) for one in subjects}))
    return {id_: person.upn for id_, person in people.items()}


def _line(stored: PlanOutline) -> PlanLine:
    total = stored.total
    text = stored.text or f"{total:,} action{'' if total == 1 else 's'}"
    if stored.held:
        text += f", {stored.held:,} held back by a guard"
    return PlanLine(
        stored.id,
        stored.status,
        text,
        stored.made_at,
        stored.made_by,
        stored.scope,
        {ActionKind(kind): count for kind, count in stored.counts.items()},
        {ActionKind(kind): count for kind, count in stored.held_counts.items()},
        bool(stored.guards),
        stored.decided_at,
        stored.decided_by,
        stored.ended_at,
        stored.replaced_by or None,
        is_withdrawn(stored),
    )


def _action_out(
    one: StoredAction,
    departments: Mapping[DepartmentKey, str],
    groups: Mapping[GroupId, str],
    upns: Mapping[str, str],
) -> ActionOut:
    return ActionOut(
        one.seq,
        one.action.kind,
        title(one.action),
        one.action.because,
        one.subject,
        one.name,
        upns.get(one.subject, ""),
        one.held,
        one.status,
        one.text,
        [
            DifferenceOut(d.label, d.before, d.after, d.because)
            for d in differences(one.action, departments, groups)
        ],
    )


@post(
    "/plans/{plan:int}/undo",
    summary="Make the plan that takes a plan back",
    status_code=201,
    responses=told(403, 404, 409),
)
async def undo(house: House, caller: Caller, plan: Number) -> PlanOut:
    """It waits for approval like any other; 409 where nothing can be taken back."""
    made = await house.undoing.propose(house.tenant, plan, by=caller.name)
    async with house.database.read() as tx:
        return await _plan_out(tx, await _plan(tx, house.tenant, made), house.tenant)


ROUTES = (plans, plan, plan_refusals, plan_notices, plan_actions, approve, refuse, undo)
