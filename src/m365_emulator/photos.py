"""People's photos over HTTP: metadata, sizes, and the pictures themselves.

Reading only. The answers carry the photo's ETag; Microsoft documents no conditional reading, so
`If-None-Match` is overlooked and the picture comes every time.
Source: Graph docs, api/profilephoto-get and resources/profilephoto, known-issues/users; issues of
the Graph SDKs for the codes and the ETag of the picture's answer; read 2026-11.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.access import EXCHANGE_DENIES, requires
from m365_emulator.errors import GraphError, not_found
from m365_emulator.listing import answer
from m365_emulator.paging import root_of
from m365_emulator.portraits import SIZES, Photo, has_mailbox
from m365_emulator.resources import User
from m365_emulator.tenant import Tenant

PHOTO_ROLES = ("ProfilePhoto.Read.All", "User.Read.All")
_BY_NAME = {f"{edge}x{edge}": edge for edge in SIZES}


class PhotoRoutes:
    """The `/users/{id}/photo` and `/photos` routes of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        found = []
        for item in ("/users/{id}", "/users('{id}')"):
            found += [
                Route(f"{item}/photo", self.get_photo, methods=["GET"]),
                Route(f"{item}/photo/$value", self.get_picture, methods=["GET"]),
                Route(f"{item}/photos", self.list_sizes, methods=["GET"]),
                Route(f"{item}/photos/{{size}}", self.get_size, methods=["GET"]),
                Route(f"{item}/photos/{{size}}/$value", self.get_picture_of_size, methods=["GET"]),
            ]
        return found

    @requires(*PHOTO_ROLES, denial=EXCHANGE_DENIES, own="User.Read")
    async def get_photo(self, request: Request) -> Response:
        user = self._asked(request)
        photo = self._tenant.photos.of(user.id)
        if photo is None and self._tenant.quirks.missing_photo_as_pixel and has_mailbox(user):
            photo = Photo(etag="", content_type="image/gif", width=1, height=1)
        if photo is None:
            raise _missing(user)
        return _told(request, user, "photo", photo)

    @requires(*PHOTO_ROLES, denial=EXCHANGE_DENIES, own="User.Read")
    async def get_picture(self, request: Request) -> Response:
        user = self._asked(request)
        photo = self._tenant.photos.of(user.id)
        if photo is None:
            raise _missing(user)
        return _picture(photo, self._tenant.photos.content(user.id))

    @requires(*PHOTO_ROLES, denial=EXCHANGE_DENIES, own="User.Read")
    async def list_sizes(self, request: Request) -> Response:
        user = self._asked(request)
        context = f"{root_of(request)}/$metadata#users('{user.id}')/photos"
        sizes = [_metadata(size) for size in self._tenant.photos.sizes(user.id)]
        return answer(msgspec.json.encode({"@odata.context": context, "value": sizes}))

    @requires(*PHOTO_ROLES, denial=EXCHANGE_DENIES, own="User.Read")
    async def get_size(self, request: Request) -> Response:
        user = self._asked(request)
        size = self._size(request, user)
        return _told(request, user, f"photos('{size.name}')", size)

    @requires(*PHOTO_ROLES, denial=EXCHANGE_DENIES, own="User.Read")
    async def get_picture_of_size(self, request: Request) -> Response:
        user = self._asked(request)
        size = self._size(request, user)
        return _picture(size, self._tenant.photos.content(user.id, size.width))

    def _size(self, request: Request, user: User) -> Photo:
        edge = _BY_NAME.get(request.path_params["size"].lower())
        for size in self._tenant.photos.sizes(user.id):
            if size.width == edge:
                return size
        raise _missing(user)

    def _asked(self, request: Request) -> User:
        self._tenant.read()
        key: str = request.path_params["id"]
        user = self._tenant.seen_user(key)
        if user is None:
            raise not_found(key)
        return user


def _missing(user: User) -> GraphError:
    if not has_mailbox(user):
        return GraphError(
            404, "ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it."
        )
    return GraphError(
        404,
        "ImageNotFound",
        "Exception of type 'Microsoft.Fast.Profile.Core.Exception.ImageNotFoundException' was "
        "thrown.",
    )


def _metadata(photo: Photo) -> dict[str, object]:
    return {
        "@odata.mediaContentType": photo.content_type,
        "@odata.mediaEtag": photo.etag,
        "id": photo.name,
        "height": photo.height,
        "width": photo.width,
    }


def _told(request: Request, user: User, where: str, photo: Photo) -> Response:
    root = root_of(request)
    head = {
        "@odata.context": f"{root}/$metadata#users('{user.id}')/{where}/$entity",
        "@odata.id": f"{root}/users('{user.id}')/{where}",
    }
    return answer(msgspec.json.encode(head | _metadata(photo)))


def _picture(photo: Photo, content: bytes) -> Response:
    return Response(content, headers={"ETag": photo.etag}, media_type=photo.content_type)


def routes(tenant: Tenant) -> list[Route]:
    """Reading photos, by the rights to read users or photos."""
    return PhotoRoutes(tenant).routes()
