"""People and groups over the API: found by whatever one knows of them, and explained."""

from typing import Any
from urllib.parse import quote

import pytest

from doubles.api_caller import ApiCaller
from jackfield.core.people import Standing
from m365_emulator.tenant import Tenant


async def walked(api: ApiCaller, path: str, name: str, **query: Any) -> list[Any]:
    """A whole list, page after page."""
    seen: list[Any] = []
    after = None
    while True:
        page = await api.get(path, limit=7, after=after, **query)
        assert len(page[name]) <= 7
        seen += page[name]
        after = page["next"]
        if after is None:
            return seen


async def test_lists_lead_through_everybody_once(synced: ApiCaller) -> None:
    """In pages of seven as in one of five hundred, in the same order."""
    for path, name in (("/people", "people"), ("/groups", "groups")):
        whole = (await synced.get(path, limit=500))[name]

        assert await walked(synced, path, name) == whole
        assert len(whole) == len({one["id"] for one in whole}) > 7
        assert all(one["standing"] == Standing.PRESENT for one in whole)


async def test_a_page_that_is_just_full_is_the_last_one(synced: ApiCaller) -> None:
    """A `next` that leads to nothing would make a script ask once too often."""
    everybody = (await synced.get("/people", limit=500))["people"]

    page = await synced.get("/people", limit=len(everybody))

    assert page["next"] is None


@pytest.mark.parametrize("given", ["id", "ID", "upn", "UPN", "with_spaces"])
async def test_a_person_is_found_by_object_id_and_by_upn(
    api: ApiCaller, tenant: Tenant, given: str
) -> None:
    """An administrator knows the sign-in name, a script the object ID."""
    ada = tenant.hire("Ada Lovelace")
    await api.sync(full=True)
    name = {
        "id": ada.id,
        "ID": ada.id.upper(),
        "upn": ada.user_principal_name,
        "UPN": ada.user_principal_name.upper(),
        "with_spaces": f" {ada.user_principal_name} ",
    }[given]

    found = await api.get(f"/people/{quote(name)}")

    assert (found["id"], found["number"]) == (ada.id, "100")
    assert found["reasons"][0] == "In scope: everyone is selected."
    assert "Has extension 100." in found["reasons"]


async def test_a_guest_is_found_by_a_upn_with_a_hash(api: ApiCaller, tenant: Tenant) -> None:
    """Percent-encoded, as the document says; a bare # never reaches a server."""
    guest = tenant.hire("Gerd Guest", userType="Guest", mail="gerd@partner.example")
    upn = "gerd_partner.example#EXT#@kestrelfoods.example"
    tenant.rename(guest.id, upn=upn)
    await api.sync(full=True)

    found = await api.get(f"/people/{quote(upn, safe='')}")

    assert (found["id"], found["upn"], found["user_type"]) == (guest.id, upn, "Guest")
    assert found["number"] is None
    assert "Not in scope: a guest, and guests are not included." in found["reasons"]


@pytest.mark.parametrize("name", ["nobody@kestrelfoods.example", "x", "..", "%2e%2e", "a/b"])
async def test_an_unknown_person_is_named(synced: ApiCaller, name: str) -> None:
    """The message repeats what was asked for, so that a typing error is seen."""
    answer = await synced.ask("GET", f"/people/{quote(name, safe='')}")

    assert answer.status == 404
    assert "There is no" in answer.detail


async def test_a_leaver_is_told_with_the_cause(api: ApiCaller, tenant: Tenant) -> None:
    """Deleted people are no longer in the list, but can be asked about while their phone stands."""
    ada, ben = tenant.hire("Ada Lovelace"), tenant.hire("Ben Bitdiddle")
    await api.sync(full=True)
    tenant.delete(ada.id)
    tenant.disable(ben.id)

    await api.sync()

    told = await api.get(f"/people/{ada.id}")
    assert (told["left"], told["standing"], told["number"]) == ("deleted", "recycled", "100")
    assert (await api.get(f"/people/{ben.id}"))["left"] == "disabled"
    assert [one["id"] for one in (await api.get("/people"))["people"]] == [ben.id]


async def test_who_has_no_extension_is_told_with_the_reason(api: ApiCaller, tenant: Tenant) -> None:
    """Coverage: nobody is missing in silence."""
    tenant.hire("Ada Lovelace")
    guest = tenant.hire("Gerd Guest", userType="Guest")
    late = tenant.hire("Lisa Late")
    tenant.disable(late.id)
    await api.sync(full=True)

    found = await walked(api, "/people/not-synced", "people")

    assert {one["id"]: one["because"] for one in found} == {
        guest.id: "Not in scope: a guest, and guests are not included.",
        late.id: "Not in scope: the account has been disabled ever since it was first seen.",
    }
    assert {one["in_scope"] for one in found} == {False}


async def test_search_finds_names_addresses_and_numbers(api: ApiCaller, tenant: Tenant) -> None:
    """Words in any order, without accents, from their start; a number by its end."""
    jose = tenant.hire("José Ángel Núñez", mobilePhone="+34 600 123 456")
    tenant.hire("Ada Lovelace")
    await api.sync(full=True)

    for typed in ("nunez jose", "JOSÉ", "ang", jose.user_principal_name, "123 456", "+34600123456"):
        found = (await api.get("/people", search=typed))["people"]
        assert [one["id"] for one in found] == [jose.id], typed
    assert (await api.get("/people", search="osé"))["people"] == []
    assert len((await api.get("/people", search="  "))["people"]) == 2


async def test_groups_say_what_kind_they_are(api: ApiCaller, tenant: Tenant) -> None:
    """A dynamic group changes when Microsoft says so, a distribution list never syncs members."""
    quality = tenant.create_group("Quality", groupTypes=["Unified"])
    await api.sync(full=True)

    (found,) = (await api.get("/groups", search="quality"))["groups"]

    assert found == {
        "id": quality.id,
        "name": "Quality",
        "kind": "microsoft365",
        "dynamic": False,
        "standing": "present",
    }
