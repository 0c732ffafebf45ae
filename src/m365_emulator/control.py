"""The control API under /_emulator/: playing the tenant by JSON, and looking behind the scenes.

What a verb does is the tenant's business; here it is read, checked and answered. It is a stage, so
nobody signs in; instead only loopback names are served and other sites' requests refused.
Reference: docs/emulator.md.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from m365_emulator import orders, showing
from m365_emulator.apps import Application
from m365_emulator.faults import Order
from m365_emulator.page import Page
from m365_emulator.permissions import DIRECTORY_ROLES
from m365_emulator.quirks import Quirks
from m365_emulator.refusals import Refused, UnknownObject
from m365_emulator.stage import Stage

T = TypeVar("T")
MOST = 1000
"""People or requests in one answer."""


class Control:
    """The control API and the page of one stage."""

    def __init__(self, stage: Stage, hosts: Iterable[str]) -> None:
        self._stage = stage
        self._hosts = frozenset(hosts)

    def app(self) -> ASGIApp:
        app = Starlette(
            routes=[*self._routes(), *Page(self._stage).routes()],
            exception_handlers={
                HTTPException: _refusal,
                UnknownObject: _refusal,
                KeyError: _refusal,
                ValueError: _refusal,
            },
        )
        app.router.redirect_slashes = False
        return SameSite(app, self._hosts)

    def _routes(self) -> list[Route]:
        played: list[tuple[str, str, Callable[[Request], Any]]] = [
            ("GET", "/state", self._state),
            ("GET", "/people", self._people),
            ("POST", "/people", self._hire),
            ("GET", "/people/{id}", self._person),
            ("PATCH", "/people/{id}", self._update),
            ("POST", "/people/{id}/rename", self._rename),
            ("POST", "/people/{id}/move", self._move),
            ("POST", "/people/{id}/licences", self._license),
            ("POST", "/people/{id}/photo", self._make_photo),
            ("PUT", "/people/{id}/photo", self._set_photo),
            ("DELETE", "/people/{id}/photo", self._remove_photo),
            ("POST", "/people/{id}/disable", self._verb("disable")),
            ("POST", "/people/{id}/enable", self._verb("enable")),
            ("POST", "/people/{id}/delete", self._verb("delete")),
            ("GET", "/recycle-bin", self._recycle_bin),
            ("POST", "/recycle-bin/{id}/restore", self._restore),
            ("POST", "/recycle-bin/{id}/purge", self._purge),
            ("GET", "/groups", self._groups),
            ("POST", "/groups", self._create_group),
            ("GET", "/groups/{id}", self._group),
            ("PATCH", "/groups/{id}", self._update_group),
            ("DELETE", "/groups/{id}", self._delete_group),
            ("POST", "/groups/{id}/members", self._change_members),
            ("GET", "/apps", self._apps),
            ("POST", "/apps", self._register),
            ("GET", "/apps/{id}", self._app),
            ("PATCH", "/apps/{id}", self._change_app),
            ("DELETE", "/apps/{id}", self._remove_app),
            ("POST", "/apps/{id}/credentials", self._add_credential),
            ("DELETE", "/apps/{id}/credentials/{key}", self._remove_credential),
            ("GET", "/faults", self._faults),
            ("POST", "/faults", self._switch_on),
            ("DELETE", "/faults", self._all_off),
            ("DELETE", "/faults/{id}", self._switch_off),
            ("GET", "/quirks", self._quirks),
            ("PATCH", "/quirks", self._change_quirks),
            ("POST", "/delta-links/forget", self._forget_delta_links),
            ("POST", "/tokens/revoke", self._revoke),
            ("PUT", "/throttle", self._limit),
            ("GET", "/clock", self._clock),
            ("POST", "/clock/advance", self._advance),
            ("GET", "/requests", self._requests),
            ("DELETE", "/requests", self._forget_requests),
            ("POST", "/reset", self._reset),
        ]
        return [
            Route(f"/_emulator{path}", _endpoint(answer), methods=[method])
            for method, path, answer in played
        ]

    # --- people ------------------------------------------------------------------------------

    def _person_of(self, request: Request) -> dict[str, Any]:
        tenant = self._stage.tenant
        return showing.person(tenant, tenant.user(request.path_params["id"]))

    async def _people(self, request: Request) -> Any:
        found = self._stage.tenant.search_people(
            request.query_params.get("search", ""), _amount(request, "limit", 50)
        )
        return {"people": [showing.person_line(user) for user in found]}

    async def _hire(self, request: Request) -> Any:
        order = await _read(request, orders.Hire)
        tenant = self._stage.tenant
        hired = tenant.hire(
            order.display_name, groups=order.groups, skus=order.skus, **order.properties
        )
        return showing.person(tenant, hired)

    async def _person(self, request: Request) -> Any:
        return self._person_of(request)

    async def _update(self, request: Request) -> Any:
        properties = await _read(request, dict[str, Any])
        self._stage.tenant.update(request.path_params["id"], **properties)
        return self._person_of(request)

    async def _rename(self, request: Request) -> Any:
        order = await _read(request, orders.Rename)
        self._stage.tenant.rename(
            request.path_params["id"],
            display_name=order.display_name,
            upn=order.user_principal_name,
        )
        return self._person_of(request)

    async def _move(self, request: Request) -> Any:
        order = await _read(request, orders.Move)
        self._stage.tenant.move(request.path_params["id"], add=order.add, remove=order.remove)
        return self._person_of(request)

    async def _license(self, request: Request) -> Any:
        order = await _read(request, orders.Licences)
        self._stage.tenant.assign_licences(request.path_params["id"], *order.skus)
        return self._person_of(request)

    async def _make_photo(self, request: Request) -> Any:
        order = await _read(request, orders.NewPhoto)
        tenant = self._stage.tenant
        user = tenant.user(request.path_params["id"])
        return showing.photo(tenant.photos.make_up(user.id, order.kind))

    async def _set_photo(self, request: Request) -> Any:
        """The body's bytes as they are, picture or not."""
        tenant = self._stage.tenant
        user = tenant.user(request.path_params["id"])
        content = await request.body()
        if not content:
            raise HTTPException(400, "send the bytes of a picture; DELETE removes the photo")
        return showing.photo(tenant.photos.set(user.id, content))

    async def _remove_photo(self, request: Request) -> None:
        tenant = self._stage.tenant
        tenant.photos.remove(tenant.user(request.path_params["id"]).id)

    def _verb(self, name: str) -> Callable[[Request], Any]:
        async def play(request: Request) -> Any:
            tenant = self._stage.tenant
            return showing.person(tenant, getattr(tenant, name)(request.path_params["id"]))

        return play

    async def _recycle_bin(self, _request: Request) -> Any:
        return {"deleted": [showing.binned(each) for each in self._stage.tenant.recycle_bin()]}

    async def _restore(self, request: Request) -> Any:
        return showing.binned(self._stage.tenant.restore(request.path_params["id"]))

    async def _purge(self, request: Request) -> None:
        self._stage.tenant.purge(request.path_params["id"])

    # --- groups ------------------------------------------------------------------------------

    async def _groups(self, _request: Request) -> Any:
        tenant = self._stage.tenant
        return {"groups": [showing.group_line(tenant, group) for group in tenant.groups()]}

    async def _create_group(self, request: Request) -> Any:
        order = await _read(request, orders.NewGroup)
        tenant = self._stage.tenant
        made = tenant.create_group(order.display_name, members=order.members, **order.properties)
        return showing.group_line(tenant, made)

    async def _group(self, request: Request) -> Any:
        tenant = self._stage.tenant
        group = tenant.group(request.path_params["id"])
        return {**showing.group_line(tenant, group), "members": tenant.members_of(group.id)}

    async def _update_group(self, request: Request) -> Any:
        properties = await _read(request, dict[str, Any])
        tenant = self._stage.tenant
        return showing.group_line(
            tenant, tenant.update_group(request.path_params["id"], **properties)
        )

    async def _delete_group(self, request: Request) -> None:
        self._stage.tenant.delete_group(request.path_params["id"])

    async def _change_members(self, request: Request) -> Any:
        order = await _read(request, orders.Move)
        tenant, group_id = self._stage.tenant, request.path_params["id"]
        for member_id in order.remove:
            tenant.remove_member(group_id, member_id)
        for member_id in order.add:
            tenant.add_member(group_id, member_id)
        return await self._group(request)

    # --- applications and their tokens -------------------------------------------------------

    async def _apps(self, _request: Request) -> Any:
        return {"apps": [showing.app(each) for each in self._stage.registrations]}

    async def _register(self, request: Request) -> Any:
        order = await _read(request, orders.NewApp)
        stage = self._stage
        made = stage.registrations.register(
            order.display_name,
            app_id=order.app_id,
            roles=DIRECTORY_ROLES if order.roles is None else order.roles,
            properties=order.properties,
        )
        shown: dict[str, str] = {}
        try:
            for secret in order.secrets:
                shown |= self._put_secret(made, secret)
            for certificate in order.certificates:
                self._put_certificate(made, certificate)
        except ValueError:
            stage.registrations.remove(made.app_id)
            raise
        return showing.app(self._registered(made.app_id), shown)

    async def _app(self, request: Request) -> Any:
        return showing.app(self._registered(request.path_params["id"]))

    async def _change_app(self, request: Request) -> Any:
        order = await _read(request, orders.ChangedApp)
        known = self._registered(request.path_params["id"])
        if order.properties:
            self._stage.registrations.describe(known.app_id, order.properties)
        if order.roles is not None:
            self._stage.registrations.grant(known.app_id, order.roles)
        if order.enabled is not None:
            self._stage.registrations.enable(known.app_id, enabled=order.enabled)
        return showing.app(self._registered(known.app_id))

    async def _remove_app(self, request: Request) -> None:
        self._stage.registrations.remove(self._registered(request.path_params["id"]).app_id)

    async def _add_credential(self, request: Request) -> Any:
        order = await _read(request, orders.NewCredential)
        known = self._registered(request.path_params["id"])
        if (order.secret is None) == (order.certificate is None):
            raise HTTPException(400, "give either a secret or a certificate")
        shown: dict[str, str] = {}
        if order.secret is not None:
            shown = self._put_secret(known, order.secret)
        if order.certificate is not None:
            self._put_certificate(known, order.certificate)
        return showing.app(self._registered(known.app_id), shown)

    async def _remove_credential(self, request: Request) -> None:
        known = self._registered(request.path_params["id"])
        self._stage.registrations.remove_credential(known.app_id, request.path_params["key"])

    def _registered(self, app_id: str) -> Application:
        known = self._stage.registrations.find(app_id)
        if known is None:
            raise HTTPException(404, f"no application has the client id {app_id}")
        return known

    def _put_secret(self, application: Application, order: orders.NewSecret) -> dict[str, str]:
        made = self._stage.registrations.add_secret(
            application.app_id,
            self._stage.clock(),
            value=order.value,
            display_name=order.display_name,
            ends_at=order.ends_at,
        )
        return {made.key_id: made.value}

    def _put_certificate(self, application: Application, order: orders.NewCertificate) -> None:
        self._stage.registrations.add_certificate(
            application.app_id, order.pem.encode(), order.display_name
        )

    async def _revoke(self, request: Request) -> Any:
        order = await _read(request, orders.Revoke)
        return {"revoked": self._stage.tokens.revoke(order.app_id)}

    # --- faults, habits, time ----------------------------------------------------------------

    async def _faults(self, _request: Request) -> Any:
        return {"faults": [showing.fault(each) for each in self._stage.faults.in_force()]}

    async def _switch_on(self, request: Request) -> Any:
        return showing.fault(self._stage.faults.switch_on(await _read(request, Order)))

    async def _all_off(self, _request: Request) -> None:
        self._stage.faults.clear()

    async def _switch_off(self, request: Request) -> None:
        self._stage.faults.switch_off(request.path_params["id"])

    async def _quirks(self, _request: Request) -> Any:
        return self._stage.tenant.quirks

    async def _change_quirks(self, request: Request) -> Any:
        """Only the habits named change; the others stay as they are."""
        changes = await _read(request, dict[str, Any])
        tenant = self._stage.tenant
        try:
            tenant.quirks = msgspec.convert(
                {**msgspec.to_builtins(tenant.quirks), **changes}, Quirks
            )
        except msgspec.ValidationError as error:
            raise HTTPException(400, str(error)) from error
        return tenant.quirks

    async def _forget_delta_links(self, _request: Request) -> None:
        self._stage.tenant.forget_delta_links()

    async def _limit(self, request: Request) -> Any:
        self._stage.throttle.own_limit = (await _read(request, orders.Limit)).units_per_10_s
        return {"unitsPer10S": self._stage.throttle.limit}

    async def _clock(self, _request: Request) -> Any:
        clock = self._stage.clock
        return {"now": clock(), "advancedByS": clock.advanced_by.total_seconds()}

    async def _advance(self, request: Request) -> Any:
        order = await _read(request, orders.Advance)
        self._stage.clock.advance(timedelta(seconds=order.seconds))
        return await self._clock(request)

    # --- behind the scenes -------------------------------------------------------------------

    async def _state(self, _request: Request) -> Any:
        return showing.state(self._stage)

    async def _requests(self, request: Request) -> Any:
        last = _amount(request, "last", 50)
        return {"requests": self._stage.journal.last(last, _amount(request, "after", 0, 2**53))}

    async def _forget_requests(self, _request: Request) -> None:
        self._stage.journal.clear()

    async def _reset(self, request: Request) -> Any:
        order = await _read(request, orders.Reset)
        self._stage.reset(people=order.people, seed=order.seed)
        return showing.state(self._stage)


class SameSite:
    """Refuses other host names (a rebound DNS name) and requests that another site's page makes."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        refusal = self._judge(request)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse(refusal, 403)(scope, receive, send)

    def _judge(self, request: Request) -> str | None:
        host = request.headers.get("host", "")
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            name = None
        if name not in self._hosts:
            return "The stage is played under its own host names only."
        if request.method in {"GET", "HEAD"}:
            return None
        origin = request.headers.get("origin")
        if origin is not None and origin != f"{request.url.scheme}://{host}":
            return "Another site may not play this stage."
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return "Another site may not play this stage."
        return None


def _endpoint(answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        said = await answer(request)
        if said is None:
            return Response(status_code=204)
        return _json(said)

    return endpoint


def _json(body: Any, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(body),
        status,
        {"cache-control": "no-store"},
        media_type="application/json",
    )


async def _refusal(_request: Request, error: Exception) -> Response:
    match error:
        case HTTPException():
            return _json({"error": error.detail}, error.status_code)
        case UnknownObject():
            return _json({"error": str(error)}, 404)
        case KeyError():
            return _json({"error": f"there is no {error.args[0]}"}, 404)
        case Refused() | ValueError():
            return _json({"error": str(error)}, 400)
        case _:
            raise error


async def _read(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=kind)
    except msgspec.DecodeError as error:
        raise HTTPException(400, str(error)) from error


def _amount(request: Request, name: str, default: int, most: int = MOST) -> int:
    value = request.query_params.get(name, str(default))
    if not value.isdecimal():
        raise HTTPException(400, f"{name} must be a number")
    return min(int(value), most)
