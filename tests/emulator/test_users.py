"""Reading users: lists, pages, single users, licences, groups above, the recycle bin."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from msgspec.structs import replace

from m365_emulator.clock import Clock
from m365_emulator.server import Emulator

DEFAULT = {
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
}


@pytest.fixture
def emulator(clock: Clock) -> Emulator:
    """More than two default pages of people."""
    return Emulator(people=250, seed=1, clock=clock)


@pytest.fixture
def client_with(emulator: Emulator, client_of: Callable[..., Any]) -> Callable[..., Any]:
    """A client of Graph whose app holds just these permissions."""

    def make(*roles: str) -> Any:
        app = emulator.register(secret="s", roles=roles)
        client = client_of(emulator)
        token = emulator.tokens.issue(app, "https://graph.microsoft.com", "secret")
        client.headers["authorization"] = f"Bearer {token.value}"
        return client

    return make


async def _pages(graph: Any, url: str, **headers: str) -> list[dict[str, Any]]:
    found = []
    while url:
        reply = await graph.get(url, **headers)
        assert reply.status == 200, reply.body
        found.append(reply.json())
        url = found[-1].get("@odata.nextLink", "")
    return found


def _values(pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for page in pages for each in page["value"]]


async def test_a_list_without_options_comes_in_hundreds_with_eleven_properties(graph: Any) -> None:
    """The default page and selection are what most scripts rely on."""
    pages = await _pages(graph, "/v1.0/users")

    assert [len(page["value"]) for page in pages] == [100, 100, 50]
    assert all(set(each) == DEFAULT for each in _values(pages))
    assert pages[0]["@odata.context"] == "http://localhost/v1.0/$metadata#users"


async def test_everybody_is_listed_once_whatever_the_page_size(
    graph: Any, emulator: Emulator
) -> None:
    """Paging neither loses nor repeats."""
    for top in (1, 7, 100, 999):
        found = _values(await _pages(graph, f"/v1.0/users?$top={top}&$select=id"))

        assert sorted(each["id"] for each in found) == sorted(
            each.id for each in emulator.tenant.people()
        )
        if top == 1:
            emulator.throttle.own_limit = 1_000_000


async def test_the_next_link_is_absolute_opaque_and_repeats_the_options(graph: Any) -> None:
    """Clients follow it verbatim, on the host they asked."""
    first = await graph.get("http://127.0.0.1:8443/v1.0/users?$select=id,displayName&$top=5")

    link = urlsplit(first.json()["@odata.nextLink"])

    assert (link.scheme, link.netloc, link.path) == ("http", "127.0.0.1:8443", "/v1.0/users")
    assert link.query.startswith("$select=id,displayName&$top=5&$skiptoken=")


async def test_a_selection_is_exactly_what_comes(graph: Any) -> None:
    """Names are accepted in any case and answered in Graph's."""
    reply = await graph.get("/v1.0/users?$select=USERPRINCIPALNAME,assignedPlans&$top=1")

    (user,) = reply.json()["value"]
    assert list(user) == ["userPrincipalName", "assignedPlans"]
    assert reply.json()["@odata.context"].endswith(
        "/$metadata#users(userPrincipalName,assignedPlans)"
    )


async def test_unset_is_null_and_collections_are_empty(graph: Any, emulator: Emulator) -> None:
    """In a list nothing is absent: null and [] are the absence."""
    guest = next(each for each in emulator.tenant.people() if each.user_type == "Guest")

    reply = await graph.get(f"/v1.0/users/{guest.id}?$select=department,assignedPlans,faxNumber")

    body = reply.json()
    assert body.pop("@odata.context").endswith("#users(department,assignedPlans,faxNumber)/$entity")
    assert body == {"department": None, "assignedPlans": [], "faxNumber": None}


async def test_a_user_is_found_by_id_and_by_upn_in_any_case(graph: Any, emulator: Emulator) -> None:
    """All spellings that Graph accepts lead to the same user."""
    person = next(emulator.tenant.people())

    for key in (
        f"/{person.id}",
        f"/{person.id.upper()}",
        f"/{person.user_principal_name}",
        f"/{person.user_principal_name.upper()}",
        f"('{person.id}')",
        f"('{person.user_principal_name}')",
    ):
        reply = await graph.get(f"/v1.0/users{key}")

        assert reply.json()["id"] == person.id


async def test_a_guests_upn_with_its_hash_is_found(graph: Any, emulator: Emulator) -> None:
    """#EXT# must be percent-encoded by the client and survive the way."""
    guest = next(each for each in emulator.tenant.people() if each.user_type == "Guest")

    reply = await graph.get(f"/v1.0/users/{quote(guest.user_principal_name)}")

    assert reply.json()["userPrincipalName"] == guest.user_principal_name


async def test_nobody_is_404_with_the_name_asked_for(graph: Any) -> None:
    """A client that shows the message must show whom it asked for."""
    reply = await graph.get("/v1.0/users/nobody@northgate.example")

    assert (reply.status, reply.code) == (404, "Request_ResourceNotFound")
    assert "Resource 'nobody@northgate.example' does not exist" in reply.json()["error"]["message"]


async def test_people_who_come_and_go_disturb_no_walk(graph: Any, emulator: Emulator) -> None:
    """Somebody deleted between two pages must not push another person out of the list."""
    tenant = emulator.tenant
    first = (await graph.get("/v1.0/users?$top=100&$select=id")).json()
    seen = {each["id"] for each in first["value"]}
    stayed = {each.id for each in tenant.people()}
    for gone in sorted(seen)[:50]:
        tenant.delete(gone)
    for _ in range(20):
        tenant.hire()

    rest = _values(await _pages(graph, first["@odata.nextLink"]))

    assert stayed <= seen | {each["id"] for each in rest}


async def test_short_and_empty_pages_still_lead_to_everybody(
    graph: Any, emulator: Emulator
) -> None:
    """Only the missing next link ends a list; a short page ends nothing."""
    emulator.tenant.quirks = replace(emulator.tenant.quirks, short_pages=0.7, empty_pages=0.4)

    pages = await _pages(graph, "/v1.0/users?$top=50&$select=id")

    sizes = [len(page["value"]) for page in pages]
    links = [page["@odata.nextLink"] for page in pages[:-1]]
    assert sum(sizes) == 250
    assert 0 in sizes
    assert len(set(links)) == len(links)


async def test_a_page_link_grows_old(
    graph: Any, clock: Clock, client_with: Callable[..., Any]
) -> None:
    """A walk that was left for too long begins again."""
    link = (await graph.get("/v1.0/users")).json()["@odata.nextLink"]

    clock.advance(timedelta(minutes=61))
    reply = await client_with("User.Read.All").get(link)

    assert (reply.status, reply.code) == (400, "Directory_ExpiredPageToken")


async def test_a_page_link_cannot_be_altered_or_used_elsewhere(graph: Any) -> None:
    """Tokens are opaque; a client that builds its own is told so."""
    link: str = (await graph.get("/v1.0/users?$top=5")).json()["@odata.nextLink"]
    altered = link[:-4] + ("AAAA" if link[-4:] != "AAAA" else "BBBB")
    elsewhere = link.replace("/v1.0/users?", "/v1.0/groups?")

    for bad in (altered, elsewhere):
        reply = await graph.get(bad)

        assert (reply.status, reply.code) == (400, "Request_BadRequest")


async def test_a_filter_and_a_search_narrow_the_list(graph: Any, emulator: Emulator) -> None:
    """The options work through HTTP as they do in their own tests."""
    guests = _values(await _pages(graph, "/v1.0/users?$filter=" + quote("userType eq 'Guest'")))
    search = "/v1.0/users?$search=" + quote('"displayName:anna"')
    annas = _values(await _pages(graph, search, ConsistencyLevel="eventual"))

    assert len(guests) == sum(each.user_type == "Guest" for each in emulator.tenant.people())
    assert {"Anna Müller"} <= {each["displayName"] for each in annas}


async def test_licence_details_name_what_a_person_holds(graph: Any, emulator: Emulator) -> None:
    """The licence column of the console may be filled from here."""
    hired = emulator.tenant.hire("Ada Byron", skus=["SPE_E3", "MCOEV"])

    reply = await graph.get(f"/v1.0/users/{hired.id}/licenseDetails")

    assert [each["skuPartNumber"] for each in reply.json()["value"]] == ["SPE_E3", "MCOEV"]


async def test_the_groups_above_a_person_go_all_the_way_up(graph: Any, emulator: Emulator) -> None:
    """Nested groups count, and a circle of groups ends."""
    tenant = emulator.tenant
    by_name = {each.display_name: each.id for each in tenant.groups()}
    hired = tenant.hire("Ada Byron", groups=[by_name["Finance"], by_name["Aurora Core"]])

    direct = _values(await _pages(graph, f"/v1.0/users/{hired.id}/memberOf?$select=displayName"))
    above = _values(
        await _pages(
            graph,
            f"/v1.0/users/{hired.id}/transitiveMemberOf/microsoft.graph.group"
            "?$select=displayName&$count=true&$top=2",
            ConsistencyLevel="eventual",
        )
    )

    assert {each["displayName"] for each in direct} == {"All Staff", "Finance", "Aurora Core"}
    assert {each["displayName"] for each in above} == {
        "All Staff",
        "Finance",
        "EMEA",
        "Aurora Core",
        "Aurora Partners",
    }


async def test_membership_is_checked_for_twenty_groups_at_once(
    graph: Any, emulator: Emulator
) -> None:
    """The answer holds those of the asked groups that hold the person, nested ones included."""
    tenant = emulator.tenant
    by_name = {each.display_name: each.id for each in tenant.groups()}
    hired = tenant.hire("Ada Byron", groups=[by_name["Finance"]])
    asked = [by_name["EMEA"], by_name["Warehouse"], "00000000-0000-4000-8000-000000000000"]

    reply = await graph.post(f"/v1.0/users/{hired.id}/checkMemberGroups", {"groupIds": asked})
    too_many = await graph.post(
        f"/v1.0/users/{hired.id}/checkMemberGroups", {"groupIds": ["x"] * 21}
    )
    all_of_them = await graph.post(
        f"/v1.0/users/{hired.id}/getMemberGroups", {"securityEnabledOnly": True}
    )

    assert reply.json()["value"] == [by_name["EMEA"]]
    assert too_many.status == 400
    assert set(all_of_them.json()["value"]) == {
        by_name[name] for name in ("All Staff", "Finance", "EMEA")
    }


async def test_the_recycle_bin_can_be_read(graph: Any, emulator: Emulator) -> None:
    """A deleted person is here, and nowhere else."""
    gone = emulator.tenant.delete(emulator.tenant.hire("Ada Byron").id)

    listed = await graph.get("/v1.0/directory/deletedItems/microsoft.graph.user")
    single = await graph.get(f"/v1.0/directory/deletedItems/{gone.id}")
    living = await graph.get(f"/v1.0/users/{gone.id}")

    (found,) = listed.json()["value"]
    assert found["id"] == gone.id
    assert found["deletedDateTime"] == "2026-11-23T12:00:00Z"
    assert single.json()["@odata.type"] == "#microsoft.graph.user"
    assert living.status == 404


async def test_groups_above_are_only_ids_without_the_right_to_read_groups(
    emulator: Emulator, client_with: Callable[..., Any]
) -> None:
    """Too little permission hides the names and is no error."""
    by_name = {each.display_name: each.id for each in emulator.tenant.groups()}
    hired = emulator.tenant.hire("Ada Byron", groups=[by_name["Finance"]])
    poor = client_with("User.Read.All")

    reply = await poor.get(f"/v1.0/users/{hired.id}/memberOf?$select=id,displayName")

    assert {each["displayName"] for each in reply.json()["value"]} == {None}
    assert by_name["Finance"] in {each["id"] for each in reply.json()["value"]}


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/users", "GroupMember.Read.All"),
        ("/users/$count", "GroupMember.Read.All"),
        ("/users/delta", "GroupMember.Read.All"),
        ("/groups", "User.Read.All"),
        ("/groups/delta", "User.Read.All"),
        ("/organization", "GroupMember.Read.All"),
        ("/subscribedSkus", "User.Read.All"),
        ("/directory/deletedItems/microsoft.graph.user", "GroupMember.Read.All"),
    ],
)
async def test_every_route_wants_its_own_permission(
    client_with: Callable[..., Any], path: str, role: str
) -> None:
    """A missing consent must show here as it does at Microsoft: 403, not an empty answer."""
    refused = await client_with(role).get(f"/v1.0{path}", ConsistencyLevel="eventual")
    allowed = await client_with("Directory.Read.All").get(
        f"/v1.0{path}", ConsistencyLevel="eventual"
    )

    assert (refused.status, refused.code) == (403, "Authorization_RequestDenied")
    assert allowed.status == 200


async def test_the_organisation_is_told_in_a_list_and_alone(graph: Any, emulator: Emulator) -> None:
    """Setup shows the tenant's name and domains from here."""
    listed = (await graph.get("/v1.0/organization")).json()
    single = (await graph.get(f"/v1.0/organization/{emulator.tenant.id}")).json()

    (body,) = listed["value"]
    assert body["id"] == emulator.tenant.id
    assert [each["name"] for each in body["verifiedDomains"] if each["isDefault"]] == [
        emulator.tenant.domain
    ]
    assert single.pop("@odata.context").endswith("#organization/$entity")
    assert single == body


async def test_subscriptions_count_who_holds_them(graph: Any, emulator: Emulator) -> None:
    """Licence names come from here; query options are overlooked, as at Microsoft."""
    before = (await graph.get("/v1.0/subscribedSkus")).json()["value"]
    emulator.tenant.hire("Ada Byron", skus=["SPE_E5"])

    after = (await graph.get("/v1.0/subscribedSkus?$top=1")).json()["value"]
    single = await graph.get(f"/v1.0/subscribedSkus/{after[0]['id']}")

    def consumed(skus: list[dict[str, Any]]) -> int:
        return int(next(e["consumedUnits"] for e in skus if e["skuPartNumber"] == "SPE_E5"))

    assert consumed(after) == consumed(before) + 1
    assert len(after) == len(before) > 5
    assert all(each["prepaidUnits"]["enabled"] >= each["consumedUnits"] for each in after)
    assert single.json()["skuId"] == after[0]["skuId"]


async def test_readers_see_a_hire_late_when_replication_lags(
    graph: Any, emulator: Emulator, clock: Clock
) -> None:
    """What was done in the portal a second ago is not in the list yet."""
    emulator.tenant.quirks = replace(emulator.tenant.quirks, replication_delay_s=20)
    hired = emulator.tenant.hire("Ada Byron")

    at_once = await graph.get(f"/v1.0/users/{hired.id}")
    clock.advance(timedelta(seconds=20))
    later = await graph.get(f"/v1.0/users/{hired.id}")

    assert (at_once.status, later.status) == (404, 200)
