"""Overview: is it connected, is it in sync, what ran last, how Microsoft answers, what is wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar import get
from litestar.response import Template

from jackfield.store.cursors import Resource, load_cursor
from jackfield.store.links import count_links
from jackfield.store.people import count_people
from jackfield.store.phones import count_extensions
from jackfield.store.plans import PlanStatus, list_plans
from jackfield.store.runs import list_runs
from jackfield.store.settings import load_people_settings
from jackfield.store.usage import load_calls, sum_calls
from jackfield.web.admin.frame import AnyRequest, load_frame, show
from jackfield.web.rooms import House

DAY = timedelta(days=1)


@get("/", include_in_schema=False)
async def overview(request: AnyRequest, house: House) -> Template:
    """The first page."""
    tenant, now = house.tenant, house.clock.now()
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        context: dict[str, Any] = {
            "people": await count_people(tx, tenant),
            "links": await count_links(tx, tenant),
            "extensions": await count_extensions(tx, tenant),
            "cursor": await load_cursor(tx, tenant, Resource.USERS),
            "settings": (await load_people_settings(tx, tenant)).value,
            "runs": await list_runs(tx, tenant, limit=5),
            "waiting": await list_plans(tx, tenant, status=PlanStatus.PROPOSED, limit=1),
            "calls": await sum_calls(tx, tenant, since=now - DAY),
            "buckets": await load_calls(tx, tenant, since=now - DAY, bucket=timedelta(hours=1)),
        }
    return show("overview.html", request, frame, "overview", **context)


ROUTES = [overview]
