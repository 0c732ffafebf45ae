"""The control API and the page on signing in and on applications."""

import html
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from m365_emulator.apps import Application
from m365_emulator.clock import Clock
from m365_emulator.resources import User
from m365_emulator.server import Emulator
from m365_emulator.signin import consent

SECRET = "correct~horse+battery&staple"


@pytest.fixture
def play(client: Any) -> Callable[..., Any]:
    """Sends a form of the page and follows it back."""

    async def send(verb: str, **fields: str) -> str:
        sent = await client.post_form(f"/_emulator/page/{verb}", fields)
        assert sent.status == 303
        return html.unescape((await client.get(sent.headers["location"])).body.decode())

    return send


async def token(client: Any, emulator: Emulator, app: Application) -> Any:
    return await client.post_form(
        f"/{emulator.tenant.id}/oauth2/v2.0/token",
        {
            "grant_type": "client_credentials",
            "client_id": app.app_id,
            "client_secret": SECRET,
            "scope": "https://graph.microsoft.com/.default",
        },
    )


async def test_policies_are_set_one_by_one(client: Any) -> None:
    """What is not named stays."""
    await client.send_json("PATCH", "/_emulator/sign-in", {"require_mfa": True})
    told = await client.send_json("PATCH", "/_emulator/sign-in", {"lockout_threshold": 3})
    wrong = await client.send_json("PATCH", "/_emulator/sign-in", {"require_fma": True})

    assert told.json()["require_mfa"] is True
    assert told.json()["lockout_threshold"] == 3
    assert (await client.get("/_emulator/sign-in")).json() == told.json()
    assert wrong.status == 400


async def test_the_sign_in_log_tells_the_newest_first(
    client: Any, visitor: Any, emulator: Emulator, people: dict[str, User]
) -> None:
    """Who tried what, and what Entra said."""
    properties = {"web": {"redirectUris": ["https://pbx.example.org/"]}}
    app = emulator.register("Jackfield", properties=properties)
    await visitor.open(
        f"/{emulator.tenant.id}/oauth2/v2.0/authorize?client_id={app.app_id}&response_type=code"
        "&redirect_uri=https%3A%2F%2Fpbx.example.org%2F&scope=openid"
    )
    await visitor.press("Next", username=people["plain"].user_principal_name)
    await visitor.press("Sign in", passwd="wrong")
    await visitor.press("Sign in", passwd="Emulated-365")
    await visitor.press("Accept")

    told = (await client.get("/_emulator/sign-ins?last=2")).json()["signIns"]

    assert [each["code"] for each in told] == [0, 50126]
    assert told[0]["username"] == people["plain"].user_principal_name
    assert told[0]["appName"] == "Jackfield"


async def test_directory_roles_are_given_by_name(
    client: Any, emulator: Emulator, people: dict[str, User]
) -> None:
    """Exactly these; a role that is not played is refused."""
    at = f"/_emulator/people/{people['plain'].id}"

    given = await client.send_json("PUT", f"{at}/roles", {"roles": ["Application Administrator"]})
    wrong = await client.send_json("PUT", f"{at}/roles", {"roles": ["Emperor"]})
    none = await client.send_json("PUT", f"{at}/roles", {"roles": []})

    assert given.json()["directoryRoles"] == ["Application Administrator"]
    assert wrong.status == 400
    assert "Emperor" in wrong.json()["error"]
    assert none.json()["directoryRoles"] == []
    assert emulator.tenant.directory_roles.of(people["plain"].id) == frozenset()


async def test_somebody_is_signed_out_everywhere(
    client: Any, acting: Callable[..., Any], people: dict[str, User]
) -> None:
    """A lost laptop."""
    theirs = acting(people["plain"], "User.Read", cp1=True)

    reply = await client.post(f"/_emulator/people/{people['plain'].id}/sign-out")

    assert reply.status == 204
    assert (await theirs.get("/v1.0/me")).status == 401


async def test_a_credential_is_let_expire(
    client: Any, emulator: Emulator, app: Application, clock: Clock
) -> None:
    """The alarm that everybody has seen once."""
    known = emulator.registrations.find(app.app_id)
    assert known is not None
    key = known.secrets[0].key_id

    reply = await client.post(f"/_emulator/apps/{app.app_id}/credentials/{key}/expire")
    refused = await token(client, emulator, app)
    unknown = await client.post(f"/_emulator/apps/{app.app_id}/credentials/none/expire")

    assert reply.status == 200
    assert refused.aadsts == 7000222
    assert unknown.status == 404
    assert clock.advanced_by == timedelta(0)


@pytest.mark.parametrize("whose", ["one", "all"])
async def test_consent_is_withdrawn(
    client: Any, emulator: Emulator, app: Application, people: dict[str, User], whose: str
) -> None:
    """One person's, or everything with the application permissions."""
    known = consent.granted(app, None, ["openid"])
    known = consent.granted(known, people["plain"].id, ["User.Read"])
    emulator.registrations.put(known)
    query = f"?person={people['plain'].id}" if whose == "one" else ""

    told = (await client.send("DELETE", f"/_emulator/apps/{app.app_id}/consent{query}")).json()

    if whose == "one":
        assert [each["scopes"] for each in told["grants"]] == [["openid"]]
        assert told["roles"]
    else:
        assert (told["grants"], told["roles"]) == ([], [])


async def test_an_assignment_is_demanded(client: Any, app: Application, emulator: Emulator) -> None:
    """Only who is assigned comes in."""
    at = f"/_emulator/apps/{app.app_id}"

    told = (await client.send_json("PATCH", at, {"assignmentRequired": True})).json()

    known = emulator.registrations.find(app.app_id)
    assert known is not None
    assert known.principal is not None
    assert told["assignmentRequired"] is known.principal.assignment_required is True


# --- the page ------------------------------------------------------------------------------------


async def test_the_page_sets_policies(play: Callable[..., Any], emulator: Emulator) -> None:
    """What is not ticked is off."""
    page = await play("policies", require_mfa="on", users_may_consent="on")

    assert "The policies are set." in page
    assert emulator.signin.policies.require_mfa
    assert emulator.signin.policies.users_may_consent
    page = await play("policies", block="on")
    assert emulator.signin.policies.block
    assert not emulator.signin.policies.users_may_consent


async def test_the_page_gives_roles_and_signs_people_out(
    play: Callable[..., Any], emulator: Emulator, people: dict[str, User]
) -> None:
    """On the card of a person."""
    person = people["plain"]

    given = await play("role", person=person.id, role="Privileged Role Administrator")
    out = await play("sign-out", person=person.id)
    taken = await play("role", person=person.id, role="")

    assert "is Privileged Role Administrator now" in given
    assert "is signed out everywhere" in out
    assert "administers nothing" in taken
    assert emulator.signin.valid_from(person.id) is not None


async def test_the_page_acts_on_applications(
    play: Callable[..., Any], client: Any, emulator: Emulator, app: Application
) -> None:
    """Expired, disabled, and without consent."""
    known = emulator.registrations.find(app.app_id)
    assert known is not None
    key = known.secrets[0].key_id

    disabled = await play("disable-app", app=app.app_id)
    enabled = await play("enable-app", app=app.app_id)
    expired = await play("expire", app=app.app_id, key=key)
    withdrawn = await play("withdraw", app=app.app_id)
    unknown = await play("withdraw", app="none")

    assert "Jackfield is disabled." in disabled
    assert "Jackfield is enabled." in enabled
    assert "has expired" in expired
    assert "all consent is taken back" in withdrawn
    assert "Refused:" in unknown
    assert (await token(client, emulator, app)).aadsts == 7000222
    after = emulator.registrations.find(app.app_id)
    assert after is not None
    assert after.roles == frozenset()
