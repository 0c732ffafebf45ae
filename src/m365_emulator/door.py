"""The way in for Graph and Entra alike: ids, faults, the token, the toll, the answer's last touch.

A request passes here whether it came over a socket, in process or as a part of a batch. What the
routes answer is none of this module's business.
"""

import asyncio
import logging
import socket
import struct
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import format_datetime
from random import Random
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers, QueryParams
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from m365_emulator import entra_errors, errors, tampering
from m365_emulator.access import Caller
from m365_emulator.errors import GraphError
from m365_emulator.exchange import Answer, ask, read_body, scope_for
from m365_emulator.faults import CUTS, INSTEAD_OF_AN_ANSWER, TO_THE_ANSWER, Kind, Order
from m365_emulator.stage import Stage
from m365_emulator.throttle import cost_of, is_charged

TRANSPORT = "m365_emulator.transport"
"""The ASGI extension under which the socket's transport comes along, so that it can be cut."""

DIAGNOSTIC = msgspec.json.encode(
    {
        "ServerInfo": {
            "DataCenter": "Emulated",
            "Slice": "E",
            "Ring": "5",
            "ScaleUnit": "000",
            "RoleInstance": "M365EMULATOR",
        }
    }
).decode()

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time at all: the connection ends by a reset instead of in good order."""

log = logging.getLogger(__name__)


class ConnectionCut(ConnectionResetError):
    """The fault `cut_before` or `cut_middle`, as a caller in process meets it."""


@dataclass(slots=True)
class _Passage:
    """One request on its way through."""

    scope: Scope
    body: bytes
    headers: Headers
    request_id: str
    client_request_id: str
    part_of: str | None
    app_id: str | None = None
    fault: Kind | None = None
    cut: Order | None = None

    @property
    def login_origin(self) -> str:
        return f"{self.scope['scheme']}://{self.headers.get('host', 'localhost')}"

    @property
    def echoes(self) -> bool:
        return self.headers.get("return-client-request-id", "").lower() == "true"


class Door:
    """An ASGI app in front of Graph (`/v1.0`, everything else of Graph's) and Entra."""

    def __init__(
        self,
        stage: Stage,
        graph: ASGIApp,
        entra: ASGIApp,
        *,
        seed: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._stage = stage
        self._graph = graph
        self._entra = entra
        self._sleep = sleep
        self._ids = Random(f"request ids {seed}")
        self._outer: ContextVar[_Passage] = ContextVar("outer request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(receive)
        except ConnectionResetError:
            return
        if not _has_a_readable_host(scope):
            await PlainTextResponse("Bad Request - Invalid Hostname", 400)(scope, receive, send)
            return
        passage = self._passage(scope, body, None)
        self._outer.set(passage)
        answer = await self._pass(passage)
        if passage.cut is not None:
            await _cut(passage.cut, answer, scope, receive, send)
            return
        if "gzip" in passage.headers.get("accept-encoding", ""):
            answer.compress()
        await answer.send_to(send)

    async def sub_request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """A part of a batch: its own token check, faults, toll and line in the journal.

        `path` is what stands in the part's `url`: relative, without the version. Host and
        Authorization are those of the batch unless `headers` names others.
        """
        outer = self._outer.get()
        scope = scope_for(outer.scope, method, path, headers, "/v1.0")
        return await self._pass(self._passage(scope, body or b"", outer.request_id))

    def _passage(self, scope: Scope, body: bytes, part_of: str | None) -> _Passage:
        headers = Headers(scope=scope)
        request_id = str(uuid.UUID(int=self._ids.getrandbits(128), version=4))
        client_request_id = headers.get("client-request-id") or request_id
        return _Passage(scope, body, headers, request_id, client_request_id, part_of)

    async def _pass(self, passage: _Passage) -> Answer:
        scope = passage.scope
        scope["state"] = {
            **scope.get("state", {}),
            "now": self._stage.clock(),
            "request_id": passage.request_id,
            "client_request_id": passage.client_request_id,
        }
        is_graph = (
            scope["path"].startswith(("/v1.0/", "/beta/", "/oidc/")) or scope["path"] == "/v1.0"
        )
        if is_graph and scope["path"].count("/") > 2:
            # Graph does not mind a slash at the end, and the Python library O365 puts one there.
            scope["path"] = scope["path"].rstrip("/")
        answer = await self._before(passage, is_graph=is_graph)
        if answer is None:
            answer = await (self._ask_graph(passage) if is_graph else self._ask_entra(passage))
            self._after(passage, answer)
        self._sign(passage, answer, is_graph=is_graph)
        self._stage.journal.write(
            at=scope["state"]["now"],
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            status=0 if passage.fault is Kind.CUT_BEFORE else answer.status,
            request_id=passage.request_id,
            client_request_id=passage.client_request_id,
            app_id=passage.app_id,
            fault=passage.fault,
            part_of=passage.part_of,
        )
        return answer

    async def _before(self, passage: _Passage, *, is_graph: bool) -> Answer | None:
        """The answer of a fault that strikes before anybody looks at the request."""
        method, path = passage.scope["method"], passage.scope["path"]
        faults = self._stage.faults
        slow = faults.first(frozenset({Kind.SLOW}), method, path)
        if slow is not None:
            passage.fault = Kind.SLOW
            await self._sleep(slow.delay_s)
        kinds = INSTEAD_OF_AN_ANSWER - (CUTS if passage.part_of else frozenset())
        order = faults.first(kinds, method, path)
        if order is None:
            return None
        passage.fault = order.kind
        match order.kind:
            case Kind.CUT_BEFORE:
                passage.cut = order
                return Answer(500)
            case Kind.HTML_ERROR:
                return tampering.html_error(order)
            case _ if is_graph:
                return self._refusal(passage, tampering.graph_refusal(order, passage.login_origin))
            case _:
                response = entra_errors.respond(
                    tampering.entra_refusal(order),
                    passage.scope["state"]["now"],
                    passage.request_id,
                    passage.client_request_id,
                )
                headers = {
                    name.lower(): value for name, value in tampering.retry_after(order).items()
                }
                headers["content-type"] = "application/json; charset=utf-8"
                return Answer(response.status_code, headers, bytes(response.body))

    async def _ask_graph(self, passage: _Passage) -> Answer:
        scope = passage.scope
        stage = self._stage
        toll: dict[str, str] = {}
        try:
            caller = stage.tokens.identify(
                passage.headers.get("authorization"), passage.login_origin
            )
            passage.app_id = caller.app_id
            scope["state"]["caller"] = caller
            toll = self._toll(scope, caller)
            answer = await ask(self._graph, _for_oneself(scope, caller), passage.body)
        except GraphError as error:
            answer = self._refusal(passage, error)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            broken = GraphError(
                500, "InternalServerError", "The emulator itself failed; its log says where."
            )
            answer = self._refusal(passage, broken)
        answer.headers.update((name.lower(), value) for name, value in toll.items())
        return answer

    def _toll(self, scope: Scope, caller: Caller) -> dict[str, str]:
        """An unknown path pays like any other."""
        path = scope["path"].removeprefix("/v1.0").removeprefix("/beta")
        if not is_charged(path):
            return {}
        units = cost_of(scope["method"], path, QueryParams(scope["query_string"]))
        return self._stage.throttle.charge(caller.app_id, caller.tenant_id, units)

    async def _ask_entra(self, passage: _Passage) -> Answer:
        return await ask(self._entra, passage.scope, passage.body)

    def _after(self, passage: _Passage, answer: Answer) -> None:
        """A fault that strikes what is about to be sent."""
        faults = self._stage.faults
        kinds = TO_THE_ANSWER & faults.kinds_in_force()
        kinds -= CUTS if passage.part_of else frozenset()
        able = frozenset(kind for kind in kinds if tampering.touches(kind, answer))
        order = faults.first(able, passage.scope["method"], passage.scope["path"])
        if order is None:
            return
        passage.fault = order.kind
        if order.kind is Kind.CUT_MIDDLE:
            passage.cut = order
        else:
            tampering.tamper(order, answer)

    def _refusal(self, passage: _Passage, error: GraphError) -> Answer:
        body = errors.body_of(
            error,
            passage.scope["state"]["now"],
            passage.request_id,
            passage.client_request_id,
        )
        headers = {name.lower(): value for name, value in error.headers.items()}
        headers["content-type"] = "application/json"
        return Answer(error.status, headers, msgspec.json.encode(body))

    def _sign(self, passage: _Passage, answer: Answer, *, is_graph: bool) -> None:
        """Ids and date, as the two services give them."""
        headers = answer.headers
        headers["date"] = format_datetime(passage.scope["state"]["now"], usegmt=True)
        if is_graph:
            headers["request-id"] = passage.request_id
            headers["client-request-id"] = (
                passage.client_request_id if passage.echoes else passage.request_id
            )
            headers["x-ms-ags-diagnostic"] = DIAGNOSTIC
            headers.setdefault("cache-control", "no-cache")
        else:
            headers["x-ms-request-id"] = passage.request_id
            headers["x-ms-ests-server"] = "2.1.0 - emulated"
            headers["cache-control"] = "no-store, no-cache"
            headers["pragma"] = "no-cache"
            if passage.echoes:
                headers["client-request-id"] = passage.client_request_id


def _for_oneself(scope: Scope, caller: Caller) -> Scope:
    """`/me` is the person in whose name the call comes; an app by itself has none."""
    path: str = scope["path"]
    if path != "/v1.0/me" and not path.startswith("/v1.0/me/"):
        return scope
    if not caller.is_person:
        raise GraphError(
            400,
            "BadRequest",
            "/me request is only valid with delegated authentication flow.",
        )
    return {**scope, "path": f"/v1.0/users/{caller.object_id}{path.removeprefix('/v1.0/me')}"}


def _has_a_readable_host(scope: Scope) -> bool:
    """Links are made from it, so what is no host and port goes no further."""
    try:
        parts = urlsplit(f"//{Headers(scope=scope).get('host', 'localhost')}")
        return parts.port != 0 and bool(parts.hostname) and not parts.path
    except ValueError:
        return False


async def _cut(order: Order, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Break the connection: before anything is said, or with half of the body said."""
    if order.kind is Kind.CUT_MIDDLE:
        await send(answer.start())
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
    transport = scope.get("extensions", {}).get(TRANSPORT)
    if transport is None:
        raise ConnectionCut(f"the fault {order.kind} is switched on")
    if order.kind is Kind.CUT_MIDDLE:
        transport.close()
    else:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        continue
