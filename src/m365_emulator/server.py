"""The stage as one ASGI app: a tenant, its login authority, Graph, the control API and the page.

Wiring only. In process: `Emulator(people=20, seed=7)` is the app; over sockets see `__main__.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from m365_emulator import batch, delta, directory, errors, photos
from m365_emulator.applications import http as applications
from m365_emulator.clock import Clock
from m365_emulator.control import Control
from m365_emulator.door import Door
from m365_emulator.errors import GraphError
from m365_emulator.identity import Identity
from m365_emulator.registrations import Registrations
from m365_emulator.signin.admin_consent import AdminConsent
from m365_emulator.signin.authorize import Authorize
from m365_emulator.signin.device import DeviceCode
from m365_emulator.signin.redeem import Redeem
from m365_emulator.signin.screens import Screens
from m365_emulator.signin.sign_out import SignOut, UserInfo
from m365_emulator.signin.steps import Steps
from m365_emulator.stage import Stage
from m365_emulator.tenant import Tenant
from m365_emulator.tokens import LOOPBACK


class Emulator(Stage):
    """A Microsoft 365 tenant to talk to; call it as an ASGI app.

    `people` and `seed` decide the population, `clock` the time; `sleep` is waited on by the fault
    `slow`. The control API and the page answer only under the host names in `control_hosts`.
    """

    def __init__(
        self,
        *,
        people: int = 250,
        seed: int = 1,
        clock: Clock | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        control_hosts: Iterable[str] = LOOPBACK,
    ) -> None:
        self._sleep = sleep
        super().__init__(people=people, seed=seed, clock=clock)
        self._control: ASGIApp = Control(self, control_hosts).app()

    def _set(self) -> None:
        super()._set()
        graph = _graph_app(self.tenant, self.registrations)
        entra = _entra_app(self)
        door = Door(self, graph, entra, seed=self.seed, sleep=self._sleep)
        graph.state.sub_request = door.sub_request
        self._door: ASGIApp = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"the stage does not speak {scope['type']}")
        path: str = scope["path"]
        if path in {"/", "/_emulator"} or path.startswith("/_emulator/"):
            await self._control(scope, receive, send)
        else:
            await self._door(scope, receive, send)


def _entra_app(stage: Stage) -> Starlette:
    tenant, registrations = stage.tenant, stage.registrations
    state, clock = stage.signin, stage.clock
    screens = Screens(tenant.display_name)
    steps = Steps(tenant, registrations, state, screens)
    device = DeviceCode(tenant, registrations, state, clock, screens, steps)
    redeem = Redeem(tenant, registrations, stage.tokens, state, clock, device.poll)
    entra = Starlette(
        routes=[
            *Identity(tenant, registrations, stage.tokens, clock, redeem).routes(),
            *Authorize(tenant, registrations, state, clock, screens, steps).routes(),
            *SignOut(tenant, registrations, state, screens).routes(),
            *AdminConsent(tenant, registrations, clock, screens, steps).routes(),
            *device.routes(),
            *steps.routes(),
        ],
        exception_handlers={HTTPException: _not_played},
    )
    entra.router.redirect_slashes = False
    return entra


def _graph_app(tenant: Tenant, registrations: Registrations) -> Starlette:
    routes = [
        route
        for part in (delta.routes, directory.routes, photos.routes, batch.routes)
        for route in part(tenant)
    ]
    routes += applications.routes(tenant, registrations)
    graph = Starlette(
        routes=[
            *UserInfo(tenant).routes(),
            Mount("/v1.0", app=Router(routes, redirect_slashes=False)),
        ],
        exception_handlers={GraphError: _refused, HTTPException: _absent},
    )
    graph.router.redirect_slashes = False
    return graph


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, GraphError):
        raise error
    return errors.respond(error, request)


async def _absent(request: Request, error: Exception) -> Response:
    """No such path, or no such verb on it."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:
        refusal = GraphError(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
            headers=error.headers,
        )
    else:
        version, _, rest = request.scope["path"].lstrip("/").partition("/")
        refusal = errors.absent(rest or version)
    return errors.respond(refusal, request)


async def _not_played(_request: Request, error: Exception) -> Response:
    """The login authority on what it does not do: sign-in pages, consent, v1 endpoints."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    headers = error.headers if isinstance(error, HTTPException) else None
    said = "This emulated login authority does not do that; docs/emulator.md says what it does."
    return JSONResponse({"error": "not_found", "error_description": said}, status, headers)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
