"""The documented JSON API under `/api/v1`: the same flows as the console, for scripts and commands.

Handlers translate and nothing else. `/schema/openapi.json` describes every shape; `docs/api.md`
tells how to use it.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Router
from litestar.di import Provide

from jackfield.flows.signin import Viewer
from jackfield.web.api import (
    access,
    choices,
    installation,
    matches,
    numbers,
    people,
    phones,
    photos,
    plans,
    runs,
    tenants,
)
from jackfield.web.api.asking import check_question
from jackfield.web.api.refusals import ANSWERS
from jackfield.web.rooms import Rooms
from jackfield.web.tenancy import rooms_by_request

_SUBJECTS = {
    "Installation": installation,
    "Tenants": tenants,
    "People": people,
    "Doubtful matches": matches,
    "Photos": photos,
    "Runs": runs,
    "Plans": plans,
    "Phone system": phones,
    "Numbers": numbers,
    "Settings": choices,
    "Access": access,
}


def api_router(rooms: Rooms) -> Router:
    """All routes of the API."""

    def caller_of(request: Request[Viewer, Any, Any]) -> Viewer:
        return request.user

    return Router(
        "/api/v1",
        route_handlers=[
            Router("/", route_handlers=subject.ROUTES, tags=[name])
            for name, subject in _SUBJECTS.items()
        ],
        dependencies={
            "rooms": rooms_by_request(rooms),
            "caller": Provide(caller_of, sync_to_thread=False),
        },
        before_request=check_question,
        exception_handlers=ANSWERS,
        security=[{"token": []}],
    )
