"""Which links of Graph are followed: those that stay on the Graph they came from.

Next and delta links are opaque, so nothing in them is read or changed but the address itself.
A token travels with every request; a link to elsewhere would hand over the directory.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from jackfield.graph.answers import shown
from jackfield.graph.errors import Call, LinkRefused

MAX_LINK_LENGTH = 32_000


def followed(link: str, graph: str, call: Call) -> str:
    """The address to ask for `link`: its path and query on our own Graph. Raises `LinkRefused`.

    `graph` is our Graph's origin. Letters of the host may differ in case, as Graph is known to do.
    """
    parts = _parse_link(link)
    if parts is None or _origin(parts) != _origin(urlsplit(graph)):
        raise LinkRefused(
            f"A page of {call.path} leads to {shown(link.partition('?')[0])!r}; Jackfield only "
            f"follows links to {graph}.",
            "Nothing was sent there. Check the Graph address of this connection.",
            call,
        )
    query = f"?{parts.query}" if parts.query else ""
    return f"{graph}{parts.path}{query}"


def _parse_link(link: str) -> SplitResult | None:
    """A link's parts; None if two readers could take it for two different addresses."""
    if len(link) > MAX_LINK_LENGTH or not link.isascii() or not link.isprintable():
        return None
    if any(mark in link for mark in " \\"):
        return None
    try:
        parts = urlsplit(link)
        _ = parts.port  # a bad port is only noticed here
    except ValueError:
        return None
    return None if "@" in parts.netloc else parts


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", parts.port or default
