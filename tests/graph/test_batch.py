from collections.abc import Callable

import pytest

from doubles.scripted_graph import ScriptedGraph, answer, batch_body, refused
from doubles.virtual_clock import VirtualClock
from jackfield.graph.asking import Answer
from jackfield.graph.batch import Part, send_batch
from jackfield.graph.client import GraphClient
from jackfield.graph.errors import NotFound, PermissionMissing, Throttled, Unreachable
from jackfield.graph.transport import Request, Response

Make = Callable[..., GraphClient]


def part(number: int) -> Part:
    return Part(str(number), f"/users/{number}/photo")


def echo(request: Request) -> Response:
    """Answers every part with its own path, last part first."""
    parts = batch_body(request)
    responses = [{"id": p["id"], "status": 200, "body": {"url": p["url"]}} for p in parts]
    return answer({"responses": responses[::-1]})


def failing(part_id: str, status: int, code: str, **headers: str) -> Callable[[Request], Response]:
    """Answers well except for one part."""

    def reply(request: Request) -> Response:
        error = {"error": {"code": code, "message": "No."}}
        return answer(
            {
                "responses": [
                    {"id": p["id"], "status": 200, "body": {}}
                    if p["id"] != part_id
                    else {"id": part_id, "status": status, "headers": headers, "body": error}
                    for p in batch_body(request)
                ]
            }
        )

    return reply


async def test_many_calls_go_out_twenty_at_a_time(client: Make):
    """Graph refuses a batch of twenty-one as a whole."""
    graph = ScriptedGraph(echo, echo, echo)

    outcomes = await send_batch(client(graph), [part(number) for number in range(45)])

    assert [len(batch_body(request)) for request in graph.sent] == [20, 20, 5]
    assert graph.paths == ["/v1.0/$batch"] * 3
    assert len(outcomes) == 45
    one = outcomes["7"]
    assert isinstance(one, Answer)
    assert one.body == b'{"url": "/users/7/photo"}'


async def test_nothing_is_sent_for_nothing(client: Make):
    """An empty batch is an error to Graph."""
    assert await send_batch(client(ScriptedGraph()), []) == {}


async def test_a_part_has_its_own_error(client: Make):
    """The outer 200 says nothing about the parts."""
    graph = ScriptedGraph(failing("1", 404, "ImageNotFound"))

    outcomes = await send_batch(client(graph), [part(0), part(1)])

    assert isinstance(outcomes["0"], Answer)
    error = outcomes["1"]
    assert isinstance(error, NotFound)
    assert error.call is not None
    assert (error.call.path, error.code) == ("/users/1/photo", "ImageNotFound")


async def test_only_the_throttled_part_is_sent_again(client: Make, clock: VirtualClock):
    """Every repeated part counts against the quota once more."""
    throttled = failing("1", 429, "TooManyRequests", **{"Retry-After": "10"})
    graph = ScriptedGraph(throttled, echo)

    outcomes = await send_batch(client(graph), [part(0), part(1), part(2)])

    assert [[p["id"] for p in batch_body(r)] for r in graph.sent] == [["0", "1", "2"], ["1"]]
    assert all(isinstance(outcome, Answer) for outcome in outcomes.values())
    assert clock.monotonic() >= 10


async def test_a_part_without_an_answer_is_asked_again(client: Make):
    """Missing is not the same as empty."""
    graph = ScriptedGraph(answer({"responses": []}), echo)

    outcomes = await send_batch(client(graph), [part(0)])

    assert isinstance(outcomes["0"], Answer)


async def test_a_writing_part_without_an_answer_is_not_sent_twice(client: Make):
    """Nobody knows whether it was done."""
    graph = ScriptedGraph(answer({"responses": []}))
    write = Part("w", "/users/a/presence/setPresence", method="POST", body={})

    outcomes = await send_batch(client(graph), [write])

    assert isinstance(outcomes["w"], Unreachable)
    assert batch_body(graph.sent[0]) == [
        {
            "id": "w",
            "method": "POST",
            "url": "/users/a/presence/setPresence",
            "body": {},
            "headers": {"Content-Type": "application/json"},
        }
    ]


async def test_parts_that_stay_throttled_end_as_errors(client: Make):
    """One mailbox that is throttled for an hour must not hold up the nineteen others."""
    throttled = failing("1", 429, "ApplicationThrottled", **{"Retry-After": "600"})
    graph = ScriptedGraph(throttled)

    outcomes = await send_batch(client(graph), [part(0), part(1)])

    assert isinstance(outcomes["0"], Answer)
    error = outcomes["1"]
    assert isinstance(error, Throttled)
    assert error.retry_after_s == 600


async def test_what_concerns_all_parts_is_raised(client: Make):
    """Twenty errors with one cause are one error."""
    graph = ScriptedGraph(refused(403, "Authorization_RequestDenied"))

    with pytest.raises(PermissionMissing):
        await send_batch(client(graph), [part(0), part(1)])
