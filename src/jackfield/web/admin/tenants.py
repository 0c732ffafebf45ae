"""The page of whoever looks after several tenants: how each is; adding, renaming, removing them."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import QueryParameter
from litestar.response import Redirect, Template

from jackfield.flows.tenant_figures import TenantFigures, load_figures
from jackfield.flows.tenants import NoSuchTenant, TenantRefused
from jackfield.store.tenants import Tenant
from jackfield.web.addresses import page_of_tenant
from jackfield.web.admin.asking import Number, PageNumber
from jackfield.web.admin.frame import AnyRequest, switch_of
from jackfield.web.rooms import House, Rooms
from jackfield.web.tenancy import ABOUT, About, seen_tenants

PAGE = 25
_WHOLE = {ABOUT: About.INSTALLATION}


@get("/tenants", opt=_WHOLE, include_in_schema=False)
async def tenants(
    request: AnyRequest,
    house: House,
    page: PageNumber = 1,
    onward: Annotated[str, QueryParameter(name="next")] = "",
) -> Template:
    """All tenants, each with its state; with `next` each leads to that page of it."""
    return await _list(request, house, page=page, onward=page_of_tenant(onward))


@post("/tenants", opt=_WHOLE, include_in_schema=False)
async def add(request: AnyRequest, house: House) -> Template | Redirect:
    """A new tenant, then on to its overview, where it is connected."""
    name = str((await request.form()).get("name", ""))
    try:
        made = await house.tenants.add(name, by=request.user.name)
    except TenantRefused as error:
        return await _list(request, house, problem=str(error), typed=name)
    return Redirect(f"/t/{made.number}/", status_code=303)


@get("/tenants/{number:int}", opt=_WHOLE, include_in_schema=False)
async def tenant(request: AnyRequest, house: House, number: Number) -> Template:
    """One tenant's name, and the way to remove it."""
    return await _one(request, house, _named(request, number))


@post("/tenants/{number:int}/rename", opt=_WHOLE, include_in_schema=False)
async def rename(request: AnyRequest, house: House, number: Number) -> Template | Redirect:
    """Another name for a tenant."""
    name = str((await request.form()).get("name", ""))
    try:
        await house.tenants.rename(number, name, by=request.user.name)
    except NoSuchTenant as error:
        raise NotFoundException(str(error)) from error
    except TenantRefused as error:
        return await _one(request, house, _named(request, number), name_problem=str(error))
    return Redirect("/tenants", status_code=303)


@post("/tenants/{number:int}/remove", opt=_WHOLE, include_in_schema=False)
async def remove(request: AnyRequest, house: House, number: Number) -> Template | Redirect:
    """Remove a tenant whose name was typed as it stands there."""
    name = str((await request.form()).get("name", ""))
    try:
        await house.tenants.remove(number, name, by=request.user.name)
    except NoSuchTenant as error:
        raise NotFoundException(str(error)) from error
    except TenantRefused as error:
        return await _one(request, house, _named(request, number), remove_problem=str(error))
    return Redirect("/tenants", status_code=303)


async def _list(
    request: AnyRequest,
    house: Rooms,
    *,
    page: int = 1,
    onward: str = "",
    problem: str = "",
    typed: str = "",
) -> Template:
    seen = seen_tenants(request)
    pages = max(1, -(-len(seen) // PAGE))
    page = min(page, pages)
    shown: tuple[TenantFigures, ...] = await load_figures(
        house.database, seen[(page - 1) * PAGE : page * PAGE]
    )
    return Template(
        "tenants.html",
        context={
            "viewer": request.user,
            "here": "tenants",
            "switch": switch_of(request),
            "rows": shown,
            "count": len(seen),
            "page": page,
            "pages": pages,
            "onward": onward,
            "problem": problem,
            "typed": typed,
            "now": house.clock.now(),
        },
        status_code=422 if problem else 200,
    )


async def _one(
    request: AnyRequest,
    house: Rooms,
    tenant: Tenant,
    *,
    name_problem: str = "",
    remove_problem: str = "",
) -> Template:
    return Template(
        "tenant.html",
        context={
            "viewer": request.user,
            "here": "tenants",
            "switch": switch_of(request),
            "tenant": tenant,
            "only": len(seen_tenants(request)) == 1,
            "told": (await house.tenants.belongings(tenant.number)).told(tenant.name),
            "name_problem": name_problem,
            "remove_problem": remove_problem,
        },
        status_code=422 if name_problem or remove_problem else 200,
    )


def _named(request: AnyRequest, number: int) -> Tenant:
    for one in seen_tenants(request):
        if one.number == number:
            return one
    raise NotFoundException(f"There is no tenant {number} (any more).")


ROUTES = (tenants, add, tenant, rename, remove)
