"""One request to the stage and its answer, as plain values, so that they can be tampered with.

Bodies are held whole: a page of a thousand people is under a megabyte.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

GZIP_FROM_BYTES = 1024


@dataclass(slots=True)
class Answer:
    """Status, headers (names in lower case) and the whole body."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_json(self) -> bool:
        return self.headers.get("content-type", "").startswith("application/json")

    def compress(self) -> None:
        """Gzip the body when it is worth it; a picture is small already."""
        kind = self.headers.get("content-type", "")
        if kind.startswith("image/"):
            return
        if len(self.body) >= GZIP_FROM_BYTES and "content-encoding" not in self.headers:
            self.body = gzip.compress(self.body, compresslevel=1, mtime=0)
            self.headers["content-encoding"] = "gzip"
        self.headers["vary"] = "Accept-Encoding"

    async def send_to(self, send: Send) -> None:
        await send(self.start())
        await send({"type": "http.response.body", "body": self.body})

    def start(self) -> Message:
        self.headers["content-length"] = str(len(self.body))
        return {
            "type": "http.response.start",
            "status": self.status,
            "headers": [
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in self.headers.items()
            ],
        }


async def read_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client went away before its request was complete")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def ask(app: ASGIApp, scope: Scope, body: bytes) -> Answer:
    """Let an ASGI app answer a request in process."""
    answer = Answer(500)
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in message["headers"]
            }
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    answer.body = b"".join(parts)
    answer.headers.pop("content-length", None)
    return answer


def scope_for(
    outer: Scope, method: str, path: str, headers: Mapping[str, str], root_path: str
) -> Scope:
    """The scope of a request inside a request: a part of a batch, under the same host."""
    target, _, query = path.partition("?")
    whole = f"{root_path}/{target.lstrip('/')}"
    given = {name.lower(): value for name, value in headers.items()}
    kept = {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in outer["headers"]
        if name.lower() in {b"host", b"authorization", b"client-request-id"}
    }
    return {
        "type": "http",
        "asgi": outer["asgi"],
        "http_version": outer["http_version"],
        "method": method.upper(),
        "scheme": outer["scheme"],
        "server": outer.get("server"),
        "client": outer.get("client"),
        "path": unquote(whole),
        "raw_path": whole.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in {**kept, **given}.items()
        ],
    }
