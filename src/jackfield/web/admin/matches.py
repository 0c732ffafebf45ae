"""Doubtful matches: extensions that may be somebody's; each is decided once and remembered."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect, Template

from jackfield.core.extensions import ExtensionKey, Verdict
from jackfield.core.people import ObjectId
from jackfield.flows.doubts import DecisionRefused, NothingThere
from jackfield.web.admin.frame import AnyRequest, load_frame, show
from jackfield.web.admin.users_head import load_users_head
from jackfield.web.rooms import House, Rooms

SHOWN = 200
"""Matches on the page; who decides some sees the next ones."""
_UNDECIDED = "undecided"


@get("/users/matches", include_in_schema=False)
async def matches(request: AnyRequest, house: House) -> Template:
    """Who gets no extension until somebody decides, and what was decided."""
    return await _page(request, house)


@post("/users/matches", include_in_schema=False)
async def decide(request: AnyRequest, house: House) -> Template | Response[Any]:
    """One decision, or its undoing; a refusal is said on the page."""
    form = await request.form()
    person = ObjectId(str(form.get("person", ""))[:64])
    keys = [ExtensionKey(str(one)[:200]) for one in form.getall("extension", [])][:SHOWN]
    verdict = str(form.get("verdict", ""))
    by = request.user.name
    try:
        if verdict == _UNDECIDED:
            for key in keys:
                await house.doubts.reopen(house.tenant, person, key, by=by)
        elif verdict in set(Verdict) and keys:
            await house.doubts.decide(house.tenant, person, keys, Verdict(verdict), by=by)
        else:
            raise DecisionRefused("Say which extension, and whether it is the person's.")
    except DecisionRefused as error:
        status = 404 if isinstance(error, NothingThere) else 409
        return await _page(request, house, refused=str(error), status=status)
    return Redirect("/users/matches", status_code=303)


async def _page(
    request: AnyRequest, house: Rooms, *, refused: str = "", status: int = 200
) -> Template:
    waiting = await house.doubts.open(house.tenant)
    decided = await house.doubts.decided(house.tenant)
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        head = await load_users_head(tx, house.tenant)
    return show(
        "matches.html",
        request,
        frame,
        "users",
        status=status,
        refused=refused,
        waiting=waiting[:SHOWN],
        decided=decided[:SHOWN],
        **{**head, "doubtful": len(waiting)},
    )


ROUTES = [matches, decide]
