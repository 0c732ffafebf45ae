"""Graph's way of saying no: one exception, and the JSON in which Graph wraps it.

The token endpoint has another shape; that one lives in `entra_errors.py`.
Source: Graph docs, concepts/errors, read 2026-11.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response


class GraphError(Exception):
    """Graph refuses: HTTP status, `error.code`, `error.message`, extra headers and details.

    `inner` adds keys to `innerError`, for example the more specific `code` some services nest.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        inner: Mapping[str, Any] | None = None,
        details: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.inner = dict(inner or {})
        self.details = [dict(detail) for detail in details]


def not_found(resource: str) -> GraphError:
    """The directory's 404 for an object id or name that leads nowhere."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{resource}' does not exist or one of its queried reference-property objects "
        "are not present.",
    )


def bad_request(message: str, code: str = "Request_BadRequest") -> GraphError:
    return GraphError(400, code, message)


def absent(segment: str) -> GraphError:
    """What the stage says of everything that it does not play: 404, never a pretended success.

    Graph itself answers 400 `BadRequest` with this sentence; 404 is plainer for who reads it here.
    """
    return GraphError(404, "ResourceNotFound", f"Resource not found for the segment '{segment}'.")


def body_of(
    error: GraphError, now: datetime, request_id: str, client_request_id: str
) -> dict[str, Any]:
    """The error as Graph spells it; `now` becomes `innerError.date` (UTC, no zone, seconds)."""
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.details:
        body["details"] = error.details
    body["innerError"] = {
        **error.inner,
        "date": stamp,
        "request-id": request_id,
        "client-request-id": client_request_id,
    }
    return {"error": body}


def respond(error: GraphError, request: Request) -> Response:
    """The answer to `request`; the door has put ids and the tenant's clock on it by now."""
    state = request.state
    body = body_of(error, state.now, state.request_id, state.client_request_id)
    return Response(
        msgspec.json.encode(body),
        error.status,
        error.headers,
        media_type="application/json",
    )
