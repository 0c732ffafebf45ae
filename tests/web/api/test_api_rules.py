"""Rules of people sync as somebody outside sees them: everything is asked and done over the API."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from doubles.api_caller import ApiCaller
from doubles.house import House, open_house
from m365_emulator.tenant import Tenant

FIELDS = {
    "first_name": "Somebody",
    "last_name": "Else",
    "email": "else@elsewhere.example",
    "mobile": "+49 30 123",
    "job_title": "Nothing",
    "company": "Another",
    "office": "Elsewhere",
}


@pytest.fixture
async def house(migrated_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """On both databases."""
    async with open_house(migrated_url, tmp_path) as opened:
        yield opened


async def extension_of(api: ApiCaller, search: str) -> Any:
    """The one extension that is found by a name or an address; None where there is none."""
    found = (await api.get("/extensions", search=search))["extensions"]
    assert len(found) < 2
    return found[0] if found else None


async def departments(api: ApiCaller) -> dict[str, tuple[int, bool]]:
    """Departments by name: how many members, and whether they follow a group."""
    found = (await api.get("/departments"))["departments"]
    return {one["name"]: (one["members"], one["group"] is not None) for one in found}


@pytest.mark.parametrize("full", [False, True], ids=["by_delta", "by_full_run"])
async def test_u_01_a_synced_field_changed_by_patch_is_put_back(
    api: ApiCaller, tenant: Tenant, full: bool
) -> None:
    """Microsoft 365 owns the synced fields, one way, always; and it is told who changed what."""
    ada = tenant.hire("Ada Lovelace", jobTitle="Countess", mobilePhone="+44 20 7946 0001")
    await api.sync(full=True)
    before = await extension_of(api, "lovelace")
    changed = await api.patch(f"/extensions/{before['key']}", FIELDS)
    assert changed == {**before, **FIELDS}

    run = await api.sync(full=full)

    assert run["counts"]["changes"] == 1
    assert await api.get(f"/extensions/{before['key']}") == before
    (action,) = (await api.get(f"/plans/{run['plan']}/actions"))["actions"]
    assert action["kind"] == "update_extension"
    assert {one["label"] for one in action["differences"]} == {
        "First name",
        "Last name",
        "E-mail",
        "Mobile",
        "Job title",
        "Company",
        "Office",
    }
    assert "put back" in action["differences"][0]["because"]
    history = (await api.get("/journal", subject=ada.id))["lines"]
    assert [line["by"] for line in history if line["kind"] == "extension.changed"] == ["token test"]


async def test_u_01_what_the_phone_system_owns_stays(api: ApiCaller, tenant: Tenant) -> None:
    """Whether an extension is enabled is decided where the phones are."""
    tenant.hire("Ada Lovelace")
    await api.sync(full=True)
    before = await extension_of(api, "lovelace")
    await api.post("/departments", {"name": "Reception"})
    reception = (await api.get("/departments"))["departments"][0]["key"]
    by_hand = {
        "enabled": False,
        "add_departments": [reception],
        "primary_department": reception,
    }
    changed = await api.patch(f"/extensions/{before['key']}", by_hand)

    run = await api.sync(full=True)

    assert run["text"].startswith("Nothing to do")
    assert await api.get(f"/extensions/{before['key']}") == changed
    assert (changed["enabled"], changed["departments"]) == (False, [reception])


@pytest.mark.parametrize("full", [False, True], ids=["by_delta", "by_full_run"])
async def test_u_03_a_deleted_extension_is_back_with_its_number(
    api: ApiCaller, tenant: Tenant, full: bool
) -> None:
    """Who is in scope has an extension, and people know its number."""
    for name in ("Ada One", "Ben Two", "Cem Three"):
        tenant.hire(name)
    await api.sync(full=True)
    ben = await extension_of(api, "ben")
    await api.delete(f"/extensions/{ben['key']}")
    assert await extension_of(api, "ben") is None
    tenant.hire("Abe Zero")  # comes before Ben, and must not get his number

    run = await api.sync(full=full)

    back = await extension_of(api, "ben")
    assert run["status"] == "done"
    assert {**back, "key": ben["key"]} == ben
    assert (await extension_of(api, "abe"))["number"] == "103"


async def test_u_16_a_hand_made_extension_with_the_persons_mail_is_adopted(
    api: ApiCaller, tenant: Tenant
) -> None:
    """Who has a phone already keeps its number when the sync is switched on."""
    ada = tenant.hire("Ada Lovelace")
    tenant.hire("Ben Bitdiddle")
    made = await api.post(
        "/extensions",
        {"number": "207", "first_name": "A.", "email": (ada.mail or "").upper()},
    )
    assert made["person"] is None

    preview = await api.ended((await api.post("/people/plan"))["id"])
    run = await api.sync(full=True)

    shown = (await api.get(f"/plans/{preview['plan']}/actions"))["actions"]
    assert {one["title"] for one in shown} == {
        "Adopt extension 207 for Ada Lovelace",
        "Create extension 100 for Ben Bitdiddle",
    }
    adopted = await api.get(f"/extensions/{made['key']}")
    assert run["counts"]["adopt_extension"] == 1
    assert (adopted["number"], adopted["person"]) == ("207", ada.id)
    assert (adopted["first_name"], adopted["email"]) == ("Ada", ada.mail)
    assert len((await api.get("/extensions"))["extensions"]) == 2


async def test_u_16_two_extensions_with_the_same_mail_are_left_alone(
    api: ApiCaller, tenant: Tenant
) -> None:
    """A guess would give somebody another person's number; it is said instead."""
    ada = tenant.hire("Ada Lovelace")
    for number in ("207", "208"):
        await api.post("/extensions", {"number": number, "email": ada.mail})

    run = await api.sync(full=True)

    plan = await api.get(f"/plans/{run['plan']}")
    (refusal,) = plan["refusals"]
    assert (refusal["kind"], refusal["subject"]) == ("doubtful_match", ada.id)
    assert "207, 208" in refusal["because"]
    assert refusal["next_step"]
    assert (await api.get(f"/people/{ada.id}"))["number"] is None


async def test_d_02_a_hand_made_department_of_the_groups_name_is_left_alone(
    api: ApiCaller, tenant: Tenant
) -> None:
    """It may be anything; the group gets one of its own with a number behind the name."""
    by_hand = await api.post("/departments", {"name": "Sales"})
    ada = tenant.hire("Ada Lovelace")
    group = tenant.create_group("Sales", members=[ada.id])
    await api.choose(rules={"departments": {"source": "chosen", "groups": [group.id]}})

    await api.sync(full=True)

    assert await departments(api) == {"Sales": (0, False), "Sales 1": (1, True)}
    assert await api.get(f"/departments/{by_hand['key']}") == by_hand


@pytest.mark.parametrize("full", [False, True], ids=["by_delta", "by_full_run"])
async def test_d_03_the_next_run_makes_no_further_department(
    api: ApiCaller, tenant: Tenant, full: bool
) -> None:
    """The group is bound by its id, so nothing is looked up by name again."""
    await api.post("/departments", {"name": "Sales"})
    ada = tenant.hire("Ada Lovelace")
    group = tenant.create_group("Sales", members=[ada.id])
    await api.choose(rules={"departments": {"source": "chosen", "groups": [group.id]}})
    await api.sync(full=True)

    run = await api.sync(full=full)

    assert run["text"].startswith("Nothing to do")
    assert await departments(api) == {"Sales": (0, False), "Sales 1": (1, True)}


async def test_d_04_a_department_renamed_by_hand_keeps_its_name(
    api: ApiCaller, tenant: Tenant
) -> None:
    """Else a department follows its group's name."""
    groups = {name: tenant.create_group(name) for name in ("Sales", "Support")}
    chosen = [group.id for group in groups.values()]
    await api.choose(rules={"departments": {"source": "chosen", "groups": chosen}})
    await api.sync(full=True)
    found = (await api.get("/departments", search="sales"))["departments"]
    renamed = await api.patch(f"/departments/{found[0]['key']}", {"name": "The sellers"})
    tenant.rename_group(groups["Sales"].id, "Sales worldwide")
    tenant.rename_group(groups["Support"].id, "Support worldwide")

    await api.sync(full=True)

    assert renamed["group"] == groups["Sales"].id
    assert await departments(api) == {"The sellers": (0, True), "Support worldwide": (0, True)}


async def test_u_11_the_office_phone_becomes_the_outbound_caller_id(
    api: ApiCaller, tenant: Tenant
) -> None:
    """Set, followed and cleared by the sync; left alone once somebody set another one by hand."""
    ada = tenant.hire("Ada Lovelace", businessPhones=["020 7946 0101"], usageLocation="GB")
    await api.sync(full=True)
    made = await extension_of(api, "lovelace")
    found = await extension_of(api, "7946 0101")
    tenant.update(ada.id, businessPhones=[])
    await api.sync()
    cleared = await extension_of(api, "lovelace")
    await api.patch(f"/extensions/{made['key']}", {"caller_id": "+442079460000"})
    tenant.update(ada.id, businessPhones=["020 7946 0102"])
    await api.sync()
    person = await api.get(f"/people/{ada.id}")

    assert (made["caller_id"], found["key"]) == ("+442079460101", made["key"])
    assert cleared["caller_id"] == ""
    assert (await extension_of(api, "lovelace"))["caller_id"] == "+442079460000"
    assert (
        "Outbound caller ID: “+442079460000”, set in the phone system, so left as it is;"
        " Microsoft 365 says “+442079460102” (businessPhones)."
    ) in person["reasons"]


async def test_u_11_a_note_says_which_office_phone_is_none(api: ApiCaller, tenant: Tenant) -> None:
    """On the plan and on the person; everything else is synced."""
    ada = tenant.hire("Ada Lovelace", businessPhones=["ask reception"], usageLocation="GB")

    run = await api.sync(full=True)

    (notice,) = (await api.get(f"/plans/{run['plan']}"))["notices"]
    reasons = (await api.get(f"/people/{ada.id}"))["reasons"]
    assert run["status"] == "done"
    assert notice["text"] in reasons
    assert "“ask reception” (businessPhones) is not a phone number" in notice["text"]


async def test_every_field_follows_what_the_rules_say(api: ApiCaller, tenant: Tenant) -> None:
    """Changed rules reach everybody with the next sync, and what is not synced is left alone."""
    tenant.hire(
        "Ada Lovelace",
        businessPhones=["020 7946 0101"],
        mobilePhone="020 7946 0102",
        usageLocation="GB",
        jobTitle="Countess",
        department="Mathematics",
        officeLocation="Room 7",
        companyName="Analytical",
    )
    await api.sync(full=True)
    before = await extension_of(api, "lovelace")
    await api.choose(
        rules={
            "attributes": {
                "name": "displayName",
                "job_title": "department",
                "company": "not_synced",
                "caller_id": "mobilePhone",
            }
        }
    )

    await api.sync()

    after = await extension_of(api, "lovelace")
    assert (before["job_title"], before["office"]) == ("Countess", "Room 7")
    assert after == {
        **before,
        "first_name": "Ada Lovelace",
        "last_name": "",
        "job_title": "Mathematics",
        "caller_id": "+442079460102",
    }


async def test_a_free_attribute_is_read_once_a_rule_follows_it(
    api: ApiCaller, tenant: Tenant
) -> None:
    """Whoever keeps the callers' number there chooses it, and the next sync knows it."""
    ada = tenant.hire(
        "Ada Lovelace",
        usageLocation="GB",
        onPremisesExtensionAttributes={"extensionAttribute2": "020 7946 0102"},
    )
    await api.sync(full=True)
    before = await api.get(f"/people/{ada.id}")
    await api.choose(rules={"attributes": {"caller_id": "extensionAttribute2"}})

    await api.sync()

    after = await api.get(f"/people/{ada.id}")
    assert before["extension_attributes"] is None
    assert after["extension_attributes"] == ["", "020 7946 0102"]
    assert (await extension_of(api, "lovelace"))["caller_id"] == "+442079460102"
