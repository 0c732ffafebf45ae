"""Departments: which group each follows, its extensions, and what became of the group."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery
from litestar.response import Template

from jackfield.core.department_reasons import explain_department
from jackfield.core.departments import Group, explain_departments
from jackfield.core.extensions import Department, DepartmentLink
from jackfield.store.groups import load_groups
from jackfield.store.links import load_department_links
from jackfield.store.phone_departments import count_department_members, load_departments
from jackfield.store.settings import load_people_settings
from jackfield.store.transaction import Transaction
from jackfield.store.words import fold
from jackfield.web.admin.asking import PageNumber
from jackfield.web.admin.frame import AnyRequest, load_frame, show, wants_part
from jackfield.web.rooms import House

PAGE = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A department with what is known about it."""

    department: Department
    members: int
    link: DepartmentLink | None
    group: Group | None


@get("/departments", include_in_schema=False)
async def departments(
    request: AnyRequest, house: House, q: FromQuery[str] = "", page: PageNumber = 1
) -> Template:
    """All departments by name, linked ones with their group."""
    tenant = house.tenant
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        settings = (await load_people_settings(tx, tenant)).value
        rules = settings.rules
        chosen = {*rules.departments.groups, *rules.scope.selected_groups}
        groups = await load_groups(tx, tenant, sorted(chosen))
        rows, known = await load_rows(tx, tenant, q)
    pages = max(1, -(-len(rows) // PAGE))
    asked_page, page = page, min(page, pages)
    return show(
        "_departments_list.html" if wants_part(request, "list") else "departments.html",
        request,
        frame,
        "departments",
        rows=rows[(page - 1) * PAGE : page * PAGE],
        total=len(rows),
        all=known,
        page=page,
        beyond=asked_page if asked_page > page else 0,
        pages=pages,
        asked={"q": q[:200]},
        sentences=explain_departments(rules.departments, rules.scope, groups),
        enabled=settings.enabled,
    )


@get("/departments/why", include_in_schema=False)
async def department(request: AnyRequest, house: House, key: FromQuery[str] = "") -> Template:
    """One department, and why it is so."""
    tenant = house.tenant
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        rules = (await load_people_settings(tx, tenant)).value.rules
        rows, _ = await load_rows(tx, tenant, "")
    row = next((one for one in rows if one.department.key == key), None)
    if row is None:
        raise NotFoundException("There is no such department in the phone system (any more).")
    return show(
        "department.html",
        request,
        frame,
        "departments",
        row=row,
        reasons=explain_department(
            row.department, row.link, row.group, rules.departments, rules.scope
        ),
    )


async def load_rows(tx: Transaction, tenant: int, q: str) -> tuple[list[Row], int]:
    """Departments by name that have these words, and how many there are in all."""
    known = await load_departments(tx, tenant)
    members = await count_department_members(tx, tenant)
    links = {one.key: one for one in (await load_department_links(tx, tenant)).values()}
    groups = await load_groups(tx, tenant, sorted({one.group for one in links.values()}))
    words = fold(q[:200]).split()
    rows = []
    for one in sorted(known.values(), key=lambda one: (fold(one.name), one.key)):
        link = links.get(one.key)
        if all(f" {word}" in f" {fold(one.name)}" for word in words):
            group = groups.get(link.group) if link else None
            rows.append(Row(one, members.get(one.key, 0), link, group))
    return rows, len(known)


ROUTES = [departments, department]
