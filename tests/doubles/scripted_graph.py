"""A transport that answers as the test's script says: Entra gives tokens, Graph what comes next."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jackfield.graph.transport import Request, Response

Reply = Response | Exception | Callable[[Request], Response]


def answer(body: object = None, status: int = 200, **headers: str) -> Response:
    """JSON (or bytes as they are) with headers; `retry_after="5"` becomes `retry-after: 5`."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {k.replace("_", "-"): v for k, v in headers.items()}, raw)


def refused(status: int, code: str, message: str = "No.", **headers: str) -> Response:
    """Graph's error, in Graph's shape."""
    return answer({"error": {"code": code, "message": message}}, status, **headers)


def entra_refused(number: int, error: str = "invalid_client", status: int = 401) -> Response:
    """Entra's error, in Entra's shape."""
    return answer(
        {
            "error": error,
            "error_description": f"AADSTS{number}: As the documentation has it.",
            "error_codes": [number],
            "trace_id": "0f3e0000-0000-4000-8000-000000000000",
        },
        status,
    )


class ScriptedGraph:
    """Obeys `Transport`. Token requests are answered with tokens unless `entra` has replies."""

    def __init__(self, *replies: Reply, entra: Iterable[Reply] = ()) -> None:
        self.replies = deque(replies)
        self.entra = deque(entra)
        self.sent: list[Request] = []
        self.token_requests: list[Request] = []
        self.token_life_s = 3600

    async def send(self, request: Request) -> Response:
        await asyncio.sleep(0)  # as a network would: others get their turn
        if request.url.endswith("/oauth2/v2.0/token"):
            self.token_requests.append(request)
            reply = self.entra.popleft() if self.entra else self._token()
        else:
            self.sent.append(request)
            assert self.replies, f"nothing is scripted for {request.method} {request.url}"
            reply = self.replies.popleft()
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, Response) else reply(request)

    def _token(self) -> Response:
        number = len(self.token_requests)
        return answer({"access_token": f"token-{number}", "expires_in": self.token_life_s})

    @property
    def tokens_used(self) -> list[str]:
        return [request.headers["Authorization"] for request in self.sent]

    @property
    def paths(self) -> list[str]:
        return [urlsplit(request.url).path for request in self.sent]

    def form(self, number: int = 0) -> dict[str, str]:
        """What was posted to the token endpoint."""
        body = self.token_requests[number].body or b""
        return dict(parse_qsl(body.decode(), keep_blank_values=True))


def batch_body(request: Request) -> list[dict[str, Any]]:
    """The parts of a `$batch` request."""
    parts: list[dict[str, Any]] = json.loads(request.body or b"{}")["requests"]
    return parts
