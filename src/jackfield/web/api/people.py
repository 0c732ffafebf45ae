"""People and groups of Microsoft 365 over the API, as last seen, and why each is as it is."""

from __future__ import annotations

from litestar import get
from litestar.exceptions import NotFoundException

from jackfield.core.departments import Group
from jackfield.core.extensions import Link
from jackfield.core.people import GroupId, ObjectId, Person
from jackfield.flows.coverage import load_uncovered
from jackfield.store.groups import find_groups, load_groups, search_groups
from jackfield.store.links import load_links
from jackfield.store.people import find_person, load_people, search_people
from jackfield.store.photos import Photo, load_photos
from jackfield.store.users import has_left
from jackfield.web.api.asking import After, Key, Limit, Search, check_place
from jackfield.web.api.people_shapes import (
    GroupOut,
    GroupsOut,
    NotSyncedOut,
    PeopleOut,
    PersonOut,
    UncoveredOut,
)
from jackfield.web.api.photos import photo_out
from jackfield.web.api.refusals import Ambiguous, told
from jackfield.web.rooms import House


@get("/people", summary="People of Microsoft 365, by name", responses=told())
async def people(
    house: House, search: Search = "", limit: Limit = 50, after: After = None
) -> PeopleOut:
    """Those who are there; deleted ones are found by their object ID only."""
    place = check_place(after)
    async with house.database.read() as tx:
        found = await search_people(tx, house.tenant, search, limit=limit, after=place)
        ids = [ObjectId(one) for one in found.refs]
        known = await load_people(tx, house.tenant, ids)
        links = await load_links(tx, house.tenant, ids)
        photos = await load_photos(tx, house.tenant, ids)
    out = [_person_out(known[one], links.get(one), photos.get(one)) for one in ids if one in known]
    return PeopleOut(out, found.next)


@get("/people/not-synced", summary="People without an extension, and why", responses=told())
async def not_synced(
    house: House, search: Search = "", limit: Limit = 50, after: After = None
) -> NotSyncedOut:
    """Each with the reason, in a sentence."""
    place = check_place(after)
    async with house.database.read() as tx:
        page = await load_uncovered(tx, house.tenant, search, limit=limit, after=place)
    out = [
        UncoveredOut(
            one.person.id,
            one.person.upn,
            one.person.display_name,
            one.in_scope,
            one.because,
            one.next_step,
        )
        for one in page.people
    ]
    return NotSyncedOut(out, page.found.next)


@get("/people/{person:str}", summary="One person, and why it is so", responses=told(404))
async def person(house: House, person: Key) -> PersonOut:
    """By object ID or UPN (percent-encode the `#` of a guest's)."""
    async with house.database.read() as tx:
        id_ = await find_person(tx, house.tenant, person)
        known = {} if id_ is None else await load_people(tx, house.tenant, [id_])
        if id_ is None or id_ not in known:
            raise NotFoundException(
                f"There is no person {person!r} in what was read of Microsoft 365 so far."
            )
        link = (await load_links(tx, house.tenant, [id_])).get(id_)
        photo = (await load_photos(tx, house.tenant, [id_])).get(id_)
    return _person_out(known[id_], link, photo, await house.planning.explain(house.tenant, id_))


@get("/groups", summary="Groups of Microsoft 365, by name", responses=told())
async def groups(
    house: House, search: Search = "", limit: Limit = 50, after: After = None
) -> GroupsOut:
    """Those that were read so far, deleted ones included."""
    place = check_place(after)
    async with house.database.read() as tx:
        found = await search_groups(tx, house.tenant, search, limit=limit, after=place)
        known = await load_groups(tx, house.tenant, [GroupId(one) for one in found.refs])
    out = [_group_out(one) for ref in found.refs if (one := known.get(GroupId(ref))) is not None]
    return GroupsOut(out, found.next)


@get("/groups/{group:str}", summary="One group of Microsoft 365", responses=told(404, 409))
async def group(house: House, group: Key) -> GroupOut:
    """By object ID, or by exactly its name; 409 where several groups bear it."""
    async with house.database.read() as tx:
        fitting = await find_groups(tx, house.tenant, group)
    if not fitting:
        raise NotFoundException(
            f"There is no group {group!r} in what was read of Microsoft 365 so far."
        )
    if len(fitting) > 1:
        ids = ", ".join(one.id for one in fitting)
        raise Ambiguous(f"{len(fitting)} groups are called {group!r}; give the object ID: {ids}.")
    (one,) = fitting
    return _group_out(one)


def _group_out(one: Group) -> GroupOut:
    return GroupOut(one.id, one.name, one.kind, one.dynamic, one.standing)


def _person_out(
    known: Person, link: Link | None, photo: Photo | None, reasons: tuple[str, ...] = ()
) -> PersonOut:
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
        known.office_location,
        None if known.extension_attributes is None else list(known.extension_attributes),
        known.enabled,
        known.user_type,
        known.has_mailbox,
        known.has_teams,
        known.standing,
        None if link is None else link.number,
        has_left(link, known),
        None if photo is None else photo_out(photo),
        list(reasons),
    )


ROUTES = (people, not_synced, person, groups, group)
