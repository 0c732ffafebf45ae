"""A small server that speaks a little Graph, written without a look at the emulated tenant.

It has users as a list and as a change log, the organisation, and nothing else: no groups, no
licences, no batches, no permissions. Whatever else is asked is not found. It is what somebody
might put together in an afternoon, and Jackfield must be content with it.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

from aiohttp import web

TENANT = "5ba11000-0000-4000-8000-00000000beef"
CLIENT = "c0ffee00-0000-4000-8000-000000000001"
SECRET = "small-secret"
PAGE = 7


class Bookmarks(StrEnum):
    """What it makes of `$deltatoken=latest`."""

    REFUSED = "refused"
    IGNORED = "ignored"
    NO_CHANGE_LOG = "no_change_log"


class SmallGraph:
    """The server's state: users in the order in which they were last changed."""

    def __init__(self, bookmarks: Bookmarks) -> None:
        self._bookmarks = bookmarks
        self._users: dict[str, dict[str, Any]] = {}
        self._changed: dict[str, int] = {}
        self._number = itertools.count(1)
        self.asked: list[str] = []
        self.url = ""

    def put(self, number: int, name: str, **properties: Any) -> None:
        """Hire somebody, or change what is known of them."""
        user = f"00000000-0000-4000-8000-{number:012d}"
        record = {"id": user, "displayName": name, "accountEnabled": True, "userType": "Member"}
        record |= {"userPrincipalName": f"p{number}@small.example", **properties}
        self._users[user] = record
        self._changed[user] = next(self._number)

    def remove(self, number: int) -> None:
        user = f"00000000-0000-4000-8000-{number:012d}"
        del self._users[user]
        self._changed[user] = next(self._number)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        app.router.add_get("/v1.0/organization", self._organization)
        app.router.add_get("/v1.0/users", self._list)
        app.router.add_get("/v1.0/users/delta", self._delta)
        app.router.add_get("/v1.0/users/{id}", self._one)
        return app

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            wrong = {"error": "invalid_client", "error_description": "AADSTS7000215: wrong"}
            return web.json_response({**wrong, "error_codes": [7000215]}, status=401)
        return web.json_response(
            {"token_type": "Bearer", "expires_in": 3599, "access_token": "small"}
        )

    async def _organization(self, _request: web.Request) -> web.Response:
        return web.json_response({"value": [{"id": TENANT, "displayName": "Small & Sons"}]})

    async def _list(self, request: web.Request) -> web.Response:
        self.asked.append("list")
        return self._page(request, sorted(self._users), "users", {})

    async def _delta(self, request: web.Request) -> web.Response:
        if self._bookmarks is Bookmarks.NO_CHANGE_LOG:
            raise web.HTTPNotFound
        if request.query.get("$deltatoken") == "latest":
            if self._bookmarks is Bookmarks.REFUSED:
                error = {"error": {"code": "BadRequest", "message": "latest is not known here"}}
                return web.json_response(error, status=400)
            since = 0
        else:
            since = int(request.query.get("$deltatoken", "0"))
        self.asked.append("changes" if since else "everybody")
        ids = [user for user, at in self._changed.items() if at > since]
        ids = [user for user in ids if since or user in self._users]
        token = {"token": max(self._changed.values(), default=0), "since": since}
        return self._page(request, sorted(ids), "users/delta", token)

    async def _one(self, request: web.Request) -> web.Response:
        user = self._users.get(request.match_info["id"])
        if user is None:
            raise web.HTTPNotFound
        return web.json_response(user)

    def _page(
        self, request: web.Request, ids: list[str], path: str, delta: dict[str, int]
    ) -> web.Response:
        if request.headers.get("Authorization") != "Bearer small":
            error = {"error": {"code": "InvalidAuthenticationToken", "message": "no"}}
            return web.json_response(error, status=401)
        start = int(request.query.get("$skiptoken", "0"))
        gone = {"@removed": {"reason": "deleted"}}
        page: dict[str, Any] = {
            "value": [
                self._users.get(user, {"id": user, **gone}) for user in ids[start : start + PAGE]
            ]
        }
        if start + PAGE < len(ids):
            since = f"&$deltatoken={delta['since']}" if delta else ""
            page["@odata.nextLink"] = f"{self.url}/v1.0/{path}?$skiptoken={start + PAGE}{since}"
        elif delta:
            page["@odata.deltaLink"] = f"{self.url}/v1.0/{path}?$deltatoken={delta['token']}"
        return web.json_response(page)


@asynccontextmanager
async def running_small_graph(bookmarks: Bookmarks, people: int) -> AsyncIterator[SmallGraph]:
    """The server on a free port of loopback, with so many people."""
    small = SmallGraph(bookmarks)
    for number in range(people):
        small.put(number, f"Person {number:03}", givenName="Person", surname=f"N{number:03}")
    runner = web.AppRunner(small.app())
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        small.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield small
    finally:
        await runner.cleanup()
