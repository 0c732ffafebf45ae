"""Continuous access evaluation: what is revoked ends at once, for who can be challenged."""

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from m365_emulator.apps import Application
from m365_emulator.clock import Clock
from m365_emulator.resources import User
from m365_emulator.server import Emulator

Acting = Callable[..., Any]


def end(emulator: Emulator, person: User, event: str) -> None:
    match event:
        case "revoked":
            emulator.revoke_sessions(person.id)
        case "disabled":
            emulator.tenant.disable(person.id)
        case "deleted":
            emulator.tenant.delete(person.id)


@pytest.mark.parametrize("event", ["revoked", "disabled", "deleted"])
async def test_a_client_that_can_be_challenged_is_told_at_once(
    acting: Acting, emulator: Emulator, people: dict[str, User], event: str
) -> None:
    """With the claims to take to the token endpoint."""
    client = acting(people["plain"], "User.Read", cp1=True)
    before = await client.get("/v1.0/me")

    end(emulator, people["plain"], event)
    after = await client.get("/v1.0/me")

    assert before.status == 200
    assert after.status == 401
    challenge = after.headers["www-authenticate"]
    assert 'error="insufficient_claims"' in challenge
    encoded = re.search(r'claims="([^"]+)"', challenge)
    assert encoded is not None
    claims = json.loads(base64.b64decode(encoded[1]))
    assert claims["access_token"]["nbf"]["essential"] is True


@pytest.mark.parametrize("event", ["revoked", "disabled", "deleted"])
async def test_without_the_capability_a_token_lives_to_its_end(
    acting: Acting, emulator: Emulator, people: dict[str, User], event: str
) -> None:
    """Which is why a session must not lean on an access token alone."""
    client = acting(people["plain"], "User.Read", "User.Read.All")

    end(emulator, people["plain"], event)

    assert (await client.get(f"/v1.0/users/{people['global'].id}")).status == 200


async def test_a_disabled_application_is_challenged_too(
    emulator: Emulator, app: Application, client: Any
) -> None:
    """Workload identities: the principal's end is seen at once."""
    token = emulator.tokens.issue(
        app, "https://graph.microsoft.com", "secret", can_be_challenged=True
    )
    own = {"authorization": f"Bearer {token.value}"}

    emulator.registrations.enable(app.app_id, enabled=False)
    after = await client.get("/v1.0/users", **own)

    assert after.status == 401
    assert "insufficient_claims" in after.headers["www-authenticate"]


async def test_the_claims_of_a_challenge_are_taken_at_the_token_endpoint(
    visitor: Any, emulator: Emulator, client: Any, people: dict[str, User], clock: Clock
) -> None:
    """The grant from before ends too; whoever signs in again goes on."""
    properties = {"publicClient": {"redirectUris": ["http://localhost"]}}
    tool = emulator.register("Tool", properties=properties)
    capability = json.dumps({"access_token": {"xms_cc": {"values": ["cp1"]}}})
    asked_for = {
        "client_id": tool.app_id,
        "response_type": "code",
        "redirect_uri": "http://localhost",
        "scope": "User.Read offline_access",
    }
    url = f"/{emulator.tenant.id}/oauth2/v2.0/authorize?{urlencode(asked_for)}"

    async def tokens(**form: str) -> Any:
        sent = {
            "client_id": tool.app_id,
            "redirect_uri": "http://localhost",
            "claims": capability,
            **form,
        }
        return await client.post_form(f"/{emulator.tenant.id}/oauth2/v2.0/token", sent)

    await visitor.open(url)
    await visitor.sign_in(people["plain"].user_principal_name)
    await visitor.press("Accept")
    first = await tokens(grant_type="authorization_code", code=visitor.answer["code"])
    emulator.revoke_sessions(people["plain"].id)
    old = f"Bearer {first.json()['access_token']}"
    challenged = await client.get("/v1.0/me", authorization=old)
    clock.advance(timedelta(seconds=1))
    refused = await tokens(grant_type="refresh_token", refresh_token=first.json()["refresh_token"])
    await visitor.open(url)
    asked = visitor.title
    await visitor.sign_in(people["plain"].user_principal_name)
    second = await tokens(grant_type="authorization_code", code=visitor.answer["code"])

    assert first.json()["expires_in"] > 24 * 3600 - 2
    assert challenged.status == 401
    assert (refused.json()["error"], refused.aadsts) == ("invalid_grant", 50173)
    assert asked == "Sign in"
    fresh = f"Bearer {second.json()['access_token']}"
    assert (await client.get("/v1.0/me", authorization=fresh)).status == 200
