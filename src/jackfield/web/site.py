"""The web application: its routes, what stands before them, and who answers for errors."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from litestar import Litestar, Request, Response, Router, get
from litestar.config.compression import CompressionConfig
from litestar.exceptions import HTTPException, NotFoundException
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import FromPath, FromQuery
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Stream
from litestar.template.config import TemplateConfig

from jackfield.store.errors import BrokenDocument, DatabaseUnusable
from jackfield.web.admin import (
    alarms,
    attributes_trial,
    departments,
    exports,
    graph,
    journal,
    list_exports,
    made_again,
    matches,
    microsoft365,
    number_rules,
    numbers,
    overview,
    person,
    photos,
    plan_list,
    plans,
    removal,
    replacing,
    run_history,
    runs,
    suggestions,
    tenants,
    users,
)
from jackfield.web.admin.asking import Position, check_question
from jackfield.web.doorway import Doorway, dress
from jackfield.web.errors import (
    answer_broken,
    answer_fault,
    answer_http,
    answer_unusable,
)
from jackfield.web.health import health
from jackfield.web.rendering import ENVIRONMENT, load_asset
from jackfield.web.rooms import House, Rooms
from jackfield.web.security import (
    NotSignedIn,
    OwnForms,
    Visitors,
    answer_not_signed_in,
    form_tokens,
    signed_in,
)
from jackfield.web.signin import sign_in, sign_in_page, sign_out
from jackfield.web.strays import answer_strays
from jackfield.web.tenancy import PUBLIC, NamesNone, answer_names_none, choosing, house_by_request

PAGES = (
    *alarms.ROUTES,
    *graph.ROUTES,
    *overview.ROUTES,
    *users.ROUTES,
    *person.ROUTES,
    *photos.ROUTES,
    *matches.ROUTES,
    *microsoft365.ROUTES,
    *attributes_trial.ROUTES,
    *departments.ROUTES,
    *numbers.ROUTES,
    *removal.ROUTES,
    *made_again.ROUTES,
    *replacing.ROUTES,
    *number_rules.ROUTES,
    *plan_list.ROUTES,
    *plans.ROUTES,
    *run_history.ROUTES,
    *runs.ROUTES,
    *suggestions.ROUTES,
    *journal.ROUTES,
    *exports.ROUTES,
    *list_exports.ROUTES,
    *tenants.ROUTES,
)
FOR_EVER = "public, max-age=31536000, immutable"


@get("/static/{name:path}", opt={PUBLIC: True}, sync_to_thread=False, include_in_schema=False)
def static(
    request: Request[Any, Any, Any], name: FromPath[str], v: FromQuery[str] = ""
) -> Response[bytes]:
    """A file of our own or a vendored one; with its hash in the address it is kept for ever."""
    asset = load_asset(name.lstrip("/"))
    if asset is None:
        raise NotFoundException
    kept = FOR_EVER if v == asset.etag else "no-cache"
    headers = {"etag": f'"{asset.etag}"', "cache-control": kept}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(b"", status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)


@get("/live", include_in_schema=False)
async def live(house: House, seen: Position = 0) -> Stream:
    """The one stream of a tab: which topics have changed since `seen`, and how far runs are."""
    headers = {"x-accel-buffering": "no"}
    frames = house.hubs.of(house.tenant).stream(seen)
    return Stream(frames, media_type="text/event-stream", headers=headers)


def build_site(house: Rooms, routers: Sequence[Router] = ()) -> Litestar:
    """The application that serves console and API."""
    site = Litestar(
        [
            static,
            health,
            Router(
                "/",
                route_handlers=[live, sign_in_page, sign_in, sign_out, *PAGES],
                before_request=check_question,
            ),
            *routers,
        ],
        dependencies={"house": house_by_request(house)},
        guards=[signed_in, choosing(house)],
        middleware=[
            DefineMiddleware(Visitors, house=house),
            DefineMiddleware(OwnForms, config=form_tokens(house)),
        ],
        exception_handlers={
            NotSignedIn: answer_not_signed_in,
            NotFoundException: answer_strays(house),
            NamesNone: answer_names_none,
            HTTPException: answer_http,
            DatabaseUnusable: answer_unusable,
            BrokenDocument: answer_broken,
            Exception: answer_fault,
        },
        before_send=[dress(house.settings)],
        compression_config=CompressionConfig(
            backend="gzip", minimum_size=1000, exclude=["/live", "/photo$"]
        ),
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(ENVIRONMENT)),
        openapi_config=OpenAPIConfig(
            title="Jackfield",
            version=version("jackfield"),
            description="People of Microsoft 365 as extensions of a phone system.",
            # It says what anybody can read in the source, and what a program needs to begin.
            openapi_router=Router(
                "/schema", route_handlers=[], opt={PUBLIC: True}, include_in_schema=False
            ),
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            use_handler_docstrings=True,
            components=Components(
                security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}
            ),
        ),
        logging_config=None,
        request_max_body_size=None,
        debug=False,
    )
    site.asgi_handler = Doorway(site.asgi_handler, house.settings)
    return site
