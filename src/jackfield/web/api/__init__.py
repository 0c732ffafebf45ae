"""The documented JSON API under `/api/v1`: the same flows as the console, for scripts and commands.

Handlers translate and nothing else. `/schema/openapi.json` describes every shape; `docs/api.md`
tells how to use it.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Router
from litestar.di import Provide

from jackfield.flows.signin import Viewer
from jackfield.web.api import installation, people, phones, plans
from jackfield.web.rooms import Rooms


def api_router(rooms: Rooms) -> Router:
    """All routes of the API."""

    def viewer_of(request: Request[Viewer, Any, Any]) -> Viewer:
        return request.user

    return Router(
        "/api/v1",
        route_handlers=[
            *installation.ROUTES,
            *people.ROUTES,
            *plans.ROUTES,
            *phones.ROUTES,
        ],
        dependencies={
            "rooms": Provide(lambda: rooms, sync_to_thread=False),
            "viewer": Provide(viewer_of, sync_to_thread=False),
        },
        tags=["Jackfield"],
    )
