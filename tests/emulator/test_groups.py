"""Reading groups and their members, direct and all the way down."""

from collections.abc import Callable
from typing import Any

import pytest

from m365_emulator.clock import Clock
from m365_emulator.server import Emulator


@pytest.fixture
def emulator(clock: Clock) -> Emulator:
    """The fourteen groups, with enough people in them to page through."""
    return Emulator(people=250, seed=1, clock=clock)


@pytest.fixture
def ids(emulator: Emulator) -> dict[str, str]:
    """Groups by name (of the two named Sales, the last)."""
    return {str(each.display_name): each.id for each in emulator.tenant.groups()}


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


async def _everything(graph: Any, url: str, **headers: str) -> list[dict[str, Any]]:
    found = []
    while url:
        page = (await graph.get(url, **headers)).json()
        found += page["value"]
        url = page.get("@odata.nextLink", "")
    return found


async def test_groups_are_listed_with_graphs_default_properties(graph: Any) -> None:
    """What kind of group it is must be readable without a selection."""
    reply = await graph.get("/v1.0/groups")

    found = reply.json()["value"]
    assert len(found) == 14
    assert {"groupTypes", "mailEnabled", "securityEnabled", "membershipRule"} <= set(found[0])
    assert reply.json()["@odata.context"] == "http://localhost/v1.0/$metadata#groups"


async def test_a_group_is_found_by_id(graph: Any, ids: dict[str, str]) -> None:
    """And by nothing else: names are no keys."""
    found = await graph.get(f"/v1.0/groups/{ids['Finance']}?$select=displayName")
    by_key = await graph.get(f"/v1.0/groups('{ids['Finance']}')?$select=displayName")
    by_name = await graph.get("/v1.0/groups/Finance")

    assert found.json()["displayName"] == by_key.json()["displayName"] == "Finance"
    assert found.json()["@odata.context"].endswith("#groups(displayName)/$entity")
    assert by_name.code == "Request_ResourceNotFound"


async def test_members_of_both_kinds_say_which_they_are(graph: Any, ids: dict[str, str]) -> None:
    """People and nested groups come in one list, told apart by type."""
    url = f"/v1.0/groups/{ids['EMEA']}/members"
    reply = await graph.get(f"{url}?$select=id,displayName,userPrincipalName")

    members = reply.json()["value"]
    groups = [each for each in members if each["@odata.type"] == "#microsoft.graph.group"]
    assert {each["displayName"] for each in groups} == {"Finance", "Warehouse", "Reception"}
    assert all("userPrincipalName" not in each for each in groups)
    assert all(
        each["userPrincipalName"]
        for each in members
        if each["@odata.type"] == "#microsoft.graph.user"
    )
    assert "#directoryObjects(id," in reply.json()["@odata.context"]


@pytest.mark.parametrize("cast", ["microsoft.graph.user", "graph.user"])
async def test_members_are_paged_and_can_be_cast(
    graph: Any, emulator: Emulator, ids: dict[str, str], cast: str
) -> None:
    """The cast leaves groups out; both spellings are Microsoft's."""
    url = f"/v1.0/groups/{ids['All Staff']}/members/{cast}?$select=id&$top=50"

    found = await _everything(graph, url)

    assert [each["id"] for each in found] == emulator.tenant.members_of(ids["All Staff"])
    assert len(found) > 100
    assert all(list(each) == ["id"] for each in found)


async def test_transitive_members_go_down_and_come_back_from_a_circle(
    graph: Any, emulator: Emulator, ids: dict[str, str]
) -> None:
    """Everybody below is listed once, although two groups hold each other."""
    tenant = emulator.tenant
    expected = {
        member
        for name in ("Aurora Core", "Aurora Partners")
        for member in tenant.members_of(ids[name])
    }

    found = await _everything(
        graph, f"/v1.0/groups/{ids['Aurora Core']}/transitiveMembers?$select=id&$top=5"
    )

    assert {each["id"] for each in found} == expected
    assert len(found) == len(expected)


async def test_a_cast_of_transitive_members_is_an_advanced_query(
    graph: Any, ids: dict[str, str]
) -> None:
    """Microsoft's table of advanced queries names it; without header and count it is refused."""
    url = f"/v1.0/groups/{ids['EMEA']}/transitiveMembers/microsoft.graph.user?$select=id"

    bare = await graph.get(url)
    full = await graph.get(f"{url}&$count=true", ConsistencyLevel="eventual")

    assert bare.code == "Request_UnsupportedQuery"
    assert full.status == 200
    assert full.json()["@odata.count"] == len(full.json()["value"])


async def test_members_can_be_counted(graph: Any, emulator: Emulator, ids: dict[str, str]) -> None:
    """A picker shows how many belong to a group before anybody chooses it."""
    members = emulator.tenant.members_of(ids["EMEA"])
    base = f"/v1.0/groups/{ids['EMEA']}/members"

    everything = await graph.get(f"{base}/$count", ConsistencyLevel="eventual")
    groups = await graph.get(f"{base}/graph.group/$count", ConsistencyLevel="eventual")
    without = await graph.get(f"{base}/$count")

    assert int(everything.body) == len(members)
    assert groups.body == b"3"
    assert without.status == 400


async def test_members_without_the_right_to_read_users_are_only_ids(
    client_with: Callable[..., Any], ids: dict[str, str]
) -> None:
    """A missing User.Read.All shows as nameless members, not as an error (facts of Graph)."""
    poor = client_with("GroupMember.Read.All")

    reply = await poor.get(f"/v1.0/groups/{ids['Finance']}/members")

    member = reply.json()["value"][0]
    assert reply.status == 200
    assert member["@odata.type"] == "#microsoft.graph.user"
    assert member["id"]
    assert {member[name] for name in ("displayName", "mail", "userPrincipalName")} == {None}


async def test_hidden_members_are_shown_to_those_who_may_see_them(
    client_with: Callable[..., Any], emulator: Emulator
) -> None:
    """Without Member.Read.Hidden the list is empty, in delta as well."""
    tenant = emulator.tenant
    hired = tenant.hire("Ada Byron")
    council = tenant.create_group(
        "Council", groupTypes=["Unified"], visibility="HiddenMembership", members=[hired.id]
    )
    path = f"/v1.0/groups/{council.id}/members?$select=id"
    delta = f"/v1.0/groups/delta?$select=members&$filter=id%20eq%20'{council.id}'"
    plain = client_with("Directory.Read.All")
    trusted = client_with("Directory.Read.All", "Member.Read.Hidden")

    assert (await plain.get(path)).json()["value"] == []
    assert [each["id"] for each in (await trusted.get(path)).json()["value"]] == [hired.id]
    assert "members@delta" not in (await plain.get(delta)).json()["value"][0]
    assert "members@delta" in (await trusted.get(delta)).json()["value"][0]


async def test_a_deleted_person_is_in_no_group(
    graph: Any, emulator: Emulator, ids: dict[str, str]
) -> None:
    """Leavers drop out of departments at once."""
    hired = emulator.tenant.hire("Ada Byron", groups=[ids["Finance"]])
    emulator.tenant.delete(hired.id)

    found = await _everything(graph, f"/v1.0/groups/{ids['Finance']}/members?$select=id")

    assert hired.id not in {each["id"] for each in found}
