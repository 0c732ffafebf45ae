"""Graph's transport without a socket: calls an ASGI application in process."""

from typing import Any
from urllib.parse import unquote, urlsplit

from jackfield.graph.transport import AnswerTooLarge, Request, Response, TransportFailed


class AsgiTransport:
    """Obeys `jackfield.graph.transport.Transport`; a ConnectionError is a cut connection."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.sent: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.sent.append(request)
        parts = urlsplit(request.url)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": parts.scheme,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [
                (b"host", parts.netloc.encode()),
                *((k.lower().encode(), v.encode()) for k, v in request.headers.items()),
                (b"content-length", str(len(request.body or b"")).encode()),
            ],
            "client": ("127.0.0.1", 50000),
            "server": (parts.hostname, parts.port or {"https": 443, "http": 80}[parts.scheme]),
            "state": {},
        }
        asked = False
        status = 0
        headers: dict[str, str] = {}
        body = bytearray()
        complete = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": request.body or b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                headers.update((k.decode().lower(), v.decode()) for k, v in message["headers"])
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                complete = not message.get("more_body", False)

        try:
            await self._app(scope, receive, send)
        except ConnectionError as error:
            raise TransportFailed(f"the connection broke ({error})", maybe_received=True) from error
        if not complete:
            raise TransportFailed("the connection broke (half an answer)", maybe_received=True)
        if len(body) > request.max_answer_bytes:
            raise AnswerTooLarge("the answer is too large", maybe_received=True)
        return Response(status, headers, bytes(body))
