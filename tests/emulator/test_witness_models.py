"""What is sent, read whole by Microsoft's own models: those of its SDK, unmodified."""

import re
from typing import Any

import pytest
from kiota_serialization_json.json_parse_node import JsonParseNode
from msgraph.generated.models.group import Group as SdkGroup
from msgraph.generated.models.license_details import LicenseDetails
from msgraph.generated.models.organization import Organization
from msgraph.generated.models.profile_photo import ProfilePhoto
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
