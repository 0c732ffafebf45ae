"""The console's web application, built once for each doorplate and lent to house after house.

Building it takes several times as long as asking it for a page: every handler's signature is read
and turned into types. What differs between houses is what stands behind the door, and that the
application asks for at each request.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import cache
from typing import Any

from litestar import Litestar
from litestar.types import Receive, Scope, Send

from jackfield.web.api import api_router
from jackfield.web.rooms import DoorSettings, Rooms
from jackfield.web.site import build_site

CSRF_SECRET = "a secret of the tests"

_asked: ContextVar[Rooms] = ContextVar("asked")


class LentSite:
    """The application over the rooms of one house."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._site = _built(rooms.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        before = _asked.set(self._rooms)
        try:
            await self._site(scope, receive, send)
        finally:
            _asked.reset(before)


class _RoomsOfTheAsked:
    """The rooms of the house that the request at hand was sent to."""

    csrf_secret = CSRF_SECRET

    def __init__(self, settings: DoorSettings) -> None:
        self.settings = settings

    def __getattr__(self, name: str) -> Any:
        return getattr(_asked.get(), name)


@cache
def _built(settings: DoorSettings) -> Litestar:
    rooms: Any = _RoomsOfTheAsked(settings)
    return build_site(rooms, [api_router()])
