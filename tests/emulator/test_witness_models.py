"""What is sent, read whole by Microsoft's own models: those of its SDK, unmodified."""

import base64
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from kiota_serialization_json.json_parse_node import JsonParseNode
from msgraph.generated.models.app_role_assignment import AppRoleAssignment
from msgraph.generated.models.application import Application as SdkApplication
from msgraph.generated.models.directory_role import DirectoryRole
from msgraph.generated.models.group import Group as SdkGroup
from msgraph.generated.models.key_credential import KeyCredential
from msgraph.generated.models.license_details import LicenseDetails
from msgraph.generated.models.o_auth2_permission_grant import OAuth2PermissionGrant
from msgraph.generated.models.organization import Organization
from msgraph.generated.models.password_credential import PasswordCredential
from msgraph.generated.models.profile_photo import ProfilePhoto
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.subscribed_sku import SubscribedSku
from msgraph.generated.models.user import User as SdkUser

from m365_emulator.clock import Clock
from m365_emulator.resources import GROUP, USER
from m365_emulator.server import Emulator

# The first object that is read loads some six hundred modules, and each takes milliseconds.
pytestmark = pytest.mark.e2e


@pytest.fixture
def emulator(clock: Clock) -> Emulator:
    """All kinds of people and the fourteen groups."""
    return Emulator(people=250, seed=1, clock=clock)


async def everything(graph: Any, url: str) -> list[dict[str, Any]]:
    found = []
    while url:
        reply = await graph.get(url)
        assert reply.status == 200, reply.body
        page = reply.json()
        found += page["value"]
        url = page.get("@odata.nextLink", "")
    return found


def parsed_whole(body: dict[str, Any], model: Any) -> None:
    """Microsoft's own model reads it and leaves nothing over."""
    wire = {name: value for name, value in body.items() if not name.startswith("@odata.context")}
    parsed = JsonParseNode(wire).get_object_value(model)
    assert leftovers(parsed) == []
    for name, value in wire.items():
        attribute = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        # A value of the wrong type is read as None by the SDK.
        assert value is None or getattr(parsed, attribute) is not None, name


def leftovers(parsed: Any) -> list[str]:
    found = list(getattr(parsed, "additional_data", {}))
    for value in vars(parsed).values():
        for each in value if isinstance(value, list) else [value]:
            if hasattr(each, "additional_data"):
                found += leftovers(each)
    return found


async def test_microsofts_model_of_a_user_knows_every_property_that_is_sent(
    graph: Any, emulator: Emulator
) -> None:
    """A property that Graph has not, or of another type, would be our own invention."""
    emulator.throttle.own_limit = 1_000_000
    url = f"/v1.0/users?$top=999&$select={','.join(USER.properties)}"
    everybody = await everything(graph, url)

    for each in everybody:
        parsed_whole(each, SdkUser)

    parsed = JsonParseNode(everybody[0]).get_object_value(SdkUser)
    assert len(everybody) == 250
    assert parsed.created_date_time.tzinfo is not None
    assert (
        str(parsed.assigned_plans[0].service_plan_id)
        == (everybody[0]["assignedPlans"][0]["servicePlanId"])
    )


async def test_microsofts_model_of_a_group_knows_every_property_that_is_sent(graph: Any) -> None:
    """A property that Graph has not would be our own invention."""
    found = await everything(graph, f"/v1.0/groups?$select={','.join(GROUP.properties)}")

    for each in found:
        parsed = JsonParseNode(each).get_object_value(SdkGroup)

        assert parsed.additional_data == {}
        assert parsed.display_name == each["displayName"]
        assert parsed.mail_enabled is each["mailEnabled"]
        assert parsed.group_types == each["groupTypes"]


async def test_microsofts_model_of_an_organisation_knows_what_is_sent(
    graph: Any, emulator: Emulator
) -> None:
    """Setup shows the tenant's name and domains from here."""
    for each in await everything(graph, "/v1.0/organization"):
        parsed_whole(each, Organization)
    parsed_whole((await graph.get(f"/v1.0/organization/{emulator.tenant.id}")).json(), Organization)


async def test_microsofts_models_of_licences_know_what_is_sent(
    graph: Any, emulator: Emulator
) -> None:
    """What is subscribed to, and what a person holds of it."""
    hired = emulator.tenant.hire("Ada Byron", skus=["SPE_E3", "MCOEV"])

    subscribed = await everything(graph, "/v1.0/subscribedSkus")
    held = await everything(graph, f"/v1.0/users/{hired.id}/licenseDetails")

    assert len(subscribed) > 5
    assert len(held) == 2
    for each in subscribed:
        parsed_whole(each, SubscribedSku)
    for each in held:
        parsed_whole(each, LicenseDetails)


async def test_microsofts_model_of_a_photo_knows_every_property_that_is_sent(
    graph: Any, emulator: Emulator
) -> None:
    """ETag and content type stand in annotations; everything else must fit the SDK's type."""
    photos = emulator.tenant.photos
    person = next(each.id for each in emulator.tenant.people() if photos.of(each.id))

    body = (await graph.get(f"/v1.0/users/{person}/photo")).json()

    plain = {name: value for name, value in body.items() if "@" not in name}
    assert plain.keys() == {"id", "width", "height"}
    parsed_whole(plain, ProfilePhoto)


async def test_microsofts_models_of_applications_know_what_is_sent(
    acting: Any, people: Any, credential: Any
) -> None:
    """Everything that a setup reads and makes, with every property in use."""
    admin = acting(
        people["global"],
        "Application.ReadWrite.All",
        "AppRoleAssignment.ReadWrite.All",
        "DelegatedPermissionGrant.ReadWrite.All",
        "Directory.Read.All",
    )
    graph_id, user_read = (
        "00000003-0000-0000-c000-000000000000",
        ("e1fe6dd8-ba31-4d61-89e7-88639da4683d"),
    )
    body = {
        "displayName": "Jackfield",
        "isFallbackPublicClient": False,
        "groupMembershipClaims": "SecurityGroup",
        "identifierUris": ["api://jackfield"],
        "tags": ["jackfield"],
        "notes": "made by a test",
        "web": {
            "redirectUris": ["https://pbx.example.org/auth/callback"],
            "logoutUrl": "https://pbx.example.org/auth/logout",
        },
        "spa": {"redirectUris": ["https://pbx.example.org/spa"]},
        "publicClient": {"redirectUris": ["http://localhost"]},
        "appRoles": [
            {
                "id": "11111111-0000-4000-8000-000000000001",
                "value": "Jackfield.Admin",
                "displayName": "Administrators",
                "description": "Administer Jackfield",
                "allowedMemberTypes": ["User"],
                "isEnabled": True,
            }
        ],
        "optionalClaims": {"idToken": [{"name": "auth_time", "essential": False}]},
        "requiredResourceAccess": [
            {
                "resourceAppId": graph_id,
                "resourceAccess": [{"id": user_read, "type": "Scope"}],
            }
        ],
        "keyCredentials": [
            {
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
                "key": base64.b64encode(credential.certificate.public_bytes(Encoding.DER)).decode(),
            }
        ],
    }
    made = await admin.send_json(
        "PATCH", "/v1.0/applications(uniqueName='jackfield')", body, prefer="create-if-missing"
    )
    application = made.json()
    url = f"/v1.0/applications/{application['id']}"
    own = (await admin.post("/v1.0/servicePrincipals", {"appId": application["appId"]})).json()
    graph = (await admin.get(f"/v1.0/servicePrincipals(appId='{graph_id}')")).json()
    assigned = await admin.post(
        f"/v1.0/servicePrincipals/{graph['id']}/appRoleAssignedTo",
        {
            "principalId": own["id"],
            "resourceId": graph["id"],
            "appRoleId": "df021288-bdef-4463-88db-98f22de89214",
        },
    )
    granted = await admin.post(
        "/v1.0/oauth2PermissionGrants",
        {
            "clientId": own["id"],
            "consentType": "AllPrincipals",
            "resourceId": graph["id"],
            "scope": "User.Read",
        },
    )
    password = await admin.post(f"{url}/addPassword", {"passwordCredential": {"displayName": "p"}})
    (role, *_) = await everything(admin, "/v1.0/directoryRoles")

    parsed_whole(application, SdkApplication)
    parsed_whole((await admin.get(url)).json(), SdkApplication)
    parsed_whole(own, ServicePrincipal)
    parsed_whole(graph, ServicePrincipal)
    parsed_whole(assigned.json(), AppRoleAssignment)
    parsed_whole(granted.json(), OAuth2PermissionGrant)
    parsed_whole(password.json(), PasswordCredential)
    parsed_whole((await admin.get(f"{url}?$select=keyCredentials")).json(), SdkApplication)
    parsed_whole((await admin.get(url)).json()["keyCredentials"][0], KeyCredential)
    parsed_whole(role, DirectoryRole)
    parsed_whole((await admin.get("/v1.0/me?$select=id")).json(), SdkUser)
