from collections.abc import Callable

import pytest

from doubles.scripted_graph import ScriptedGraph, answer, refused
from jackfield.graph.client import GraphClient
from jackfield.graph.directory import fetch_users_page
from jackfield.graph.errors import CursorExpired, LinkRefused

Make = Callable[..., GraphClient]
ROOT = "https://graph.microsoft.com"
NEXT = f"{ROOT}/v1.0/users?$skiptoken=RFNwdAIAAQ"


def page(next_link: object) -> bytes | object:
    return answer({"value": [], "@odata.nextLink": next_link})


async def test_a_link_is_followed_as_it_is_spelled(client: Make):
    """Skip tokens are opaque: an escaped or unescaped letter more and Graph refuses them."""
    link = f"{ROOT}/v1.0/users?$select=id,mail&$skiptoken=a%2Bb+c~%C3%A4'(x)"
    graph = ScriptedGraph(page(link), page(None))
    door = client(graph)

    first = await fetch_users_page(door)
    await fetch_users_page(door, link=first.next_link)

    assert graph.sent[1].url == link


@pytest.mark.parametrize(
    "link",
    [
        pytest.param("https://Graph.Microsoft.COM/v1.0/users?$skiptoken=a", id="host_case"),
        pytest.param("https://graph.microsoft.com:443/v1.0/users?$skiptoken=a", id="port_spelled"),
    ],
)
async def test_the_same_host_in_other_letters_is_the_same_host(client: Make, link):
    """Graph is known to change the case of its own name in links."""
    graph = ScriptedGraph(page(link), page(None))
    door = client(graph)

    first = await fetch_users_page(door)
    await fetch_users_page(door, link=first.next_link)

    assert graph.sent[1].url == f"{ROOT}/v1.0/users?$skiptoken=a"


FOREIGN = [
    pytest.param("https://graph.example.net/v1.0/users?$skiptoken=secret", id="another_host"),
    pytest.param("https://graph.microsoft.com.evil.example/v1.0/users", id="longer_host"),
    pytest.param("https://evil.example/?https://graph.microsoft.com/", id="ours_in_the_query"),
    pytest.param("https://graph.microsoft.com@evil.example/v1.0/users", id="ours_as_user"),
    pytest.param("https://me@graph.microsoft.com/v1.0/users", id="user"),
    pytest.param("https://evil.example\\@graph.microsoft.com/v1.0/users", id="backslash"),
    pytest.param("http://graph.microsoft.com/v1.0/users", id="plain_http"),
    pytest.param("https://graph.microsoft.com:8443/v1.0/users", id="another_port"),
    pytest.param("https://graph.microsoft.com:port/v1.0/users", id="no_port"),
    pytest.param("//graph.microsoft.com/v1.0/users", id="no_scheme"),
    pytest.param("/v1.0/users?$skiptoken=a", id="relative"),
    pytest.param("", id="empty"),
    pytest.param("https://graph.microsoft.com/v1.0/users HTTP/1.1\r\nX: y", id="line_break"),
    pytest.param("https://graph.microsoft.com/v1.0/\u202eusers", id="not_ascii"),
    pytest.param("https://gr\u0430ph.microsoft.com/v1.0/users", id="cyrillic_letter"),
    pytest.param("https://[graph.microsoft.com/v1.0/users", id="bracket"),
    pytest.param("file:///etc/passwd", id="file"),
    pytest.param(f"{NEXT}{'a' * 40_000}", id="endless"),
]


@pytest.mark.hostile
@pytest.mark.parametrize("link", FOREIGN)
async def test_a_page_that_leads_elsewhere_is_refused(client: Make, link):
    """The token would travel along, and with it the right to read the whole directory."""
    graph = ScriptedGraph(page(link))

    with pytest.raises(LinkRefused, match="Jackfield only follows links to") as e:
        await fetch_users_page(client(graph))

    assert len(graph.sent) == 1
    assert "secret" not in str(e.value)


@pytest.mark.hostile
@pytest.mark.parametrize("link", FOREIGN)
async def test_a_saved_link_that_leads_elsewhere_is_refused(client: Make, link):
    """A cursor comes out of a database that others may be able to write to."""
    graph = ScriptedGraph()

    with pytest.raises(LinkRefused):
        await fetch_users_page(client(graph), link=link)

    assert graph.sent == []


@pytest.mark.hostile
async def test_a_delta_link_that_leads_elsewhere_is_refused(client: Make):
    """It would be saved as a cursor and followed for weeks."""
    body = {"value": [], "@odata.deltaLink": "https://evil.example/delta"}

    with pytest.raises(LinkRefused):
        await fetch_users_page(client(ScriptedGraph(answer(body))))


@pytest.mark.hostile
async def test_a_page_that_names_itself_is_refused(client: Make):
    """Else a sync runs for ever over one page."""
    graph = ScriptedGraph(page(NEXT))

    with pytest.raises(LinkRefused, match="itself"):
        await fetch_users_page(client(graph), link=NEXT)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(refused(410, "syncStateNotFound"), id="410"),
        pytest.param(refused(410, "anything"), id="410_unknown_code"),
        pytest.param(answer(b"", 410), id="410_empty"),
        pytest.param(refused(400, "Directory_ExpiredPageToken"), id="expired_page_token"),
        pytest.param(refused(400, "resyncRequired"), id="resync"),
        pytest.param(refused(400, "SyncStateInvalid"), id="sync_state"),
        pytest.param(refused(400, "Request_BadRequest"), id="any_400_to_a_link"),
        pytest.param(
            answer(
                {"error": {"code": "BadRequest", "innerError": {"code": "ResyncRequired"}}}, 400
            ),
            id="nested_code",
        ),
        pytest.param(
            answer({"error": {"code": "", "innererror": {"code": "expiredToken"}}}, 400),
            id="nested_small_letters",
        ),
    ],
)
async def test_a_link_that_is_too_old_has_its_own_error(client: Make, reply):
    """Delta links live seven days; the cure is a full round, not a repeat."""
    with pytest.raises(CursorExpired) as caught:
        await fetch_users_page(client(ScriptedGraph(reply)), link=NEXT)

    assert "skiptoken" not in str(caught.value) + caught.value.trace
