import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jws import JWSRegistry

from doubles.certificates import usable
from doubles.scripted_graph import ScriptedGraph, answer, entra_refused
from doubles.virtual_clock import VirtualClock
from jackfield.graph.auth import TokenSource
from jackfield.graph.cloud import own_cloud
from jackfield.graph.credentials import CertificateCredential, Signing
from jackfield.graph.errors import (
    CredentialUnusable,
    MalformedAnswer,
    Throttled,
    TokenRejected,
    Unreachable,
)
from jackfield.graph.transport import TransportFailed

Make = Callable[..., TokenSource]
TOKEN_URL = (
    "https://login.microsoftonline.com/11111111-aaaa-4bbb-8ccc-222222222222/oauth2/v2.0/token"
)
CLIENT_ID = "9c1f0000-0000-4000-8000-000000000000"


async def test_a_secret_asks_for_everything_that_was_granted(tokens: Make):
    """An application gets its permissions by `.default` and in no other way."""
    graph = ScriptedGraph()

    await tokens(graph).token()

    assert graph.token_requests[0].url == TOKEN_URL
    assert graph.form() == {
        "client_id": CLIENT_ID,
        "client_secret": "the-secret",
        "grant_type": "client_credentials",
        "scope": "https://graph.microsoft.com/.default",
    }


@pytest.mark.parametrize(
    ("signing", "thumbprint"),
    [
        pytest.param(Signing.PS256, ("x5t#S256", "thumbprint_sha256"), id="PS256"),
        pytest.param(Signing.RS256, ("x5t", "thumbprint_sha1"), id="RS256"),
    ],
)
async def test_a_certificate_signs_for_this_endpoint_and_this_moment(
    tokens: Make, clock: VirtualClock, signing, thumbprint
):
    """Entra refuses an assertion made for another address, used late, or used twice."""
    graph = ScriptedGraph()
    certificate = usable()

    await tokens(graph, CertificateCredential(CLIENT_ID, certificate, signing)).token()

    form = graph.form()
    registry = JWSRegistry(algorithms=[signing.value])
    signed = jwt.decode(form["client_assertion"], certificate.key, registry=registry)
    name, attribute = thumbprint
    now = int(clock.now().timestamp())
    assert signed.header == {
        "alg": signing.value,
        "typ": "JWT",
        name: getattr(certificate, attribute),
    }
    assert signed.claims == {
        "aud": TOKEN_URL,
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "jti": "token-call-1",
        "nbf": now,
        "iat": now,
        "exp": now + 600,
    }
    assert form["client_assertion_type"].endswith(":jwt-bearer")
    assert "client_secret" not in form


async def test_an_expired_certificate_is_never_sent(tokens: Make, clock: VirtualClock):
    """The reason is known here; asking Entra would only blur it."""
    graph = ScriptedGraph()
    source = tokens(graph, CertificateCredential(CLIENT_ID, usable()))
    clock.advance(timedelta(days=100).total_seconds())

    with pytest.raises(CredentialUnusable, match="expired on"):
        await source.token()

    assert graph.token_requests == []


async def test_many_callers_share_one_request(tokens: Make):
    """Entra answers a loop of token requests with AADSTS50196 and a lock-out."""
    graph = ScriptedGraph()
    source = tokens(graph)

    got = await asyncio.gather(*(source.token() for _ in range(50)))

    assert set(got) == {"token-1"}
    assert len(graph.token_requests) == 1


async def test_a_cancelled_caller_takes_nobody_down(tokens: Make):
    """The first page that asked may be closed while the token is on its way."""
    graph = ScriptedGraph()
    source = tokens(graph)
    first = asyncio.ensure_future(source.token())
    others = [asyncio.ensure_future(source.token()) for _ in range(3)]
    await asyncio.sleep(0)

    first.cancel()
    got = await asyncio.gather(*others)

    assert len(set(got)) == 1


async def test_a_token_is_renewed_after_three_quarters_of_its_life(
    tokens: Make, clock: VirtualClock
):
    """A call that starts with a token of two seconds may end without one."""
    graph = ScriptedGraph()
    source = tokens(graph)

    used = [await source.token()]
    clock.advance(2699)
    used.append(await source.token())
    clock.advance(2)
    used.append(await source.token())

    assert used == ["token-1", "token-1", "token-2"]


async def test_an_old_token_carries_on_while_entra_is_down(tokens: Make, clock: VirtualClock):
    """A quarter of an hour without the sign-in service need not stop a sync."""
    graph = ScriptedGraph()
    source = tokens(graph)
    await source.token()
    clock.advance(2800)
    graph.entra.extend([answer(b"<html>", 503)])

    during = [await source.token() for _ in range(5)]
    clock.advance(5)
    after = await source.token()

    assert set(during) == {"token-1"}
    assert len(graph.token_requests) == 3
    assert after == "token-3"


async def test_a_discarded_token_is_not_used_again(tokens: Make):
    """Graph said no to it; but a late complaint about an older one must not cost the new one."""
    source = tokens(ScriptedGraph())
    first = await source.token()

    source.discard(first)
    second = await source.token()
    source.discard(first)

    assert await source.token() == second == "token-2"


async def test_a_wrong_secret_is_not_sent_again_and_again(tokens: Make, clock: VirtualClock):
    """Entra locks applications out that hammer; the pause doubles up to half an hour."""
    graph = ScriptedGraph(entra=[entra_refused(7000215)] * 5)
    source = tokens(graph)

    for _ in range(100):
        with pytest.raises(TokenRejected, match="client secret is wrong"):
            await source.token()
        clock.advance(6)

    assert len(graph.token_requests) == 4, "at 0, 60, 180 and 420 of 600 seconds"


async def test_a_person_may_have_it_tried_at_once(tokens: Make):
    """After granting consent nobody wants to wait out a pause."""
    graph = ScriptedGraph(entra=[entra_refused(65001)])
    source = tokens(graph)
    with pytest.raises(TokenRejected):
        await source.token()

    source.forget()

    assert await source.token() == "token-2"


async def test_who_asks_by_hand_is_not_answered_from_memory(tokens: Make, clock: VirtualClock):
    """It may be mended by now; in the background the pause goes on, twice as long."""
    graph = ScriptedGraph(entra=[entra_refused(7000112)] * 5)
    source = tokens(graph)
    for by_hand in (False, True, False, True):
        if by_hand:
            source.ask_again()
        with pytest.raises(TokenRejected, match="disabled"):
            await source.token()

    clock.advance(200)
    with pytest.raises(TokenRejected, match="disabled"):
        await source.token()
    asked_before = len(graph.token_requests)
    clock.advance(41)
    with pytest.raises(TokenRejected, match="disabled"):
        await source.token()

    assert (asked_before, len(graph.token_requests)) == (3, 4), "at 0, twice by hand, at 240"


async def test_a_pause_that_was_asked_for_holds_for_a_person_too(tokens: Make):
    """Throttling is no configuration that somebody could have mended."""
    graph = ScriptedGraph(entra=[answer(b"", 429, retry_after="40")])
    source = tokens(graph)

    for _ in range(2):
        with pytest.raises(Throttled):
            await source.token()
        source.ask_again()

    assert len(graph.token_requests) == 1


async def test_a_busy_sign_in_service_is_obeyed(tokens: Make, clock: VirtualClock):
    """Retry-After counts here as well."""
    graph = ScriptedGraph(entra=[answer(b"", 429, retry_after="40")])
    source = tokens(graph)
    with pytest.raises(Throttled) as first:
        await source.token()
    clock.advance(30)
    with pytest.raises(Throttled) as second:
        await source.token()
    clock.advance(11)

    assert await source.token() == "token-2"
    assert first.value is second.value
    assert second.value.retry_after_s == pytest.approx(10)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(answer(b"oops", 502), Unreachable, id="502"),
        pytest.param(answer({"error": "temporarily_unavailable"}, 400), Unreachable, id="busy"),
        pytest.param(answer(b"<html>proxy</html>", 407), MalformedAnswer, id="proxy"),
        pytest.param(answer({"token": "x"}), MalformedAnswer, id="no_token"),
        pytest.param(
            answer({"access_token": "a\r\nX-Evil: 1", "expires_in": 9}), MalformedAnswer, id="crlf"
        ),
        pytest.param(answer(b"{"), MalformedAnswer, id="truncated"),
        pytest.param(
            TransportFailed("no connection", maybe_received=False), Unreachable, id="no_answer"
        ),
        pytest.param(answer({"error": "invalid_request"}, 400), TokenRejected, id="no_code"),
        pytest.param(entra_refused(424242), TokenRejected, id="unknown_code"),
    ],
)
async def test_every_answer_of_entra_has_its_error(tokens: Make, reply, kind):
    """Whoever calls decides by the error's class what to do next."""
    with pytest.raises(kind) as caught:
        await tokens(ScriptedGraph(entra=[reply])).token()

    assert type(caught.value) is kind


async def test_texts_of_numbers_are_read_too(tokens: Make):
    """Older endpoints send `expires_in` as text."""
    graph = ScriptedGraph(entra=[answer({"access_token": "t", "expires_in": "3599"})])

    assert await tokens(graph).token() == "t"


@pytest.mark.parametrize("refusal", [70011, 500011, 1002012])
async def test_a_server_of_ones_own_may_know_graph_by_microsofts_name(tokens: Make, refusal):
    """`connect --graph-url` takes any server; not each has thought of its own address."""
    own = own_cloud("https://login.example", "https://graph.example")
    graph = ScriptedGraph(entra=[entra_refused(refusal, "invalid_scope", 400)])
    source = tokens(graph, cloud=own)

    await source.token()
    source.forget()
    await source.token()

    assert [graph.form(number)["scope"] for number in range(3)] == [
        "https://graph.example/.default",
        "https://graph.microsoft.com/.default",
        "https://graph.microsoft.com/.default",
    ]


async def test_microsofts_own_clouds_are_asked_by_one_name_only(tokens: Make):
    """A wrong cloud must be told, not tried around."""
    graph = ScriptedGraph(entra=[entra_refused(500011, "invalid_resource", 400)])

    with pytest.raises(TokenRejected, match="same cloud"):
        await tokens(graph).token()

    assert len(graph.token_requests) == 1
