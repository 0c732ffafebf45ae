"""Many small calls in one request: twenty at a time, each with an answer or an error of its own.

Graph counts and throttles the parts one by one, so a part that was throttled is sent again alone.
Source: Graph docs, concepts/json-batching, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from jackfield.graph.answers import refusal, shown
from jackfield.graph.asking import Answer, Ask
from jackfield.graph.client import GraphClient
from jackfield.graph.errors import AgainLater, Call, GraphError, Throttled, Unreachable
from jackfield.graph.pace import Workload
from jackfield.graph.transport import Response

MOST_PARTS = 20
MOST_TRIES = 6


@dataclass(frozen=True, slots=True)
class Part:
    """One call inside a batch; `id` is the caller's own, unique without regard to case."""

    id: str
    path: str
    """Relative to the version, with its query: `/users/{id}/photo`."""
    method: str = "GET"
    body: object | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    units: float = 1.0
    needs: str | None = None


class _PartWire(msgspec.Struct):
    id: str
    status: int
    headers: dict[str, str] | None = None
    body: msgspec.Raw = msgspec.Raw(b"")


class _BatchWire(msgspec.Struct):
    responses: list[_PartWire]


_DECODER = msgspec.json.Decoder(_BatchWire)


async def send_batch(
    client: GraphClient, parts: Sequence[Part], *, workload: Workload = Workload.DIRECTORY
) -> dict[str, Answer | GraphError]:
    """Send all parts; each part's id leads to its answer or its error.

    An answer's body is the part's JSON as it came (a picture is a JSON string in base64). Raises
    only what concerns all of them, when not even the first request of a twenty got through.
    """
    outcomes: dict[str, Answer | GraphError] = {}
    for start in range(0, len(parts), MOST_PARTS):
        outcomes |= await _send_twenty(client, parts[start : start + MOST_PARTS], workload)
    return outcomes


async def _send_twenty(
    client: GraphClient, parts: Sequence[Part], workload: Workload
) -> dict[str, Answer | GraphError]:
    outcomes: dict[str, Answer | GraphError] = {}
    pending = list(parts)
    for tries in range(1, MOST_TRIES + 1):
        ask = Ask("/$batch", workload=workload, units=sum(part.units for part in pending))
        reading = all(part.method == "GET" for part in pending)
        try:
            requests = [_encoded(part) for part in pending]
            answer = await client.post(ask, {"requests": requests}, repeatable=reading)
        except AgainLater:
            if tries == 1:
                raise
            break  # every pending part has its error from the try before
        answered = {part.id: part for part in answer.decode(_DECODER).responses}
        waits: list[float] = []
        again: list[Part] = []
        for part in pending:
            outcome = _outcome(part, answered.get(part.id), answer.call, client.now())
            outcomes[part.id] = outcome
            if isinstance(outcome, Throttled):
                waits.append(outcome.retry_after_s)
                again.append(part)
            elif isinstance(outcome, Unreachable) and part.method == "GET":
                waits.append(outcome.retry_after_s or 0.0)
                again.append(part)
        if not again:
            break
        client.pause(workload, tries=tries, asked_s=max(waits))
        pending = again
    return outcomes


def _encoded(part: Part) -> dict[str, object]:
    request: dict[str, object] = {"id": part.id, "method": part.method, "url": part.path}
    headers = dict(part.headers)
    if part.body is not None:
        headers.setdefault("Content-Type", "application/json")
        request["body"] = part.body
    if headers:
        request["headers"] = headers
    return request


def _outcome(part: Part, wire: _PartWire | None, outer: Call, now: datetime) -> Answer | GraphError:
    call = replace(outer, method=part.method, path=part.path.partition("?")[0], status=None)
    if wire is None:
        return Unreachable(f"The batch has no answer for {call.method} {call.path}.", call=call)
    headers = {name.lower(): value for name, value in (wire.headers or {}).items()}
    call = replace(call, request_id=shown(headers.get("request-id", outer.request_id)))
    if 200 <= wire.status < 300:
        return Answer(bytes(wire.body), headers, replace(call, status=wire.status))
    response = Response(wire.status, headers, bytes(wire.body))
    return refusal(response, call, needs=part.needs, by_link=False, now=now)
