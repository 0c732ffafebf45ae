import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from m365_emulator.apps import Application
from m365_emulator.door import RESET, TRANSPORT, ConnectionCut
from m365_emulator.faults import Faults, Kind, Order
from m365_emulator.server import Emulator

SECRET = "correct~horse+battery&staple"


@pytest.fixture
def switch_on(emulator: Emulator) -> Callable[..., None]:
    def switch(kind: Kind, **settings: Any) -> None:
        emulator.faults.switch_on(Order(kind=kind, **settings))

    return switch


# --- whom a fault strikes ------------------------------------------------------------------------


def strikes(order: Order, paths: list[str], method: str = "GET") -> list[bool]:
    faults = Faults()
    faults.switch_on(order)
    return [faults.first(frozenset(Kind), method, path) is not None for path in paths]


@pytest.mark.parametrize(
    ("pattern", "path", "struck"),
    [
        pytest.param("/v1.0/*", "/v1.0/users/delta", True, id="everything_of_graph"),
        pytest.param("/v1.0/users", "/v1.0/users/delta", False, id="exactly_one_path"),
        pytest.param("/v1.0/users*", "/v1.0/users/delta", True, id="and_below"),
        pytest.param("/*/oauth2/v2.0/token", "/x/oauth2/v2.0/token", True, id="the_token_endpoint"),
        pytest.param("/v1.0/*", "/x/oauth2/v2.0/token", False, id="not_the_token_endpoint"),
    ],
)
def test_a_pattern_says_whom_a_fault_strikes(pattern: str, path: str, *, struck: bool) -> None:
    """A test breaks one thing and leaves the rest alone."""
    assert strikes(Order(kind=Kind.UNAVAILABLE, path=pattern), [path]) == [struck]


def test_a_verb_narrows_it_down() -> None:
    """A lost POST is another story than a lost GET."""
    order = Order(kind=Kind.UNAVAILABLE, method="post")

    assert strikes(order, ["/v1.0/$batch"], "POST") == [True]
    assert strikes(order, ["/v1.0/users"], "GET") == [False]


def test_a_count_ends_it() -> None:
    """Fail twice, then work: what retry tests want."""
    order = Order(kind=Kind.UNAVAILABLE, count=2)

    assert strikes(order, ["/v1.0/users"] * 4) == [True, True, False, False]


def test_a_share_strikes_about_that_share_and_the_same_ones_again() -> None:
    """The same seed gives the same failures, so a failing run can be run again."""
    order = Order(kind=Kind.UNAVAILABLE, probability=0.2, seed=5)
    paths = ["/v1.0/users"] * 1000

    first, second = strikes(order, paths), strikes(order, paths)

    assert first == second
    assert 150 < sum(first) < 250
    assert first != strikes(Order(kind=Kind.UNAVAILABLE, probability=0.2, seed=6), paths)


def test_requests_that_overtake_each_other_change_nothing() -> None:
    """What strikes a path depends on that path alone, not on the order of arrival."""
    order = Order(kind=Kind.UNAVAILABLE, probability=0.5)
    users, groups = ["/v1.0/users"] * 20, ["/v1.0/groups"] * 20
    mixed = [path for pair in zip(users, groups, strict=True) for path in pair]

    in_turn = strikes(order, mixed)

    assert in_turn[::2] == strikes(order, users)
    assert in_turn[1::2] == strikes(order, groups)


@pytest.mark.parametrize(
    "order",
    [
        pytest.param({"kind": "no_such_fault"}, id="kind"),
        pytest.param({"kind": "slow", "probability": 0}, id="never"),
        pytest.param({"kind": "slow", "probability": 1.5}, id="more_than_always"),
        pytest.param({"kind": "slow", "count": 0}, id="no_times"),
        pytest.param({"kind": "slow", "delay": 3}, id="misspelt"),
        pytest.param({"kind": "html_error", "status": 200}, id="an_error_that_is_none"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(order: dict[str, Any]) -> None:
    """A fault that silently does nothing makes a test lie."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(order, Order)


# --- what it does --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        pytest.param(Kind.THROTTLED, 429, "TooManyRequests", id="429"),
        pytest.param(Kind.DENIED, 403, "ErrorAccessDenied", id="403"),
        pytest.param(Kind.UNAVAILABLE, 503, "serviceNotAvailable", id="503"),
        pytest.param(Kind.GATEWAY_TIMEOUT, 504, "gatewayTimeout", id="504"),
        pytest.param(Kind.EXPIRED_TOKEN, 401, "InvalidAuthenticationToken", id="401"),
    ],
)
async def test_graph_refuses_in_its_own_shape(
    graph: Any, switch_on: Callable[..., None], kind: Kind, status: int, code: str
) -> None:
    """A fault is told apart from a real refusal by nothing but its frequency."""
    switch_on(kind, count=1)

    reply, again = [await graph.get("/v1.0/users") for _ in range(2)]

    assert (reply.status, reply.code) == (status, code)
    assert reply.json()["error"]["innerError"]["request-id"] == reply.headers["request-id"]
    assert again.status == 200


@pytest.mark.parametrize("kind", [Kind.THROTTLED, Kind.UNAVAILABLE, Kind.GATEWAY_TIMEOUT])
@pytest.mark.parametrize("seconds", [7, None])
async def test_the_time_to_wait_is_told_or_left_out(
    graph: Any, switch_on: Callable[..., None], kind: Kind, seconds: int | None
) -> None:
    """Graph does both; a client must back off by itself where nothing is said."""
    switch_on(kind, retry_after_s=seconds)

    reply = await graph.get("/v1.0/users")

    assert reply.headers.get("retry-after") == (None if seconds is None else str(seconds))


async def test_a_gateway_s_page_is_html(graph: Any, switch_on: Callable[..., None]) -> None:
    """Not every answer is from the service, and not every body is JSON."""
    switch_on(Kind.HTML_ERROR, status=503)

    reply = await graph.get("/v1.0/users")

    assert reply.status == 503
    assert reply.headers["content-type"].startswith("text/html")
    assert reply.body.startswith(b"<!DOCTYPE html>")


async def test_a_slow_answer_is_a_good_answer_late(
    graph: Any, switch_on: Callable[..., None], slept: list[float]
) -> None:
    """Timeouts are the client's affair."""
    switch_on(Kind.SLOW, delay_s=30)

    reply = await graph.get("/v1.0/users")

    assert (reply.status, slept) == (200, [30])


async def test_slow_and_broken_go_together(
    graph: Any, switch_on: Callable[..., None], slept: list[float]
) -> None:
    """A 504 usually comes after a wait."""
    switch_on(Kind.SLOW, delay_s=30)
    switch_on(Kind.GATEWAY_TIMEOUT)

    reply = await graph.get("/v1.0/users")

    assert (reply.status, slept) == (504, [30])


async def test_an_empty_value_says_that_there_is_nobody(
    graph: Any, switch_on: Callable[..., None]
) -> None:
    """The most dangerous fault: it looks like a tenant that everybody has left."""
    switch_on(Kind.EMPTY_VALUE)

    listed = (await graph.get("/v1.0/users?$top=5")).json()

    assert listed["value"] == []
    assert "@odata.nextLink" not in listed
    assert "@odata.context" in listed


async def test_an_empty_value_in_a_delta_round_keeps_the_round_going(
    graph: Any, switch_on: Callable[..., None]
) -> None:
    """Without its link a delta answer would not be one."""
    switch_on(Kind.EMPTY_VALUE)

    page = (await graph.get("/v1.0/users/delta")).json()

    assert page["value"] == []
    assert {"@odata.nextLink", "@odata.deltaLink"} & page.keys()


@pytest.mark.parametrize("kind", [Kind.TRUNCATED_JSON, Kind.MALFORMED_JSON])
async def test_broken_json_arrives_as_a_complete_answer(
    graph: Any, switch_on: Callable[..., None], kind: Kind
) -> None:
    """Status 200, the right length, and yet nothing to read."""
    switch_on(kind)

    reply = await graph.get("/v1.0/users")

    assert reply.status == 200
    with pytest.raises(msgspec.DecodeError):
        reply.json()


async def test_a_next_link_may_lead_to_a_stranger(
    graph: Any, switch_on: Callable[..., None]
) -> None:
    """A client that follows it hands its token over."""
    switch_on(Kind.FOREIGN_NEXT_LINK, host="evil.example")

    page = (await graph.get("/v1.0/users?$top=5")).json()

    assert urlsplit(page["@odata.nextLink"]).netloc == "evil.example"
    assert len(page["value"]) == 5


async def test_what_cannot_be_struck_is_not_counted(
    emulator: Emulator, graph: Any, switch_on: Callable[..., None]
) -> None:
    """A count of one must not be used up by an answer without a next link."""
    switch_on(Kind.FOREIGN_NEXT_LINK, count=1)

    await graph.get("/v1.0/organization")
    page = (await graph.get("/v1.0/users?$top=5")).json()

    assert "graph.example.net" in page["@odata.nextLink"]
    assert emulator.faults.in_force() == []


async def test_a_refusal_is_not_tampered_with(graph: Any, switch_on: Callable[..., None]) -> None:
    """Only good answers are spoilt; errors stay readable."""
    switch_on(Kind.TRUNCATED_JSON)

    assert (await graph.get("/v1.0/users/nobody")).code == "Request_ResourceNotFound"


# --- cut connections -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_MIDDLE])
async def test_a_cut_is_an_exception_to_a_caller_in_process(
    graph: Any, switch_on: Callable[..., None], kind: Kind
) -> None:
    """Rigs without sockets meet it as what a socket would raise."""
    switch_on(kind)

    with pytest.raises(ConnectionCut):
        await graph.get("/v1.0/users")


class Transport:
    def __init__(self) -> None:
        self.ended: list[str] = []

    def get_extra_info(self, name: str) -> "Transport":
        assert name == "socket"
        return self

    def setsockopt(self, *option: Any) -> None:
        assert option == (socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def abort(self) -> None:
        self.ended.append("abort")

    def close(self) -> None:
        self.ended.append("close")


async def over_a_socket(emulator: Emulator, graph: Any) -> tuple[list[dict[str, Any]], Transport]:
    transport = Transport()
    sent: list[dict[str, Any]] = []
    to_come = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]
    headers = {"host": "localhost", **graph.headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "server": ("localhost", 80),
        "path": "/v1.0/users",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "extensions": {TRANSPORT: transport},
    }

    async def receive() -> Any:
        return to_come.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await emulator(scope, receive, send)
    return sent, transport


async def test_cut_before_says_nothing_at_all(
    emulator: Emulator, graph: Any, switch_on: Callable[..., None]
) -> None:
    """The client cannot know whether its request was carried out."""
    switch_on(Kind.CUT_BEFORE)

    sent, transport = await over_a_socket(emulator, graph)

    assert (sent, transport.ended) == ([], ["abort"])


async def test_cut_in_the_middle_promises_more_than_it_sends(
    emulator: Emulator, graph: Any, switch_on: Callable[..., None]
) -> None:
    """Half a page must not be taken for a page."""
    switch_on(Kind.CUT_MIDDLE)

    sent, transport = await over_a_socket(emulator, graph)

    start, body = sent
    promised = int(dict(start["headers"])[b"content-length"])
    assert len(body["body"]) == promised // 2
    assert body["more_body"]
    assert transport.ended == ["close"]


# --- parts of a batch, the token endpoint, the books ---------------------------------------------


def batch(*urls: str) -> dict[str, Any]:
    return {
        "requests": [
            {"id": str(number), "method": "GET", "url": url} for number, url in enumerate(urls, 1)
        ]
    }


async def test_the_parts_of_a_batch_fail_one_by_one(
    graph: Any, switch_on: Callable[..., None]
) -> None:
    """The outer 200 says nothing about the parts."""
    switch_on(Kind.THROTTLED, path="/v1.0/groups", retry_after_s=4)

    reply = await graph.post("/v1.0/$batch", batch("/users?$top=3", "/groups"))

    parts = {part["id"]: part for part in reply.json()["responses"]}
    assert reply.status == 200
    assert parts["1"]["status"] == 200
    assert parts["2"]["status"] == 429
    assert parts["2"]["headers"]["Retry-After"] == "4"
    assert parts["2"]["body"]["error"]["code"] == "TooManyRequests"


async def test_the_parts_of_a_batch_pay_their_own_toll(emulator: Emulator, graph: Any) -> None:
    """Batching saves round trips, not quota."""
    emulator.throttle.own_limit = 5

    reply = await graph.post("/v1.0/$batch", batch("/users", "/users", "/users"))

    assert sorted(part["status"] for part in reply.json()["responses"]) == [200, 200, 429]


async def test_a_part_is_not_cut(graph: Any, switch_on: Callable[..., None]) -> None:
    """Parts share one connection, so the fault waits for a request of its own."""
    switch_on(Kind.CUT_BEFORE, path="/v1.0/users")

    reply = await graph.post("/v1.0/$batch", batch("/users"))

    assert reply.json()["responses"][0]["status"] == 200


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        pytest.param(Kind.THROTTLED, 429, id="429"),
        pytest.param(Kind.UNAVAILABLE, 503, id="503"),
        pytest.param(Kind.GATEWAY_TIMEOUT, 504, id="504"),
    ],
)
async def test_the_token_endpoint_fails_in_entra_s_shape(
    emulator: Emulator,
    app: Application,
    client: Any,
    switch_on: Callable[..., None],
    kind: Kind,
    status: int,
) -> None:
    """The login authority has bad days of its own."""
    switch_on(kind, path="/*/oauth2/v2.0/token", retry_after_s=3, count=1)
    form = {
        "grant_type": "client_credentials",
        "client_id": app.app_id,
        "client_secret": SECRET,
        "scope": "https://graph.microsoft.com/.default",
    }
    url = f"/{emulator.tenant.id}/oauth2/v2.0/token"

    reply, again = [await client.post_form(url, form) for _ in range(2)]

    assert (reply.status, reply.json()["error"]) == (status, "temporarily_unavailable")
    assert reply.headers["retry-after"] == "3"
    assert again.status == 200


async def test_the_journal_names_the_fault(
    emulator: Emulator, graph: Any, switch_on: Callable[..., None]
) -> None:
    """A test can tell what it caused from what it found."""
    switch_on(Kind.UNAVAILABLE, count=1)

    await graph.get("/v1.0/users")
    await graph.get("/v1.0/users")

    first, second = emulator.journal.last(2)
    assert (first.status, first.fault) == (503, "unavailable")
    assert (second.status, second.fault) == (200, None)
    assert emulator.faults.struck[Kind.UNAVAILABLE] == 1
