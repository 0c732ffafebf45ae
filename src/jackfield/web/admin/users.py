"""Users: the extensions of the phone system with the people behind them, and who has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template

from jackfield.core.extensions import Department, DepartmentKey
from jackfield.flows.coverage import load_uncovered
from jackfield.store.groups import load_skus
from jackfield.store.phone_departments import load_departments
from jackfield.store.photos import load_digests
from jackfield.store.users import Order, Source, UserFilter, list_users
from jackfield.web.admin.asking import check_choice, check_places
from jackfield.web.admin.frame import AnyRequest, load_frame, show, wants_part
from jackfield.web.admin.photos import face
from jackfield.web.admin.users_head import load_users_head
from jackfield.web.licences import licence_name, licence_names, licence_titles
from jackfield.web.rooms import House

PAGE = 50
OFFERED = 300
"""Departments that fit into one list."""
_STATES = {"": {}, "enabled": {"enabled": True}, "disabled": {"enabled": False}}
_STATES["leavers"] = {"leavers": True}
_STATES["photos"] = {"photo_amiss": True}


@get("/users", include_in_schema=False)
async def users(
    request: AnyRequest,
    house: House,
    q: FromQuery[str] = "",
    source: FromQuery[str] = "",
    department: FromQuery[str] = "",
    sku: FromQuery[str] = "",
    status: FromQuery[str] = "",
    order: FromQuery[str] = "name",
    after: FromQuery[str] = "",
    before: FromQuery[str] = "",
) -> Template:
    """Extensions, hand-made ones included."""
    wanted = wanted_users(q, source, department, sku, status)
    check_choice("order", order, list(Order))
    check_places(after, before)
    tenant = house.tenant
    by = Order(order) if order else Order.NAME
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        page = await list_users(
            tx,
            tenant,
            wanted,
            order=by,
            limit=PAGE,
            after=after or None,
            before=before or None,
        )
        departments = await load_departments(tx, tenant)
        skus = await load_skus(tx, tenant)
        persons = [one.link.person for one in page.users if one.link is not None]
        faces = await load_digests(tx, tenant, persons)
        context: dict[str, Any] = {
            "page": page,
            "departments": departments,
            "skus": skus,
            "licence": lambda person: licence_names(person.skus if person else (), skus),
            "titles": lambda person: licence_titles(person.skus if person else (), skus),
            **await load_users_head(tx, tenant),
            "faces": {person: face(person, digest) for person, digest in faces.items()},
        }
    context["asked"] = {
        "q": wanted.text,
        "source": source,
        "department": department,
        "sku": sku,
        "status": status,
        "order": "" if by is Order.NAME else by.value,
    }
    context["position"] = {"after": after, "before": before}
    context["department_options"] = _department_options(departments, department)
    context["sku_options"] = [
        ("", "Any licence"),
        *sorted(((sku_id, licence_name(sku_id, skus)) for sku_id in skus), key=lambda one: one[1]),
    ]
    template = "_users_list.html" if wants_part(request, "list") else "users.html"
    return show(template, request, frame, "users", **context)


@get("/users/not-synced", include_in_schema=False)
async def not_synced(
    request: AnyRequest,
    house: House,
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
    before: FromQuery[str] = "",
) -> Template:
    """People without an extension, each with the reason."""
    check_places(after, before)
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        page = await load_uncovered(
            tx, house.tenant, q[:200], limit=PAGE, after=after or None, before=before or None
        )
        skus = await load_skus(tx, house.tenant)
        head = await load_users_head(tx, house.tenant)
    template = "_uncovered_list.html" if wants_part(request, "list") else "not_synced.html"
    return show(
        template,
        request,
        frame,
        "users",
        page=page,
        **head,
        licence=lambda person: licence_names(person.skus, skus),
        titles=lambda person: licence_titles(person.skus, skus),
        asked={"q": q[:200]},
        position={"after": after, "before": before},
    )


def wanted_users(q: str, source: str, department: str, sku: str, status: str) -> UserFilter:
    """Which users an address asks for. Raises `Unaskable` for words that no filter has."""
    check_choice("source", source, list(Source))
    check_choice("status", status, _STATES)
    return UserFilter(
        text=q[:200],
        source=Source(source) if source else None,
        department=DepartmentKey(department) if department else None,
        sku=sku,
        **_STATES[status],
    )


def _department_options(
    departments: Mapping[DepartmentKey, Department], asked: str
) -> list[tuple[str, str]]:
    """What the filter offers; with very many the page of departments leads here instead."""
    named = sorted(((key, one.name) for key, one in departments.items()), key=lambda one: one[1])
    if len(named) > OFFERED:
        named = [one for one in named if one[0] == asked]
    return [("", "Any department"), *named]


ROUTES = [users, not_synced]
