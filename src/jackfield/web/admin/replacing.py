"""Going on with another phone system, where the one that answers is not the one that is known."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from jackfield.flows.replacing import NotReplaced, Offered, PhonesSilent
from jackfield.web.admin.frame import AnyRequest, by_script
from jackfield.web.admin.numbers import closing, confirmation
from jackfield.web.rooms import House, Rooms

_FOLLOWS = (
    "Links are dropped and plans that wait are closed; nothing is removed in the phone system. The"
    " next full sync reads it and links what it finds there, by the rules for extensions that stand"
    " already. Accept it only where it was meant: a wrong address is corrected instead."
)


@get("/phone-system/accept", include_in_schema=False)
async def confirm_accepting(request: AnyRequest, house: House) -> Template:
    """Say what is accepted, and what follows; a page where there is no script."""
    try:
        offered = await house.replacing.look(house.tenant)
    except (NotReplaced, PhonesSilent) as error:
        return await _question(request, house, problem=_said(error), status=_status(error))
    return await _question(request, house, offered)


@post("/phone-system/accept", include_in_schema=False)
async def accept(
    request: AnyRequest, house: House, found: FromQuery[str] = ""
) -> Template | Response[Any]:
    """Accept the one that was `found` when it was asked, and no third one."""
    try:
        dropped = await house.replacing.accept(
            house.tenant, by=request.user.name, expected=found or None
        )
    except (NotReplaced, PhonesSilent) as error:
        return await _question(request, house, problem=_said(error), status=_status(error))
    if by_script(request):
        return closing(f"Accepted. Links to be made anew: {dropped:,}.")
    return Redirect("/", status_code=303)


async def _question(
    request: AnyRequest,
    house: Rooms,
    offered: Offered | None = None,
    *,
    problem: str = "",
    status: int = 200,
) -> Template:
    told: tuple[str, ...] = ()
    found = ""
    if offered is not None:
        found = offered.found
        told = (
            f"Known until now: {offered.known}",
            f"Answers now: {offered.found}",
            f"Links between people and extensions that are dropped: {offered.links:,}.",
            _FOLLOWS,
        )
    return await confirmation(
        request,
        house,
        title="Go on with another phone system?",
        action=f"/phone-system/accept?found={quote(found, safe='')}",
        back="/",
        verb="Accept it",
        told=told,
        problem=problem,
        here="overview",
        status=status,
    )


def _said(error: NotReplaced | PhonesSilent) -> str:
    step = error.next_step if isinstance(error, PhonesSilent) else ""
    return f"{error} {step}".rstrip()


def _status(error: NotReplaced | PhonesSilent) -> int:
    return 503 if isinstance(error, PhonesSilent) else 409


ROUTES = [confirm_accepting, accept]
