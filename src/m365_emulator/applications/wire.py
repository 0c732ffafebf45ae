"""What the application routes have in common: bodies in, objects out, and the refusals they share.

Source: Graph docs, the pages of each call, and concepts/errors; read 2026-11.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from m365_emulator.applications.told import Told
from m365_emulator.errors import GraphError, bad_request
from m365_emulator.listing import Collection, Lister, answer
from m365_emulator.paging import root_of
from m365_emulator.projection import projection
from m365_emulator.query import Query, read_query
from m365_emulator.resources import ResourceType


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object of a request, without annotations."""
    try:
        body = msgspec.json.decode(await request.body())
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise bad_request("Unable to read JSON request payload.", "BadRequest")
    return {name: value for name, value in body.items() if not name.startswith("@")}


def text_of(body: Mapping[str, Any], name: str) -> str:
    """A property that has to be there, as a string."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise bad_request(f"A value is required for property '{name}' of the request.")
    return value


def entity(
    request: Request,
    told: Told,
    resource: ResourceType,
    context: str,
    *,
    select: tuple[str, ...] | None = None,
    status: int = 200,
) -> Response:
    """One object; `context` is what follows the # of `@odata.context`."""
    row = projection(resource, select or resource.default_select).row(told)
    chosen = f"({','.join(select)})" if select else ""
    head = msgspec.json.encode(
        {"@odata.context": f"{root_of(request)}/$metadata#{context}{chosen}/$entity"}
    )
    made = answer(head[:-1] + b"," + row[1:])
    made.status_code = status
    return made


def listed(
    request: Request,
    lister: Lister,
    found: Iterable[Told],
    resource: ResourceType,
    context: str,
) -> Response:
    """A page of objects, walked by id."""
    query: Query = read_query(request, resource)
    row = projection(resource, query.select or resource.default_select).row
    objects = sorted(found, key=lambda told: told.id)
    chosen = f"({','.join(query.select)})" if query.select else ""
    collection = Collection(
        lambda after: (told for told in objects if told.id > after),
        row,
        f"{root_of(request)}/$metadata#{context}{chosen}",
    )
    return lister.page(request, query, collection)


def structure(request: Request, kind: str, values: Mapping[str, Any]) -> Response:
    """A complex value that is no object, such as a credential."""
    context = f"{root_of(request)}/$metadata#microsoft.graph.{kind}"
    return answer(msgspec.json.encode({"@odata.context": context, **values}))


def nothing() -> Response:
    return Response(status_code=204)


def taken(message: str) -> GraphError:
    """409: something that must be unique is there already."""
    return GraphError(409, "Request_MultipleObjectsWithSameKeyValue", message)


def bad_value(error: ValueError) -> GraphError:
    """A body with a property that Graph has not, or of another type."""
    return bad_request(f"Invalid property in the request body: {error}")
