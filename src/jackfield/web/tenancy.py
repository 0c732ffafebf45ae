"""Which tenant a request is about, and whether whoever asks may see it.

A page names it in its address (`addresses.py`), a call of the API in a header, by name or number.
Where somebody sees one tenant only, it need not be named. What is no tenant's own (processes, the
key, other tenants) is for those who administer the whole installation.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Any
from urllib.parse import quote, unquote

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from jackfield.core.tenant_names import which_tenant
from jackfield.flows.signin import Viewer
from jackfield.store.tenants import Tenant, load_tenants
from jackfield.web.addresses import asked_tenant
from jackfield.web.errors import API
from jackfield.web.rooms import Rooms

HEADER = "jackfield-tenant"
PUBLIC = "public"
"""Key in a route's `opt`: nobody has to be signed in."""
ABOUT = "about"
"""Key in a route's `opt`: an `About`; else a route is about one tenant."""
CHOSEN = "jackfield.chosen"
SEEN = "jackfield.seen"
MOST_NAMED = 10

Connection = ASGIConnection[Any, Any, Any, Any]


class About(Enum):
    """What a route is about, where that is not one tenant."""

    INSTALLATION = auto()
    """All tenants; only for who sees all of them."""
    EITHER = auto()
    """The tenant that is named, else whatever the caller may see."""
    ASKED = auto()
    """Like `EITHER`; whether it is about one tenant depends on what is asked: `one_tenant`."""


class Unnamed(HTTPException):
    """There are several tenants, and the call says about none of them which is meant."""

    status_code = 400


class ManyByNow(HTTPException):
    """A form that was made when there was one tenant."""

    status_code = 409


class NamesNone(HTTPException):
    """A page that names no tenant, where there are several; `location` is where one is chosen."""

    status_code = 303

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location


def choosing(house: Rooms) -> Guard:
    """A guard behind `signed_in`: notes the tenant in the scope, or refuses the request."""

    async def choose(connection: Connection, handler: BaseRouteHandler) -> None:
        if handler.opt.get(PUBLIC):
            return
        viewer: Viewer = connection.scope["user"]
        about = handler.opt.get(ABOUT)
        if about is About.INSTALLATION and not viewer.sees_all:
            raise PermissionDeniedException(
                "This concerns the whole installation, and you administer one tenant of it only."
            )
        async with house.database.read() as tx:
            known = await load_tenants(tx)
        seen = [one for one in known if viewer.sees_all or one.number == viewer.tenant]
        api = connection.scope["path"].startswith(API)
        named = (
            _named_in_header(connection, seen, viewer) if api else _named_in_path(connection, seen)
        )
        if about is not None:
            chosen = viewer.tenant if named is None else named
        elif named is not None:
            chosen = named
        elif len(seen) == 1:
            chosen = seen[0].number
        else:
            raise _unnamed(connection, seen, api=api)
        connection.scope[CHOSEN] = chosen  # type: ignore[literal-required]
        connection.scope[SEEN] = tuple(seen)  # type: ignore[literal-required]

    return choose


def house_by_request(house: Rooms) -> Provide:
    """The house as the tenant's that the request is about."""

    def house_of(request: Request[Any, Any, Any]) -> Rooms:
        chosen: int | None = request.scope.get(CHOSEN)  # type: ignore[assignment]
        return house.of(house.tenant if chosen is None else chosen)

    return Provide(house_of, sync_to_thread=False)


def chosen_tenant(request: Request[Any, Any, Any]) -> int | None:
    """The tenant that the request is about; 0 = the installation, None = nobody has looked."""
    chosen: int | None = request.scope.get(CHOSEN)  # type: ignore[assignment]
    return chosen


def one_tenant(request: Request[Any, Any, Any]) -> int:
    """The tenant that a call of a route about `ASKED` means. Raises `Unnamed` where none is."""
    seen = seen_tenants(request)
    if chosen := chosen_tenant(request):
        return chosen
    if len(seen) == 1:
        return seen[0].number
    raise _unnamed(request, seen, api=True)


def seen_tenants(request: Request[Any, Any, Any]) -> tuple[Tenant, ...]:
    """The tenants that whoever asks may see, by number."""
    seen: tuple[Tenant, ...] = request.scope.get(SEEN, ())  # type: ignore[assignment]
    return seen


def answer_names_none(request: Request[Any, Any, Any], error: NamesNone) -> Response[bytes]:
    """On to where a tenant is chosen; a part of a page takes the whole page there."""
    if request.headers.get("hx-request") == "true":
        return Response(b"", status_code=200, headers={"hx-redirect": error.location})
    return Response(b"", status_code=303, headers={"location": error.location})


def _named_in_path(connection: Connection, seen: Sequence[Tenant]) -> int | None:
    asked = asked_tenant(connection.scope)
    if asked is not None and all(one.number != asked for one in seen):
        raise NotFoundException("There is no such tenant (any more), or you may not see it.")
    return asked


def _named_in_header(connection: Connection, seen: Sequence[Tenant], viewer: Viewer) -> int | None:
    given = unquote(connection.headers.get(HEADER, "")).strip()
    if not given:
        return None
    found = which_tenant(given, [(one.number, one.name) for one in seen])
    if found is not None:
        return found
    if not viewer.sees_all:
        # The same for a tenant that there is and for one that there is not.
        raise PermissionDeniedException(
            f"This token is for {_names(seen) or 'a tenant that was removed'} alone; the header"
            f" Jackfield-Tenant names “{given[:100]}”."
        )
    raise NotFoundException(f"There is no tenant “{given[:100]}”; there are {_names(seen)}.")


def _unnamed(connection: Connection, seen: Sequence[Tenant], *, api: bool) -> HTTPException:
    if not seen:
        return PermissionDeniedException("The tenant that you administered was removed.")
    if api:
        return Unnamed(
            f"There are several tenants: {_names(seen)}. Name one, by name or number: a command"
            " with --tenant, a call in the header Jackfield-Tenant."
        )
    path = connection.scope["path"]
    if connection.scope["method"] not in {"GET", "HEAD"}:  # type: ignore[typeddict-item]
        return ManyByNow(
            "There are several tenants by now, and this page says about none which is meant."
            " Open it again from the menu."
        )
    if path == "/":
        return NamesNone("/tenants")
    # An address from when there was one tenant, or of somebody who saw one: whose page is meant,
    # nobody can know.
    query = connection.scope["query_string"].decode("latin-1")
    page = quote(path) + (f"?{query}" if query else "")
    return NamesNone(f"/tenants?next={quote(page, safe='/')}")


def _names(seen: Sequence[Tenant]) -> str:
    named = [f"{one.number} ({one.name})" for one in seen[:MOST_NAMED]]
    more = len(seen) - len(named)
    return ", ".join([*named, f"and {more:,} more"] if more > 0 else named)
