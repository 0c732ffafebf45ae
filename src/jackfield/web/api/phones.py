"""The phone system over the API: extensions and departments, read and changed by hand."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post
from litestar.params import FromQuery, JSONBody, QueryParameter

from jackfield.core.department_reasons import explain_department
from jackfield.core.extensions import DepartmentKey, ExtensionFields, Field
from jackfield.flows.by_hand import Member, Unit
from jackfield.store.groups import load_groups
from jackfield.store.links import load_department_links
from jackfield.store.phone_departments import count_department_members, load_departments
from jackfield.store.settings import load_people_settings
from jackfield.store.users import Order, Source, UserFilter, list_users
from jackfield.store.words import fold
from jackfield.web.api.asking import After, Caller, Key, Limit, Search, check_place, place_behind
from jackfield.web.api.phone_shapes import (
    AcceptedOut,
    DepartmentIn,
    DepartmentOut,
    DepartmentsOut,
    ExtensionChange,
    ExtensionIn,
    ExtensionOut,
    ExtensionsOut,
)
from jackfield.web.api.refusals import told
from jackfield.web.rooms import House, Rooms


@get("/extensions", summary="Extensions of the phone system", responses=told())
async def extensions(
    house: House,
    search: Search = "",
    source: FromQuery[Source | None] = None,
    department: FromQuery[str | None] = None,
    enabled: FromQuery[bool | None] = None,
    leavers: FromQuery[bool | None] = None,
    order: FromQuery[Order] = Order.NAME,
    limit: Limit = 50,
    after: After = None,
) -> ExtensionsOut:
    """Synced ones and those made by hand, as last seen; by name, or by number."""
    place = check_place(after)
    wanted = UserFilter(
        search,
        source=source,
        department=DepartmentKey(department) if department else None,
        enabled=enabled,
        leavers=leavers,
    )
    async with house.database.read() as tx:
        page = await list_users(tx, house.tenant, wanted, order=order, limit=limit, after=place)
    out = [_extension_out(Member(user.extension, user.link)) for user in page.users]
    return ExtensionsOut(out, page.found.next)


@post(
    "/extensions",
    summary="Make an extension by hand",
    status_code=201,
    responses=told(403, 409, 422, 503),
)
async def make_extension(house: House, caller: Caller, data: JSONBody[ExtensionIn]) -> ExtensionOut:
    """The first sync of a person with its address takes it over, number and all."""
    made = await house.phones.create_extension(
        house.tenant,
        data.number,
        ExtensionFields(**{field.value: getattr(data, field) for field in Field}),
        data.departments,
        data.primary_department,
        by=caller.name,
    )
    return _extension_out(made)


@get("/extensions/{key:str}", summary="One extension as it stands now", responses=told(404))
async def extension(house: House, key: Key) -> ExtensionOut:
    return _extension_out(await house.phones.extension(house.tenant, key))


@patch(
    "/extensions/{key:str}",
    summary="Change an extension by hand",
    responses=told(403, 404, 409, 422, 503),
)
async def change_extension(
    house: House, caller: Caller, key: Key, data: JSONBody[ExtensionChange]
) -> ExtensionOut:
    """What Microsoft 365 owns is put back by the next sync; an outbound caller ID stays."""
    changed = await house.phones.update_extension(
        house.tenant,
        key,
        {field: value for field in Field if (value := getattr(data, field)) is not None},
        enabled=data.enabled,
        add=data.add_departments,
        remove=data.remove_departments,
        primary=data.primary_department,
        by=caller.name,
    )
    return _extension_out(changed)


@delete(
    "/extensions/{key:str}",
    summary="Remove an extension by hand",
    status_code=204,
    responses=told(403, 404, 409, 503),
)
async def end_extension(
    house: House,
    caller: Caller,
    key: Key,
    not_again: Annotated[
        bool,
        QueryParameter(
            description="Do not make it again for its person: as `rules.not_recreated` of the"
            " settings."
        ),
    ] = False,
) -> None:
    """That of a person in scope comes back with the next sync, with its number while it is free.

    Unless `not_again`: chosen before it is removed, and taken back where that is refused.
    """
    await house.phones.remove_extension(house.tenant, key, by=caller.name, not_again=not_again)


@get("/departments", summary="Departments of the phone system, by name", responses=told())
async def departments(
    house: House, search: Search = "", limit: Limit = 100, after: FromQuery[str | None] = None
) -> DepartmentsOut:
    """`after` is the key of the last one of the page before."""
    async with house.database.read() as tx:
        known = await load_departments(tx, house.tenant)
        members = await count_department_members(tx, house.tenant)
        links = {one.key: one for one in (await load_department_links(tx, house.tenant)).values()}
    words = fold(search).split()
    units = [
        Unit(one, links.get(one.key))
        for one in sorted(known.values(), key=lambda one: (fold(one.name), one.key))
        if all(f" {word}" in f" {fold(one.name)}" for word in words)
    ]
    keys = [str(unit.department.key) for unit in units]
    begin = place_behind(after, keys)
    page = units[begin : begin + limit]
    out = [_department_out(unit, members.get(unit.department.key, 0)) for unit in page]
    return DepartmentsOut(out, out[-1].key if begin + limit < len(units) else None)


@post(
    "/departments",
    summary="Make a department by hand",
    status_code=201,
    responses=told(403, 409, 422, 503),
)
async def make_department(
    house: House, caller: Caller, data: JSONBody[DepartmentIn]
) -> DepartmentOut:
    """No group is ever bound to it, whatever the group's name."""
    made = await house.phones.create_department(house.tenant, data.name, by=caller.name)
    return await _with_members(house, made)


@get("/departments/{key:str}", summary="One department as it stands now", responses=told(404))
async def department(house: House, key: Key) -> DepartmentOut:
    """With its members, and why it is so."""
    return await _with_members(house, await house.phones.department(house.tenant, key))


@patch(
    "/departments/{key:str}",
    summary="Rename a department by hand",
    responses=told(403, 404, 409, 422, 503),
)
async def rename_department(
    house: House, caller: Caller, key: Key, data: JSONBody[DepartmentIn]
) -> DepartmentOut:
    """From then on it no longer follows its group's name; its members it still does."""
    unit = await house.phones.rename_department(house.tenant, key, data.name, by=caller.name)
    return await _with_members(house, unit)


@delete(
    "/departments/{key:str}",
    summary="Remove a department by hand",
    status_code=204,
    responses=told(403, 404, 409, 503),
)
async def end_department(house: House, caller: Caller, key: Key) -> None:
    """One without members; one whose group is selected comes back with the next sync."""
    await house.phones.remove_department(house.tenant, key, by=caller.name)


async def _with_members(house: Rooms, unit: Unit) -> DepartmentOut:
    group = None if unit.link is None else unit.link.group
    async with house.database.read() as tx:
        members = await count_department_members(tx, house.tenant)
        rules = (await load_people_settings(tx, house.tenant)).value.rules
        known = {} if group is None else await load_groups(tx, house.tenant, [group])
    reasons = explain_department(
        unit.department,
        unit.link,
        None if group is None else known.get(group),
        rules.departments,
        rules.scope,
    )
    return _department_out(unit, members.get(unit.department.key, 0), reasons)


def _department_out(unit: Unit, members: int, reasons: tuple[str, ...] = ()) -> DepartmentOut:
    link = unit.link
    return DepartmentOut(
        unit.department.key,
        unit.department.name,
        members,
        None if link is None else link.group,
        None if link is None else link.flag,
        list(reasons),
    )


def _extension_out(one: Member) -> ExtensionOut:
    extension, fields = one.extension, one.extension.fields
    return ExtensionOut(
        extension.key,
        extension.number,
        fields.first_name,
        fields.last_name,
        fields.email,
        fields.mobile,
        fields.job_title,
        fields.company,
        fields.caller_id,
        fields.office,
        list(extension.departments),
        extension.primary,
        extension.enabled,
        None if one.link is None else one.link.person,
    )


@post(
    "/phone-system/accept",
    summary="Go on with another phone system",
    status_code=200,
    responses=told(403, 409, 503),
)
async def accept_phones(house: House, caller: Caller) -> AcceptedOut:
    """Where the alarm `phones.replaced` stands: links are dropped and made anew by a full sync.

    409 where the phone system is the one that is known, or a run is under way.
    """
    return AcceptedOut(await house.replacing.accept(house.tenant, by=caller.name))


ROUTES = (
    accept_phones,
    extensions,
    make_extension,
    extension,
    change_extension,
    end_extension,
    departments,
    make_department,
    department,
    rename_department,
    end_department,
)
