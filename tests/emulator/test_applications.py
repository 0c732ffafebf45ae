"""An application is registered, let in and granted what it needs, by calls in order."""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.jwk import RSAKey
from msgspec.structs import replace

from m365_emulator.apps import Application
from m365_emulator.clock import Clock
from m365_emulator.directory_roles import GLOBAL_READER, PRIVILEGED_ROLE_ADMINISTRATOR
from m365_emulator.resources import User
from m365_emulator.server import Emulator

GRAPH = "00000003-0000-0000-c000-000000000000"
USER_READ_ALL = "df021288-bdef-4463-88db-98f22de89214"
SETUP = (
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "User.Read",
)
NAME = "jackfield-pbx-example-org"
UPSERT = f"/v1.0/applications(uniqueName='{NAME}')"
WISHED = {"prefer": "create-if-missing"}

Acting = Callable[..., Any]


@pytest.fixture
def admin(acting: Acting, people: dict[str, User]) -> Any:
    """A Global Administrator with the scopes of a setup."""
    return acting(people["global"], *SETUP)


@pytest.fixture
async def made(admin: Any) -> dict[str, Any]:
    """An application as the first call makes it."""
    reply = await admin.send_json("PATCH", UPSERT, {"displayName": "Jackfield"}, **WISHED)
    assert reply.status == 201, reply.body
    return dict(reply.json())


@pytest.fixture
async def principal(admin: Any, made: dict[str, Any]) -> dict[str, Any]:
    reply = await admin.post("/v1.0/servicePrincipals", {"appId": made["appId"]})
    assert reply.status == 201, reply.body
    return dict(reply.json())


@pytest.fixture
async def graph_id(admin: Any) -> str:
    """The object id of Graph's own service principal."""
    reply = await admin.get(f"/v1.0/servicePrincipals(appId='{GRAPH}')?$select=id")
    return str(reply.json()["id"])


def key_of(credential: Any) -> dict[str, Any]:
    der = credential.certificate.public_bytes(Encoding.DER)
    return {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "displayName": "CN=jackfield",
        "key": base64.b64encode(der).decode(),
    }


async def token_of(client: Any, emulator: Emulator, app_id: str, secret: str) -> Any:
    return await client.post_form(
        f"/{emulator.tenant.id}/oauth2/v2.0/token",
        {
            "grant_type": "client_credentials",
            "client_id": app_id,
            "client_secret": secret,
            "scope": "https://graph.microsoft.com/.default",
        },
    )


# --- the calls, in order -------------------------------------------------------------------------


async def test_a_setup_from_nothing_to_a_token(
    admin: Any, client: Any, emulator: Emulator, graph_id: str
) -> None:
    """Application, principal, permissions, secret, token: and the token reads people."""
    properties = {
        "displayName": "Jackfield",
        "signInAudience": "AzureADMyOrg",
        "web": {"redirectUris": ["https://pbx.example.org/auth/callback"]},
        "requiredResourceAccess": [
            {"resourceAppId": GRAPH, "resourceAccess": [{"id": USER_READ_ALL, "type": "Role"}]}
        ],
        "tags": ["jackfield"],
        "notes": "made by a test",
    }

    app = (await admin.send_json("PATCH", UPSERT, properties, **WISHED)).json()
    again = await admin.send_json("PATCH", UPSERT, {"displayName": "Jackfield 2"}, **WISHED)
    own = (await admin.post("/v1.0/servicePrincipals", {"appId": app["appId"]})).json()
    assigned = await admin.post(
        f"/v1.0/servicePrincipals/{graph_id}/appRoleAssignedTo",
        {"principalId": own["id"], "resourceId": graph_id, "appRoleId": USER_READ_ALL},
    )
    granted = await admin.post(
        "/v1.0/oauth2PermissionGrants",
        {
            "clientId": own["id"],
            "consentType": "AllPrincipals",
            "resourceId": graph_id,
            "scope": "openid profile User.Read",
        },
    )
    secret = (await admin.post(f"/v1.0/applications/{app['id']}/addPassword", {})).json()
    token = await token_of(client, emulator, app["appId"], secret["secretText"])
    read = await client.get(
        "/v1.0/users?$top=1", authorization=f"Bearer {token.json()['access_token']}"
    )

    assert (again.status, assigned.status, granted.status) == (204, 201, 201)
    assert app["uniqueName"] == NAME
    assert app["web"]["redirectUris"] == properties["web"]["redirectUris"]
    assert assigned.json()["principalDisplayName"] == "Jackfield 2"
    assert assigned.json()["resourceDisplayName"] == "Microsoft Graph"
    assert secret["hint"] == secret["secretText"][:3]
    assert read.status == 200
    told = (await admin.get(f"/v1.0/applications/{app['id']}")).json()
    assert told["displayName"] == "Jackfield 2"
    assert told["notes"] == "made by a test"
    assert told["passwordCredentials"][0]["secretText"] is None


async def test_graph_itself_tells_its_permissions(admin: Any) -> None:
    """By name and id, the same in every tenant."""
    reply = await admin.get(
        f"/v1.0/servicePrincipals(appId='{GRAPH}')?$select=id,appRoles,oauth2PermissionScopes"
    )

    told = reply.json()
    roles = {each["value"]: each["id"] for each in told["appRoles"]}
    scopes = {each["value"]: each for each in told["oauth2PermissionScopes"]}
    assert roles["User.Read.All"] == USER_READ_ALL
    assert roles["Presence.ReadWrite.All"] == "83cded22-8297-4ff6-a7fa-e97e9545a259"
    assert scopes["User.Read"]["id"] == "e1fe6dd8-ba31-4d61-89e7-88639da4683d"
    assert scopes["User.Read"]["type"] == "User"
    assert scopes["User.Read.All"]["type"] == "Admin"


async def test_an_unknown_name_is_missing_unless_creating_is_wished(admin: Any) -> None:
    """Without the header it is an update."""
    reply = await admin.send_json("PATCH", UPSERT, {"displayName": "Jackfield"})

    assert (reply.status, reply.code) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    "address", ["/applications/{id}", "/applications(appId='{appId}')", UPSERT]
)
async def test_an_application_is_reached_three_ways(
    admin: Any, made: dict[str, Any], address: str
) -> None:
    """By object id, client id and the name that the client chose."""
    url = address.format(**made)
    reply = await admin.get(url if url.startswith("/v1.0") else f"/v1.0{url}")

    assert reply.json()["id"] == made["id"]


async def test_a_patch_changes_what_it_names(admin: Any, made: dict[str, Any]) -> None:
    """A complex property keeps its other parts; a list is replaced whole."""
    url = f"/v1.0/applications/{made['id']}"
    await admin.send_json(
        "PATCH",
        url,
        {"web": {"redirectUris": ["https://a/", "https://b/"], "logoutUrl": "https://o/"}},
    )

    await admin.send_json("PATCH", url, {"web": {"redirectUris": ["https://c/"]}})

    web = (await admin.get(url)).json()["web"]
    assert web["redirectUris"] == ["https://c/"]
    assert web["logoutUrl"] == "https://o/"


async def test_a_deleted_application_is_gone_with_its_principal(
    admin: Any, made: dict[str, Any], principal: dict[str, Any]
) -> None:
    """As a wizard that is taken back leaves nothing."""
    reply = await admin.send("DELETE", f"/v1.0/applications/{made['id']}")

    assert reply.status == 204
    for url in (f"applications/{made['id']}", f"servicePrincipals/{principal['id']}"):
        assert (await admin.get(f"/v1.0/{url}")).status == 404


async def test_lists_are_filtered_and_selected(
    admin: Any, made: dict[str, Any], principal: dict[str, Any], app: Application
) -> None:
    """The one that was registered from the start is there as well."""
    everything = (await admin.get("/v1.0/applications?$select=appId")).json()["value"]
    one = await admin.get(f"/v1.0/applications?$filter=appId eq '{made['appId']}'")
    named = await admin.get("/v1.0/servicePrincipals?$filter=startswith(displayName,'Jack')")

    assert {made["appId"], app.app_id} <= {each["appId"] for each in everything}
    assert [each["id"] for each in one.json()["value"]] == [made["id"]]
    assert principal["id"] in {each["id"] for each in named.json()["value"]}


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "url", "body", "status", "code"),
    [
        pytest.param("POST", "/applications", {}, 400, "Request_BadRequest", id="no_name"),
        pytest.param(
            "POST",
            "/applications",
            {"displayName": "x", "colour": "red"},
            400,
            "Request_BadRequest",
            id="unknown_property",
        ),
        pytest.param(
            "POST",
            "/applications",
            {"displayName": "x", "appId": GRAPH},
            400,
            "Request_BadRequest",
            id="read_only",
        ),
        pytest.param(
            "POST",
            "/applications",
            {"displayName": "x", "passwordCredentials": [{"displayName": "p"}]},
            400,
            "CannotUpdatePasswordCredentials",
            id="password_by_post",
        ),
        pytest.param(
            "POST",
            "/applications",
            {"displayName": "x", "uniqueName": NAME},
            409,
            "Request_MultipleObjectsWithSameKeyValue",
            id="name_is_taken",
        ),
        pytest.param(
            "POST",
            "/servicePrincipals",
            {"appId": "00000000-1111-4111-8111-000000000000"},
            400,
            "Request_BadRequest",
            id="principal_of_nothing",
        ),
        pytest.param(
            "POST",
            "/servicePrincipals",
            {"appId": "{appId}"},
            409,
            "Request_MultipleObjectsWithSameKeyValue",
            id="principal_is_there",
        ),
        pytest.param(
            "POST",
            "/servicePrincipals/{graph}/appRoleAssignedTo",
            {"principalId": "{own}", "resourceId": "{graph}", "appRoleId": "{own}"},
            400,
            "Request_BadRequest",
            id="no_such_role",
        ),
        pytest.param(
            "POST",
            "/servicePrincipals/{graph}/appRoleAssignedTo",
            {"principalId": "{graph}", "resourceId": "{own}", "appRoleId": USER_READ_ALL},
            400,
            "Request_BadRequest",
            id="principal_and_resource_swapped",
        ),
        pytest.param(
            "POST",
            "/oauth2PermissionGrants",
            {
                "clientId": "{graph}",
                "consentType": "AllPrincipals",
                "resourceId": "{graph}",
                "scope": "User.Read",
            },
            404,
            "Directory_ObjectNotFound",
            id="grant_to_nobody",
        ),
        pytest.param(
            "POST",
            "/oauth2PermissionGrants",
            {
                "clientId": "{own}",
                "consentType": "Principal",
                "resourceId": "{graph}",
                "scope": "User.Read",
            },
            400,
            "Request_BadRequest",
            id="grant_for_whom",
        ),
        pytest.param(
            "POST",
            "/applications/{id}/removePassword",
            {"keyId": "{own}"},
            400,
            "Request_BadRequest",
            id="no_such_password",
        ),
    ],
)
async def test_what_does_not_fit_is_refused(
    admin: Any,
    made: dict[str, Any],
    principal: dict[str, Any],
    graph_id: str,
    method: str,
    url: str,
    body: dict[str, Any],
    status: int,
    code: str,
) -> None:
    """In Graph's words."""
    names = {**made, "own": principal["id"], "graph": graph_id}

    def filled(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        for name, known in names.items():
            value = value.replace(f"{{{name}}}", str(known))
        return value

    sent = {name: filled(value) for name, value in body.items()}

    reply = await admin.send_json(method, f"/v1.0{filled(url)}", sent)

    assert (reply.status, reply.code) == (status, code)


async def test_what_is_granted_twice_is_told_apart(
    admin: Any, principal: dict[str, Any], graph_id: str
) -> None:
    """A wizard that runs again takes both for success, and changes the scopes of the second."""
    role = {"principalId": principal["id"], "resourceId": graph_id, "appRoleId": USER_READ_ALL}
    grant = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": graph_id,
        "scope": "User.Read",
    }
    roles, grants = (
        f"/v1.0/servicePrincipals/{graph_id}/appRoleAssignedTo",
        "/v1.0/oauth2PermissionGrants",
    )
    await admin.post(roles, role)
    await admin.post(grants, grant)

    again = await admin.post(roles, role)
    twice = await admin.post(grants, grant)
    found = await admin.get(
        f"{grants}?$filter=clientId eq '{principal['id']}' and consentType eq 'AllPrincipals'"
    )
    (known,) = found.json()["value"]
    changed = await admin.send_json("PATCH", f"{grants}/{known['id']}", {"scope": "openid"})

    assert again.status == 400
    message = again.json()["error"]["message"]
    assert message == "Permission being assigned already exists on the object"
    assert twice.status == 409
    assert twice.json()["error"]["message"] == "Permission entry already exists."
    assert changed.status == 204
    assert (await admin.get(f"{grants}/{known['id']}")).json()["scope"] == "openid"


async def test_a_role_is_taken_back(
    admin: Any, emulator: Emulator, made: dict[str, Any], principal: dict[str, Any], graph_id: str
) -> None:
    """And the next token does not carry it."""
    body = {"principalId": principal["id"], "resourceId": graph_id, "appRoleId": USER_READ_ALL}
    url = f"/v1.0/servicePrincipals/{graph_id}/appRoleAssignedTo"
    given = (await admin.post(url, body)).json()

    listed = await admin.get(f"/v1.0/servicePrincipals/{principal['id']}/appRoleAssignments")
    removed = await admin.send("DELETE", f"{url}/{given['id']}")

    assert [each["id"] for each in listed.json()["value"]] == [given["id"]]
    assert removed.status == 204
    known = emulator.registrations.find(made["appId"])
    assert known is not None
    assert known.roles == frozenset()


@pytest.mark.parametrize(
    ("url", "body"),
    [
        pytest.param("applications/{id}", {"keyCredentials": 5}, id="keys_no_list"),
        pytest.param("applications/{id}", {"web": None}, id="web_is_nothing"),
        pytest.param("applications/{id}", {"web": {"redirectUris": 5}}, id="uris_no_list"),
        pytest.param("applications/{id}", {"tags": [None]}, id="tag_is_nothing"),
        pytest.param("servicePrincipals/{own}", {"tags": 5}, id="tags_no_list"),
        pytest.param("servicePrincipals/{own}", {"accountEnabled": "no"}, id="enabled_by_text"),
    ],
)
async def test_a_patch_of_another_shape_is_refused(
    admin: Any, made: dict[str, Any], principal: dict[str, Any], url: str, body: dict[str, Any]
) -> None:
    """And changes nothing."""
    at = f"/v1.0/{url.format(id=made['id'], own=principal['id'])}"
    before = (await admin.get(at)).json()

    reply = await admin.send_json("PATCH", at, body)

    assert reply.status == 400
    assert (await admin.get(at)).json() == before


async def test_a_principal_is_made_or_changed_by_its_client_id(
    admin: Any, client: Any, emulator: Emulator, made: dict[str, Any]
) -> None:
    """The upsert of the other half; a disabled principal gets no tokens."""
    url = f"/v1.0/servicePrincipals(appId='{made['appId']}')"
    secret = (await admin.post(f"/v1.0/applications/{made['id']}/addPassword", {})).json()

    missing = await admin.send_json("PATCH", url, {"tags": ["a"]})
    created = await admin.send_json("PATCH", url, {"tags": ["a"]}, **WISHED)
    changed = await admin.send_json("PATCH", url, {"accountEnabled": False}, **WISHED)
    refused = await token_of(client, emulator, made["appId"], secret["secretText"])

    assert (missing.status, created.status, changed.status) == (404, 201, 204)
    assert created.json()["tags"] == ["a"]
    assert (await admin.get(url)).json()["accountEnabled"] is False
    assert refused.aadsts == 7000112


async def test_a_grant_is_listed_with_its_client_and_taken_back(
    admin: Any, principal: dict[str, Any], graph_id: str, people: dict[str, User]
) -> None:
    """For one person, beside the one for everybody."""
    grants = "/v1.0/oauth2PermissionGrants"
    for consent in ({"consentType": "AllPrincipals"}, {"principalId": people["plain"].id}):
        body = {
            "clientId": principal["id"],
            "consentType": "Principal",
            "resourceId": graph_id,
            "scope": "openid",
        }
        assert (await admin.post(grants, body | consent)).status == 201

    url = f"/v1.0/servicePrincipals/{principal['id']}/oauth2PermissionGrants"
    both = (await admin.get(url)).json()["value"]
    removed = [await admin.send("DELETE", f"{grants}/{each['id']}") for each in both]
    after = (await admin.get(url)).json()["value"]

    assert {each["principalId"] for each in both} == {None, people["plain"].id}
    assert [each.status for each in removed] == [204, 204]
    assert after == []


async def test_an_applications_own_roles_are_given_to_people_and_groups(
    admin: Any, made: dict[str, Any], principal: dict[str, Any], people: dict[str, User]
) -> None:
    """How an administrator says who administers the product."""
    role = {
        "id": "11111111-0000-4000-8000-000000000001",
        "value": "Jackfield.Admin",
        "displayName": "Administrators",
        "description": "Administer Jackfield",
        "allowedMemberTypes": ["User"],
    }
    await admin.send_json("PATCH", f"/v1.0/applications/{made['id']}", {"appRoles": [role]})
    url = f"/v1.0/servicePrincipals/{principal['id']}/appRoleAssignedTo"
    body = {
        "principalId": people["plain"].id,
        "resourceId": principal["id"],
        "appRoleId": role["id"],
    }

    given = await admin.post(url, body)
    again = await admin.post(url, body)
    other = await admin.post(url, body | {"appRoleId": USER_READ_ALL})
    listed = (await admin.get(url)).json()["value"]

    assert (given.status, again.status, other.status) == (201, 400, 400)
    assert given.json()["principalType"] == "User"
    assert [each["principalId"] for each in listed] == [people["plain"].id]


async def test_an_app_by_itself_changes_what_it_owns(
    client: Any, emulator: Emulator, made: dict[str, Any]
) -> None:
    """Application.ReadWrite.OwnedBy: its own child, and no other."""
    maker = emulator.register("Maker", roles=["Application.ReadWrite.OwnedBy"])
    token = emulator.tokens.issue(maker, "https://graph.microsoft.com", "secret")
    own = {"authorization": f"Bearer {token.value}"}

    child = await client.post("/v1.0/applications", {"displayName": "Child"}, **own)
    url = f"/v1.0/applications/{child.json()['id']}"
    changed = await client.send_json("PATCH", url, {"notes": "x"}, **own)
    other = await client.send_json(
        "PATCH", f"/v1.0/applications/{made['id']}", {"notes": "x"}, **own
    )

    assert (child.status, changed.status, other.status) == (201, 204, 403)


# --- who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "step", "allowed"),
    [
        pytest.param("global", "change", True, id="global_changes"),
        pytest.param("cloud", "change", True, id="cloud_changes"),
        pytest.param("privileged", "change", False, id="privileged_does_not_change"),
        pytest.param("reader", "change", False, id="reader_does_not_change"),
        pytest.param("plain", "change", False, id="plain_does_not_change"),
        pytest.param("plain", "create", True, id="plain_registers_their_own"),
        pytest.param("guest", "create", False, id="guest_registers_nothing"),
        pytest.param("global", "role", True, id="global_grants_roles"),
        pytest.param("privileged", "role", True, id="privileged_grants_roles"),
        pytest.param("cloud", "role", False, id="cloud_does_not_grant_roles"),
        pytest.param("cloud", "scopes", True, id="cloud_grants_scopes"),
        pytest.param("plain", "scopes", False, id="plain_grants_nothing"),
    ],
)
async def test_rights_are_those_of_the_person(
    acting: Acting,
    emulator: Emulator,
    people: dict[str, User],
    made: dict[str, Any],
    principal: dict[str, Any],
    graph_id: str,
    who: str,
    step: str,
    allowed: bool,
) -> None:
    """A token with every scope does not make an administrator of anybody."""
    roles = {"privileged": PRIVILEGED_ROLE_ADMINISTRATOR.id, "reader": GLOBAL_READER.id}
    if who in roles:
        emulator.tenant.directory_roles.assign(people["plain"].id, roles[who])
    person = people.get(who, people["plain"])
    if who == "guest":
        person = emulator.tenant.update(person.id, userType="Guest")
    client = acting(person, *SETUP)
    url = f"/v1.0/applications/{made['id']}"
    match step:
        case "change":
            reply = await client.send_json("PATCH", url, {"notes": "changed"})
        case "create":
            reply = await client.post("/v1.0/applications", {"displayName": "Mine"})
        case "role":
            reply = await client.post(
                f"/v1.0/servicePrincipals/{graph_id}/appRoleAssignedTo",
                {
                    "principalId": principal["id"],
                    "resourceId": graph_id,
                    "appRoleId": USER_READ_ALL,
                },
            )
        case _:
            reply = await client.post(
                "/v1.0/oauth2PermissionGrants",
                {
                    "clientId": principal["id"],
                    "consentType": "AllPrincipals",
                    "resourceId": graph_id,
                    "scope": "User.Read",
                },
            )

    if allowed:
        assert reply.status in {201, 204}
    else:
        assert (reply.status, reply.code) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize("scope", SETUP[:3])
async def test_each_step_needs_its_scope(
    acting: Acting,
    people: dict[str, User],
    made: dict[str, Any],
    principal: dict[str, Any],
    graph_id: str,
    scope: str,
) -> None:
    """An administrator whose token lacks one is refused at that step."""
    rest = (each for each in SETUP if each != scope)
    client = acting(people["global"], "Application.Read.All", *rest)
    match scope:
        case "Application.ReadWrite.All":
            reply = await client.post("/v1.0/applications", {"displayName": "x"})
        case "AppRoleAssignment.ReadWrite.All":
            reply = await client.post(
                f"/v1.0/servicePrincipals/{graph_id}/appRoleAssignedTo",
                {
                    "principalId": principal["id"],
                    "resourceId": graph_id,
                    "appRoleId": USER_READ_ALL,
                },
            )
        case _:
            reply = await client.post(
                "/v1.0/oauth2PermissionGrants",
                {
                    "clientId": principal["id"],
                    "consentType": "AllPrincipals",
                    "resourceId": graph_id,
                    "scope": "User.Read",
                },
            )

    assert (made["displayName"], reply.status) == ("Jackfield", 403)


async def test_somebody_plain_owns_what_they_registered(
    acting: Acting, people: dict[str, User]
) -> None:
    """They may change it, and nobody else's."""
    client = acting(people["plain"], *SETUP)
    mine = (await client.post("/v1.0/applications", {"displayName": "Mine"})).json()

    changed = await client.send_json("PATCH", f"/v1.0/applications/{mine['id']}", {"notes": "x"})

    assert changed.status == 204


# --- credentials ---------------------------------------------------------------------------------


@pytest.fixture
def proof(credential: Any, clock: Clock) -> Callable[..., str]:
    """The JWT that proves an existing key; keywords change a claim."""

    def sign(application_id: str, signer: Any = credential, **changes: Any) -> str:
        now = int(clock().timestamp())
        claims = {
            "aud": "00000002-0000-0000-c000-000000000000",
            "iss": application_id,
            "nbf": now,
            "exp": now + 600,
            **changes,
        }
        key = RSAKey.import_key(signer.key)
        return jwt.encode({"alg": "RS256", "typ": "JWT"}, claims, key, algorithms=["RS256"])

    return sign


@pytest.fixture
async def with_key(admin: Any, credential: Any) -> dict[str, Any]:
    """An application that was made with a certificate, as a wizard does."""
    body = {"displayName": "Jackfield", "keyCredentials": [key_of(credential)]}
    reply = await admin.send_json("PATCH", UPSERT, body, **WISHED)
    assert reply.status == 201, reply.body
    return dict(reply.json())


async def test_a_certificate_is_told_whole_only_by_name(
    admin: Any, with_key: dict[str, Any], credential: Any
) -> None:
    """Otherwise a client would send it back and forth with every look."""
    url = f"/v1.0/applications/{with_key['id']}"

    plain = (await admin.get(url)).json()["keyCredentials"]
    whole = (await admin.get(f"{url}?$select=keyCredentials")).json()["keyCredentials"]

    assert plain[0]["key"] is None
    assert whole[0]["key"] == key_of(credential)["key"]
    assert whole[0]["keyId"] == plain[0]["keyId"]


async def test_the_application_rolls_its_own_key_by_proof(
    client: Any,
    emulator: Emulator,
    with_key: dict[str, Any],
    credential: Any,
    proof: Callable[..., str],
    admin: Any,
    clock: Clock,
) -> None:
    """Without any permission: a self-hosted product renews its certificate by itself."""
    new = type(credential)(clock() - timedelta(days=1), clock() + timedelta(days=365))
    await admin.post("/v1.0/servicePrincipals", {"appId": with_key["appId"]})
    known = emulator.registrations.find(with_key["appId"])
    assert known is not None
    token = emulator.tokens.issue(known, "https://graph.microsoft.com", "certificate")
    own = {"authorization": f"Bearer {token.value}"}
    url = f"/v1.0/applications/{with_key['id']}"

    added = await client.post(
        f"{url}/addKey",
        {"keyCredential": key_of(new), "passwordCredential": None, "proof": proof(with_key["id"])},
        **own,
    )
    old = with_key["keyCredentials"][0]["keyId"]
    removed = await client.post(
        f"{url}/removeKey", {"keyId": old, "proof": proof(with_key["id"], new)}, **own
    )

    assert added.status == 200
    assert removed.status == 204
    after = (await admin.get(url)).json()["keyCredentials"]
    assert [each["keyId"] for each in after] == [added.json()["keyId"]]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": GRAPH}, id="audience"),
        pytest.param({"iss": "somebody"}, id="issuer"),
        pytest.param({"nbf": 1, "exp": 600}, id="long_ago"),
        pytest.param({"exp": 4102444800}, id="too_long"),
        pytest.param({"nbf": None}, id="no_beginning"),
    ],
)
async def test_a_proof_that_proves_nothing_is_refused(
    admin: Any,
    with_key: dict[str, Any],
    credential: Any,
    proof: Callable[..., str],
    changes: dict[str, Any],
) -> None:
    """Each of its claims counts."""
    body = {"keyCredential": key_of(credential), "proof": proof(with_key["id"], **changes)}

    reply = await admin.post(f"/v1.0/applications/{with_key['id']}/addKey", body)

    assert (reply.status, reply.code) == (403, "Authentication_MissingOrMalformed")


@pytest.mark.parametrize("signer", ["stranger", "expired"])
async def test_only_a_valid_key_of_the_application_proves(
    admin: Any,
    with_key: dict[str, Any],
    credential: Any,
    expired_credential: Any,
    proof: Callable[..., str],
    clock: Clock,
    signer: str,
) -> None:
    """After the last certificate has ended, only an administrator helps."""
    if signer == "expired":
        clock.advance(timedelta(days=181))
    by = credential if signer == "expired" else expired_credential
    body = {"keyCredential": key_of(credential), "proof": proof(with_key["id"], by)}

    reply = await admin.post(f"/v1.0/applications/{with_key['id']}/addKey", body)

    assert reply.status in {401, 403}


async def test_a_patch_of_keys_replaces_the_list(
    admin: Any, with_key: dict[str, Any], expired_credential: Any
) -> None:
    """What is to stay has to be named; by its id alone it keeps its key."""
    url = f"/v1.0/applications/{with_key['id']}"
    (old,) = (await admin.get(url)).json()["keyCredentials"]

    both = await admin.send_json(
        "PATCH", url, {"keyCredentials": [old, key_of(expired_credential)]}
    )
    kept = (await admin.get(url)).json()["keyCredentials"]
    await admin.send_json("PATCH", url, {"keyCredentials": []})

    assert both.status == 204
    assert kept[0]["keyId"] == old["keyId"]
    assert len(kept) == 2
    assert (await admin.get(url)).json()["keyCredentials"] == []


async def test_a_secret_lives_two_years_unless_it_says_otherwise(
    admin: Any, made: dict[str, Any], clock: Clock
) -> None:
    """And it is shown once."""
    url = f"/v1.0/applications/{made['id']}/addPassword"

    plain = (await admin.post(url, {"passwordCredential": {"displayName": "first"}})).json()
    short = (
        await admin.post(url, {"passwordCredential": {"endDateTime": "2026-12-01T00:00:00Z"}})
    ).json()

    assert datetime.fromisoformat(plain["endDateTime"]) == clock() + timedelta(days=730)
    assert short["endDateTime"] == "2026-12-01T00:00:00Z"
    assert plain["displayName"] == "first"
    assert len(plain["secretText"]) >= 16


@pytest.mark.parametrize(
    ("habit", "code"),
    [
        pytest.param(
            {"secrets_forbidden": True}, "CredentialTypeNotAllowedAsPerAppPolicy", id="forbidden"
        ),
        pytest.param(
            {"secret_days_at_most": 90}, "CredentialInvalidLifetimeAsPerAppPolicy", id="too_long"
        ),
    ],
)
async def test_a_tenants_policy_may_forbid_secrets(
    admin: Any, emulator: Emulator, made: dict[str, Any], habit: dict[str, Any], code: str
) -> None:
    """A setup then falls back to a certificate, or asks for less."""
    emulator.tenant.quirks = replace(emulator.tenant.quirks, **habit)
    url = f"/v1.0/applications/{made['id']}/addPassword"

    refused = await admin.post(url, {})
    short = await admin.post(url, {"passwordCredential": {"endDateTime": "2026-12-01T00:00:00Z"}})

    assert (refused.status, refused.code) == (400, code)
    assert short.status == (400 if "secrets_forbidden" in habit else 200)


# --- replication ---------------------------------------------------------------------------------


async def test_what_is_new_is_not_everywhere_at_once(
    admin: Any, client: Any, emulator: Emulator, clock: Clock, graph_id: str
) -> None:
    """Each call meets the error of its kind until the delay is over."""
    emulator.tenant.quirks = replace(emulator.tenant.quirks, replication_delay_s=30)
    app = (await admin.send_json("PATCH", UPSERT, {"displayName": "J"}, **WISHED)).json()
    url = f"/v1.0/applications/{app['id']}"

    unseen = await admin.get(url)
    early = await admin.post("/v1.0/servicePrincipals", {"appId": app["appId"]})
    clock.advance(timedelta(seconds=30))
    seen = await admin.get(url)
    own = (await admin.post("/v1.0/servicePrincipals", {"appId": app["appId"]})).json()
    role = {"principalId": own["id"], "resourceId": graph_id, "appRoleId": USER_READ_ALL}
    roles = f"/v1.0/servicePrincipals/{graph_id}/appRoleAssignedTo"
    unassigned = await admin.post(roles, role)
    clock.advance(timedelta(seconds=30))
    assigned = await admin.post(roles, role)
    secret = (await admin.post(f"{url}/addPassword", {})).json()["secretText"]
    unknown_secret = await token_of(client, emulator, app["appId"], secret)
    clock.advance(timedelta(seconds=30))
    token = await token_of(client, emulator, app["appId"], secret)

    assert (unseen.status, unseen.code) == (404, "Request_ResourceNotFound")
    assert early.status == 400
    assert "does not reference a valid application object" in early.json()["error"]["message"]
    assert early.json()["error"]["details"][0]["code"] == "NoBackingApplicationObject"
    assert seen.status == 200
    assert unassigned.status == 400
    assert unassigned.json()["error"]["message"] == "Not a valid reference update."
    assert assigned.status == 201
    assert unknown_secret.aadsts == 7000215
    assert token.status == 200


async def test_a_delay_can_be_counted_in_vain_looks(admin: Any, emulator: Emulator) -> None:
    """For clients with a real clock: the third look finds it."""
    emulator.tenant.quirks = replace(emulator.tenant.quirks, replication_delay_reads=2)
    app = (await admin.send_json("PATCH", UPSERT, {"displayName": "J"}, **WISHED)).json()

    looks = [(await admin.get(f"/v1.0/applications/{app['id']}")).status for _ in range(3)]

    assert looks == [404, 404, 200]


# --- the signed-in person ------------------------------------------------------------------------


async def test_me_is_who_signed_in(acting: Acting, people: dict[str, User], graph: Any) -> None:
    """With User.Read alone, and nobody else; an app by itself has no self."""
    client = acting(people["plain"], "User.Read")

    mine = await client.get("/v1.0/me")
    other = await client.get(f"/v1.0/users/{people['global'].id}")
    nobody = await graph.get("/v1.0/me")

    assert mine.json()["id"] == people["plain"].id
    assert other.status == 403
    assert (nobody.status, nobody.code) == (400, "BadRequest")


async def test_me_is_known_within_a_batch_too(acting: Acting, people: dict[str, User]) -> None:
    """As the setup's first question: who is this, and of which organisation."""
    client = acting(people["plain"], "User.Read")
    parts = [
        {"id": "1", "method": "GET", "url": "/me?$select=id"},
        {"id": "2", "method": "GET", "url": "/organization?$select=id"},
    ]

    answers = (await client.post("/v1.0/$batch", {"requests": parts})).json()["responses"]

    told = {each["id"]: each for each in answers}
    assert told["1"]["body"]["id"] == people["plain"].id
    assert told["2"]["status"] == 200


@pytest.mark.parametrize("relation", ["memberOf", "transitiveMemberOf"])
async def test_an_administrators_roles_stand_among_their_memberships(
    acting: Acting, people: dict[str, User], relation: str
) -> None:
    """With the name where the token may read roles, with nothing but its id where not."""
    able = acting(people["global"], "User.Read", "Directory.Read.All")
    unable = acting(people["global"], "User.Read")

    told = (await able.get(f"/v1.0/me/{relation}")).json()["value"]
    hidden = (await unable.get(f"/v1.0/me/{relation}")).json()["value"]
    cast = (await able.get(f"/v1.0/me/{relation}/microsoft.graph.directoryRole")).json()["value"]

    kind = "#microsoft.graph.directoryRole"
    (role,) = [each for each in told if each["@odata.type"] == kind]
    (closed,) = [each for each in hidden if each["@odata.type"] == kind]
    assert role["displayName"] == "Global Administrator"
    assert role["roleTemplateId"] == "62e90394-69f5-4237-9190-012177145e10"
    assert (closed["id"], closed["displayName"]) == (role["id"], None)
    assert [each["id"] for each in cast] == [role["id"]]


async def test_activated_roles_and_their_members(acting: Acting, people: dict[str, User]) -> None:
    """As an administrator looks them up."""
    client = acting(people["global"], "Directory.Read.All")

    roles = (await client.get("/v1.0/directoryRoles")).json()["value"]
    role = next(each for each in roles if each["displayName"] == "Global Administrator")
    members = (await client.get(f"/v1.0/directoryRoles/{role['id']}/members")).json()["value"]
    template = role["roleTemplateId"]
    same = await client.get(f"/v1.0/directoryRoles(roleTemplateId='{template}')")

    assert [each["id"] for each in members] == [people["global"].id]
    assert same.json()["id"] == role["id"]


# --- the bootstrap client ------------------------------------------------------------------------


async def test_microsofts_command_line_tools_sign_an_administrator_in(
    visitor: Any, client: Any, emulator: Emulator, people: dict[str, User]
) -> None:
    """A client that no tenant has registered: the first consent lets it in."""
    tools = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
    device = (
        await client.post_form(
            f"/{emulator.tenant.id}/oauth2/v2.0/devicecode",
            {"client_id": tools, "scope": " ".join(SETUP)},
        )
    ).json()
    before = len(emulator.registrations)

    await visitor.open("/devicelogin")
    await visitor.press("Next", otc=device["user_code"])
    await visitor.sign_in(people["global"].user_principal_name)
    await visitor.press("Continue")
    await visitor.press("Accept")
    token = await client.post_form(
        f"/{emulator.tenant.id}/oauth2/v2.0/token",
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "client_id": tools,
            "device_code": device["device_code"],
        },
    )
    made = await client.send_json(
        "PATCH",
        UPSERT,
        {"displayName": "Jackfield"},
        authorization=f"Bearer {token.json()['access_token']}",
        **WISHED,
    )

    assert set(SETUP) <= set(token.json()["scope"].split())
    assert made.status == 201
    assert len(emulator.registrations) == before + 2
