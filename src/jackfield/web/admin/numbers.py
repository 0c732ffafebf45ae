"""Numbers: how full the pools are, why a number is so, and which released ones are held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from jackfield.core.fields import shown_name
from jackfield.core.number_forecast import PoolForecast, outlook
from jackfield.core.numbering import NumberingError, is_number, parse_number
from jackfield.flows.numbers import HeldNumber, NotHeld, Why
from jackfield.web.admin.asking import PageNumber, Unaskable
from jackfield.web.admin.frame import (
    AnyRequest,
    by_script,
    load_frame,
    show,
    show_question,
    triggering,
    wants_part,
)
from jackfield.web.rooms import House, Rooms

PAGE = 50
LONGEST = 40
"""Characters that are kept of what should be a number, to be shown again."""
_RELEASED = (
    "Released, it goes to the next newcomer whose turn it is: who calls it may reach somebody else."
    " Who had it gets another number if they come back."
)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked about one number, as typed, and the answer or what is wrong with it."""

    typed: str = ""
    why: Why | None = None
    wrong: str = ""


@get("/numbers", include_in_schema=False)
async def pools_page(
    request: AnyRequest, house: House, number: FromQuery[str] = "", page: PageNumber = 1
) -> Template:
    """The pools with their figures; with a number, why that one is so."""
    question = await _question(house, number)
    status = 422 if question.wrong else 200
    if wants_part(request, "why"):
        async with house.database.read() as tx:
            frame = await load_frame(tx, house)
        # A browser's console would call a refused question a failure.
        return show("_number_why.html", request, frame, "numbers", question=question)
    return await pools_shown(request, house, question, page=page, status=status)


async def pools_shown(
    request: AnyRequest,
    house: Rooms,
    question: Question,
    *,
    page: int = 1,
    status: int = 200,
    **context: Any,
) -> Template:
    """The page of the pools, or its list."""
    pools = await house.numbers.pools(house.tenant)
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
    pages = max(1, -(-len(pools) // PAGE))
    asked_page, page = page, min(page, pages)
    return show(
        "_numbers_list.html" if wants_part(request, "list") else "numbers.html",
        request,
        frame,
        "numbers",
        status=status,
        pools=[(one, outlook(one), _shares(one)) for one in pools[(page - 1) * PAGE :][:PAGE]],
        total=len(pools),
        page=page,
        pages=pages,
        beyond=asked_page if asked_page > page else 0,
        question=question,
        **context,
    )


@get("/numbers/held", include_in_schema=False)
async def held_page(
    request: AnyRequest,
    house: House,
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
    before: FromQuery[str] = "",
) -> Template:
    """Released numbers that are kept for who had them."""
    for name, place in (("after", after), ("before", before)):
        if place and not is_number(place):
            raise Unaskable(f"“{name}” in the address is no place that this list has given.")
    if after and before:
        raise Unaskable("The address says both “after” and “before”; a page goes on from one.")
    held = await house.numbers.held(
        house.tenant, q[:200], limit=PAGE, after=after or None, before=before or None
    )
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
    return show(
        "_numbers_held.html" if wants_part(request, "list") else "numbers_held.html",
        request,
        frame,
        "numbers",
        held=held.numbers,
        found=held.found,
        asked={"q": q[:200]},
        position={"after": after, "before": before},
        name=whose,
    )


@get("/numbers/held/{number:str}/release", include_in_schema=False)
async def confirm_release(request: AnyRequest, house: House, number: FromPath[str]) -> Template:
    """Ask once more; a dialog where there is a script, a page where there is none."""
    return await _release(request, house, number)


@post("/numbers/held/{number:str}/release", include_in_schema=False)
async def release(
    request: AnyRequest, house: House, number: FromPath[str]
) -> Template | Response[Any]:
    """Let go of a held number."""
    try:
        await house.numbers.release(house.tenant, number, by=request.user.name)
    except NumberingError as error:
        raise NotFoundException(str(error)) from error
    except NotHeld as error:
        return await _release(request, house, number, problem=str(error), status=409)
    if by_script(request):
        return closing(f"Number {number} is free.")
    return Redirect("/numbers/held", status_code=303)


async def _release(
    request: AnyRequest, house: Rooms, number: str, *, problem: str = "", status: int = 200
) -> Template:
    try:
        why = await house.numbers.why(house.tenant, number)
    except NumberingError as error:
        raise NotFoundException(str(error)) from error
    if why.facts.released is None and not problem:
        problem, status = f"The number {why.facts.number} is not held (any more).", 409
    number = why.facts.number
    return await confirmation(
        request,
        house,
        title=f"Release number {number} now?",
        action=f"/numbers/held/{number}/release",
        back="/numbers/held",
        verb="Release now",
        told=(*why.reasons.sentences[1:], _RELEASED),
        problem=problem,
        status=status,
    )


async def confirmation(
    request: AnyRequest,
    house: Rooms,
    *,
    title: str,
    action: str,
    back: str,
    verb: str,
    told: tuple[str, ...],
    choice: str = "",
    problem: str = "",
    here: str = "numbers",
    status: int = 200,
) -> Template:
    """Ask once more; with a `problem`, say why the answer did nothing.

    `choice` is a box to tick, sent as `choice`; `here` is the room of the menu that it is about.
    """
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
    return show_question(
        "number_confirm",
        request,
        frame,
        here,
        status=status,
        title=title,
        action=action,
        back=back,
        verb=verb,
        told=told,
        choice=choice,
        problem=problem,
    )


def closing(said: str) -> Response[Any]:
    """Closes a dialog, says what was done, and lets the list behind it look again."""
    headers = triggering({"jackfield:close": "", "jackfield:said": said, "jackfield:numbers": ""})
    return Response(None, status_code=204, headers=headers)


def whose(one: HeldNumber) -> str:
    """Who had a held number, by name."""
    return shown_name(one.person) if one.person is not None else one.released.person


async def _question(house: Rooms, typed: str) -> Question:
    typed = typed[:LONGEST]
    if not typed.strip():
        return Question(typed)
    try:
        parse_number(typed)
        return Question(typed, await house.numbers.why(house.tenant, typed))
    except NumberingError as error:
        return Question(typed, wrong=str(error))


def _shares(one: PoolForecast) -> tuple[tuple[str, float, float], ...]:
    """The parts of a bar that is 100 wide: class, begin, width."""
    begin, parts = 0.0, []
    for name, count in (("used", one.used), ("held", one.held), ("reserved", one.reserved)):
        width = 100 * count / one.size if one.size else 0.0
        parts.append((name, begin, width))
        begin += width
    return tuple(parts)


ROUTES = [pools_page, held_page, confirm_release, release]
