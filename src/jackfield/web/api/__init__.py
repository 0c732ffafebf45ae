"""The documented JSON API under `/api/v1`: the same flows as the console, for scripts and commands.

Handlers translate and nothing else. `/schema/openapi.json` describes every shape; `docs/api.md`
tells how to use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Router
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType

from jackfield.flows.signin import Viewer
from jackfield.web.api import (
    access,
    choices,
    graph,
    installation,
    matches,
    number_rules,
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
from jackfield.web.tenancy import ABOUT, About

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
    "Number rules": number_rules,
    "Settings": choices,
    "Microsoft Graph": graph,
    "Access": access,
}


_TENANT = Parameter(
    name="Jackfield-Tenant",
    param_in="header",
    required=False,
    description="The tenant that the call is about, by name (percent-encoded) or number. Needless"
    " where the caller sees one tenant only.",
    schema=Schema(type=OpenAPIType.STRING),
)


@dataclass
class OfTenant(Operation):
    """A call about one tenant, as the OpenAPI document tells it."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or ()), _TENANT]


def _described(routes: Sequence[HTTPRouteHandler]) -> Sequence[HTTPRouteHandler]:
    for route in routes:
        if route.opt.get(ABOUT) is not About.INSTALLATION:
            route.operation_class = OfTenant
    return routes


def api_router() -> Router:
    """All routes of the API."""

    def caller_of(request: Request[Viewer, Any, Any]) -> Viewer:
        return request.user

    return Router(
        "/api/v1",
        route_handlers=[
            Router("/", route_handlers=_described(subject.ROUTES), tags=[name])
            for name, subject in _SUBJECTS.items()
        ],
        dependencies={
            "caller": Provide(caller_of, sync_to_thread=False),
        },
        before_request=check_question,
        exception_handlers=ANSWERS,
        security=[{"token": []}],
    )
