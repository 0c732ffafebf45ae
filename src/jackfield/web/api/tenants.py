"""The tenants of the installation over the API: how each is; adding, renaming, removing them."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, delete, get, patch, post
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery, JSONBody, QueryParameter

from jackfield.flows.signin import Viewer
from jackfield.flows.tenant_figures import TenantFigures, load_figures
from jackfield.web.api.asking import Caller, Limit, Number, place_behind
from jackfield.web.api.refusals import told
from jackfield.web.api.running import run_out
from jackfield.web.api.tenant_shapes import TenantIn, TenantOut, TenantsOut
from jackfield.web.rooms import House, Rooms
from jackfield.web.tenancy import ABOUT, About, seen_tenants

Asking = Request[Viewer, Any, Any]


@get(
    "/tenants",
    opt={ABOUT: About.EITHER},
    summary="Tenants, and how each is",
    responses=told(),
)
async def tenants(
    request: Asking, house: House, limit: Limit = 100, after: FromQuery[str | None] = None
) -> TenantsOut:
    """Those that the caller may see; `after` is the number of the last one of the page before."""
    seen = seen_tenants(request)
    begin = place_behind(after, [str(one.number) for one in seen])
    figures = await load_figures(house.database, seen[begin : begin + limit])
    out = [await _out(house, one) for one in figures]
    return TenantsOut(out, str(out[-1].number) if begin + limit < len(seen) else None)


@get(
    "/tenants/{tenant:int}",
    opt={ABOUT: About.EITHER},
    summary="One tenant, and what its removal would delete",
    responses=told(404),
)
async def tenant(request: Asking, house: House, tenant: Number) -> TenantOut:
    """`removal` says in a sentence what would be gone."""
    for one in seen_tenants(request):
        if one.number == tenant:
            (figures,) = await load_figures(house.database, [one])
            out = await _out(house, figures)
            out.removal = (await house.tenants.belongings(tenant)).told(one.name)
            return out
    raise NotFoundException(f"There is no tenant {tenant}, or you may not see it.")


@post(
    "/tenants",
    opt={ABOUT: About.INSTALLATION},
    summary="Add a tenant",
    status_code=201,
    responses=told(403, 409, 422),
)
async def add(house: House, caller: Caller, data: JSONBody[TenantIn]) -> TenantOut:
    """It is not connected yet: connect it with its name in the header."""
    made = await house.tenants.add(data.name, by=caller.name)
    (figures,) = await load_figures(house.database, [made])
    return await _out(house, figures)


@patch(
    "/tenants/{tenant:int}",
    opt={ABOUT: About.INSTALLATION},
    summary="Rename a tenant",
    responses=told(403, 404, 409, 422),
)
async def rename(
    house: House, caller: Caller, tenant: Number, data: JSONBody[TenantIn]
) -> TenantOut:
    """Its number stays, and all it has."""
    renamed = await house.tenants.rename(tenant, data.name, by=caller.name)
    (figures,) = await load_figures(house.database, [renamed])
    return await _out(house, figures)


@delete(
    "/tenants/{tenant:int}",
    opt={ABOUT: About.INSTALLATION},
    summary="Remove a tenant with all it has",
    status_code=204,
    responses=told(403, 404, 409),
)
async def remove(
    house: House,
    caller: Caller,
    tenant: Number,
    name: Annotated[
        str, QueryParameter(max_length=200, description="Its name, to be sure; in the address.")
    ],
) -> None:
    """For good: people, extensions of the built-in phone system, settings, secrets, journal."""
    await house.tenants.remove(tenant, name, by=caller.name)


async def _out(house: Rooms, one: TenantFigures) -> TenantOut:
    house = house.of(one.tenant.number)
    last = None
    if one.last is not None:
        async with house.database.read() as tx:
            last = await run_out(tx, house, one.last)
    return TenantOut(
        number=one.tenant.number,
        name=one.tenant.name,
        created_at=one.tenant.created_at,
        organisation="" if one.connection is None else one.connection.organisation,
        sync=one.sync,
        people=one.people,
        linked=one.linked,
        extensions=one.extensions,
        open_alarms=len(one.alarms),
        waiting_plan=None if one.waiting is None else one.waiting.id,
        last_run=last,
    )


ROUTES = (tenants, tenant, add, rename, remove)
