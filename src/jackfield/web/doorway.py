"""What every request passes before anything else, and what every answer bears on its way out.

Checked here: who really asks (reverse proxies), by which name the console was called, how much is
sent. Who is signed in, and whether a form is ours, is checked in `security.py`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from litestar import Request
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import (
    ASGIApp,
    BeforeMessageSendHookHandler,
    HTTPScope,
    Message,
    Receive,
    ReceiveMessage,
    Scope,
    Send,
)

from jackfield.store.timing import Waited, begin_waiting, waited_so_far
from jackfield.store.wrong_passwords import parse_address
from jackfield.web.addresses import leading, take_tenant
from jackfield.web.errors import error_answer
from jackfield.web.rooms import DoorSettings

LARGEST_BODY = 4 * 1024 * 1024
"""A hundred thousand chosen people are 3.7 MB of object IDs."""
LARGEST_LOGIN = 16 * 1024

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    # "no-referrer" would make browsers send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
ENDLESS = "/live"
"""The stream never ends, so that there is nothing to answer a HEAD with."""
HSTS = "max-age=31536000"

HEALTH = "/health"
"""Asked by load balancers, by whatever name they know the process."""

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Doorway:
    """The outermost layer around the application."""

    def __init__(self, app: ASGIApp, settings: DoorSettings) -> None:
        self._app = app
        self._proxies = [ipaddress.ip_network(p, strict=False) for p in settings.trusted_proxies]
        self._names = own_names(settings)
        self._any_address = settings.listen_host in {"0.0.0.0", "::"}  # noqa: S104 - a comparison

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        begin_waiting()
        # First of all, so that whatever looks at the path sees that of the page.
        scope = take_tenant(scope)
        headers = MutableScopeHeaders(scope)
        believe_proxies(scope, headers, self._proxies)
        if scope["path"] != HEALTH and not self._is_ours(headers.get("host", "")):
            text = "This address is not one of this console's. Open it by its own address."
            await _refuse(421, text, scope, receive, send)
            return
        limit = LARGEST_LOGIN if scope["path"] == "/login" else LARGEST_BODY
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > limit:
            await _refuse(413, too_large(limit), scope, receive, send)
            return
        if scope["method"] == "HEAD" and scope["path"] != ENDLESS:
            # What GET answers without its body: what monitors and link checkers ask.
            scope, send = {**scope, "method": "GET"}, _bodiless(send)
        await self._app(scope, _limited(receive, limit), leading(send))

    def _is_ours(self, host: str) -> bool:
        name = host_name(host)
        return name in self._names or (self._any_address and parse_address(name) is not None)


def dress(settings: DoorSettings) -> BeforeMessageSendHookHandler:
    """Puts the security headers on every answer, whoever gives it."""
    https = is_https(settings)

    async def dressed(message: Message, scope: Scope) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if https:
                headers.setdefault("strict-transport-security", HSTS)
            if not scope["path"].startswith("/static/"):
                headers.setdefault("cache-control", "no-store")
            # Only for who may see it: how long a password took to check is nobody's business.
            if scope.get("user") is not None and (waited := waited_so_far()) is not None:
                headers.setdefault("server-timing", server_timing(waited))

    return dressed


def server_timing(waited: Waited) -> str:
    """Where the time of an answer went, as browsers show it. Source: W3C Server Timing, 2026-11."""
    spent = {"total": waited.total_s, "db": waited.database_s, "turn": waited.turn_s}
    return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in spent.items())


def own_names(settings: DoorSettings) -> frozenset[str]:
    """The names by which the console may be called, without ports.

    Loopback names are always among them: a page of somebody else never has one of those.
    """
    names = {"localhost", "127.0.0.1", "::1", settings.listen_host.lower()}
    names.add((urlsplit(settings.url).hostname or "").lower())
    return frozenset(names - {""})


def is_https(settings: DoorSettings) -> bool:
    """Whether browsers reach the console by https."""
    return settings.url.startswith("https://")


def host_name(host: str) -> str:
    """The name in a Host header: lower case, no port, no brackets; "" for a malformed one."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def believe_proxies(
    scope: HTTPScope, headers: MutableScopeHeaders, proxies: Iterable[_Network]
) -> None:
    """Put the caller's own address and scheme into the scope, where a trusted proxy names them."""
    client = scope.get("client")
    if client is None or not _is_in(client[0], proxies):
        return
    if headers.get("x-forwarded-proto", "").strip().lower() == "https":
        scope["scheme"] = "https"
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    # From the right, for whatever stands left of an untrusted hop may be invented.
    for hop in reversed(hops):
        caller = parse_address(hop)
        if caller is None:
            return
        scope["client"] = (str(caller), 0)
        if not _is_in(hop, proxies):
            return


def too_large(limit: int) -> str:
    """What somebody is told who sent more than `limit` bytes."""
    return f"More than {limit // 1024:,} kB were sent, which is more than this page takes."


async def _refuse(status: int, text: str, scope: HTTPScope, receive: Receive, send: Send) -> None:
    answer = error_answer(scope, status, text)
    await answer.to_asgi_response(None, Request(scope))(scope, receive, send)


def _bodiless(send: Send) -> Send:
    async def bodiless(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return bodiless


def _limited(receive: Receive, limit: int) -> Receive:
    left = limit

    async def limited() -> ReceiveMessage:
        nonlocal left
        message = await receive()
        if message["type"] == "http.request":
            left -= len(message.get("body", b""))
            if left < 0:
                raise RequestEntityTooLarge(too_large(limit))
        return message

    return limited


def _is_in(address: str, networks: Iterable[_Network]) -> bool:
    parsed = parse_address(address)
    return parsed is not None and any(parsed in network for network in networks)
