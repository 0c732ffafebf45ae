"""How a person's avatar is answered, to pages and to programs: by its digest, kept privately.

A face is personal: only the browser of who is signed in may keep it, nothing in between.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response

from jackfield.core.people import ObjectId
from jackfield.store.images import load_image
from jackfield.store.photos import Photo, load_photos
from jackfield.web.rooms import Rooms

ASK_EACH_TIME = "private, no-cache"
"""Kept, but asked about each time: 304 while it is the same."""
FOR_A_DAY = "private, max-age=86400, immutable"
"""For an address that names the avatar's digest."""


async def answer_avatar(
    house: Rooms, request: Request[Any, Any, Any], photo: Photo | None, kept: str
) -> Response[bytes] | None:
    """The avatar made of a photo, or 304 where the caller has it; None where there is none."""
    digest = photo.kept.digest if photo is not None else ""
    if not digest:
        return None
    headers = {"etag": f'"{digest}"', "cache-control": kept}
    if _holds(request.headers.get("if-none-match", ""), digest):
        return Response(b"", status_code=304, headers=headers)
    async with house.database.read() as tx:
        avatar = await load_image(tx, house.tenant, digest)
    if avatar is None:
        return None
    return Response(avatar.content, media_type=avatar.content_type, headers=headers)


async def load_photo(house: Rooms, person: ObjectId) -> Photo | None:
    """What is known of a person's photo; None where nobody has looked yet."""
    async with house.database.read() as tx:
        return (await load_photos(tx, house.tenant, [person])).get(person)


def _holds(given: str, digest: str) -> bool:
    """Whether an If-None-Match names the avatar. Source: RFC 9110, 13.1.2, read 2026-11."""
    tags = [one.strip().removeprefix("W/") for one in given.split(",")]
    return "*" in tags or f'"{digest}"' in tags
