"""An administrator lets an application into the organisation."""

from typing import Any
from urllib.parse import urlencode

import pytest

from m365_emulator.apps import Application
from m365_emulator.directory_roles import APPLICATION_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR
from m365_emulator.resources import User
from m365_emulator.server import Emulator

CALLBACK = "https://pbx.example.org/setup/back"
GRAPH = "00000003-0000-0000-c000-000000000000"
USER_READ_ALL = "df021288-bdef-4463-88db-98f22de89214"
PRESENCE = "83cded22-8297-4ff6-a7fa-e97e9545a259"
USER_READ = "e1fe6dd8-ba31-4d61-89e7-88639da4683d"


def wanting(*access: tuple[str, str]) -> dict[str, Any]:
    """An application's properties with the permissions it lists as required."""
    return {
        "web": {"redirectUris": [CALLBACK]},
        "requiredResourceAccess": [
            {
                "resourceAppId": GRAPH,
                "resourceAccess": [{"id": each, "type": kind} for each, kind in access],
            }
        ],
    }


@pytest.fixture
def app(emulator: Emulator) -> Application:
    properties = wanting((USER_READ_ALL, "Role"), (PRESENCE, "Role"), (USER_READ, "Scope"))
    return emulator.register("Jackfield", roles=["User.Read.All"], properties=properties)


@pytest.fixture
def delegated_only(emulator: Emulator) -> Application:
    return emulator.register("Viewer", roles=[], properties=wanting((USER_READ, "Scope")))


def url(tenant: str, app: Application, version: str = "v2.0/", **changes: str) -> str:
    asked = {
        "client_id": app.app_id,
        "redirect_uri": CALLBACK,
        "state": "setup-1",
        **({"scope": "https://graph.microsoft.com/.default"} if version else {}),
        **changes,
    }
    return f"/{tenant}/{version}adminconsent?{urlencode(asked)}"


@pytest.mark.parametrize("version", ["v2.0/", ""])
@pytest.mark.parametrize("tenant", ["id", "domain", "organizations"])
async def test_an_administrator_lets_an_application_in(
    visitor: Any,
    emulator: Emulator,
    app: Application,
    people: dict[str, User],
    version: str,
    tenant: str,
) -> None:
    """Everything that its registration lists; what it holds already stays as it is."""
    before = app.principal
    name = getattr(emulator.tenant, tenant, tenant)

    await visitor.open(url(name, app, version))
    await visitor.sign_in(people["global"].user_principal_name)
    asked = visitor.text
    await visitor.press("Accept")

    assert "Presence.ReadWrite.All" in asked
    assert "for all users in your organization" in asked
    answer = {"admin_consent": "True", "tenant": emulator.tenant.id, "state": "setup-1"}
    if version:
        answer["scope"] = "https://graph.microsoft.com/.default"
    assert visitor.answer == answer
    after = emulator.registrations.find(app.app_id)
    assert after is not None
    assert after.principal is not None
    assert before is not None
    assert after.roles == {"User.Read.All", "Presence.ReadWrite.All"}
    assert before.held[0] in after.principal.held
    assert [(each.person_id, each.scopes) for each in after.principal.grants] == [
        (None, ("User.Read",))
    ]


async def test_single_scopes_are_asked_for_by_name(
    visitor: Any, emulator: Emulator, app: Application, people: dict[str, User]
) -> None:
    """Dynamic consent: delegated permissions only, listed or not."""
    await visitor.open(url(emulator.tenant.id, app, scope="openid Mail.Send User.Read.All"))
    await visitor.sign_in(people["cloud"].user_principal_name)
    await visitor.press("Accept")

    after = emulator.registrations.find(app.app_id)
    assert after is not None
    assert after.principal is not None
    assert after.roles == {"User.Read.All"}
    assert after.principal.grants[0].scopes == ("openid", "Mail.Send", "User.Read.All")


@pytest.mark.parametrize(
    ("who", "what", "allowed"),
    [
        pytest.param("global", "app", True, id="global_roles"),
        pytest.param("privileged", "app", True, id="privileged_role_roles"),
        pytest.param("cloud", "app", False, id="cloud_application_roles"),
        pytest.param("application", "app", False, id="application_roles"),
        pytest.param("plain", "app", False, id="plain_roles"),
        pytest.param("cloud", "delegated_only", True, id="cloud_application_scopes"),
        pytest.param("application", "delegated_only", True, id="application_scopes"),
        pytest.param("plain", "delegated_only", False, id="plain_scopes"),
    ],
)
async def test_who_may_let_it_in_depends_on_what_it_asks(
    visitor: Any,
    emulator: Emulator,
    people: dict[str, User],
    request: pytest.FixtureRequest,
    who: str,
    what: str,
    allowed: bool,
) -> None:
    """Application permissions of Graph are a matter of two roles only."""
    wanted = request.getfixturevalue(what)
    roles = {
        "privileged": PRIVILEGED_ROLE_ADMINISTRATOR.id,
        "application": APPLICATION_ADMINISTRATOR.id,
    }
    if who in roles:
        emulator.tenant.directory_roles.assign(people["plain"].id, roles[who])
    person = people.get(who, people["plain"])

    await visitor.open(url(emulator.tenant.id, wanted))
    await visitor.sign_in(person.user_principal_name)

    assert visitor.title == ("Permissions requested" if allowed else "Need admin approval")


@pytest.mark.parametrize("at", ["sign_in", "consent", "approval"])
async def test_who_declines_goes_back_with_an_error(
    visitor: Any, emulator: Emulator, app: Application, people: dict[str, User], at: str
) -> None:
    """admin_consent=True is there as well: a client must look for the error first."""
    await visitor.open(url(emulator.tenant.id, app))
    if at != "sign_in":
        who = people["plain" if at == "approval" else "global"]
        await visitor.sign_in(who.user_principal_name)

    await visitor.press("Return to" if at == "approval" else "Cancel")

    assert visitor.answer["error"] == "consent_required"
    assert visitor.answer["error_description"].startswith("AADSTS65004: ")
    assert visitor.answer["admin_consent"] == "True"
    assert visitor.answer["state"] == "setup-1"
    after = emulator.registrations.find(app.app_id)
    assert after is not None
    assert after.roles == {"User.Read.All"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"client_id": ""}, 900144, id="no_client"),
        pytest.param(
            {"client_id": "00000000-1111-4111-8111-000000000000"}, 700016, id="unknown_client"
        ),
        pytest.param({"redirect_uri": "https://evil.example/"}, 50011, id="foreign_redirect"),
    ],
)
async def test_what_cannot_be_trusted_is_shown(
    visitor: Any, emulator: Emulator, app: Application, changes: dict[str, str], code: int
) -> None:
    """As at the authorize endpoint."""
    await visitor.open(url(emulator.tenant.id, app, **changes))

    assert visitor.left_for == ""
    assert f"AADSTS{code}:" in visitor.text


async def test_an_unknown_scope_goes_back(
    visitor: Any, emulator: Emulator, app: Application
) -> None:
    """Before anybody signs in for nothing."""
    await visitor.open(url(emulator.tenant.id, app, scope="Rule.World"))

    assert visitor.answer["error_description"].startswith("AADSTS650053: ")


async def test_another_tenant_is_not_there(visitor: Any, app: Application) -> None:
    """A typing mistake in the address."""
    await visitor.open(url("elsewhere.example", app))

    assert "AADSTS90002:" in visitor.text
