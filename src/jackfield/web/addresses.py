"""Addresses of the console: pages of a tenant are under `/t/NUMBER`, so that two tabs may show two.

Where there is one tenant nobody needs the number, and no address bears it. Templates and redirects
name a page alone (`/users`); what stands in front is that of the page that asked.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from urllib.parse import urlsplit

from litestar.datastructures import MutableScopeHeaders
from litestar.types import HTTPScope, Message, Scope, Send

ASKED = "jackfield.tenant"
"""Key in the scope: the number of the tenant that the address names."""
_PAGE_OF_TENANT = re.compile(r"/t/([1-9][0-9]{0,8})(/.*)?", re.DOTALL)
_OF_NO_TENANT = re.compile("/(api|static|schema|login|logout|health|tenants|t)(/|[?]|$)")
_LEADS = ("location", "hx-redirect", "hx-push-url")

_at: ContextVar[str] = ContextVar("at", default="")


class At:
    """What stands in front of each address of the page at hand: "" or "/t/2". For templates."""

    def __str__(self) -> str:
        return _at.get()

    def __html__(self) -> str:
        return _at.get()


def at_tenant(path: str, tenant: int | None = None) -> str:
    """A page of ours at the tenant of the page at hand, or at another one."""
    if _OF_NO_TENANT.match(path):
        return path
    return (f"/t/{tenant}" if tenant is not None else _at.get()) + path


def page_of_tenant(path: str) -> str:
    """`path` if it is a page that each tenant has, with its question; else ""."""
    own = path.startswith("/") and not path.startswith("//") and path.isprintable()
    return (
        path if own and path != "/" and "\\" not in path and not _OF_NO_TENANT.match(path) else ""
    )


def page_at(url: str) -> str:
    """The page that an address of ours shows, without its tenant, host and question; "" = none."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    found = _PAGE_OF_TENANT.fullmatch(path)
    rest = found[2] or "/" if found else ""
    return path if found is None or _OF_NO_TENANT.match(rest) else rest


def take_tenant(scope: HTTPScope) -> HTTPScope:
    """The scope without the tenant's part of its path, which is noted beside it."""
    found = _PAGE_OF_TENANT.fullmatch(scope["path"])
    rest = found[2] or "/" if found else ""
    if found is None or _OF_NO_TENANT.match(rest):
        _at.set("")
        return scope
    _at.set(f"/t/{found[1]}")
    taken: HTTPScope = {**scope, "path": rest}
    taken[ASKED] = int(found[1])  # type: ignore[literal-required]
    raw = scope.get("raw_path") or b""
    prefix = f"/t/{found[1]}".encode()
    if raw.startswith(prefix):
        taken["raw_path"] = raw.removeprefix(prefix) or b"/"
    return taken


def asked_tenant(scope: Scope) -> int | None:
    """The tenant that the address names; None where it names none."""
    number: int | None = scope.get(ASKED)  # type: ignore[assignment]
    return number


def leading(send: Send) -> Send:
    """Send on, with redirects that stay at the tenant of the page that asked."""
    at = _at.get()
    if not at:
        return send

    async def led(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            for name in _LEADS:
                to = headers.get(name, "")
                if to.startswith("/") and not _OF_NO_TENANT.match(to):
                    headers[name] = at + to
        await send(message)

    return led
