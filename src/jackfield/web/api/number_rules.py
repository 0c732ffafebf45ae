"""Reserved numbers and the ranges of departments over the API, one at a time."""

from __future__ import annotations

from litestar import delete, get, post, put
from litestar.params import FromQuery, JSONBody

from jackfield.flows.number_rules import (
    Given,
    Reserved,
    give,
    list_given,
    list_reserved,
    reserve,
    take,
    unreserve,
)
from jackfield.web.api.asking import Caller, Key, Limit, place_behind
from jackfield.web.api.number_shapes import (
    GivenOut,
    GivenPage,
    RangesIn,
    ReservationIn,
    ReservedOut,
    ReservedPage,
)
from jackfield.web.api.refusals import told
from jackfield.web.rooms import House


@get("/numbers/reserved", summary="Numbers that are given to nobody else", responses=told())
async def reserved(
    house: House, limit: Limit = 100, after: FromQuery[str | None] = None
) -> ReservedPage:
    """For whom each is, if for anybody. `after` is the `next` of the page before."""
    async with house.database.read() as tx:
        found = await list_reserved(tx, house.tenant)
    places = [one.numbers for one in found]
    begin = place_behind(after, places)
    page = [_reserved_out(one) for one in found[begin : begin + limit]]
    return ReservedPage(page, page[-1].numbers if begin + limit < len(found) else None)


@post("/numbers/reserved", summary="Reserve numbers", responses=told(403, 409, 422))
async def add_reservation(
    house: House, caller: Caller, data: JSONBody[ReservationIn]
) -> ReservedOut:
    """409 where some are reserved already; without `confirm` also where some are in use."""
    made = await reserve(
        house.database,
        house.tenant,
        data.numbers,
        data.person,
        data.note,
        sure=data.confirm,
        by=caller.name,
        now=house.clock.now(),
    )
    return _reserved_out(made)


@delete(
    "/numbers/reserved/{numbers:str}",
    summary="Remove a reservation",
    status_code=204,
    responses=told(403, 404, 422),
)
async def remove_reservation(house: House, caller: Caller, numbers: Key) -> None:
    """That of exactly these numbers, as the list has them."""
    now = house.clock.now()
    await unreserve(house.database, house.tenant, numbers, by=caller.name, now=now)


@get("/numbers/departments", summary="Departments with numbers of their own", responses=told())
async def given(house: House, limit: Limit = 100, after: FromQuery[str | None] = None) -> GivenPage:
    """Numbers for the members of one group alone. `after` is the `next` of the page before."""
    async with house.database.read() as tx:
        found = await list_given(tx, house.tenant)
    begin = place_behind(after, [str(one.rule.group) for one in found])
    page = [_given_out(one) for one in found[begin : begin + limit]]
    return GivenPage(page, page[-1].group if begin + limit < len(found) else None)


@put(
    "/numbers/departments/{group:str}",
    summary="Give a department numbers of its own",
    responses=told(403, 409, 422),
)
async def give_numbers(
    house: House, caller: Caller, group: Key, data: JSONBody[RangesIn]
) -> GivenOut:
    """By object ID of its group, or exactly its name; in place of those it had."""
    phones = house.planning.limits(house.tenant).ranges
    made = await give(
        house.database,
        house.tenant,
        group,
        data.numbers,
        phones,
        by=caller.name,
        now=house.clock.now(),
    )
    return _given_out(made)


@delete(
    "/numbers/departments/{group:str}",
    summary="Take a department's numbers away",
    status_code=204,
    responses=told(403, 404, 409),
)
async def take_numbers(house: House, caller: Caller, group: Key) -> None:
    """Its members are served with everybody from then on; nobody's number changes."""
    now = house.clock.now()
    await take(house.database, house.tenant, group, by=caller.name, now=now)


def _reserved_out(one: Reserved) -> ReservedOut:
    return ReservedOut(
        one.numbers,
        one.rule.person,
        one.person.upn if one.person else "",
        one.person.display_name if one.person else "",
        one.rule.note,
        one.remark,
    )


def _given_out(one: Given) -> GivenOut:
    return GivenOut(one.rule.group, one.group.name if one.group else "", one.numbers)


ROUTES = (
    reserved,
    add_reservation,
    remove_reservation,
    given,
    give_numbers,
    take_numbers,
)
