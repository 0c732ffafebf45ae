"""The control API under /_emulator/: playing the tenant by JSON, and looking behind the scenes.

What a verb does is the tenant's business; here it is read, checked and answered. It is a stage, so
nobody signs in; instead only loopback names are served and other sites' requests refused.
Applications and signing in have files of their own, `control_apps.py` and `control_signin.py`.
Reference: docs/emulator.md.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from m365_emulator import orders, showing
from m365_emulator.control_apps import ControlApps
from m365_emulator.control_signin import ControlSignIn
from m365_emulator.control_wire import Played, amount, changed, read, refusal, routes
from m365_emulator.faults import Order
from m365_emulator.page import Page
from m365_emulator.refusals import UnknownObject
from m365_emulator.stage import Stage


class Control:
    """The control API and the page of one stage."""

    def __init__(self, stage: Stage, hosts: Iterable[str]) -> None:
        self._stage = stage
        self._hosts = frozenset(hosts)

    def app(self) -> ASGIApp:
        app = Starlette(
            routes=[*self._routes(), *Page(self._stage).routes()],
            exception_handlers={
                HTTPException: refusal,
                UnknownObject: refusal,
                KeyError: refusal,
                ValueError: refusal,
            },
        )
        app.router.redirect_slashes = False
        return SameSite(app, self._hosts)

    def _routes(self) -> list[Route]:
        played: list[Played] = [
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
            ("GET", "/faults", self._faults),
            ("POST", "/faults", self._switch_on),
            ("DELETE", "/faults", self._all_off),
            ("DELETE", "/faults/{id}", self._switch_off),
            ("GET", "/quirks", self._quirks),
            ("PATCH", "/quirks", self._change_quirks),
            ("POST", "/delta-links/forget", self._forget_delta_links),
            ("PUT", "/throttle", self._limit),
            ("GET", "/clock", self._clock),
            ("POST", "/clock/advance", self._advance),
            ("GET", "/requests", self._requests),
            ("DELETE", "/requests", self._forget_requests),
            ("POST", "/reset", self._reset),
        ]
        signin, apps = ControlSignIn(self._stage), ControlApps(self._stage)
        return routes([*played, *signin.played(), *apps.played()])

    # --- people ------------------------------------------------------------------------------

    def _person_of(self, request: Request) -> dict[str, Any]:
        tenant = self._stage.tenant
        return showing.person(tenant, tenant.user(request.path_params["id"]))

    async def _people(self, request: Request) -> Any:
        found = self._stage.tenant.search_people(
            request.query_params.get("search", ""), amount(request, "limit", 50)
        )
        return {"people": [showing.person_line(user) for user in found]}

    async def _hire(self, request: Request) -> Any:
        order = await read(request, orders.Hire)
        tenant = self._stage.tenant
        hired = tenant.hire(
            order.display_name, groups=order.groups, skus=order.skus, **order.properties
        )
        return showing.person(tenant, hired)

    async def _person(self, request: Request) -> Any:
        return self._person_of(request)

    async def _update(self, request: Request) -> Any:
        properties = await read(request, dict[str, Any])
        self._stage.tenant.update(request.path_params["id"], **properties)
        return self._person_of(request)

    async def _rename(self, request: Request) -> Any:
        order = await read(request, orders.Rename)
        self._stage.tenant.rename(
            request.path_params["id"],
            display_name=order.display_name,
            upn=order.user_principal_name,
        )
        return self._person_of(request)

    async def _move(self, request: Request) -> Any:
        order = await read(request, orders.Move)
        self._stage.tenant.move(request.path_params["id"], add=order.add, remove=order.remove)
        return self._person_of(request)

    async def _license(self, request: Request) -> Any:
        order = await read(request, orders.Licences)
        self._stage.tenant.assign_licences(request.path_params["id"], *order.skus)
        return self._person_of(request)

    async def _make_photo(self, request: Request) -> Any:
        order = await read(request, orders.NewPhoto)
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
        order = await read(request, orders.NewGroup)
        tenant = self._stage.tenant
        made = tenant.create_group(order.display_name, members=order.members, **order.properties)
        return showing.group_line(tenant, made)

    async def _group(self, request: Request) -> Any:
        tenant = self._stage.tenant
        group = tenant.group(request.path_params["id"])
        return {**showing.group_line(tenant, group), "members": tenant.members_of(group.id)}

    async def _update_group(self, request: Request) -> Any:
        properties = await read(request, dict[str, Any])
        tenant = self._stage.tenant
        return showing.group_line(
            tenant, tenant.update_group(request.path_params["id"], **properties)
        )

    async def _delete_group(self, request: Request) -> None:
        self._stage.tenant.delete_group(request.path_params["id"])

    async def _change_members(self, request: Request) -> Any:
        order = await read(request, orders.Move)
        tenant, group_id = self._stage.tenant, request.path_params["id"]
        for member_id in order.remove:
            tenant.remove_member(group_id, member_id)
        for member_id in order.add:
            tenant.add_member(group_id, member_id)
        return await self._group(request)

    # --- faults, habits, time ----------------------------------------------------------------

    async def _faults(self, _request: Request) -> Any:
        return {"faults": [showing.fault(each) for each in self._stage.faults.in_force()]}

    async def _switch_on(self, request: Request) -> Any:
        return showing.fault(self._stage.faults.switch_on(await read(request, Order)))

    async def _all_off(self, _request: Request) -> None:
        self._stage.faults.clear()

    async def _switch_off(self, request: Request) -> None:
        self._stage.faults.switch_off(request.path_params["id"])

    async def _quirks(self, _request: Request) -> Any:
        return self._stage.tenant.quirks

    async def _change_quirks(self, request: Request) -> Any:
        """Only the habits named change; the others stay as they are."""
        tenant = self._stage.tenant
        tenant.quirks = await changed(request, tenant.quirks)
        return tenant.quirks

    async def _forget_delta_links(self, _request: Request) -> None:
        self._stage.tenant.forget_delta_links()

    async def _limit(self, request: Request) -> Any:
        self._stage.throttle.own_limit = (await read(request, orders.Limit)).units_per_10_s
        return {"unitsPer10S": self._stage.throttle.limit}

    async def _clock(self, _request: Request) -> Any:
        clock = self._stage.clock
        return {"now": clock(), "advancedByS": clock.advanced_by.total_seconds()}

    async def _advance(self, request: Request) -> Any:
        order = await read(request, orders.Advance)
        self._stage.clock.advance(timedelta(seconds=order.seconds))
        return await self._clock(request)

    # --- behind the scenes -------------------------------------------------------------------

    async def _state(self, _request: Request) -> Any:
        return showing.state(self._stage)

    async def _requests(self, request: Request) -> Any:
        last = amount(request, "last", 50)
        return {"requests": self._stage.journal.last(last, amount(request, "after", 0, 2**53))}

    async def _forget_requests(self, _request: Request) -> None:
        self._stage.journal.clear()

    async def _reset(self, request: Request) -> Any:
        order = await read(request, orders.Reset)
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
