"""Rules tried on a person over the API, before anybody saves them."""

from typing import Any

import msgspec
import pytest

from doubles.api_caller import ApiCaller
from jackfield.core.attributes import AttributeRules
from m365_emulator.faults import Kind, Order
from m365_emulator.tenant import Tenant

ATTRIBUTES: dict[str, Any] = msgspec.to_builtins(AttributeRules())


@pytest.fixture
async def ada(api: ApiCaller, tenant: Tenant) -> str:
    """Somebody with an extension, synced under the usual rules; gives the object ID."""
    someone = tenant.hire(
        "Ada Lovelace",
        usageLocation="GB",
        businessPhones=["020 7946 0101"],
        mobilePhone="020 7946 0102",
        companyName="Analytical",
        onPremisesExtensionAttributes={"extensionAttribute4": "Engine Ltd"},
    )
    await api.sync(full=True)
    return str(someone.id)


async def tried(api: ApiCaller, person: str, **changes: Any) -> dict[str, Any]:
    body = {"person": person, "attributes": ATTRIBUTES | changes}
    answer: dict[str, Any] = await api.post("/settings/people/try", body)
    return answer


def field(trial: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in trial["fields"] if one["field"] == name]
    return dict(found)


async def test_the_rules_are_tried_and_nothing_is_saved(api: ApiCaller, ada: str) -> None:
    """By the same rules as a plan, with both sides' values and the reason."""
    before = await api.get("/settings/people")

    trial = await tried(api, ada, caller_id="mobilePhone")

    assert (trial["person"], trial["name"], trial["number"]) == (ada, "Ada Lovelace", "100")
    assert field(trial, "caller_id") == {
        "field": "caller_id",
        "label": "Outbound caller ID",
        "attribute": "mobilePhone",
        "microsoft365": "020 7946 0102",
        "now": "+442079460101",
        "value": "+442079460102",
        "because": "Read as a number of GB, the usage location.",
    }
    assert await api.get("/settings/people") == before
    assert trial["trouble"] == ""


@pytest.mark.usefixtures("ada")
async def test_the_next_sync_does_what_the_trial_has_said(api: ApiCaller) -> None:
    """That is what it is for."""
    changes = {"name": "displayName", "company": "not_synced", "caller_id": "mobilePhone"}
    trial = await tried(api, "ada.lovelace@kestrelfoods.example", **changes)
    await api.choose(rules={"attributes": changes})

    await api.sync()

    (extension,) = (await api.get("/extensions"))["extensions"]
    promised = {one["field"]: one["value"] for one in trial["fields"]}
    assert {name: extension[name] for name in promised} == promised


async def test_what_the_picture_lacks_is_asked_for(api: ApiCaller, ada: str) -> None:
    """Nobody has saved a rule that follows a free attribute yet, so nobody has read one."""
    trial = await tried(api, ada, company="extensionAttribute4")

    company = field(trial, "company")
    assert (company["microsoft365"], company["value"]) == ("Engine Ltd", "Engine Ltd")
    assert (await api.get(f"/people/{ada}"))["extension_attributes"] is None


async def test_where_microsoft_365_does_not_answer_it_is_said(api: ApiCaller, ada: str) -> None:
    """The rest of the trial stands."""
    (stage,) = api.house.stages.values()
    stage.faults.switch_on(Order(kind=Kind.CUT_BEFORE, path="/v1.0/*"))

    trial = await tried(api, ada, company="extensionAttribute4")

    assert "Microsoft 365 was asked for more and could not tell" in trial["trouble"]
    assert field(trial, "company")["value"] == "Analytical"
    assert "has not been read" in field(trial, "company")["because"]
    assert field(trial, "caller_id")["value"] == "+442079460101"


async def test_somebody_without_an_extension_sees_what_one_would_get(
    api: ApiCaller, tenant: Tenant
) -> None:
    """Also with the details switched off: that is when they are filled in."""
    await api.choose(rules={"scope": {"scope": "SyncSelected", "selected_users": [OTHER]}})
    ben = tenant.hire("Ben Bitdiddle", companyName="Bits")
    await api.sync(full=True)

    trial = await tried(api, str(ben.id), follow_details=False)

    assert trial["number"] is None
    assert field(trial, "company")["value"] == "Bits"
    assert field(trial, "company")["because"].endswith("it is the phone system's own.")


OTHER = "3d1e1c4a-9c1d-4b6e-8b0f-0123456789ab"


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        pytest.param(404, {"person": "nobody@x"}, "There is no person 'nobody@x'", id="nobody"),
        pytest.param(400, {"person": ""}, "person", id="no_name"),
        pytest.param(400, {"colour": "red"}, "colour", id="unknown"),
        pytest.param(400, {"attributes": {}}, "`attributes.follow_details` is missing", id="part"),
        pytest.param(
            400, {"attributes": ATTRIBUTES | {"name": "x"}}, "`attributes.name`", id="no_source"
        ),
        pytest.param(
            422,
            {"attributes": ATTRIBUTES | {"name": "mail"}},
            "`attributes.name`: This field does not follow “mail”; it takes",
            id="wrong_source",
        ),
        pytest.param(
            422,
            {"attributes": ATTRIBUTES | {"default_country": "Mars"}},
            "`attributes.default_country`: “Mars” is no country",
            id="country",
        ),
    ],
)
async def test_a_trial_that_cannot_be_made_says_why(
    api: ApiCaller, ada: str, status: int, body: dict[str, Any], says: str
) -> None:
    """At its place, as everywhere."""
    whole = {"person": ada, "attributes": ATTRIBUTES} | body

    answer = await api.ask("POST", "/settings/people/try", whole)

    assert answer.status == status, answer.content
    assert says in answer.detail
