"""People's photos over the API: the avatar, what came of each photo, and a look at all of them."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, QueryParameter

from jackfield.core.people import Person, is_object_id
from jackfield.core.photos import PhotoState
from jackfield.store.people import find_person, load_people
from jackfield.store.photos import Photo, list_photos, load_photos
from jackfield.store.runs import Trigger
from jackfield.web.api.asking import NO_PLACE, Caller, Key, Limit
from jackfield.web.api.people_shapes import PhotoLine, PhotoOut, PhotosOut
from jackfield.web.api.refusals import Unreadable, told
from jackfield.web.api.run_shapes import RunOut
from jackfield.web.api.running import run_of_flow
from jackfield.web.faces import ASK_EACH_TIME, answer_avatar
from jackfield.web.rooms import House

AfterPerson = Annotated[
    str | None,
    QueryParameter(max_length=200, description="The `next` of the page before; none: begin."),
]


@get(
    "/people/{person:str}/photo",
    summary="A person's avatar",
    media_type="image/jpeg",
    responses={**told(404), 304: ResponseSpec(None, description="The caller has it.")},
)
async def avatar(house: House, request: Request[Any, Any, Any], person: Key) -> Response[bytes]:
    """By object ID or UPN: a square JPEG of at most 256 pixels, with an `ETag`."""
    async with house.database.read() as tx:
        id_ = await find_person(tx, house.tenant, person)
        known = {} if id_ is None else await load_people(tx, house.tenant, [id_])
        photo = None if id_ is None else (await load_photos(tx, house.tenant, [id_])).get(id_)
    if id_ is None or id_ not in known:
        raise NotFoundException(
            f"There is no person {person!r} in what was read of Microsoft 365 so far."
        )
    answer = await answer_avatar(house, request, photo, ASK_EACH_TIME)
    if answer is None:
        raise NotFoundException(_without(known[id_], photo))
    return answer


@get("/photos", summary="What came of people's photos", responses=told())
async def photos(
    house: House,
    status: FromQuery[PhotoState | None] = None,
    limit: Limit = 50,
    after: AfterPerson = None,
) -> PhotosOut:
    """By object ID; `unusable` and `unread` ones are for somebody to look at."""
    if after and not is_object_id(after):
        raise Unreadable(NO_PLACE)
    states = list(PhotoState) if status is None else [status]
    async with house.database.read() as tx:
        page = await list_photos(tx, house.tenant, states, limit=limit, after=after)
        known = await load_people(tx, house.tenant, [one.person for one in page.photos])
    return PhotosOut([_line(one, known.get(one.person)) for one in page.photos], page.next)


@post(
    "/photos/sync",
    summary="Look at everybody's photo now",
    status_code=202,
    responses=told(403, 409),
)
async def sync_photos(house: House, caller: Caller) -> RunOut:
    """Answers the run; while one is under way, that one. 409 while photos are switched off."""
    flow = await house.photos.start(house.tenant, trigger=Trigger.ADMINISTRATOR, by=caller.name)
    return await run_of_flow(house, flow)


def photo_out(photo: Photo) -> PhotoOut:
    """What came of a photo."""
    kept = photo.kept
    return PhotoOut(kept.state, bool(kept.digest), photo.because, photo.next_step, photo.checked_at)


def _line(photo: Photo, person: Person | None) -> PhotoLine:
    out = photo_out(photo)
    return PhotoLine(
        out.status,
        out.avatar,
        out.because,
        out.next_step,
        out.checked_at,
        photo.person,
        "" if person is None else person.upn,
        "" if person is None else person.display_name,
    )


def _without(person: Person, photo: Photo | None) -> str:
    """Why there is no avatar of a person."""
    name = person.display_name or person.upn
    if photo is None:
        return f"The photo of {name} has not been looked at: they have no extension yet, or wait."
    if photo.because:
        return f"There is no avatar of {name}. {photo.because} {photo.next_step}".rstrip()
    return f"{name} has no photo in Microsoft 365."


ROUTES = (avatar, photos, sync_photos)
