"""All plans that are kept: where each stands, who made and decided it, when, and how much it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template

from jackfield.core.fields import shown_name
from jackfield.core.people import ObjectId
from jackfield.flows.planning import EVERYONE, TOUCHED
from jackfield.store.people import load_people
from jackfield.store.plans import UNDO, PlanOutline, PlanStatus, list_plans
from jackfield.store.transaction import Transaction
from jackfield.web import tags
from jackfield.web.admin.asking import Position, check_choice
from jackfield.web.admin.frame import AnyRequest, load_frame, show, wants_part
from jackfield.web.rooms import House

PAGE = 50
FORGOTTEN = "one person, forgotten since"
_SCOPES = {EVERYONE: "everyone", TOUCHED: "whoever has changed"}


@get("/plans/all", include_in_schema=False)
async def plan_list(
    request: AnyRequest, house: House, status: FromQuery[str] = "", before: Position = 0
) -> Template:
    """Plans, the newest first."""
    check_choice("status", status, list(PlanStatus))
    only = PlanStatus(status) if status else None
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        found = await list_plans(
            tx, house.tenant, status=only, limit=PAGE + 1, before=before or None
        )
        about = await load_subjects(tx, house.tenant, found)
    return show(
        "_plans_list.html" if wants_part(request, "list") else "plans.html",
        request,
        frame,
        "plan",
        plans=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else 0,
        about=about,
        asked={"status": status},
        before=before,
        options=[
            ("", "Every state"),
            *((one.value, tags.PLAN_TAGS[one].text) for one in PlanStatus),
        ],
    )


async def load_subjects(
    tx: Transaction, tenant: int, plans: Sequence[PlanOutline]
) -> Mapping[str, str]:
    """Whom plans are about, in words, by their scopes."""
    words = {
        one.scope: _SCOPES.get(one.scope, one.scope)
        for one in plans
        if one.scope in _SCOPES or one.scope.startswith(UNDO)
    }
    ids = [ObjectId(one.scope) for one in plans if one.scope not in words]
    known = await load_people(tx, tenant, ids)
    return words | {id_: shown_name(known[id_]) if id_ in known else FORGOTTEN for id_ in ids}


ROUTES = [plan_list]
