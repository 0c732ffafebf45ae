"""Runs and plans over the API: preview, progress, differences, approval."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from jackfield.core.actions import ActionKind
from jackfield.core.extensions import DepartmentKey
from jackfield.core.people import GroupId
from jackfield.core.schedule import Mode
from jackfield.core.wording import differences, title
from jackfield.flows.people import Ask, PlanNotOpen
from jackfield.flows.planning import is_guarded
from jackfield.store.groups import load_groups
from jackfield.store.phones import load_departments
from jackfield.store.plans import (
    ActionFilter,
    ActionStatus,
    PlanStatus,
    StoredAction,
    StoredPlan,
    count_outcomes,
    list_plans,
    load_actions,
    load_plan,
)
from jackfield.store.runs import Trigger, list_runs, load_run, load_run_of_flow
from jackfield.web.api.running import queued, run_of_flow, run_out, started
from jackfield.web.api.shapes import (
    ActionOut,
    ActionsOut,
    ApproveIn,
    By,
    Conflict,
    DifferenceOut,
    Limit,
    NoticeOut,
    PlanOut,
    PlansOut,
    RefusalOut,
    RunOut,
    RunsOut,
)
from jackfield.web.rooms import House


@post("/people/plan", summary="See what a sync would do", status_code=202)
async def plan_people(rooms: House, viewer: By) -> RunOut:
    return await started(rooms, Ask(Mode.DELTA, Trigger.ADMINISTRATOR, viewer.name, preview=True))


@get("/runs", summary="Runs, the newest first")
async def runs(rooms: House, limit: Limit = 20, before: FromQuery[int | None] = None) -> RunsOut:
    async with rooms.database.read() as tx:
        found = await list_runs(tx, rooms.tenant, limit=limit, before=before)
        out = [await run_out(tx, rooms.tenant, one) for one in found]
    return RunsOut(out, found[-1].id if len(found) == limit else None)


@get("/runs/{run:str}", summary="One run, by its number or the id its start has answered")
async def run(rooms: House, run: FromPath[str]) -> RunOut:
    async with rooms.database.read() as tx:
        row = await load_run(tx, rooms.tenant, int(run)) if run.isdecimal() else None
        row = row or await load_run_of_flow(tx, rooms.tenant, run)
        if row is not None:
            return await run_out(tx, rooms.tenant, row)
    if run.isdecimal():
        raise NotFoundException(f"There is no run {run}.")
    return queued(run)


@get("/plans", summary="Plans, the newest first")
async def plans(
    rooms: House,
    limit: Limit = 20,
    before: FromQuery[int | None] = None,
    status: FromQuery[PlanStatus | None] = None,
) -> PlansOut:
    async with rooms.database.read() as tx:
        found = await list_plans(tx, rooms.tenant, status=status, limit=limit, before=before)
    return PlansOut(
        [_plan_out(one, {}) for one in found], found[-1].id if len(found) == limit else None
    )


@get("/plans/{plan:int}", summary="One plan without its actions")
async def plan(rooms: House, plan: FromPath[int]) -> PlanOut:
    async with rooms.database.read() as tx:
        stored = await load_plan(tx, rooms.tenant, plan)
        if stored is None:
            raise NotFoundException(f"There is no plan {plan}.")
        progress = await count_outcomes(tx, rooms.tenant, plan)
    return _plan_out(stored, {one.value: count for one, count in progress.by_status.items()})


@get("/plans/{plan:int}/actions", summary="A plan's actions with their differences")
async def plan_actions(
    rooms: House,
    plan: FromPath[int],
    kind: FromQuery[ActionKind | None] = None,
    status: FromQuery[ActionStatus | None] = None,
    held: FromQuery[bool | None] = None,
    text: FromQuery[str] = "",
    after: FromQuery[int | None] = None,
    limit: Limit = 100,
) -> ActionsOut:
    which = ActionFilter(kind, status, held, text)
    async with rooms.database.read() as tx:
        page = await load_actions(tx, rooms.tenant, plan, which, after=after, limit=limit)
        departments = {d.key: d.name for d in (await load_departments(tx, rooms.tenant)).values()}
        groups = {one.id: one.name for one in (await load_groups(tx, rooms.tenant)).values()}
    actions = [_action_out(one, departments, groups) for one in page.actions]
    return ActionsOut(actions, page.total, page.more, page.next)


@post(
    "/plans/{plan:int}/approve", summary="Carry out a stored plan as it was shown", status_code=202
)
async def approve(
    rooms: House, viewer: By, plan: FromPath[int], data: JSONBody[ApproveIn]
) -> RunOut:
    try:
        flow = await rooms.people.approve(
            rooms.tenant, plan, by=viewer.name, release=data.release_held
        )
    except PlanNotOpen as error:
        raise Conflict(str(error)) from error
    return await run_of_flow(rooms, flow)


@post("/plans/{plan:int}/refuse", summary="Turn a proposed plan down", status_code=200)
async def refuse(rooms: House, viewer: By, plan: FromPath[int]) -> PlanOut:
    try:
        await rooms.people.turn_down(rooms.tenant, plan, by=viewer.name)
    except PlanNotOpen as error:
        raise Conflict(str(error)) from error
    async with rooms.database.read() as tx:
        stored = await load_plan(tx, rooms.tenant, plan)
    if stored is None:
        raise NotFoundException(f"There is no plan {plan}.")
    return _plan_out(stored, {})


def _plan_out(stored: StoredPlan, outcomes: dict[str, int]) -> PlanOut:
    total = stored.total
    text = stored.text or f"{total:,} action{'' if total == 1 else 's'}"
    if stored.held:
        text += f", {stored.held:,} held back by a guard"
    return PlanOut(
        stored.id,
        stored.status,
        text,
        stored.made_at,
        stored.made_by,
        stored.scope,
        dict(stored.counts),
        dict(stored.held_counts),
        outcomes,
        is_guarded(stored),
        [
            RefusalOut(one.kind, one.subject, one.name, one.because, one.next_step, one.held)
            for one in stored.refusals
        ],
        [NoticeOut(one.subject, one.name, one.text) for one in stored.notices],
    )


def _action_out(
    one: StoredAction, departments: Mapping[DepartmentKey, str], groups: Mapping[GroupId, str]
) -> ActionOut:
    return ActionOut(
        one.seq,
        one.action.kind,
        title(one.action),
        one.action.because,
        one.subject,
        one.name,
        one.held,
        one.status,
        one.text,
        [
            DifferenceOut(d.label, d.before, d.after, d.because)
            for d in differences(one.action, departments, groups)
        ],
    )


ROUTES = (
    plan_people,
    runs,
    run,
    plans,
    plan,
    plan_actions,
    approve,
    refuse,
)
