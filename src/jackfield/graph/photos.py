"""People's photos: whether they have changed, told by their ETags, and the pictures themselves.

ETags are asked for twenty at a time, pictures one by one, because one that is too large must not
take others with it. What becomes of a picture is decided elsewhere.
Source: Graph docs, api/profilephoto-get, resources/profilephoto, api/profilephoto-update (a photo
has at most 4 MB), known-issues/users; read 2026-11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from jackfield.core.people import ObjectId
from jackfield.graph.asking import Answer, Ask
from jackfield.graph.batch import Part, send_batch
from jackfield.graph.client import GraphClient
from jackfield.graph.errors import GraphError, NotFound, PermissionMissing, Rejected
from jackfield.graph.pace import Workload

MAY_READ_PHOTOS = "ProfilePhoto.Read.All"
"""The least; `User.Read.All` will do as well."""
MOST_PICTURE_BYTES = 4 * 1024 * 1024
_KEPT_EDGE = 360
"""A size that Microsoft 365 keeps ready, and the next one above an avatar's 256 pixels."""
_PIXEL = "1x1"
_NOT_TOLD = frozenset(
    {
        "request_resourcenotfound",
        "errorinvaliduser",
        "errornonexistentmailbox",
        "mailboxnotenabledforrestapi",
    }
)
"""404 of somebody who is not there, or has no mailbox to keep a photo in: whether there was one is
not told. Any other code (ImageNotFound, ErrorItemNotFound ...) says that there is none."""


@dataclass(frozen=True, slots=True)
class PhotoHead:
    """A photo as it is told without its picture; 0 pixels where that is not known."""

    etag: str
    width: int = 0
    height: int = 0

    @property
    def is_kept_smaller(self) -> bool:
        """Whether Microsoft 365 has made smaller sizes of it: of square ones only."""
        return self.width == self.height > _KEPT_EDGE


class _HeadWire(msgspec.Struct):
    etag: str = msgspec.field(name="@odata.mediaEtag")
    id: str = ""
    width: int | None = None
    height: int | None = None


_DECODER = msgspec.json.Decoder(_HeadWire)


async def fetch_photo_heads(
    client: GraphClient, ids: Sequence[ObjectId]
) -> dict[ObjectId, PhotoHead | GraphError | None]:
    """Each person's photo without its picture; None where there is none, or what was refused.

    `NotFound` stands for a person who is not there, or who has no mailbox. Raises what concerns all
    of them (`AgainLater`, `AskAdministrator`).
    """
    parts = [
        Part(str(at), f"/users/{id_}/photo", needs=MAY_READ_PHOTOS) for at, id_ in enumerate(ids)
    ]
    told = await send_batch(client, parts, workload=Workload.OUTLOOK)
    return {id_: _head(told[part.id]) for id_, part in zip(ids, parts, strict=True)}


async def fetch_picture(client: GraphClient, id_: ObjectId, head: PhotoHead) -> bytes:
    """The bytes of a photo, at most `MOST_PICTURE_BYTES`, whatever they are.

    Raises `TooLarge` for more, `NotFound` where the photo is gone by now, and the other errors of a
    call.
    """
    if head.is_kept_smaller:
        size = f"{_KEPT_EDGE}x{_KEPT_EDGE}"
        try:
            return await _picture(client, f"/users/{id_}/photos/{size}/$value")
        except NotFound:
            pass  # no promise of Microsoft's: the size may be missing though the photo is there
    return await _picture(client, f"/users/{id_}/photo/$value")


def is_denied(error: GraphError) -> bool:
    """Whether we may not read it: for want of a permission, or by a policy of Exchange's.

    Exchange answers both with the same words, so one person's answer does not tell which it is.
    """
    denied_here = isinstance(error, Rejected) and error.status == 403
    return denied_here or isinstance(error, PermissionMissing)


async def _picture(client: GraphClient, path: str) -> bytes:
    ask = Ask(
        path,
        headers={"Accept": "image/*"},
        workload=Workload.OUTLOOK,
        needs=MAY_READ_PHOTOS,
        most_bytes=MOST_PICTURE_BYTES,
    )
    return (await client.get(ask)).body


def _head(told: Answer | GraphError) -> PhotoHead | GraphError | None:
    if isinstance(told, NotFound) and told.code.lower() not in _NOT_TOLD:
        return None
    if isinstance(told, GraphError):
        return told
    try:
        wire = told.decode(_DECODER)
    except GraphError as error:
        return error
    if not wire.etag or wire.id == _PIXEL:
        return None
    return PhotoHead(wire.etag, wire.width or 0, wire.height or 0)
