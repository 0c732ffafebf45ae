"""What no route answers: the page of an error all the same has the menu of whoever is signed in.

Who asks is found out by middleware that stands before routes; an address without a route passes
none, so that it is made up for here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.types import ASGIApp, Receive, Scope, Send

from jackfield.store.errors import DatabaseUnusable
from jackfield.web.errors import API, answer_http
from jackfield.web.rooms import Rooms
from jackfield.web.security import SAFE, OwnForms, Visitors, form_tokens

AnyRequest = Request[Any, Any, Any]
_UNASKED = object()


def answer_strays(house: Rooms) -> Callable[[AnyRequest, NotFoundException], Response[Any]]:
    """The handler for whatever is not there."""

    def answer(request: AnyRequest, error: NotFoundException) -> Response[Any]:
        scope = request.scope
        page = scope["method"] in SAFE and not scope["path"].startswith((API, "/static/"))
        routed = scope.get("user", _UNASKED) is not _UNASKED
        if routed or not page:
            return answer_http(request, error)
        return _Stray(house, error)

    return answer


class _Stray(Response[None]):
    """Answered once it is known who asks."""

    def __init__(self, house: Rooms, error: NotFoundException) -> None:
        super().__init__(None)
        self._house = house
        self._error = error

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIApp:  # type: ignore[override]
        async def told(scope: Scope, receive: Receive, send: Send) -> None:
            request: AnyRequest = Request(scope)
            answer = answer_http(request, self._error)
            await answer.to_asgi_response(app=None, request=request)(scope, receive, send)

        async def recognised(scope: Scope, receive: Receive, send: Send) -> None:
            asked = OwnForms(told, config=form_tokens(self._house))
            try:
                await Visitors(asked, self._house)(scope, receive, send)
            except DatabaseUnusable:
                await told(scope, receive, send)

        return recognised
