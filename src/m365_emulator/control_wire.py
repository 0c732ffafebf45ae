"""How the control API reads and answers: JSON both ways, and a refusal in a sentence."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.refusals import Refused, UnknownObject

T = TypeVar("T")
Verb = Callable[[Request], Awaitable[Any]]
Played = tuple[str, str, Verb]
"""Method, path below /_emulator, and what is done; None answers 204."""

MOST = 1000
"""People or requests in one answer."""


def routes(played: list[Played]) -> list[Route]:
    return [
        Route(f"/_emulator{path}", _endpoint(verb), methods=[method])
        for method, path, verb in played
    ]


def _endpoint(verb: Verb) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        said = await verb(request)
        if said is None:
            return Response(status_code=204)
        return in_json(said)

    return endpoint


def in_json(body: Any, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(body),
        status,
        {"cache-control": "no-store"},
        media_type="application/json",
    )


async def refusal(_request: Request, error: Exception) -> Response:
    match error:
        case HTTPException():
            return in_json({"error": error.detail}, error.status_code)
        case UnknownObject():
            return in_json({"error": str(error)}, 404)
        case KeyError():
            return in_json({"error": f"there is no {error.args[0]}"}, 404)
        case Refused() | ValueError():
            return in_json({"error": str(error)}, 400)
        case _:
            raise error


async def read(request: Request, kind: type[T]) -> T:
    """The body as one of `orders.py`; a misspelt field is refused."""
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=kind)
    except msgspec.DecodeError as error:
        raise HTTPException(400, str(error)) from error


def amount(request: Request, name: str, default: int, most: int = MOST) -> int:
    value = request.query_params.get(name, str(default))
    if not value.isdecimal():
        raise HTTPException(400, f"{name} must be a number")
    return min(int(value), most)


async def changed(request: Request, kept: T) -> T:
    """Settings with only the fields changed that the body names."""
    changes = await read(request, dict[str, Any])
    try:
        return msgspec.convert({**msgspec.to_builtins(kept), **changes}, type(kept))
    except msgspec.ValidationError as error:
        raise HTTPException(400, str(error)) from error
