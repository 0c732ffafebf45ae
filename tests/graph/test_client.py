import asyncio
from collections.abc import Callable

import msgspec
import pytest

from doubles.scripted_graph import ScriptedGraph, answer, refused
from doubles.virtual_clock import VirtualClock
from jackfield.graph.asking import Ask
from jackfield.graph.client import GraphClient
from jackfield.graph.errors import (
    GraphError,
    MalformedAnswer,
    NotFound,
    PermissionMissing,
    Rejected,
    Throttled,
    TokenRejected,
    Unreachable,
)
from jackfield.graph.pace import Workload
from jackfield.graph.transport import AnswerTooLarge, TransportClosed, TransportFailed

USERS = Ask("/users", {"$select": "id", "$top": "999"}, needs="User.Read.All")
OK = answer({"value": []})
BROKE = TransportFailed("the connection broke (reset)", maybe_received=True)
Make = Callable[..., GraphClient]


async def test_a_call_carries_its_own_id_and_asks_for_it_back(client: Make):
    """Microsoft's support finds a call by these ids only."""
    graph = ScriptedGraph(answer({"value": []}, request_id="r-1"))

    result = await client(graph).get(USERS)

    assert graph.sent[0].headers["client-request-id"] == "call-1"
    assert graph.sent[0].headers["return-client-request-id"] == "true"
    assert (result.call.client_request_id, result.call.request_id) == ("call-1", "r-1")


async def test_query_options_look_as_graph_writes_them(client: Make):
    """An escaped dollar or comma works too, but makes recorded traffic hard to compare."""
    graph = ScriptedGraph(OK)

    await client(graph).get(Ask("/users", {"$select": "id,mail", "$filter": "mail eq 'a b'"}))

    assert graph.sent[0].url == (
        "https://graph.microsoft.com/v1.0/users?$select=id,mail&$filter=mail%20eq%20%27a%20b%27"
    )


@pytest.mark.parametrize(
    ("header", "waits_s"),
    [
        pytest.param("17", 17, id="seconds"),
        pytest.param("Mon, 23 Nov 2026 07:00:30 GMT", 30, id="http_date"),
        pytest.param("0", 1, id="zero_is_backed_off"),
        pytest.param("soon", 1, id="nonsense_is_backed_off"),
        pytest.param("-5", 1, id="negative_is_backed_off"),
    ],
)
async def test_retry_after_is_obeyed(client: Make, clock: VirtualClock, header, waits_s):
    """Calls that come back too early count against the quota and prolong the pause."""
    graph = ScriptedGraph(refused(429, "TooManyRequests", retry_after=header), OK)

    await client(graph).get(USERS)

    assert waits_s <= clock.monotonic() <= waits_s * 1.5 + 2


async def test_without_retry_after_the_pauses_grow(client: Make, clock: VirtualClock):
    """Graph leaves the header out at times; then the distance must grow by itself."""
    graph = ScriptedGraph(*[refused(429, "TooManyRequests")] * 4, OK)

    await client(graph).get(USERS)

    assert 1 + 2 + 4 + 8 <= clock.monotonic() <= 2 * (1 + 2 + 4 + 8) + 4


async def test_one_429_pauses_everybody_in_the_workload(client: Make, clock: VirtualClock):
    """Each refused call counts as well, so nine others must not find out one by one."""
    graph = ScriptedGraph(refused(429, "TooManyRequests", retry_after="20"), *[OK] * 10)
    door = client(graph)

    async def after_the_first(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await door.get(USERS)

    await asyncio.gather(*(after_the_first(10 * number) for number in range(10)))

    assert len(graph.sent) == 11
    assert clock.monotonic() >= 20
    assert door.figures().throttled == 1


async def test_other_tenants_and_workloads_are_not_paused(client: Make, clock: VirtualClock):
    """Graph counts per tenant and workload; one busy customer must not hold the others up."""
    graph = ScriptedGraph(refused(429, "TooManyRequests", retry_after="60"), OK, OK)
    with pytest.raises(Throttled):
        await client(graph, patience_s=10).get(USERS)

    await client(graph, tenant="2").get(USERS)
    await client(graph).get(Ask("/users/a/presence", workload=Workload.PRESENCE))

    assert clock.monotonic() < 1


async def test_a_pause_longer_than_the_callers_time_is_told_at_once(
    client: Make, clock: VirtualClock
):
    """The durable run comes back later; a step must not sleep for ten minutes."""
    graph = ScriptedGraph(refused(429, "TooManyRequests", retry_after="600"))
    door = client(graph)

    with pytest.raises(Throttled) as first:
        await door.get(USERS)
    with pytest.raises(Throttled) as second:
        await door.get(USERS)

    assert first.value.retry_after_s == 600
    assert 590 < second.value.retry_after_s <= 600
    assert len(graph.sent) == 1, "the second call did not go out"
    assert clock.monotonic() < 1


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(refused(500, "InternalServerError"), id="500"),
        pytest.param(refused(502, "UnknownError"), id="502"),
        pytest.param(refused(503, "ServiceUnavailable", retry_after="3"), id="503_with_header"),
        pytest.param(refused(503, "ServiceUnavailable"), id="503_without"),
        pytest.param(answer(b"<html>Gateway Timeout</html>", 504), id="504_html"),
        pytest.param(answer(b"", 503), id="503_empty"),
        pytest.param(BROKE, id="cut"),
        pytest.param(refused(409, "Directory_ConcurrencyViolation"), id="concurrency"),
    ],
)
async def test_reading_is_repeated_until_it_works(client: Make, failure):
    """A fifth of all answers may fail and a sync still completes without one failed person."""
    graph = ScriptedGraph(failure, failure, OK)

    await client(graph).get(USERS)

    assert len(graph.sent) == 3


async def test_reading_gives_up_when_its_time_is_over(client: Make, clock: VirtualClock):
    """A step is bounded; the run repeats it later and other steps get their turn."""
    graph = ScriptedGraph(*[refused(503, "ServiceUnavailable")] * 30)

    with pytest.raises(Unreachable, match=r"503 ServiceUnavailable"):
        await client(graph, patience_s=60).get(USERS)

    assert clock.monotonic() <= 60
    assert len(graph.sent) < 10


async def test_a_connection_that_was_replaced_is_not_waited_for(client: Make, clock: VirtualClock):
    """The run asks again by the new one; this one will never come back."""
    graph = ScriptedGraph(TransportClosed(maybe_received=True))

    with pytest.raises(Unreachable, match="replaced or closed"):
        await client(graph).get(USERS)

    assert clock.monotonic() == 0


@pytest.mark.parametrize(
    ("failure", "repeated"),
    [
        pytest.param(refused(429, "TooManyRequests", retry_after="1"), True, id="429"),
        pytest.param(refused(503, "Unavailable", retry_after="1"), True, id="503_with_header"),
        pytest.param(
            TransportFailed("no connection", maybe_received=False), True, id="never_arrived"
        ),
        pytest.param(refused(503, "ServiceUnavailable"), False, id="503_without"),
        pytest.param(refused(504, "gatewayTimeout"), False, id="504"),
        pytest.param(refused(500, "InternalServerError"), False, id="500"),
        pytest.param(BROKE, False, id="cut"),
    ],
)
async def test_writing_is_repeated_only_if_nothing_was_done(client: Make, failure, repeated):
    """A mail sent twice is worse than a mail sent a minute later."""
    graph = ScriptedGraph(failure, OK)
    call = client(graph).post(Ask("/users/a/sendMail"), {})

    if repeated:
        await call
    else:
        with pytest.raises(Unreachable):
            await call

    assert len(graph.sent) == (2 if repeated else 1)


async def test_a_refused_token_is_renewed_once(client: Make):
    """Tokens are revoked before their time; the next one usually works."""
    graph = ScriptedGraph(refused(401, "InvalidAuthenticationToken"), OK)

    await client(graph).get(USERS)

    assert graph.tokens_used == ["Bearer token-1", "Bearer token-2"]


async def test_a_second_refused_token_is_told(client: Make):
    """Else a wrong cloud would ask Entra for tokens in a circle."""
    graph = ScriptedGraph(*[refused(401, "InvalidAuthenticationToken")] * 2)

    with pytest.raises(TokenRejected, match="does not accept"):
        await client(graph).get(USERS)

    assert len(graph.token_requests) == 2


async def test_a_claims_challenge_is_answered_by_the_next_token(client: Make):
    """Conditional Access may ask any application for a token with more claims."""
    challenge = (
        'Bearer realm="", error="insufficient_claims", '
        'claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ=="'
    )
    graph = ScriptedGraph(
        refused(401, "InvalidAuthenticationToken", www_authenticate=challenge), OK
    )

    await client(graph).get(USERS)

    assert "claims" not in graph.form(0)
    assert graph.form(1)["claims"] == '{"access_token":{"nbf":{"essential":true}}}'


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(refused(403, "Authorization_RequestDenied"), PermissionMissing, id="403"),
        pytest.param(refused(401, "generalException"), PermissionMissing, id="no_roles"),
        pytest.param(refused(403, "ErrorAccessDenied"), Rejected, id="mailbox_policy"),
        pytest.param(answer(b"<html>Blocked</html>", 403), MalformedAnswer, id="firewall_403"),
        pytest.param(refused(404, "Request_ResourceNotFound"), NotFound, id="404"),
        pytest.param(answer({"detail": "Not Found"}, 404), NotFound, id="404_of_another_maker"),
        pytest.param(answer(b"", 404), NotFound, id="404_empty"),
        pytest.param(answer(b"<html>nginx</html>", 404), MalformedAnswer, id="404_of_a_web_server"),
        pytest.param(answer({"detail": "No"}, 422), Rejected, id="422_of_another_maker"),
        pytest.param(answer(b"oops", 422), MalformedAnswer, id="422_garbage"),
        pytest.param(refused(400, "Request_BadRequest"), Rejected, id="400"),
        pytest.param(refused(400, ""), Rejected, id="empty_code"),
        pytest.param(refused(501, "NotImplemented"), Rejected, id="501"),
        pytest.param(answer(b"", 302, location="https://x.test"), MalformedAnswer, id="redirect"),
        pytest.param(AnswerTooLarge("too large", maybe_received=True), MalformedAnswer, id="large"),
    ],
)
async def test_what_a_repeat_cannot_cure_is_told_at_once(client: Make, reply, kind):
    """An administrator waits for this text; retries would only delay it."""
    graph = ScriptedGraph(reply, reply)

    with pytest.raises(GraphError) as caught:
        await client(graph).get(USERS)

    assert type(caught.value) is kind


async def test_a_missing_permission_is_named(client: Make):
    """Graph itself never says which permission would do."""
    graph = ScriptedGraph(refused(403, "Authorization_RequestDenied", request_id="r-9"))

    with pytest.raises(PermissionMissing) as caught:
        await client(graph).get(USERS)

    assert caught.value.permission == "User.Read.All"
    assert "User.Read.All" in caught.value.next_step
    assert "request-id r-9" in caught.value.trace


async def test_no_error_shows_a_query(client: Make):
    """Queries hold delta tokens and search words; errors go to logs and pages."""
    graph = ScriptedGraph(refused(400, "Request_BadRequest"))

    with pytest.raises(Rejected) as caught:
        await client(graph).get(Ask("/users", {"$search": '"displayName:private"'}))

    assert "private" not in str(caught.value) + caught.value.trace


async def test_the_budget_spreads_calls_before_graph_complains(client: Make, clock: VirtualClock):
    """The smallest bucket: 3,500 units in 10 seconds."""
    graph = ScriptedGraph(*[OK] * 8)
    door = client(graph)

    for _ in range(8):
        await door.get(Ask("/users", units=875))

    assert 10 <= clock.monotonic() <= 12


async def test_a_warning_of_graph_slows_the_workload_down(client: Make, clock: VirtualClock):
    """The header comes at 80 % of the limit: time to slow down before the refusals begin."""
    warned = answer({"value": []}, x_ms_throttle_limit_percentage="0.92", x_ms_resource_unit="3500")
    door = client(ScriptedGraph(warned, OK, OK))

    for _ in range(3):
        await door.get(Ask("/users", units=350))

    assert clock.monotonic() >= 2 * 2


async def test_a_hurried_caller_gives_up_sooner(client: Make, clock: VirtualClock):
    """A page must answer within seconds even while Graph is down."""
    graph = ScriptedGraph(*[BROKE] * 10)

    with pytest.raises(Unreachable, match="the connection broke"):
        await client(graph).hurried(5).get(USERS)

    assert clock.monotonic() <= 5


async def test_the_figures_tell_what_happened(client: Make):
    """The console shows calls, refusals and the ids of the last failures."""
    graph = ScriptedGraph(
        refused(429, "TooManyRequests", retry_after="2"),
        refused(403, "Authorization_RequestDenied", request_id="r-3"),
    )
    door = client(graph)
    with pytest.raises(PermissionMissing):
        await door.get(USERS)

    figures = door.figures()

    assert (figures.calls, figures.throttled, figures.failed) == (2, 1, 1)
    assert figures.waited_s >= 2
    assert figures.last_request_id == "r-3"
    assert figures.failures[-1].call.code == "Authorization_RequestDenied"


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "an empty body", id="empty"),
        pytest.param(b"<html><body>Sign in</body></html>", "a web page", id="html"),
        pytest.param(b'{"value":[{"id":"a"}', "truncated", id="truncated"),
        pytest.param(b'{"value":12}', r"\$\.value", id="wrong_type"),
        pytest.param(b'{"x":' + b"[" * 100_000, "cannot be read", id="deep"),
        pytest.param(b"\xff\xfe\x00", "cannot be read", id="not_utf8"),
        pytest.param(b'{"error":{"code":"x"}}', "value", id="error_with_200"),
    ],
)
async def test_a_broken_answer_is_located(client: Make, body, says):
    """'Invalid JSON' without a place helps nobody at three in the morning."""

    class Listing(msgspec.Struct):
        value: list[dict[str, str]]

    result = await client(ScriptedGraph(answer(body))).get(USERS)

    with pytest.raises(MalformedAnswer, match=says) as caught:
        result.decode(msgspec.json.Decoder(Listing))

    assert "GET /users" in str(caught.value)
