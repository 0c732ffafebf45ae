"""Who asks, and whether they may: sessions, API tokens, form tokens.

The way in is decided per route by guards. Names, proxies and sizes were checked before, in
`doorway.py`; passwords and accounts are `flows/signin.py`'s business.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from litestar import Request, Response
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, Headers
from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware.csrf import CSRFMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from jackfield.flows.signin import Viewer
from jackfield.web.addresses import at_tenant
from jackfield.web.doorway import host_name, is_https
from jackfield.web.errors import API, error_answer
from jackfield.web.rooms import DoorSettings, Rooms
from jackfield.web.tenancy import PUBLIC

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
ADMINISTRATORS = frozenset({"administrator", "owner"})
BY_ITSELF = "x-by-itself"
"""Header of what an open page asks for without anybody's doing: it keeps no session alive."""

Connection = ASGIConnection[Any, Any, Any, Any]


class NotSignedIn(NotAuthorizedException):
    """Nobody is signed in; browsers are sent to the sign-in page."""


# --- cookies -------------------------------------------------------------------------------------


def session_cookie_name(settings: DoorSettings) -> str:
    """`__Host-` binds the cookie to this very host; browsers take it over https only."""
    return "__Host-jackfield" if is_https(settings) else "jackfield"


def session_cookie(settings: DoorSettings, value: str) -> Cookie:
    """The session's cookie; an empty value removes it."""
    return Cookie(
        key=session_cookie_name(settings),
        value=value,
        path="/",
        httponly=True,
        secure=is_https(settings),
        samesite="lax",
        max_age=None if value else 0,
    )


def form_tokens(house: Rooms) -> CSRFConfig:
    """Form tokens as Litestar makes and checks them."""
    name = "jackfield-form"
    secure = is_https(house.settings)
    return CSRFConfig(
        secret=house.csrf_secret,
        cookie_name=f"__Host-{name}" if secure else name,
        cookie_secure=secure,
        cookie_httponly=True,
        cookie_samesite="lax",
        header_name="x-csrftoken",
    )


# --- middleware ----------------------------------------------------------------------------------


class Visitors:
    """Puts a `Viewer` or None into `scope["user"]`: from a token on API paths, else the cookie."""

    def __init__(self, app: ASGIApp, house: Rooms) -> None:
        self._app = app
        self._house = house
        self._cookie = session_cookie_name(house.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection: Connection = ASGIConnection(scope)
        scope["auth"] = None
        scope["user"] = None
        secret = bearer_token(connection.headers)
        if secret is not None and scope["path"].startswith(API):
            scope["user"] = await self._house.signin.token_viewer(secret)
            scope["auth"] = "token"
        elif (cookie := connection.cookies.get(self._cookie)) and not _is_open(scope):
            by_itself = BY_ITSELF in connection.headers or scope["path"] == "/live"
            scope["user"] = await self._house.signin.viewer(cookie, renew=not by_itself)
            scope["auth"] = "session"
        await self._app(scope, receive, send)


class OwnForms(CSRFMiddleware):
    """Changes are taken from our own pages only: origin first, then the form token.

    A call with an API token needs neither: browsers never send one by themselves.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope.get("auth") == "token":
            await self.app(scope, receive, send)
            return
        if scope["method"] not in SAFE:
            headers = Headers.from_scope(scope)
            if not is_own_origin(headers):
                raise PermissionDeniedException("The form was sent from another site.")
            if (
                scope["path"].startswith(API)
                and bearer_token(headers) is None
                and not scope["user"]
            ):
                raise NotSignedIn(_NO_TOKEN)
        self._forget_foreign_token(scope)
        try:
            await super().__call__(scope, receive, send)
        except PermissionDeniedException as error:
            if "CSRF" not in str(error.detail):
                raise
            told = _FORM_OR_API if scope["path"].startswith(API) else _PAGE_TOO_OLD
            raise PermissionDeniedException(told) from error

    def _forget_foreign_token(self, scope: Scope) -> None:
        """Take a cookie that another secret signed for none at all, so that a new one is set.

        Litestar never replaces a cookie: its browser would be refused until somebody deletes it.
        """
        # Litestar parses cookies once per request and hands this very mapping to whoever asks.
        cookies = ASGIConnection[Any, Any, Any, Any](scope).cookies
        token = cookies.get(self.config.cookie_name)
        if token is not None and self._decode_csrf_token(token) is None:
            del cookies[self.config.cookie_name]


_PAGE_TOO_OLD = (
    "The page was open for too long, or it is not one of ours. Reload it, then try again."
)
_FORM_OR_API = (
    "A signed-in browser sends the page's form token as X-CSRFToken; a program sends an API token"
    " instead: Authorization: Bearer jackfield_..."
)
_NO_TOKEN = "Sign in, or send an API token: Authorization: Bearer jackfield_..."  # noqa: S105


def bearer_token(headers: Headers) -> str | None:
    """The token of the Authorization header; None where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def is_own_origin(headers: Headers) -> bool:
    """Whether a browser says that one of our pages sent this; programs that say nothing pass."""
    origin = headers.get("origin")
    if origin is not None:
        host = headers.get("host", "")
        return origin != "null" and _same_place(origin, host)
    return headers.get("sec-fetch-site", "none") in {"same-origin", "none"}


def _same_place(origin: str, host: str) -> bool:
    try:
        netloc = urlsplit(origin).netloc
    except ValueError:
        return False
    return netloc == host or (bool(host_name(netloc)) and host_name(netloc) == host_name(host))


def _is_open(scope: Scope) -> bool:
    return bool(scope.get("path", "").startswith("/static/"))


# --- guards --------------------------------------------------------------------------------------


async def signed_in(connection: Connection, handler: BaseRouteHandler) -> None:
    """Only for people who are signed in, unless the route says `public`."""
    if handler.opt.get(PUBLIC):
        return
    viewer: Viewer | None = connection.scope.get("user")
    if viewer is None:
        raise NotSignedIn(_NO_TOKEN if connection.scope["path"].startswith(API) else "")
    if viewer.role not in ADMINISTRATORS and connection.scope["method"] not in SAFE:  # type: ignore[typeddict-item]
        raise PermissionDeniedException("Your account may look, but not change anything.")


def answer_not_signed_in(request: Request[Any, Any, Any], error: NotSignedIn) -> Response[bytes]:
    """Browsers go to the sign-in page and come back afterwards; programs get 401."""
    scope = request.scope
    if scope["path"].startswith(API):
        bearer = {"www-authenticate": 'Bearer realm="Jackfield"'}
        return error_answer(scope, 401, error.detail, headers=bearer)
    if request.headers.get("hx-request") == "true":
        asked_from = urlsplit(request.headers.get("hx-current-url", ""))
        back = asked_from.path + (f"?{asked_from.query}" if asked_from.query else "")
        return error_answer(scope, 401, headers={"hx-redirect": login_url(back)})
    if "text/event-stream" in request.headers.get("accept", ""):
        return error_answer(scope, 401)
    back = at_tenant(scope["path"]) if request.method == "GET" else ""
    query = scope["query_string"].decode("latin-1")
    location = login_url(f"{back}?{query}" if back and query else back)
    return Response(b"", status_code=303, headers={"location": location})


def login_url(back: str) -> str:
    """The sign-in page, with the way back."""
    safe = own_path(back)
    return "/login" if safe == "/" else f"/login?next={quote(safe, safe='/')}"


def own_path(path: str) -> str:
    """`path` if it stays in this console, else "/"."""
    if not path.startswith("/") or path.startswith(("//", "/\\", "/login", "/logout")):
        return "/"
    return path if path.isprintable() and "\\" not in path else "/"
