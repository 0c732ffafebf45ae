"""Extension numbers over the API: pools with their forecast, held numbers, and why one is so."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromQuery

from jackfield.core.number_forecast import outlook
from jackfield.core.numbering import is_number
from jackfield.web.api.asking import (
    NO_PLACE,
    After,
    Caller,
    Key,
    Limit,
    Search,
    place_behind,
)
from jackfield.web.api.number_shapes import (
    HeldNumberOut,
    HeldNumbersOut,
    NumberOut,
    PoolOut,
    PoolsOut,
)
from jackfield.web.api.refusals import Unreadable, told
from jackfield.web.rooms import House

EVERYBODY = "everybody"
"""The place of the pool that belongs to no group."""


@get("/numbers", summary="Pools of numbers: how full they are, when they run out", responses=told())
async def pools(house: House, limit: Limit = 100, after: FromQuery[str | None] = None) -> PoolsOut:
    """Reserved and held numbers are not free; the pace is that of people linked lately.

    `after` is the `next` of the page before.
    """
    found = await house.numbers.pools(house.tenant)
    keys = [one.group or EVERYBODY for one in found]
    begin = place_behind(after, keys)
    page = found[begin : begin + limit]
    return PoolsOut(
        [
            PoolOut(
                one.group,
                one.name,
                one.numbers,
                one.size,
                one.used,
                one.reserved,
                one.held,
                one.free,
                one.per_day,
                one.runs_out_at,
                one.supply,
                outlook(one),
            )
            for one in page
        ],
        keys[begin + limit - 1] if begin + limit < len(found) else None,
    )


@get("/numbers/held", summary="Released numbers that are kept for who had them", responses=told())
async def held(
    house: House, search: Search = "", limit: Limit = 50, after: After = None
) -> HeldNumbersOut:
    """By number; `search` takes digits of one, or the name or address of who had it."""
    if after and not is_number(after):
        raise Unreadable(NO_PLACE)
    page = await house.numbers.held(house.tenant, search, limit=limit, after=after)
    return HeldNumbersOut(
        [
            HeldNumberOut(
                one.released.number,
                one.released.person,
                one.person.upn if one.person else "",
                one.person.display_name if one.person else "",
                one.released.at,
                one.until,
            )
            for one in page.numbers
        ],
        page.found.next,
    )


@get("/numbers/{number:str}", summary="Why is a number so?", responses=told(404))
async def why(house: House, number: Key) -> NumberOut:
    """Who has it, for whom it is held or reserved, in which pools it is; any number may be asked.

    A number that nothing has, in no pool, is answered too.
    """
    found = await house.numbers.why(house.tenant, number)
    facts, reasons = found.facts, found.reasons
    return NumberOut(
        facts.number,
        reasons.state,
        None if facts.extension is None else facts.extension.key,
        None if facts.link is None else facts.link.person,
        None if facts.released is None else facts.released.person,
        found.held_until,
        reasons.reserved,
        [group or "" for group in reasons.groups],
        list(reasons.sentences),
    )


@post(
    "/numbers/{number:str}/release",
    summary="Let go of a held number: anybody may get it",
    status_code=204,
    responses=told(403, 404),
)
async def release(house: House, caller: Caller, number: Key) -> None:
    """Who had it gets another one if they come back; the journal says who let it go."""
    await house.numbers.release(house.tenant, number, by=caller.name)


ROUTES = (pools, held, why, release)
