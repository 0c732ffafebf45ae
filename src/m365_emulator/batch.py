"""`POST /$batch`: up to twenty requests in one, each answered by itself.

The envelope is checked here; every part then goes through the door like a request of its own. The
answers come shuffled, because nobody may rely on their order.
Source: Graph docs, concepts/json-batching and known-issues/json-batching, read 2026-11.
"""

import asyncio
import base64
from collections.abc import Mapping
from random import Random
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.errors import bad_request
from m365_emulator.tenant import Tenant

MOST_PARTS = 20
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
_PRIVATE_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})


class PartAnswer(Protocol):
    """What the door answers to a part; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class SubRequest(Protocol):
    """The door, for parts of a batch: `path` is relative to the version."""

    async def __call__(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> PartAnswer: ...


class Part(msgspec.Struct, frozen=True, rename="camel"):
    """One request of a batch, as it stands in the envelope."""

    id: str
    method: str
    url: str
    headers: dict[str, str] = {}
    body: Any = UNSET
    depends_on: list[str] | None = None

    @property
    def key(self) -> str:
        """Ids are compared without regard to case."""
        return self.id.lower()

    @property
    def waits_for(self) -> frozenset[str]:
        return frozenset(each.lower() for each in self.depends_on or ())


class Envelope(msgspec.Struct, frozen=True):
    """The body of a batch."""

    requests: list[Part]


class PartReply(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of a batch."""

    id: str
    status: int
    headers: dict[str, str]
    body: Any | UnsetType = UNSET


class Batch:
    """The `$batch` endpoint of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._chance = Random(f"{tenant.seed}:batch")

    async def post(self, request: Request) -> Response:
        parts = _parts(await request.body())
        ask: SubRequest = request.app.state.sub_request
        replies = await _answers(parts, ask)
        self._chance.shuffle(replies)
        body = msgspec.json.encode({"responses": replies})
        return Response(body, media_type="application/json")


def _parts(raw: bytes) -> list[Part]:
    """The checked parts; GraphError 400 for a batch that Graph would not begin."""
    try:
        parts = msgspec.json.decode(raw, type=Envelope).requests
    except msgspec.MsgspecError as reason:
        raise bad_request(f"Invalid batch payload format: {reason}", "BadRequest") from None
    if len(parts) > MOST_PARTS:
        raise bad_request(
            f"Number of batch request steps exceeds the maximum value of {MOST_PARTS}.",
            "MaximumValueExceeded",
        )
    keys = [part.key for part in parts]
    if "" in keys or len(set(keys)) < len(keys):
        raise bad_request("Every request of a batch needs an id that no other has.", "BadRequest")
    for part in parts:
        _check(part)
    _check_dependencies(parts)
    return parts


def _check(part: Part) -> None:
    if part.method.upper() not in _METHODS:
        raise bad_request(f"Invalid method '{part.method}' in request '{part.id}'.", "BadRequest")
    if "://" in part.url or not part.url.strip("/"):
        raise bad_request(
            f"Invalid url '{part.url}' in request '{part.id}': it must be relative.", "BadRequest"
        )
    if part.url.lstrip("/").lower().startswith("$batch"):
        raise bad_request("A batch cannot hold another batch.", "BadRequest")
    has_type = any(name.lower() == "content-type" for name in part.headers)
    if part.body is not UNSET and part.body is not None and not has_type:
        raise bad_request(
            f"Write request id : {part.id} does not contain Content-Type header or body.",
            "BadRequest",
        )


def _check_dependencies(parts: list[Part]) -> None:
    """Parallel, fully serial, or all waiting for the same one; nothing else is accepted."""
    earlier: set[str] = set()
    for part in parts:
        if part.waits_for - earlier:
            raise bad_request(
                f"Request '{part.id}' depends on a request that does not come before it.",
                "BadRequest",
            )
        earlier.add(part.key)
    waiting = [part.waits_for for part in parts]
    after_previous = [frozenset({part.key}) for part in parts[:-1]]
    after_first = after_previous[:1] * len(after_previous)
    if any(waiting) and waiting[1:] not in (after_previous, after_first):
        raise bad_request(
            "Requests of a batch run all in parallel, one after another, or all after the same "
            "one; other dependencies are not supported.",
            "BadRequest",
        )


async def _answers(parts: list[Part], ask: SubRequest) -> list[PartReply]:
    replies: dict[str, PartReply] = {}
    waiting = list(parts)
    while waiting:
        ready = [part for part in waiting if part.waits_for <= replies.keys()]
        waiting = [part for part in waiting if part not in ready]
        failed = {key for key, reply in replies.items() if not 200 <= reply.status < 300}
        found = await asyncio.gather(
            *(_skipped(part) if part.waits_for & failed else _answered(part, ask) for part in ready)
        )
        replies |= {part.key: reply for part, reply in zip(ready, found, strict=True)}
    return list(replies.values())


async def _skipped(part: Part) -> PartReply:
    error = {
        "code": "FailedDependency",
        "message": "The request was not run because a request that it depends on failed.",
    }
    return PartReply(
        id=part.id,
        status=424,
        headers={"Content-Type": "application/json"},
        body={"error": error},
    )


async def _answered(part: Part, ask: SubRequest) -> PartReply:
    body = None
    if part.body is not UNSET and part.body is not None:
        body = part.body.encode() if isinstance(part.body, str) else msgspec.json.encode(part.body)
    answer = await ask(part.method.upper(), part.url, part.headers, body)
    headers = {
        _title(name): value
        for name, value in answer.headers.items()
        if name not in _PRIVATE_HEADERS
    }
    return PartReply(id=part.id, status=answer.status, headers=headers, body=_body_of(answer))


def _body_of(answer: PartAnswer) -> Any:
    """JSON as it is, text as text, anything else in base64."""
    if not answer.body:
        return UNSET
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if kind == "application/json":
        try:
            msgspec.json.decode(answer.body)
        except msgspec.DecodeError:
            return base64.b64encode(answer.body).decode()
        return msgspec.Raw(answer.body)
    if kind == "text/plain":
        return answer.body.decode()
    return base64.b64encode(answer.body).decode()


def _title(name: str) -> str:
    return name if name.startswith("x-") else name.title()


def routes(tenant: Tenant) -> list[Route]:
    """The `$batch` route; authentication is the door's, permissions are the parts'."""
    return [Route("/$batch", Batch(tenant).post, methods=["POST"])]
