"""Faces in the console: the avatar of a person, its address, and what is told of a photo."""

from __future__ import annotations

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from jackfield.core.people import ObjectId
from jackfield.core.photos import PhotoState
from jackfield.store.photos import Photo
from jackfield.web.admin.frame import AnyRequest
from jackfield.web.faces import ASK_EACH_TIME, FOR_A_DAY, answer_avatar, load_photo
from jackfield.web.rooms import House

_MARK = 16
"""Digits of a digest that stand in an address: another avatar has another address."""


@get("/people/{person:str}/photo", include_in_schema=False)
async def avatar(
    request: AnyRequest, house: House, person: FromPath[str], v: FromQuery[str] = ""
) -> Response[bytes]:
    """A person's avatar; with its mark in the address the browser keeps it for a day."""
    photo = await load_photo(house, ObjectId(person.lower()))
    named = photo is not None and v == photo.kept.digest[:_MARK]
    kept = FOR_A_DAY if named else ASK_EACH_TIME
    answer = await answer_avatar(house, request, photo, kept)
    if answer is None:
        raise NotFoundException("There is no avatar of this person.")
    return answer


def face(person: ObjectId, digest: str) -> str:
    """The address of an avatar; "" where there is none."""
    return f"/people/{person}/photo?v={digest[:_MARK]}" if digest else ""


def face_of(photo: Photo | None) -> str:
    """The address of a person's avatar; "" where there is none."""
    return face(photo.person, photo.kept.digest) if photo is not None else ""


def photo_told(photo: Photo | None, *, on: bool) -> str:
    """What is to be said of the photo of somebody with an extension, with the next step."""
    if photo is None:
        return "Not looked at yet." if on else "Photos are switched off under Users > M365."
    if photo.because:
        return f"{photo.because} {photo.next_step}".rstrip()
    if photo.kept.state is PhotoState.SHOWN and not photo.kept.set_digest:
        return "Shown in the console; the phone system takes no pictures."
    return ""


ROUTES = [avatar]
