import base64
import gzip
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.requests import Request
from starlette.responses import Response

from m365_emulator.access import Caller, requires
from m365_emulator.apps import Application
from m365_emulator.clock import Clock
from m365_emulator.errors import GraphError
from m365_emulator.server import Emulator
from m365_emulator.tokens import Tokens, signing_key

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MINE = "e70c5c1b-0000-4000-8000-000000000001"


@pytest.fixture
def sealed(emulator: Emulator, app: Application, clock: Clock) -> Callable[..., str]:
    """A token as the stage would issue it, with one claim changed and signed by its key."""

    def seal(key: RSAKey | None = None, **changes: Any) -> str:
        now = int(clock().timestamp())
        claims = {
            "aud": "https://graph.microsoft.com",
            "appid": app.app_id,
            "app_displayname": app.display_name,
            "oid": app.principal_id,
            "tid": emulator.tenant.id,
            "uti": "one",
            "nbf": now,
            "exp": now + 3600,
            "roles": sorted(app.roles),
        } | changes
        header = {"alg": "RS256", "typ": "JWT"}
        return jwt.encode(header, claims, key or signing_key().key, algorithms=["RS256"])

    return seal


# --- 401 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        pytest.param(None, "Access token is empty.", id="nothing"),
        pytest.param("Bearer ", "Access token is empty.", id="empty"),
        pytest.param("Basic dXNlcjpwYXNz", "Access token is empty.", id="another_scheme"),
        pytest.param("Bearer nonsense", "IDX14100: JWT is not well formed", id="not_a_jwt"),
        pytest.param("Bearer a.b.c", "Invalid signature", id="three_parts_of_nothing"),
    ],
)
async def test_without_a_genuine_token_graph_says_401(
    client: Any, authorization: str | None, message: str
) -> None:
    """The challenge in WWW-Authenticate is what SDKs look at."""
    if authorization is not None:
        client.headers["authorization"] = authorization

    reply = await client.get("/v1.0/users")

    assert (reply.status, reply.code) == (401, "InvalidAuthenticationToken")
    assert message in reply.json()["error"]["message"]
    assert reply.headers["www-authenticate"] == (
        'Bearer realm="", authorization_uri="http://localhost/common/oauth2/authorize", '
        'client_id="00000003-0000-0000-c000-000000000000"'
    )


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        pytest.param({"aud": "https://vault.azure.net"}, "Invalid audience", id="audience"),
        pytest.param({"tid": "another"}, "Invalid tenant", id="tenant"),
        pytest.param({"nbf": 4102444800, "exp": 4102448400}, "Lifetime", id="not_yet"),
    ],
)
async def test_a_token_for_something_else_is_no_good_here(
    client: Any, sealed: Callable[..., str], claims: dict[str, Any], message: str
) -> None:
    """A valid signature alone opens nothing."""
    reply = await client.get("/v1.0/users", authorization=f"Bearer {sealed(**claims)}")

    assert (reply.status, reply.code) == (401, "InvalidAuthenticationToken")
    assert message in reply.json()["error"]["message"]


async def test_a_token_signed_by_anybody_is_no_good(
    client: Any, sealed: Callable[..., str]
) -> None:
    """Claims prove nothing without Entra's key."""
    forged = sealed(key=RSAKey.generate_key(2048))

    reply = await client.get("/v1.0/users", authorization=f"Bearer {forged}")

    assert reply.status == 401
    assert "Invalid signature" in reply.json()["error"]["message"]


async def test_a_token_ends(graph: Any, clock: Clock) -> None:
    """At most after ninety minutes."""
    before = await graph.get("/v1.0/users")
    clock.advance(timedelta(minutes=91))

    after = await graph.get("/v1.0/users")

    assert before.status == 200
    assert (after.status, after.code) == (401, "InvalidAuthenticationToken")
    assert "expired" in after.json()["error"]["message"]


async def test_a_revoked_token_is_no_good_and_the_next_one_is(
    emulator: Emulator, app: Application, graph: Any
) -> None:
    """A client must fetch a new token and go on."""
    revoked = emulator.tokens.revoke(app.app_id)

    first = await graph.get("/v1.0/users")
    fresh = emulator.tokens.issue(app, "https://graph.microsoft.com", "secret")
    second = await graph.get("/v1.0/users", authorization=f"Bearer {fresh.value}")

    assert (revoked, first.status, second.status) == (1, 401, 200)
    assert "claims=" not in first.headers["www-authenticate"]


async def test_who_announced_it_is_challenged_with_claims(
    emulator: Emulator, app: Application, client: Any, clock: Clock
) -> None:
    """Continuous access evaluation: the claims go into the next token request."""
    token = emulator.tokens.issue(
        app, "https://graph.microsoft.com", "secret", can_be_challenged=True
    )
    emulator.tokens.revoke()

    reply = await client.get("/v1.0/users", authorization=f"Bearer {token.value}")

    challenge = reply.headers["www-authenticate"]
    claims = re.search(r'error="insufficient_claims", claims="([^"]+)"', challenge)
    assert reply.status == 401
    assert claims is not None
    assert msgspec.json.decode(base64.b64decode(claims[1])) == {
        "access_token": {"nbf": {"essential": True, "value": str(int(clock().timestamp()))}}
    }


def test_revoking_one_app_s_tokens_leaves_the_others(
    emulator: Emulator, app: Application, clock: Clock
) -> None:
    """Two apps in a tenant have nothing to do with each other."""
    other = emulator.register("Another")
    tokens = Tokens(emulator.tenant.id, clock)
    kept = tokens.issue(app, "https://graph.microsoft.com", "secret")
    tokens.issue(other, "https://graph.microsoft.com", "secret")

    assert tokens.revoke(other.app_id) == 1
    assert tokens.identify(f"Bearer {kept.value}", "").app_id == app.app_id


# --- 403 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "roles"),
    [
        pytest.param("/v1.0/users", ["GroupMember.Read.All"], id="users"),
        pytest.param("/v1.0/users/delta", ["GroupMember.Read.All"], id="users_delta"),
        pytest.param("/v1.0/groups", ["User.Read.All"], id="groups"),
        pytest.param("/v1.0/groups/delta", ["User.Read.All"], id="groups_delta"),
        pytest.param("/v1.0/subscribedSkus", ["User.Read.All"], id="licences"),
        pytest.param("/v1.0/users", [], id="no_role_at_all"),
    ],
)
async def test_a_route_is_closed_to_an_app_without_the_permission(
    emulator: Emulator, client: Any, path: str, roles: list[str]
) -> None:
    """A consent that was never given shows as 403, not as an empty list."""
    other = emulator.register("Another", roles=roles)
    token = emulator.tokens.issue(other, "https://graph.microsoft.com", "secret")

    reply = await client.get(path, authorization=f"Bearer {token.value}")

    assert (reply.status, reply.code) == (403, "Authorization_RequestDenied")
    assert reply.json()["error"]["message"] == "Insufficient privileges to complete the operation."


@pytest.mark.parametrize(
    ("path", "role"),
    [
        pytest.param("/v1.0/users", "User.Read.All", id="users"),
        pytest.param("/v1.0/users", "Directory.Read.All", id="users_by_the_catch_all"),
        pytest.param("/v1.0/groups", "GroupMember.Read.All", id="groups"),
        pytest.param("/v1.0/groups", "Group.Read.All", id="groups_by_the_wider"),
        pytest.param("/v1.0/subscribedSkus", "LicenseAssignment.Read.All", id="licences"),
        pytest.param("/v1.0/organization", "User.Read.All", id="organization"),
    ],
)
async def test_one_of_the_permissions_is_enough(
    emulator: Emulator, client: Any, path: str, role: str
) -> None:
    """Least privilege works, and so do the permissions above it."""
    other = emulator.register("Another", roles=[role])
    token = emulator.tokens.issue(other, "https://graph.microsoft.com", "secret")

    assert (await client.get(path, authorization=f"Bearer {token.value}")).status == 200


async def test_the_guard_takes_functions_and_methods() -> None:
    """Both kinds of endpoint are written in this package."""

    class Room:
        @requires("User.Read.All")
        async def enter(self, _request: Request) -> Response:
            return Response("in")

    caller = Caller("app", "oid", "name", "tid", "uti", frozenset())
    request = Request({"type": "http", "headers": [], "state": {"caller": caller}})

    with pytest.raises(GraphError) as refused:
        await Room().enter(request)

    assert refused.value.status == 403
    assert Room.enter.__dict__["roles"] == ("User.Read.All",)


# --- ids and headers -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1.0/users", "/v1.0/nothing", "/beta/users", "/v1.0/users/x"])
async def test_every_answer_of_graph_can_be_told_to_support(graph: Any, path: str) -> None:
    """request-id, Date and the diagnostic are what Microsoft asks for."""
    reply = await graph.get(path)

    assert GUID.fullmatch(reply.headers["request-id"])
    assert reply.headers["client-request-id"] == reply.headers["request-id"]
    assert reply.headers["date"] == "Mon, 23 Nov 2026 12:00:00 GMT"
    assert "ServerInfo" in msgspec.json.decode(reply.headers["x-ms-ags-diagnostic"])


async def test_the_client_s_id_is_echoed_when_it_asks_for_that(graph: Any) -> None:
    """And only then: who does not ask finds the service's id under that name."""
    plain = await graph.get("/v1.0/users", client_request_id=MINE)
    asked = await graph.get("/v1.0/users", client_request_id=MINE, return_client_request_id="true")

    assert plain.headers["client-request-id"] == plain.headers["request-id"]
    assert asked.headers["client-request-id"] == MINE


async def test_an_error_names_both_ids_and_the_time(graph: Any) -> None:
    """The body alone must be enough for a support case."""
    reply = await graph.get("/v1.0/users/nobody", client_request_id=MINE)

    inner = reply.json()["error"]["innerError"]
    assert reply.status == 404
    assert inner == {
        "date": "2026-11-23T12:00:00",
        "request-id": reply.headers["request-id"],
        "client-request-id": MINE,
    }


async def test_the_same_seed_gives_the_same_ids(client_of: Callable[..., Any]) -> None:
    """A run can be compared with another, byte for byte."""
    told = []

    for _ in range(2):
        fresh = client_of(Emulator(people=5, seed=3))
        told.append([(await fresh.get("/v1.0/users")).headers["request-id"] for _ in range(3)])

    assert told[0] == told[1]


async def test_a_large_answer_is_compressed_when_asked(graph: Any) -> None:
    """A page of people shrinks to a tenth, and clients ask for it."""
    plain = await graph.get("/v1.0/users")
    packed = await graph.get("/v1.0/users", accept_encoding="gzip, deflate")

    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("host", ["[::1", "local host:port", "localhost:99999", "", "a/b"])
@pytest.mark.parametrize("path", ["/v1.0/users", "/common/v2.0/.well-known/openid-configuration"])
async def test_a_host_that_is_none_is_a_bad_request(client: Any, path: str, host: str) -> None:
    """Links are made from it."""
    assert (await client.send("GET", path, headers={"host": host})).status == 400


# --- what is not there ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/beta/users",
        "/v1.0/planner/tasks",
        "/v1.0/users/x/messages",
        "/v1.0/communications/getPresencesByUserId",
        "/v1.0",
        "/v1.0/",
    ],
)
async def test_what_the_stage_does_not_play_is_404_in_graph_s_shape(graph: Any, path: str) -> None:
    """Never a pretended success, and never a framework's own error page."""
    reply = await graph.get(path)

    assert reply.status == 404
    assert reply.code == "ResourceNotFound"


async def test_a_slash_at_the_end_makes_no_difference(graph: Any) -> None:
    """Graph is lenient there, and some clients rely on it."""
    assert (await graph.get("/v1.0/users/")).body == (await graph.get("/v1.0/users")).body


async def test_a_verb_that_a_path_has_not_is_405(graph: Any) -> None:
    """The directory is read-only here, and says so."""
    reply = await graph.send("DELETE", "/v1.0/users")

    assert (reply.status, reply.code) == (405, "Request_BadRequest")


async def test_an_absent_path_needs_a_token_too(client: Any) -> None:
    """Graph looks at the token before it looks at the path."""
    assert (await client.get("/v1.0/nothing")).status == 401


# --- the toll ------------------------------------------------------------------------------------


async def test_every_answer_says_what_it_cost(graph: Any) -> None:
    """Units are charged by path and query."""
    listed = await graph.get("/v1.0/users")
    selected = await graph.get("/v1.0/users?$select=id")

    assert listed.headers["x-ms-resource-unit"] == "2"
    assert selected.headers["x-ms-resource-unit"] == "1"


async def test_who_asks_too_much_is_told_to_wait(
    emulator: Emulator, graph: Any, clock: Clock
) -> None:
    """And waiting as told is enough."""
    emulator.throttle.own_limit = 10
    for _ in range(5):
        assert (await graph.get("/v1.0/users")).status == 200

    refused = await graph.get("/v1.0/users")
    clock.advance(timedelta(seconds=int(refused.headers["retry-after"])))
    again = await graph.get("/v1.0/users")

    assert (refused.status, refused.code) == (429, "Request_ThrottledTemporarily")
    assert refused.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    assert again.status == 200


async def test_a_refusal_for_want_of_permission_is_charged(emulator: Emulator, client: Any) -> None:
    """Failed requests count as well."""
    other = emulator.register("Another", roles=[])
    token = emulator.tokens.issue(other, "https://graph.microsoft.com", "secret")

    reply = await client.get("/v1.0/users", authorization=f"Bearer {token.value}")

    assert (reply.status, reply.headers["x-ms-resource-unit"]) == (403, "2")
