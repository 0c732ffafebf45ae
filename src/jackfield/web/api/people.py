"""People sync over the API: begin a run, people and groups as last seen, the administrator's
choices.
"""

from __future__ import annotations

import msgspec
from litestar import get, post, put
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from jackfield.core.extensions import Link
from jackfield.core.people import GroupId, ObjectId, Person
from jackfield.core.schedule import Mode
from jackfield.flows.people import Ask
from jackfield.store.errors import BrokenDocument, VersionMoved
from jackfield.store.groups import load_groups, search_groups
from jackfield.store.links import load_links
from jackfield.store.people import load_people, search_people
from jackfield.store.runs import Trigger
from jackfield.store.settings import (
    PeopleSettings,
    decode_strictly,
    load_people_settings,
    save_people_settings,
)
from jackfield.web.api.running import started
from jackfield.web.api.shapes import (
    By,
    Conflict,
    GroupOut,
    GroupsOut,
    Limit,
    PeopleOut,
    PersonOut,
    RunOut,
    SettingsIn,
    SettingsOut,
    SyncIn,
)
from jackfield.web.rooms import House


@post("/people/sync", summary="Bring the phone system in line now", status_code=202)
async def sync_people(rooms: House, viewer: By, data: JSONBody[SyncIn]) -> RunOut:
    mode = Mode.FULL if data.full else Mode.DELTA
    ask = Ask(mode, Trigger.ADMINISTRATOR, viewer.name, (data.person or "").strip())
    return await started(rooms, ask)


@get("/people", summary="People of Microsoft 365, by name")
async def people(
    rooms: House,
    search: FromQuery[str] = "",
    limit: Limit = 50,
    after: FromQuery[str | None] = None,
) -> PeopleOut:
    async with rooms.database.read() as tx:
        found = await search_people(tx, rooms.tenant, search, limit=limit, after=after)
        ids = [ObjectId(one) for one in found.refs]
        known = await load_people(tx, rooms.tenant, ids)
        links = await load_links(tx, rooms.tenant, ids)
    out = [_person_out(known[one], links.get(one)) for one in ids if one in known]
    return PeopleOut(out, found.next)


@get("/people/{person:str}", summary="One person, and why it is so")
async def person(rooms: House, person: FromPath[str]) -> PersonOut:
    async with rooms.database.read() as tx:
        person_id = ObjectId(person.lower())
        known = (await load_people(tx, rooms.tenant, [person_id])).get(person_id)
        if known is None:
            raise NotFoundException(f"There is no person {person} in the picture.")
        link = (await load_links(tx, rooms.tenant, [person_id])).get(person_id)
    return _person_out(known, link, await rooms.planning.explain(rooms.tenant, person_id))


@get("/groups", summary="Groups of Microsoft 365, by name")
async def groups(
    rooms: House,
    search: FromQuery[str] = "",
    limit: Limit = 50,
    after: FromQuery[str | None] = None,
) -> GroupsOut:
    async with rooms.database.read() as tx:
        found = await search_groups(tx, rooms.tenant, search, limit=limit, after=after)
        known = await load_groups(tx, rooms.tenant, [GroupId(one) for one in found.refs])
    out = [
        GroupOut(one.id, one.name, one.kind, one.dynamic, one.standing)
        for ref in found.refs
        if (one := known.get(GroupId(ref))) is not None
    ]
    return GroupsOut(out, found.next)


@get("/settings/people", summary="What the administrator chose about people sync")
async def people_settings(rooms: House) -> SettingsOut:
    async with rooms.database.read() as tx:
        stored = await load_people_settings(tx, rooms.tenant)
    return SettingsOut(stored.version, stored.value)


@put("/settings/people", summary="Choose what people sync does")
async def save_settings(rooms: House, viewer: By, data: JSONBody[SettingsIn]) -> SettingsOut:
    try:
        wanted = decode_strictly(msgspec.json.encode(data.settings), PeopleSettings)
        async with rooms.database.write() as tx:
            await save_people_settings(
                tx,
                rooms.tenant,
                wanted,
                expected_version=data.version,
                by=viewer.name,
                now=rooms.clock.now(),
            )
            stored = await load_people_settings(tx, rooms.tenant)
    except VersionMoved as error:
        raise Conflict(str(error)) from error
    except (ValueError, BrokenDocument) as error:
        raise ClientException(f"These settings cannot be saved: {error}") from error
    return SettingsOut(stored.version, stored.value)


def _person_out(known: Person, link: Link | None, reasons: tuple[str, ...] = ()) -> PersonOut:
    return PersonOut(
        known.id,
        known.upn,
        known.display_name,
        known.given_name,
        known.surname,
        known.mail,
        known.mobile_phone,
        known.business_phone,
        known.job_title,
        known.company_name,
        known.department,
        known.enabled,
        known.user_type,
        known.has_mailbox,
        known.has_teams,
        known.standing,
        None if link is None else link.number,
        None if link is None or link.left is None else link.left.value,
        list(reasons),
    )


ROUTES = (
    sync_people,
    people,
    person,
    groups,
    people_settings,
    save_settings,
)
