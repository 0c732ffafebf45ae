from datetime import timedelta
from email.utils import format_datetime

import pytest

from doubles.scripted_graph import ScriptedGraph, answer, entra_refused
from doubles.virtual_clock import VirtualClock
from jackfield.graph.authority import ADVICE, find_tenant, token_refusal
from jackfield.graph.cloud import CLOUDS, CloudName
from jackfield.graph.errors import Call, MalformedAnswer, TokenRejected, Unreachable
from jackfield.graph.transport import TransportFailed

GUID = "0b7a0000-1111-4222-8333-444444444444"
DOCUMENT = answer({"issuer": f"https://login.microsoftonline.com/{GUID}/v2.0"})
POST = Call("POST", "/t/oauth2/v2.0/token")


async def find(name: str, graph: ScriptedGraph, clock: VirtualClock) -> str:
    return await find_tenant(
        CLOUDS[CloudName.GLOBAL], name, graph, now=clock.now(), client_request_id="c-1"
    )


async def test_a_domain_leads_to_its_tenant(clock: VirtualClock):
    """People know their domain, not their tenant's id; tokens need the id."""
    graph = ScriptedGraph(DOCUMENT)

    found = await find("Contoso.Example ", graph, clock)

    assert found == GUID
    assert graph.paths == ["/contoso.example/v2.0/.well-known/openid-configuration"]


async def test_an_id_needs_nobody(clock: VirtualClock):
    """A wrong id is found out with the first token anyway."""
    assert await find(GUID.upper(), ScriptedGraph(), clock) == GUID


async def test_an_unknown_tenant_is_named_so(clock: VirtualClock):
    """A typing error, or the wrong cloud."""
    graph = ScriptedGraph(entra_refused(90002, "invalid_tenant", 400))

    with pytest.raises(TokenRejected, match="does not exist in this cloud") as caught:
        await find("contoso.example", graph, clock)

    assert caught.value.code == "AADSTS90002"
    assert "--cloud" in caught.value.next_step


@pytest.mark.parametrize(
    "name",
    ["", "common", "organizations", "../x", "a b.example", "contoso", "x" * 300 + ".example"],
)
async def test_what_cannot_be_a_tenant_is_not_sent(clock: VirtualClock, name):
    """Names become part of an address; and `common` gives no application a token."""
    with pytest.raises(TokenRejected, match="neither a tenant id nor a domain"):
        await find(name, ScriptedGraph(), clock)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(answer({"issuer": "https://x.test/{tenantid}/"}), MalformedAnswer, id="none"),
        pytest.param(answer({"issuer": 4}), MalformedAnswer, id="number"),
        pytest.param(answer(b"<html>"), MalformedAnswer, id="html"),
        pytest.param(answer(b"<html>", 404), MalformedAnswer, id="html_404"),
        pytest.param(TransportFailed("x", maybe_received=True), Unreachable, id="no_answer"),
    ],
)
async def test_a_login_address_that_is_none_is_noticed(clock: VirtualClock, reply, kind):
    """The administrator may have typed the address of anything."""
    with pytest.raises(kind):
        await find("contoso.example", ScriptedGraph(reply), clock)


@pytest.mark.parametrize("number", sorted(ADVICE))
def test_every_known_code_says_what_to_do(clock: VirtualClock, number):
    """AADSTS numbers mean nothing to the person who has to act."""
    error = token_refusal(entra_refused(number), POST, now=clock.now())

    assert isinstance(error, TokenRejected)
    assert error.code == f"AADSTS{number}"
    assert error.code in error.what
    assert error.next_step.endswith(".")


def test_the_code_is_found_in_the_text_as_well(clock: VirtualClock):
    """Some gateways of Entra leave `error_codes` out."""
    body = {"error": "invalid_client", "error_description": "AADSTS7000222: The provided ..."}

    error = token_refusal(answer(body, 401), POST, now=clock.now())

    assert "secret has expired" in str(error)


def test_a_wrong_clock_is_measured(clock: VirtualClock):
    """'Check NTP' is believed sooner with a number beside it."""
    theirs = format_datetime(clock.now() - timedelta(minutes=14), usegmt=True)
    call = Call("POST", "/t/oauth2/v2.0/token", date=theirs)

    error = token_refusal(entra_refused(700024), call, now=clock.now())

    assert "14 minutes ahead of Entra's" in str(error)


@pytest.mark.parametrize(
    ("number", "expected"), [(700016, True), (7000229, True), (700027, True), (7000215, False)]
)
def test_what_may_only_be_young_is_marked(clock: VirtualClock, number, expected):
    """A wizard tries again for some minutes after registering; with a wrong secret it stops."""
    error = token_refusal(entra_refused(number), POST, now=clock.now())

    assert isinstance(error, TokenRejected)
    assert error.may_be_replicating is expected
