"""Alarms: what is wrong now, and what was, each with its begin and its end."""

from __future__ import annotations

from litestar import get
from litestar.response import Template

from jackfield.store.alarms import list_alarms
from jackfield.web.admin.asking import Position
from jackfield.web.admin.frame import AnyRequest, load_frame, show, wants_part
from jackfield.web.rooms import House

PAGE = 50


@get("/alarms", include_in_schema=False)
async def alarms(request: AnyRequest, house: House, before: Position = 0) -> Template:
    """All alarms that are kept, the newest first."""
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        found = await list_alarms(tx, house.tenant, limit=PAGE + 1, before=before or None)
    return show(
        "_alarms_list.html" if wants_part(request, "list") else "alarms.html",
        request,
        frame,
        "overview",
        alarms=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else 0,
        before=before,
    )


ROUTES = [alarms]
