"""Plans: what would be done, why, and the administrator's word on it."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from jackfield.core.actions import ActionKind, groups_of
from jackfield.core.wording import KIND_LABELS, differences, title
from jackfield.durable import NotRunningError
from jackfield.flows.held_actions import Held, load_all_held, load_held_back
from jackfield.flows.outcomes import stands
from jackfield.flows.people import PlanHeld, PlanNotOpen
from jackfield.flows.undo import ONCE_APPROVED, NotUndoable, makes_plans_wait
from jackfield.store.groups import load_groups
from jackfield.store.outcomes import count_outcomes
from jackfield.store.phone_departments import load_departments
from jackfield.store.plan_actions import ActionFilter, load_actions
from jackfield.store.plan_remarks import load_notices, load_refusals
from jackfield.store.plans import PlanOutline, PlanStatus, list_plans, load_outline
from jackfield.store.transaction import Transaction
from jackfield.web.admin.asking import Number, Position, check_choice
from jackfield.web.admin.frame import (
    AnyRequest,
    by_script,
    load_frame,
    show,
    show_question,
    wants_part,
)
from jackfield.web.admin.plan_list import load_subjects
from jackfield.web.errors import NO_WORKER
from jackfield.web.rooms import House, Rooms

PAGE = 50
_CLOSE = {"hx-trigger": "jackfield:close"}
SHOWN = 200
"""Refusals and notices that are listed; the API has them all."""
EARLIER = 10
DECISIONS = {"approve", "release", "refuse", "undo"}
HELD = {"yes": True, "no": False}


@get("/plans", include_in_schema=False)
async def latest_plan(request: AnyRequest, house: House) -> Template | Redirect:
    """The plan that waits for a word, else one that waits for a release, else the latest one."""
    async with house.database.read() as tx:
        waiting = await list_plans(tx, house.tenant, status=PlanStatus.PROPOSED, limit=1)
        holding = () if waiting else (await load_all_held(tx, house.tenant)).holds
        latest = (
            waiting or [one.plan for one in holding] or await list_plans(tx, house.tenant, limit=1)
        )
        frame = await load_frame(tx, house)
    if latest:
        return Redirect(f"/plans/{latest[0].id}", status_code=303)
    return show("no_plan.html", request, frame, "plan")


@get("/plans/{plan:int}", include_in_schema=False)
async def plan_page(
    request: AnyRequest,
    house: House,
    plan: Number,
    kind: FromQuery[str] = "",
    q: FromQuery[str] = "",
    held: FromQuery[str] = "",
    after: Position = 0,
) -> Template:
    """One plan: its actions by kind, what is held, what was refused, what came of it."""
    tenant = house.tenant
    check_choice("kind", kind, list(ActionKind))
    check_choice("held", held, list(HELD))
    kinds = ActionKind(kind) if kind else None
    only = HELD.get(held)
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        stored = await load_known_plan(tx, house, plan)
        wanted = ActionFilter(kind=kinds, held=only, text=q[:200])
        page = await load_actions(tx, tenant, plan, wanted, after=after or None, limit=PAGE)
        groups = {
            id_: group.name
            for id_, group in (
                await load_groups(tx, tenant, groups_of(one.action for one in page.actions))
            ).items()
        }
        departments = {key: one.name for key, one in (await load_departments(tx, tenant)).items()}
        context: dict[str, Any] = {
            "once_approved": ONCE_APPROVED if await makes_plans_wait(tx, tenant, stored) else "",
            "refused": await load_refusals(tx, tenant, plan, limit=len(stored.guards) + SHOWN),
            "noted": await load_notices(tx, tenant, plan, limit=SHOWN),
            "outcomes": await count_outcomes(tx, tenant, plan),
            "earlier": await list_plans(tx, tenant, limit=EARLIER, before=plan),
            "held": await load_held_back(tx, tenant, stored),
            "newer": [one for one in await list_plans(tx, tenant, limit=1) if one.id != plan],
            "about": (await load_subjects(tx, tenant, [stored]))[stored.scope],
        }
    part = next((one for one in ("list", "plan") if wants_part(request, one)), "")
    return show(
        f"_plan_{part}.html" if part else "plan.html",
        request,
        frame,
        "plan",
        plan=stored,
        guards=stored.guards,
        kinds=KIND_LABELS,
        kind_options=[("", "Every kind"), *((one.value, KIND_LABELS[one]) for one in ActionKind)],
        page=page,
        actions=[
            (one, title(one.action), differences(one.action, departments, groups))
            for one in page.actions
        ],
        asked={
            "kind": kind,
            "q": q[:200],
            "held": held,
        },
        after=after,
        **context,
    )


@get("/plans/{plan:int}/{decision:str}", include_in_schema=False)
async def confirm(
    request: AnyRequest, house: House, plan: Number, decision: FromPath[str]
) -> Template:
    """Ask once more; a dialog where there is a script, a page where there is none."""
    if decision not in DECISIONS:
        raise NotFoundException
    return await _question(request, house, plan, decision)


@post("/plans/{plan:int}/{decision:str}", include_in_schema=False)
async def decide(
    request: AnyRequest, house: House, plan: Number, decision: FromPath[str]
) -> Template | Response[Any]:
    """The administrator's word: carry it out, let go what is held, turn it down, or undo it."""
    if decision not in DECISIONS:
        raise NotFoundException
    by = request.user.name
    try:
        if decision == "undo":
            plan = await house.undoing.propose(house.tenant, plan, by=by)
        elif decision == "refuse":
            known = (await request.form()).get("also_approved") == "yes"
            await house.people.turn_down(house.tenant, plan, by=by, also_approved=known)
        else:
            await house.people.approve(house.tenant, plan, by=by, release=decision == "release")
    except PlanHeld:
        # The question itself tells what is held, and leads to the release.
        return await _question(request, house, plan, decision, status=409)
    except (PlanNotOpen, NotUndoable, NotRunningError) as error:
        problem = NO_WORKER if isinstance(error, NotRunningError) else str(error)
        return await _question(request, house, plan, decision, problem=problem, status=409)
    if by_script(request):
        told = {"hx-redirect": f"/plans/{plan}"} if decision == "undo" else _CLOSE
        return Response(None, status_code=204, headers=told)
    return Redirect(f"/plans/{plan}", status_code=303)


async def _question(
    request: AnyRequest,
    house: Rooms,
    plan: int,
    decision: str,
    *,
    problem: str = "",
    status: int = 200,
) -> Template:
    """Ask once more; with a `problem`, say why the answer did nothing."""
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        stored = await load_known_plan(tx, house, plan)
        held = await load_held_back(tx, house.tenant, stored)
        waits = decision == "approve" and await makes_plans_wait(tx, house.tenant, stored)
    return show_question(
        "plan_confirm",
        request,
        frame,
        "plan",
        status=status,
        plan=stored,
        held=held,
        closed="" if _is_open(stored, held, decision) else stands(stored),
        once_approved=ONCE_APPROVED if waits else "",
        decision=decision,
        problem=problem,
    )


def _is_open(plan: PlanOutline, held: Held | None, decision: str) -> bool:
    """Whether the decision can (still) be taken, or at least be explained."""
    match decision:
        case "refuse":
            holds = plan.status is PlanStatus.APPLIED and plan.held > 0
            return holds or plan.status in {PlanStatus.PROPOSED, PlanStatus.APPROVED}
        case "undo":
            return plan.status not in {PlanStatus.APPROVED, PlanStatus.APPLYING}
        case _:
            return plan.status is PlanStatus.PROPOSED or held is not None


async def load_known_plan(tx: Transaction, house: Rooms, plan: int) -> PlanOutline:
    """The plan. Raises `NotFoundException`."""
    stored = await load_outline(tx, house.tenant, plan)
    if stored is None:
        raise NotFoundException(f"There is no plan {plan}.")
    return stored


ROUTES = [latest_plan, plan_page, confirm, decide]
