"""A program in front of the API: asks the ASGI application as uvicorn would, without a socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from doubles.choices import merge
from doubles.house import House
from doubles.web_visitor import HOST, Console
from jackfield.store.schema import INSTALLATION
from jackfield.store.tokens import create_token

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        """The JSON document."""
        return msgspec.json.decode(self.content)

    @property
    def detail(self) -> str:
        """What an error says, checked to have the one form that errors of the API have."""
        assert self.headers["content-type"] == "application/problem+json", self.content
        assert self.body.keys() == {"status", "detail"}
        assert self.body["status"] == self.status
        detail: str = self.body["detail"]
        assert detail.endswith((".", "?")), detail
        return detail


class ApiCaller:
    """A caller with a token, by default a good administrator's."""

    def __init__(self, console: Console, token: str, about: str = "") -> None:
        self.console = console
        self.token = token
        self._about = about

    def about(self, tenant: str) -> None:
        """Name the tenant in every call from now on."""
        self._about = tenant

    @property
    def house(self) -> House:
        return self.console.house

    async def get(self, path: str, **query: object) -> Any:
        """What GET answers; whatever is no success fails the test."""
        return _good(await self.ask("GET", path, **query))

    async def post(self, path: str, body: object = None) -> Any:
        """What POST answers; whatever is no success fails the test."""
        return _good(await self.ask("POST", path, body))

    async def patch(self, path: str, body: object) -> Any:
        """What PATCH answers; whatever is no success fails the test."""
        return _good(await self.ask("PATCH", path, body))

    async def put(self, path: str, body: object) -> Any:
        """What PUT answers; whatever is no success fails the test."""
        return _good(await self.ask("PUT", path, body))

    async def delete(self, path: str) -> None:
        """Delete; whatever is no success fails the test."""
        assert _good(await self.ask("DELETE", path)) is None

    async def ask(self, method: str, path: str, body: object = None, **query: object) -> Answer:
        """Ask, and answer whatever comes."""
        asked = "&".join(
            f"{name}={quote(_text(value))}" for name, value in query.items() if value is not None
        )
        headers = {"authorization": f"Bearer {self.token}"}
        if self._about:
            headers["jackfield-tenant"] = quote(self._about)
        content = b""
        if body is not None:
            content = msgspec.json.encode(body)
            headers["content-type"] = "application/json"
        return await self.send(method, f"{API}{path}", content, headers, asked)

    async def send(
        self,
        method: str,
        path: str,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        query: str = "",
    ) -> Answer:
        """One request as it is, with a percent-encoded path; no token is added."""
        sent = {"host": HOST, **(headers or {})}
        if content or method not in {"GET", "HEAD"}:
            sent.setdefault("content-length", str(len(content)))
        return await call(self.console.site, method, path, content, sent, query)

    async def with_token(
        self,
        role: str = "administrator",
        *,
        lasts: timedelta | None = None,
        name: str = "test",
        tenant: int = INSTALLATION,
    ) -> ApiCaller:
        """Somebody with another token."""
        now = self.house.clock.now()
        async with self.house.database.write() as tx:
            secret, _ = await create_token(
                tx,
                tenant,
                name=name,
                role=role,
                created_by="test",
                now=now,
                expires_at=None if lasts is None else now + lasts,
            )
        return ApiCaller(self.console, secret)

    async def sync(self, **body: object) -> Any:
        """A sync, to its end; answers the run."""
        return await self.ended((await self.post("/people/sync", body))["id"])

    async def ended(self, run: str) -> Any:
        """A run as the API tells it, once everything has come to rest."""
        await self.house.runner.idle()
        told = await self.get(f"/runs/{quote(run)}")
        assert told["status"] not in {"queued", "running"}, told
        return told

    async def choose(self, *, leavers: int = 0, **changes: Any) -> Any:
        """Change choices about people sync; a mapping is merged into what stands.

        `leavers` is how many are known to fall out of scope by it.
        """
        stored = await self.get("/settings/people")
        merge(stored["settings"], changes)
        return await self.put("/settings/people", {**stored, "leavers": leavers})


async def call(
    app: Any,
    method: str,
    path: str,
    content: bytes,
    headers: Mapping[str, str],
    query: str = "",
) -> Answer:
    """One request to an ASGI application."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), v.encode("latin-1")) for name, v in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8200),
        "state": {},
    }
    status = 0
    answered: dict[str, str] = {}
    parts: list[bytes] = []
    given = False

    async def receive() -> dict[str, Any]:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            answered.update(
                (name.decode().lower(), value.decode("latin-1"))
                for name, value in message["headers"]
            )
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, answered, b"".join(parts))


def _good(answer: Answer) -> Any:
    assert answer.status < 300, f"{answer.status}: {answer.content.decode()}"
    return answer.body if answer.content else None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
