"""The phone system over the API: extensions and departments, read and changed by hand."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from jackfield.core.extensions import Extension, ExtensionFields, Field
from jackfield.flows.by_hand import HandRefused
from jackfield.store.links import load_department_links
from jackfield.store.phones import load_departments
from jackfield.store.users import UserFilter, list_users
from jackfield.web.api.shapes import (
    By,
    Conflict,
    DepartmentIn,
    DepartmentOut,
    DepartmentsOut,
    ExtensionChange,
    ExtensionIn,
    ExtensionOut,
    ExtensionsOut,
    Limit,
)
from jackfield.web.rooms import House


@get("/extensions", summary="Extensions of the phone system, by name")
async def extensions(
    rooms: House,
    search: FromQuery[str] = "",
    limit: Limit = 50,
    after: FromQuery[str | None] = None,
) -> ExtensionsOut:
    async with rooms.database.read() as tx:
        page = await list_users(tx, rooms.tenant, UserFilter(search), limit=limit, after=after)
    return ExtensionsOut(
        [
            _extension_out(user.extension, None if user.link is None else user.link.person)
            for user in page.users
        ],
        page.found.next,
    )


@post("/extensions", summary="Make an extension by hand", status_code=201)
async def make_extension(rooms: House, viewer: By, data: JSONBody[ExtensionIn]) -> ExtensionOut:
    fields = ExtensionFields(**{field: getattr(data, field) for field in Field})
    try:
        made = await rooms.phones.create_extension(
            rooms.tenant,
            data.number,
            fields,
            data.departments,
            data.primary_department,
            by=viewer.name,
        )
    except HandRefused as error:
        raise _refused(error) from error
    return _extension_out(made)


@patch("/extensions/{key:str}", summary="Change an extension by hand")
async def change_extension(
    rooms: House, viewer: By, key: FromPath[str], data: JSONBody[ExtensionChange]
) -> ExtensionOut:
    changes = {field: value for field in Field if (value := getattr(data, field)) is not None}
    try:
        changed = await rooms.phones.update_extension(
            rooms.tenant,
            key,
            changes,
            enabled=data.enabled,
            add=data.add_departments,
            remove=data.remove_departments,
            primary=data.primary_department,
            by=viewer.name,
        )
    except HandRefused as error:
        raise _refused(error) from error
    return _extension_out(changed)


@delete("/extensions/{key:str}", summary="Remove an extension by hand", status_code=204)
async def end_extension(rooms: House, viewer: By, key: FromPath[str]) -> None:
    try:
        await rooms.phones.remove_extension(rooms.tenant, key, by=viewer.name)
    except HandRefused as error:
        raise _refused(error) from error


@get("/departments", summary="Departments of the phone system")
async def departments(rooms: House) -> DepartmentsOut:
    async with rooms.database.read() as tx:
        known = await load_departments(tx, rooms.tenant)
        links = {one.key: one for one in (await load_department_links(tx, rooms.tenant)).values()}
    out = []
    for department in sorted(known.values(), key=lambda one: (one.name.casefold(), one.key)):
        link = links.get(department.key)
        flag = link.flag if link is not None else None
        group = link.group if link is not None else None
        out.append(DepartmentOut(department.key, department.name, group, flag))
    return DepartmentsOut(out)


@post("/departments", summary="Make a department by hand", status_code=201)
async def make_department(rooms: House, viewer: By, data: JSONBody[DepartmentIn]) -> DepartmentOut:
    try:
        made = await rooms.phones.create_department(rooms.tenant, data.name, by=viewer.name)
    except HandRefused as error:
        raise _refused(error) from error
    return DepartmentOut(made.key, made.name, None, None)


@patch("/departments/{key:str}", summary="Rename a department by hand")
async def rename_department(
    rooms: House, viewer: By, key: FromPath[str], data: JSONBody[DepartmentIn]
) -> DepartmentOut:
    try:
        named = await rooms.phones.rename_department(rooms.tenant, key, data.name, by=viewer.name)
    except HandRefused as error:
        raise _refused(error) from error
    return DepartmentOut(named.key, named.name, None, None)


@delete("/departments/{key:str}", summary="Remove a department by hand", status_code=204)
async def end_department(rooms: House, viewer: By, key: FromPath[str]) -> None:
    try:
        await rooms.phones.remove_department(rooms.tenant, key, by=viewer.name)
    except HandRefused as error:
        raise _refused(error) from error


def _refused(error: HandRefused) -> HTTPException:
    return NotFoundException(str(error)) if error.unknown else Conflict(str(error))


def _extension_out(one: Extension, person: str | None = None) -> ExtensionOut:
    fields = one.fields
    return ExtensionOut(
        one.key,
        one.number,
        fields.first_name,
        fields.last_name,
        fields.email,
        fields.mobile,
        fields.job_title,
        fields.company,
        list(one.departments),
        one.primary,
        one.enabled,
        person,
    )


ROUTES = (
    extensions,
    make_extension,
    change_extension,
    end_extension,
    departments,
    make_department,
    rename_department,
    end_department,
)
