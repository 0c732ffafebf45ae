"""Where an answer may be sent: redirect URIs, the loopback rule, and the three response modes.

Source: Entra docs, reply-url and v2-oauth2-auth-code-flow, read 2026-11.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from starlette.responses import RedirectResponse, Response

from m365_emulator.manifest import Manifest

LOOPBACK = frozenset({"localhost", "127.0.0.1"})
"""Names whose port does not count; `[::1]` is not among them, as Entra does not take it."""

MODES = frozenset({"query", "fragment", "form_post"})


class Kind(StrEnum):
    """The platform under which a redirect URI is registered; it decides how to be redeemed."""

    WEB = "web"
    SPA = "spa"
    PUBLIC = "publicClient"


@dataclass(frozen=True, slots=True)
class Reply:
    """An address that was checked, how to answer there, and the state to give back."""

    uri: str
    kind: Kind
    mode: str = "query"
    state: str | None = None

    @property
    def form_source(self) -> str:
        """The address as a source of the policy `form-action`."""
        parts = urlsplit(self.uri)
        plain = parts.scheme in {"http", "https"} and ":" not in (parts.hostname or ":")
        return f"{parts.scheme}://{parts.netloc}" if plain else f"{parts.scheme}:"


def registered(manifest: Manifest, uri: str) -> Kind | None:
    """The platform under which an application has this address; None when it has not."""
    asked = _comparable(uri)
    platforms = (
        (Kind.WEB, manifest.web.redirect_uris),
        (Kind.SPA, manifest.spa.redirect_uris),
        (Kind.PUBLIC, manifest.public_client.redirect_uris),
    )
    for kind, known in platforms:
        if any(_comparable(each) == asked for each in known):
            return kind
    return None


def _comparable(uri: str) -> str:
    """Case-sensitive as it is; of loopback addresses the port falls away."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return uri
    if parts.scheme == "http" and host in LOOPBACK:
        return urlunsplit(parts._replace(netloc=host, path=parts.path or "/"))
    return urlunsplit(parts._replace(path=parts.path or "/")) if parts.netloc else uri


def located(reply: Reply, parameters: Mapping[str, str]) -> str:
    """The address with the parameters in its query or fragment."""
    parts = urlsplit(reply.uri)
    told = {**parameters, **({} if reply.state is None else {"state": reply.state})}
    encoded = urlencode(told, quote_via=quote)
    path = parts.path or ("/" if parts.netloc else "")
    if reply.mode == "fragment":
        return urlunsplit(parts._replace(path=path, fragment=encoded))
    query = f"{parts.query}&{encoded}" if parts.query else encoded
    return urlunsplit(parts._replace(path=path, query=query))


def redirect(reply: Reply, parameters: Mapping[str, str]) -> Response:
    """Back to the application by query or fragment; `form_post` needs a page, see `screens.py`."""
    return RedirectResponse(located(reply, parameters), 302)
