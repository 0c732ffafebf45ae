"""$batch: the envelope, the dependencies, and parts that fail on their own."""

from collections.abc import Callable
from typing import Any

import pytest

from m365_emulator.clock import Clock
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator


@pytest.fixture
def emulator(clock: Clock) -> Emulator:
    return Emulator(people=30, seed=1, clock=clock)


def _get(part_id: str, url: str, **more: Any) -> dict[str, Any]:
    return {"id": part_id, "method": "GET", "url": url, **more}


async def _batch(graph: Any, *parts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    reply = await graph.post("/v1.0/$batch", {"requests": list(parts)})
    assert reply.status == 200, reply.body
    return {each["id"]: each for each in reply.json()["responses"]}


async def test_every_part_is_answered_by_itself(graph: Any, emulator: Emulator) -> None:
    """The outer 200 says nothing; one part may be missing while others are there."""
    person = next(emulator.tenant.people())

    answers = await _batch(
        graph,
        _get("1", f"/users/{person.id}?$select=id"),
        _get("2", "users/nobody"),
        _get("3", "/users/$count", headers={"ConsistencyLevel": "eventual"}),
        _get("4", "/users/$count"),
    )

    assert {key: each["status"] for key, each in answers.items()} == {
        "1": 200,
        "2": 404,
        "3": 200,
        "4": 400,
    }
    assert answers["1"]["body"]["id"] == person.id
    assert answers["1"]["headers"]["Content-Type"].startswith("application/json")
    assert answers["2"]["body"]["error"]["code"] == "Request_ResourceNotFound"
    assert answers["3"]["body"] == "30"


async def test_post_parts_carry_their_body(graph: Any, emulator: Emulator) -> None:
    """Actions go through a batch like reads."""
    person = next(emulator.tenant.people())

    answers = await _batch(
        graph,
        {
            "id": "check",
            "method": "POST",
            "url": f"/users/{person.id}/getMemberGroups",
            "headers": {"Content-Type": "application/json"},
            "body": {"securityEnabledOnly": False},
        },
    )

    assert answers["check"]["status"] == 200
    assert isinstance(answers["check"]["body"]["value"], list)


async def test_links_in_parts_lead_back_to_the_same_host(graph: Any) -> None:
    """A page read inside a batch goes on outside of it."""
    answers = await _batch(graph, _get("1", "/users?$top=5&$select=id"))

    rest = await graph.get(answers["1"]["body"]["@odata.nextLink"])

    assert rest.status == 200
    assert len(rest.json()["value"]) == 5


async def test_answers_come_in_any_order(graph: Any) -> None:
    """Who relies on the order of answers must fail here, not at a customer."""
    parts = [_get(str(number), "/users?$top=1&$select=id") for number in range(10)]

    orders = set()
    for _ in range(5):
        reply = await graph.post("/v1.0/$batch", {"requests": parts})
        orders.add(tuple(each["id"] for each in reply.json()["responses"]))

    assert len(orders) > 1
    assert all(sorted(order) == [str(number) for number in range(10)] for order in orders)


async def test_permission_is_asked_of_each_part(
    emulator: Emulator, client_of: Callable[..., Any]
) -> None:
    """A batch opens no side door."""
    app = emulator.register(secret="s", roles=["User.Read.All"])
    graph = client_of(emulator)
    token = emulator.tokens.issue(app, "https://graph.microsoft.com", "secret")
    graph.headers["authorization"] = f"Bearer {token.value}"

    answers = await _batch(graph, _get("users", "/users"), _get("groups", "/groups"))

    assert answers["users"]["status"] == 200
    assert answers["groups"]["status"] == 403


async def test_a_batch_needs_a_token(client: Any) -> None:
    """The outer 401 is about the token."""
    reply = await client.post("/v1.0/$batch", {"requests": [_get("1", "/users")]})

    assert reply.status == 401


async def test_a_throttled_part_says_when_to_come_back(graph: Any, emulator: Emulator) -> None:
    """Only that part is to be sent again, after its own Retry-After."""
    emulator.faults.switch_on(Order(kind=Kind.THROTTLED, path="/v1.0/groups", retry_after_s=7))

    answers = await _batch(graph, _get("users", "/users"), _get("groups", "/groups"))

    assert answers["users"]["status"] == 200
    assert answers["groups"]["status"] == 429
    assert answers["groups"]["headers"]["Retry-After"] == "7"


@pytest.mark.parametrize(
    "waits",
    [
        pytest.param({}, id="parallel"),
        pytest.param({"2": ["1"], "3": ["2"]}, id="one_after_another"),
        pytest.param({"2": ["1"], "3": ["1"]}, id="all_after_the_first"),
    ],
)
async def test_the_three_patterns_of_dependency_work(
    graph: Any, waits: dict[str, list[str]]
) -> None:
    """Nothing else is supported; these are."""
    parts = [
        _get(each, "/users?$top=1", **({"dependsOn": waits[each]} if each in waits else {}))
        for each in ("1", "2", "3")
    ]

    answers = await _batch(graph, *parts)

    assert {each["status"] for each in answers.values()} == {200}


async def test_what_waits_for_a_failure_is_not_run(graph: Any) -> None:
    """424, all the way down the row."""
    answers = await _batch(
        graph,
        _get("1", "/users/nobody"),
        _get("2", "/users", dependsOn=["1"]),
        _get("3", "/users", dependsOn=["2"]),
    )

    assert [answers[each]["status"] for each in "123"] == [404, 424, 424]
    assert answers["3"]["body"]["error"]["code"] == "FailedDependency"


USERS = _get("1", "/users")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="no_requests"),
        pytest.param([], id="no_object"),
        pytest.param({"requests": [_get(str(n), "/users") for n in range(21)]}, id="twenty_one"),
        pytest.param({"requests": [_get("a", "/users"), _get("A", "/users")]}, id="same_id"),
        pytest.param({"requests": [_get("", "/users")]}, id="empty_id"),
        pytest.param({"requests": [{"id": "1", "url": "/users"}]}, id="no_method"),
        pytest.param({"requests": [{**USERS, "method": "FETCH"}]}, id="odd_method"),
        pytest.param({"requests": [_get("1", "https://x.example/users")]}, id="absolute_url"),
        pytest.param({"requests": [_get("1", "/$batch")]}, id="batch_in_batch"),
        pytest.param(
            {"requests": [{"id": "1", "method": "POST", "url": "/users", "body": {}}]},
            id="body_without_type",
        ),
        pytest.param({"requests": [_get("1", "/users", dependsOn=["9"])]}, id="unknown_dependency"),
        pytest.param(
            {"requests": [_get("1", "/users", dependsOn=["2"]), _get("2", "/users")]},
            id="dependency_comes_later",
        ),
        pytest.param(
            {
                "requests": [
                    USERS,
                    _get("2", "/users"),
                    _get("3", "/users", dependsOn=["1", "2"]),
                ]
            },
            id="other_pattern",
        ),
    ],
)
async def test_a_malformed_batch_is_refused_as_a_whole(graph: Any, body: Any) -> None:
    """Nothing of it may have been run."""
    reply = await graph.post("/v1.0/$batch", body)

    assert reply.status == 400
    assert reply.json()["error"]["message"]


async def test_twenty_parts_are_the_most(graph: Any) -> None:
    """Twenty still go."""
    answers = await _batch(graph, *(_get(str(n), "/users?$top=1") for n in range(20)))

    assert len(answers) == 20
