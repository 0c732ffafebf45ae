"""A browser without a window: speaks ASGI to the console, keeps cookies, knows the form token.

It does not follow redirects and runs no script, so that a test sees every answer as it was given.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote, urlencode

import msgspec
from litestar.types import ASGIApp

from doubles.house import House
from doubles.lent_site import CSRF_SECRET, LentSite
from doubles.passwords import QUICK
from jackfield.flows.by_hand import PhonesByHand
from jackfield.flows.doubts import Doubts
from jackfield.flows.graph_budget import GraphBudgets
from jackfield.flows.health import Health
from jackfield.flows.keys import KeyRotation
from jackfield.flows.numbers import Numbers
from jackfield.flows.phones import PhoneReading
from jackfield.flows.replacing import Replacing
from jackfield.flows.signin import IDLE, LocalSignIn
from jackfield.flows.trials import Trials
from jackfield.flows.undo import Undoing
from jackfield.store.accounts import load_account, save_account
from jackfield.store.sessions import SessionStore
from jackfield.web.live import Hubs
from jackfield.web.login_limit import LoginLimit
from jackfield.web.rooms import Rooms
from jackfield.web.security import session_cookie_name

HOST = "127.0.0.1:8200"


@dataclass(frozen=True)
class Doorplate:
    """Settings as far as the door needs them."""

    url: str = f"http://{HOST}"
    listen_host: str = "127.0.0.1"
    trusted_proxies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """One answer of the console."""

    status: int
    headers: Mapping[str, str]
    cookies: Mapping[str, Any]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def page(self) -> Page:
        return Page.of(self.text)


@dataclass
class Page(HTMLParser):
    """What a page consists of, as a browser would take it apart."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    @classmethod
    def of(cls, text: str) -> Page:
        page = cls()
        page.feed(text)
        page.close()
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        """What stands there to be read, white space folded."""
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]

    def ids(self) -> list[str]:
        return [a["id"] or "" for _, a in self.tags if "id" in a]


class Visitor:
    """Somebody with a browser."""

    def __init__(
        self, site: ASGIApp, *, host: str = HOST, address: str = "127.0.0.1", scheme: str = "http"
    ) -> None:
        self.site = site
        self.host = host
        self.address = address
        self.scheme = scheme
        self.cookies: dict[str, str] = {}
        self.token = ""
        """The form token of the last page."""

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.ask("GET", path, headers=_spelled(headers))

    async def part(self, path: str, target: str, **headers: str) -> Answer:
        """What htmx asks for to fill one part of a page."""
        asked = {"hx-request": "true", "hx-target": target, **_spelled(headers)}
        return await self.ask("GET", path, headers=asked)

    async def post(
        self,
        path: str,
        form: Mapping[str, str | Sequence[str]] | None = None,
        *,
        token: str | None = None,
        **headers: str,
    ) -> Answer:
        """Send a form as a browser does: with the page's token and its own origin."""
        given = {"_csrf_token": self.token if token is None else token, **(form or {})}
        body = urlencode(given, doseq=True).encode()
        sent = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": f"{self.scheme}://{self.host}",
            **_spelled(headers),
        }
        return await self.ask("POST", path, body=body, headers=sent)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, exactly as given."""
        plain, _, query = path.partition("?")
        sent = {"host": self.host, **(headers or {})}
        if body or method != "GET":
            sent.setdefault("content-length", str(len(body)))
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": self.scheme,
            "path": unquote(plain),
            "raw_path": plain.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "client": (self.address, 50_000),
            "server": ("127.0.0.1", 8200),
            "state": {},
        }
        answer = await _asked(self.site, scope, body)
        for name, morsel in answer.cookies.items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        mark = rb'(?:data-csrf|name="_csrf_token" value)="([^"]+)"'
        if found := re.search(mark, answer.body):
            self.token = found[1].decode()
        return answer


@dataclass(frozen=True)
class Console:
    """The console of a house."""

    house: House
    rooms: Rooms
    site: ASGIApp

    def visitor(self, **where: Any) -> Visitor:
        """Somebody who is not signed in."""
        return Visitor(self.site, **where)

    async def signed_in(
        self, role: str = "administrator", *, of_tenant: int = 0, **where: Any
    ) -> Visitor:
        """Somebody who is; nobody waits for a password to be hashed."""
        name = f"{role} of {of_tenant}" if of_tenant else role
        async with self.house.database.write() as tx:
            now = self.house.clock.now()
            await save_account(tx, name, "*", now=now, role=role, of_tenant=of_tenant)
        async with self.house.database.read() as tx:
            account = await load_account(tx, name)
        assert account is not None
        kept = {"name": name, "role": role, "generation": account.generation}
        store = SessionStore(self.house.database, self.house.clock)
        await store.set(f"session-of-{name}", msgspec.json.encode(kept), expires_in=IDLE)
        visitor = self.visitor(**where)
        visitor.cookies[session_cookie_name(self.rooms.settings)] = f"session-of-{name}"
        await visitor.get("/journal")
        return visitor


async def open_console(house: House, settings: Doorplate | None = None) -> Console:
    """The web application of a house, wired as the product wires it."""
    reading = PhoneReading(house.database, house.phone, house.clock)
    rooms = Rooms(
        replacing=Replacing(house.database, house.watched, house.clock),
        settings=settings or Doorplate(),
        tenant=1,
        database=house.database,
        clock=house.clock,
        people=house.people,
        photos=house.photos,
        planning=house.planning,
        setup=house.setup,
        signin=LocalSignIn(house.database, house.clock, QUICK),
        login_limit=LoginLimit(house.clock),
        phones=PhonesByHand(house.database, house.phone, house.phone, reading, house.clock),
        doubts=Doubts(house.database, house.planning, house.clock),
        undoing=Undoing(house.database, house.clock),
        numbers=Numbers(house.database, house.planning.limits, house.clock),
        trials=Trials(house.database, house.connections, house.planning.limits),
        keys=KeyRotation(house.database, house.vault, house.clock),
        hubs=Hubs(house.database, house.clock),
        tenants=house.tenants,
        graph_figures=Health(house.database, house.connections, house.clock).figures,
        budgets=GraphBudgets(house.database, house.connections, house.clock),
        csrf_secret=CSRF_SECRET,
    )
    return Console(house, rooms, LentSite(rooms))


async def _asked(site: ASGIApp, scope: dict[str, Any], body: bytes) -> Answer:
    given = False
    status = 0
    headers: dict[str, str] = {}
    cookies: SimpleCookie = SimpleCookie()
    parts: list[bytes] = []
    ended = asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal given
        if given:
            # A browser stays until it has everything; nobody waits for the end of a live stream.
            if scope["path"] != "/live":
                await ended.wait()
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            for raw_name, raw_value in message["headers"]:
                name, value = raw_name.decode().lower(), raw_value.decode("latin-1")
                headers[name] = value
                if name == "set-cookie":
                    cookies.load(value)
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                ended.set()

    await site(scope, receive, send)
    return Answer(status, headers, cookies, b"".join(parts))


def _spelled(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
