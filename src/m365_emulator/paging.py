"""Page and delta tokens, and the absolute links that carry them.

A token is a sealed note from the tenant to itself: where a walk stands and since when. It is
opaque to clients; one that was altered, or belongs to another tenant, does not open.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import quote

import msgspec
from starlette.requests import Request

_MAC_BYTES = 12

N = TypeVar("N", bound=msgspec.Struct)


class BadToken(ValueError):
    """The token was not made by this tenant for this purpose, or was altered."""


class Seal:
    """Signs notes with a key that belongs to one tenant."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(secret.encode()).digest()

    def close(self, note: msgspec.Struct) -> str:
        body = msgspec.msgpack.encode(note)
        return base64.urlsafe_b64encode(self._mac(type(note), body) + body).decode().rstrip("=")

    def open(self, token: str, kind: type[N]) -> N:
        """The note in `token`, or BadToken."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
            if not hmac.compare_digest(mac, self._mac(kind, body)):
                raise BadToken(token)
            return msgspec.msgpack.decode(body, type=kind)
        except (ValueError, msgspec.MsgspecError) as reason:
            raise BadToken(token) from reason

    def _mac(self, kind: type[msgspec.Struct], body: bytes) -> bytes:
        message = kind.__name__.encode() + b"\0" + body
        return hmac.digest(self._key, message, "sha256")[:_MAC_BYTES]


def path_of(request: Request) -> str:
    """The decoded path; unlike `request.url.path` it may hold the # of a guest's UPN."""
    path: str = request.scope["path"]
    return path


def root_of(request: Request) -> str:
    """Scheme, host and version, as the caller addressed them: `http://127.0.0.1:8080/v1.0`."""
    return f"{_origin(request)}/{path_of(request).split('/', 2)[1]}"


def link(request: Request, options: Iterable[tuple[str, str]]) -> str:
    """An absolute link to the requested path with these query options."""
    path = quote(path_of(request), safe="/()$@!*',;:=+~")
    query = "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in options)
    return f"{_origin(request)}{path}?{query}"


_PLAIN = "$,'()@:/*!-_.~"


def _origin(request: Request) -> str:
    host = request.headers.get("host", "localhost")
    return f"{request.scope['scheme']}://{host}"


def page_body(context: str, rows: Iterable[bytes], annotations: dict[str, object]) -> bytes:
    """A collection as JSON: context, annotations such as nextLink, then the rows."""
    head = msgspec.json.encode({"@odata.context": context, **annotations})
    return head[:-1] + b',"value":[' + b",".join(rows) + b"]}"
