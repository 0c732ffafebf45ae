"""A device without a browser signs somebody in: codes, the page where one is typed, and polling."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt

from m365_emulator.apps import Application
from m365_emulator.clock import Clock
from m365_emulator.resources import User
from m365_emulator.server import Emulator
from m365_emulator.signin.state import Policies
from m365_emulator.tokens import signing_key

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def app(emulator: Emulator) -> Application:
    return emulator.register("Setup", properties={"isFallbackPublicClient": True})


@pytest.fixture
async def device(emulator: Emulator, app: Application, client: Any) -> dict[str, Any]:
    """The answer of the device code endpoint."""
    reply = await client.post_form(
        f"/{emulator.tenant.id}/oauth2/v2.0/devicecode",
        {"client_id": app.app_id, "scope": "openid profile offline_access User.Read"},
    )
    assert reply.status == 200
    return dict(reply.json())


@pytest.fixture
def poll(
    emulator: Emulator, app: Application, client: Any, device: dict[str, Any]
) -> Callable[..., Any]:
    async def post(**changes: str) -> Any:
        form = {
            "grant_type": GRANT,
            "client_id": app.app_id,
            "device_code": device["device_code"],
            **changes,
        }
        return await client.post_form(f"/{emulator.tenant.id}/oauth2/v2.0/token", form)

    return post


async def test_a_device_is_told_where_to_send_the_person(device: dict[str, Any]) -> None:
    """Everything that it needs to show is in one sentence."""
    assert device["expires_in"] == 900
    assert device["interval"] == 5
    assert len(device["user_code"]) == 9
    assert device["verification_uri"] == "http://localhost/devicelogin"
    assert device["user_code"] in device["message"]
    assert "verification_uri_complete" not in device


async def test_somebody_types_the_code_and_the_device_gets_its_tokens(
    visitor: Any, device: dict[str, Any], poll: Any, people: dict[str, User], clock: Clock
) -> None:
    """Sign in, confirm, consent: and the next poll has them."""
    waiting = await poll()
    await visitor.open(device["verification_uri"])
    await visitor.press("Next", otc=device["user_code"].lower())
    await visitor.sign_in(people["plain"].user_principal_name)
    asked = visitor.title, visitor.text
    await visitor.press("Continue")
    await visitor.press("Accept")
    done = visitor.text
    clock.advance(timedelta(seconds=5))
    answer = await poll()
    again = await poll()

    assert (waiting.json()["error"], waiting.aadsts) == ("authorization_pending", 70016)
    assert "Are you trying to sign in to Setup?" in asked[1]
    assert "You have signed in to the Setup application on your device." in done
    claims = jwt.decode(answer.json()["id_token"], signing_key().key, algorithms=["RS256"]).claims
    assert claims["oid"] == people["plain"].id
    assert "refresh_token" in answer.json()
    assert again.json()["error"] == "bad_verification_code"


async def test_who_polls_too_often_is_slowed_down(poll: Any, clock: Clock) -> None:
    """By five seconds each time, as RFC 8628 has it."""
    await poll()
    clock.advance(timedelta(seconds=4))
    hasty = await poll()
    clock.advance(timedelta(seconds=9))
    still = await poll()
    clock.advance(timedelta(seconds=15))
    patient = await poll()

    told = [each.json()["error"] for each in (hasty, still, patient)]
    assert told == ["slow_down", "slow_down", "authorization_pending"]


async def test_a_code_ends_after_a_quarter_of_an_hour(
    visitor: Any, device: dict[str, Any], poll: Any, clock: Clock
) -> None:
    """For the device and on the page."""
    clock.advance(timedelta(minutes=15))

    refused = await poll()
    await visitor.open("/devicelogin")
    await visitor.press("Next", otc=device["user_code"])

    assert (refused.json()["error"], refused.aadsts) == ("expired_token", 70019)
    assert "has expired" in visitor.text


@pytest.mark.parametrize("at", ["sign_in", "confirm", "consent"])
async def test_who_declines_ends_the_polling(
    visitor: Any, device: dict[str, Any], poll: Any, people: dict[str, User], at: str
) -> None:
    """At whichever page they think better of it."""
    await visitor.open("/devicelogin")
    await visitor.press("Next", otc=device["user_code"])
    if at != "sign_in":
        await visitor.sign_in(people["plain"].user_principal_name)
    if at == "consent":
        await visitor.press("Continue")

    await visitor.press("Cancel")

    refused = await poll()
    assert "You have declined" in visitor.text
    assert refused.json()["error"] == "authorization_declined"


async def test_a_wrong_code_is_told(visitor: Any) -> None:
    """As often as somebody mistypes."""
    await visitor.open("/devicelogin")

    await visitor.press("Next", otc="WRONG")

    assert "That code didn't work." in visitor.text


async def test_a_code_is_typed_once(
    visitor: Any, device: dict[str, Any], people: dict[str, User]
) -> None:
    """A second person cannot take the device over."""
    await visitor.open("/devicelogin")
    await visitor.press("Next", otc=device["user_code"])
    await visitor.sign_in(people["plain"].user_principal_name)
    await visitor.press("Continue")
    await visitor.press("Accept")

    await visitor.open("/devicelogin")
    await visitor.press("Next", otc=device["user_code"])

    assert "That code didn't work." in visitor.text


async def test_a_made_up_device_code_is_not_recognised(poll: Any) -> None:
    """Nor one of another client."""
    refused = await poll(device_code="made-up")

    assert (refused.json()["error"], refused.aadsts) == ("bad_verification_code", 70018)


async def test_conditional_access_blocks_the_flow_alone(
    visitor: Any, device: dict[str, Any], people: dict[str, User], emulator: Emulator, poll: Any
) -> None:
    """What many tenants do: the page says so, the device waits for nothing."""
    emulator.signin.policies = Policies(block_device_code=True)
    await visitor.open("/devicelogin")
    await visitor.press("Next", otc=device["user_code"])

    await visitor.sign_in(people["plain"].user_principal_name)

    assert "AADSTS53003:" in visitor.text
    assert (await poll()).json()["error"] == "authorization_pending"


async def test_a_confidential_client_must_prove_itself_here_too(
    visitor: Any, emulator: Emulator, client: Any, people: dict[str, User]
) -> None:
    """Without "allow public client flows" a device code alone is not enough."""
    other = emulator.register("Server", secret="server-secret")
    device = (
        await client.post_form(
            f"/{emulator.tenant.id}/oauth2/v2.0/devicecode",
            {"client_id": other.app_id, "scope": "User.Read"},
        )
    ).json()
    await visitor.open("/devicelogin")
    await visitor.press("Next", otc=device["user_code"])
    await visitor.sign_in(people["plain"].user_principal_name)
    await visitor.press("Continue")
    await visitor.press("Accept")

    form = {
        "grant_type": GRANT,
        "client_id": other.app_id,
        "device_code": device["device_code"],
    }
    refused = await client.post_form(f"/{emulator.tenant.id}/oauth2/v2.0/token", form)

    assert refused.aadsts == 7000218


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"client_id": "00000000-1111-4111-8111-000000000000"}, 700016, id="client"),
        pytest.param({"scope": ""}, 900144, id="no_scope"),
        pytest.param({"scope": "Rule.World"}, 650053, id="scope"),
    ],
)
async def test_a_request_for_codes_is_checked(
    emulator: Emulator, app: Application, client: Any, changes: dict[str, str], code: int
) -> None:
    """Before anybody is sent to a page in vain."""
    form = {"client_id": app.app_id, "scope": "User.Read", **changes}

    refused = await client.post_form(f"/{emulator.tenant.id}/oauth2/v2.0/devicecode", form)

    assert (refused.status, refused.aadsts) == (400, code)
