"""Delta rounds: what they tell, how they end, when they expire, and that nothing is ever lost."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from m365_emulator.clock import Clock
from m365_emulator.refusals import Refused
from m365_emulator.server import Emulator
from m365_emulator.tenant import Tenant

SELECT = "displayName,mail,accountEnabled,department,businessPhones,assignedLicenses"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def emulator(clock: Clock) -> Emulator:
    """More people than one page of a round holds."""
    return Emulator(people=250, seed=1, clock=clock)


@pytest.fixture
def tenant(emulator: Emulator) -> Tenant:
    return emulator.tenant


async def _round(graph: Any, url: str, **headers: str) -> tuple[list[dict[str, Any]], str]:
    """All pages of a round: what was told, in order, and the delta link."""
    told: list[dict[str, Any]] = []
    for _ in range(5000):
        reply = await graph.get(url, **headers)
        assert reply.status == 200, reply.body
        page = reply.json()
        told += page["value"]
        if "@odata.deltaLink" in page:
            assert "@odata.nextLink" not in page
            return told, page["@odata.deltaLink"]
        url = page["@odata.nextLink"]
    raise AssertionError("the round does not end")


async def _news(graph: Any, link: str, **headers: str) -> dict[str, dict[str, Any]]:
    """What a later round tells, by object id."""
    told, _ = await _round(graph, link, **headers)
    return {each["id"]: each for each in told}


async def test_a_first_round_tells_everybody_and_ends_in_a_delta_link(
    graph: Any, tenant: Tenant
) -> None:
    """A full round is what every sync begins with."""
    told, link = await _round(graph, f"/v1.0/users/delta?$select={SELECT}")

    assert {each["id"] for each in told} == {each.id for each in tenant.people()}
    assert link.startswith("http://localhost/v1.0/users/delta?$deltatoken=")
    assert "select" not in link


@pytest.mark.parametrize("spelling", ["delta", "delta()", "microsoft.graph.delta()"])
async def test_all_spellings_of_the_function_lead_to_it(graph: Any, spelling: str) -> None:
    """Microsoft's SDK writes delta(), the documents delta; /users/delta is no user."""
    reply = await graph.get(f"/v1.0/users/{spelling}?$select=id")

    assert "/v1.0/users/delta?" in reply.json()["@odata.nextLink"]


async def test_unset_properties_are_absent_and_cleared_ones_are_null(
    graph: Any, tenant: Tenant
) -> None:
    """Absent means never set; only an explicit null says that a value was taken away."""
    hired = tenant.hire("Ada Byron", department=None)
    never_set = await _news(graph, "/v1.0/users/delta?$select=department,faxNumber")
    _, link = await _round(graph, "/v1.0/users/delta?$select=department,faxNumber")

    tenant.update(hired.id, department="Sales")
    tenant.update(hired.id, department=None)
    cleared = await _news(graph, link)

    assert never_set[hired.id] == {"id": hired.id}
    assert cleared[hired.id] == {"id": hired.id, "department": None}


async def test_a_quiet_round_is_empty_and_has_a_new_link(graph: Any) -> None:
    """Nothing happened is an answer too."""
    _, link = await _round(graph, "/v1.0/users/delta?$select=displayName")

    told, again = await _round(graph, link)

    assert told == []
    assert again.startswith("http://localhost/v1.0/users/delta?$deltatoken=")


async def test_a_change_is_told_with_all_selected_properties_that_were_ever_set(
    graph: Any, tenant: Tenant
) -> None:
    """Without return=minimal a client may replace what it has."""
    hired = tenant.hire("Ada Byron", department="Sales", businessPhones=["+44 20 7946 0101"])
    _, link = await _round(graph, f"/v1.0/users/delta?$select={SELECT}")

    tenant.update(hired.id, department="Finance")
    news = await _news(graph, link)

    assert list(news) == [hired.id]
    assert news[hired.id]["department"] == "Finance"
    assert news[hired.id]["displayName"] == "Ada Byron"
    assert news[hired.id]["businessPhones"] == ["+44 20 7946 0101"]


async def test_minimal_tells_only_what_changed(graph: Any, tenant: Tenant) -> None:
    """Prefer: return=minimal: absent is unchanged there, and null is cleared."""
    hired = tenant.hire("Ada Byron", department="Sales", mobilePhone="+44 7700 900101")
    _, link = await _round(graph, "/v1.0/users/delta?$select=displayName,department,mobilePhone")

    tenant.update(hired.id, department="Finance", mobilePhone=None)
    reply = await graph.get(link, Prefer="return=minimal")

    assert reply.json()["value"] == [{"id": hired.id, "department": "Finance", "mobilePhone": None}]
    assert reply.headers["preference-applied"] == "return=minimal"


async def test_changes_outside_the_selection_are_not_told(graph: Any, tenant: Tenant) -> None:
    """The selection is baked into the token, and what it leaves out does not exist for it."""
    hired = tenant.hire("Ada Byron")
    _, link = await _round(graph, "/v1.0/users/delta?$select=displayName")

    tenant.update(hired.id, department="Finance")
    told, _ = await _round(graph, link)

    assert told == []


async def test_a_deletion_is_told_twice_as_changed_and_then_as_deleted(
    graph: Any, tenant: Tenant
) -> None:
    """Soft-deleted can come back, purged cannot: two different things for a phone."""
    hired = tenant.hire("Ada Byron")
    _, link = await _round(graph, f"/v1.0/users/delta?$select={SELECT}")

    tenant.delete(hired.id)
    told, link = await _round(graph, link)
    tenant.purge(hired.id)
    gone, _ = await _round(graph, link)

    assert told == [{"id": hired.id, "@removed": {"reason": "changed"}}]
    assert gone == [{"id": hired.id, "@removed": {"reason": "deleted"}}]


async def test_the_first_round_tells_of_the_recycle_bin_as_well(graph: Any, tenant: Tenant) -> None:
    """@removed may stand in an initial round, and must not create anybody."""
    hired = tenant.hire("Ada Byron")
    tenant.delete(hired.id)

    news = await _news(graph, "/v1.0/users/delta?$select=displayName")

    assert news[hired.id] == {"id": hired.id, "@removed": {"reason": "changed"}}


async def test_somebody_restored_is_told_whole(graph: Any, tenant: Tenant) -> None:
    """Nothing but the full object says that a person is back."""
    hired = tenant.hire("Ada Byron")
    tenant.delete(hired.id)
    _, link = await _round(graph, "/v1.0/users/delta?$select=displayName,accountEnabled")

    tenant.restore(hired.id)
    news = await _news(graph, link, Prefer="return=minimal")

    assert news[hired.id] == {"id": hired.id, "displayName": "Ada Byron", "accountEnabled": True}


@pytest.mark.parametrize("spelling", ["$deltatoken", "$deltaToken"])
async def test_latest_begins_now(graph: Any, tenant: Tenant, spelling: str) -> None:
    """Who has the people already asks for changes from here on."""
    reply = await graph.get(f"/v1.0/users/delta?$select=displayName&{spelling}=latest")
    page = reply.json()
    hired = tenant.hire("Ada Byron")

    told, _ = await _round(graph, page["@odata.deltaLink"])

    assert page["value"] == []
    assert told == [{"id": hired.id, "displayName": "Ada Byron"}]


async def test_up_to_fifty_objects_can_be_watched_alone(graph: Any, tenant: Tenant) -> None:
    """Watching only the chosen groups keeps rounds small."""
    watched, other = tenant.hire("Ada Byron"), tenant.hire("Charles Babbage")
    ids = quote(f"id eq '{watched.id}' or id eq '{'0' * 36}'")
    first, link = await _round(graph, f"/v1.0/users/delta?$select=displayName&$filter={ids}")
    tenant.rename(watched.id, display_name="Ada Lovelace")
    tenant.rename(other.id, display_name="C. Babbage")

    told, _ = await _round(graph, link)

    assert [each["id"] for each in first] == [watched.id]
    assert told == [{"id": watched.id, "displayName": "Ada Lovelace"}]


@pytest.mark.parametrize(
    "option",
    [
        "$top=10",
        "$orderby=displayName",
        "$search=%22displayName:a%22",
        "$count=true",
        "$skip=1",
        "$expand=manager",
        "$select=shoeSize",
        "$filter=" + quote("department eq 'Sales'"),
        "$filter=" + quote("id eq 'a' and id eq 'b'"),
        "$filter=" + quote(" or ".join(f"id eq '{number}'" for number in range(51))),
        "$deltatoken=nonsense",
        "$skiptoken=nonsense",
    ],
)
async def test_what_delta_does_not_support_is_refused(graph: Any, option: str) -> None:
    """An option that is silently overlooked would be believed to work."""
    reply = await graph.get(f"/v1.0/users/delta?{option}")

    assert reply.status == 400


async def test_a_token_is_good_only_where_it_was_given(graph: Any) -> None:
    """Tokens of users, groups, lists and other tenants are not the same thing."""
    _, link = await _round(graph, "/v1.0/users/delta?$select=id")
    token = link.partition("=")[2]

    for path in (
        f"/groups/delta?$deltatoken={token}",
        f"/users/delta?$skiptoken={token}",
        f"/users?$skiptoken={token}",
        f"/users/delta?$deltatoken={token[:-3]}xyz",
    ):
        reply = await graph.get(f"/v1.0{path}")

        assert (reply.status, reply.code) == (400, "Request_BadRequest")


async def test_a_delta_link_lives_seven_days(
    graph: Any, emulator: Emulator, clock: Clock, app: Any
) -> None:
    """A server that slept longer gets 410 and the address of a fresh start."""
    _, link = await _round(graph, "/v1.0/users/delta?$select=id")

    answers = []
    for days in (7, 1):
        clock.advance(timedelta(days=days))
        token = emulator.tokens.issue(app, "https://graph.microsoft.com", "secret")
        graph.headers["authorization"] = f"Bearer {token.value}"
        answers.append(await graph.get(link))

    good, gone = answers
    assert good.status == 200
    assert (gone.status, gone.code) == (410, "syncStateNotFound")
    assert gone.headers["location"] == "http://localhost/v1.0/users/delta?$deltatoken="
    fresh, _ = await _round(graph, gone.headers["location"])
    assert len(fresh) == 250


async def test_delta_links_can_be_forgotten_at_once(graph: Any, tenant: Tenant) -> None:
    """A test of the full resync must not wait a week."""
    _, link = await _round(graph, "/v1.0/users/delta?$select=id")
    half = (await graph.get("/v1.0/users/delta?$select=id")).json()["@odata.nextLink"]

    tenant.forget_delta_links()

    assert (await graph.get(link)).status == 410
    assert (await graph.get(half)).code == "Directory_ExpiredPageToken"
    _, fresh = await _round(graph, "/v1.0/users/delta?$select=id")
    assert (await graph.get(fresh)).status == 200


async def test_a_link_from_before_a_restart_is_gone(
    graph: Any, emulator: Emulator, clock: Clock
) -> None:
    """The change log lives in memory: an old number in it would mean something else now."""
    _, link = await _round(graph, "/v1.0/users/delta?$select=id")
    clock.advance(timedelta(seconds=1))
    emulator.keep_registrations()
    app = next(iter(emulator.registrations.snapshot()))
    emulator.reset()
    token = emulator.tokens.issue(app, "https://graph.microsoft.com", "secret")
    graph.headers["authorization"] = f"Bearer {token.value}"

    assert (await graph.get(link)).status == 410


async def test_a_change_during_a_round_is_told_in_this_or_the_next(
    graph: Any, tenant: Tenant
) -> None:
    """The moment that loses updates: somebody renames, hires and deletes between two pages."""
    tenant.quirks = replace(tenant.quirks, delta_page_objects=50)
    everybody = sorted(each.id for each in tenant.people())
    early, late = everybody[0], everybody[-1]
    first = (await graph.get("/v1.0/users/delta?$select=displayName")).json()

    tenant.rename(early, display_name="Told already")
    tenant.rename(late, display_name="Not told yet")
    hired = tenant.hire("Ada Byron")
    tenant.delete(everybody[1])
    tenant.delete(everybody[-2])
    rest, link = await _round(graph, first["@odata.nextLink"])
    news = await _news(graph, link)
    known = {each["id"]: each for each in [*first["value"], *rest]} | news

    assert known[early]["displayName"] == "Told already"
    assert known[late]["displayName"] == "Not told yet"
    assert known[hired.id]["displayName"] == "Ada Byron"
    assert known[everybody[1]]["@removed"] == {"reason": "changed"}
    assert known[everybody[-2]]["@removed"] == {"reason": "changed"}


async def test_a_round_does_not_run_ahead_of_replication(
    graph: Any, tenant: Tenant, clock: Clock
) -> None:
    """An empty round proves nothing: the change may still be on its way."""
    _, link = await _round(graph, "/v1.0/users/delta?$select=displayName")
    tenant.quirks = replace(tenant.quirks, replication_delay_s=30)
    hired = tenant.hire("Ada Byron")

    early, link = await _round(graph, link)
    clock.advance(timedelta(seconds=30))
    later, _ = await _round(graph, link)

    assert early == []
    assert [each["id"] for each in later] == [hired.id]


async def test_duplicates_and_replays_come_when_asked_for(graph: Any, tenant: Tenant) -> None:
    """The same object twice in a round, and old news again in the next."""
    tenant.quirks = replace(
        tenant.quirks, delta_duplicates=0.5, delta_replays=1.0, delta_page_objects=40
    )
    told, link = await _round(graph, "/v1.0/users/delta?$select=displayName")
    hired = tenant.hire("Ada Byron")
    _, link = await _round(graph, link)

    again, _ = await _round(graph, link)

    assert len(told) > 250
    assert {each["id"] for each in told} == {each.id for each in tenant.people()} - {hired.id}
    assert {each["id"] for each in again} == {hired.id}


async def test_the_same_seed_gives_the_same_answers(
    client_of: Callable[..., Any], clock: Clock
) -> None:
    """A run that fails under quirks must be repeatable."""
    runs = []
    for _ in range(2):
        emulator = Emulator(people=60, seed=5, clock=clock)
        emulator.tenant.quirks = replace(
            emulator.tenant.quirks, short_pages=0.5, empty_pages=0.3, delta_duplicates=0.5, seed=9
        )
        app = emulator.register(secret="s")
        graph = client_of(emulator)
        token = emulator.tokens.issue(app, "https://graph.microsoft.com", "secret")
        graph.headers["authorization"] = f"Bearer {token.value}"
        runs.append(await _round(graph, "/v1.0/users/delta?$select=displayName"))

    assert runs[0] == runs[1]


async def test_groups_come_with_their_members(graph: Any, tenant: Tenant) -> None:
    """Without a selection members are included, nested groups among them."""
    emea = next(each for each in tenant.groups() if each.display_name == "EMEA")

    news = await _news(graph, "/v1.0/groups/delta")

    told = {each["id"]: each["@odata.type"] for each in news[emea.id]["members@delta"]}
    assert sorted(told) == tenant.members_of(emea.id)
    assert set(told.values()) == {"#microsoft.graph.user", "#microsoft.graph.group"}


@pytest.mark.parametrize(
    ("options", "members"),
    [
        ("$select=displayName", False),
        ("$select=displayName,members", True),
        ("$select=displayName&$expand=members", True),
        ("$expand=members", True),
    ],
)
async def test_members_come_when_selected_or_expanded(
    graph: Any, options: str, members: bool
) -> None:
    """Old pages of the documents expand, new ones select."""
    told, _ = await _round(graph, f"/v1.0/groups/delta?{options}")

    assert any("members@delta" in each for each in told) is members


async def test_a_large_group_is_split_over_pages(graph: Any, tenant: Tenant) -> None:
    """The same group again and again with the next members: merge, never replace."""
    tenant.quirks = replace(tenant.quirks, delta_page_members=20)
    staff = next(each for each in tenant.groups() if each.display_name == "All Staff")

    told, _ = await _round(graph, "/v1.0/groups/delta?$select=displayName,members")

    parts = [each for each in told if each["id"] == staff.id]
    members = [member["id"] for part in parts for member in part["members@delta"]]
    assert len(parts) > 5
    assert {part["displayName"] for part in parts} == {"All Staff"}
    assert members == tenant.members_of(staff.id)


async def test_membership_changes_are_told_one_by_one(graph: Any, tenant: Tenant) -> None:
    """Joining and leaving; the rest of the members are not repeated."""
    finance = next(each for each in tenant.groups() if each.display_name == "Finance")
    leaver = tenant.members_of(finance.id)[0]
    joiner = tenant.hire("Ada Byron")
    _, link = await _round(graph, "/v1.0/groups/delta?$select=displayName,members")

    tenant.remove_member(finance.id, leaver)
    tenant.add_member(finance.id, joiner.id)
    news = await _news(graph, link)

    assert list(news) == [finance.id]
    told = {each["id"]: each for each in news[finance.id]["members@delta"]}
    assert told[leaver]["@removed"] == {"reason": "deleted"}
    assert "@removed" not in told[joiner.id]
    assert len(told) == 2


async def test_renaming_a_group_does_not_repeat_its_members(graph: Any, tenant: Tenant) -> None:
    """A missing members@delta says that nobody came or went."""
    finance = next(each for each in tenant.groups() if each.display_name == "Finance")
    _, link = await _round(graph, "/v1.0/groups/delta?$select=displayName,members")

    tenant.rename_group(finance.id, "Treasury")
    news = await _news(graph, link)

    assert news == {finance.id: {"id": finance.id, "displayName": "Treasury"}}


async def test_a_deleted_group_says_whether_it_can_come_back(graph: Any, tenant: Tenant) -> None:
    """Microsoft 365 groups rest in the bin for thirty days, others are gone."""
    choir = tenant.create_group("Choir", groupTypes=["Unified"])
    keys = tenant.create_group("Keys")
    _, link = await _round(graph, "/v1.0/groups/delta?$select=displayName,members")

    tenant.delete_group(choir.id)
    tenant.delete_group(keys.id)
    news = await _news(graph, link)

    assert news[choir.id]["@removed"] == {"reason": "changed"}
    assert news[keys.id]["@removed"] == {"reason": "deleted"}


async def test_a_deleted_person_leaves_the_groups_in_delta(graph: Any, tenant: Tenant) -> None:
    """Whoever follows only groups learns of leavers there."""
    finance = next(each for each in tenant.groups() if each.display_name == "Finance")
    hired = tenant.hire("Ada Byron", groups=[finance.id])
    _, link = await _round(graph, "/v1.0/groups/delta?$select=members")

    tenant.delete(hired.id)
    news = await _news(graph, link)

    assert {
        "@odata.type": "#microsoft.graph.user",
        "id": hired.id,
        "@removed": {"reason": "deleted"},
    } in news[finance.id]["members@delta"]


class Follower:
    """A client that merges what it is told, idempotently, and believes nothing else."""

    def __init__(self, start: str, *, minimal: bool) -> None:
        self.url = start
        self.headers = {"Prefer": "return=minimal"} if minimal else {}
        self.minimal = minimal
        self.known: dict[str, dict[str, Any]] = {}
        self.members: dict[str, set[str]] = {}
        self.rounds = 0

    async def step(self, graph: Any) -> None:
        """Read one page and merge it."""
        reply = await graph.get(self.url, **self.headers)
        assert reply.status == 200, reply.body
        page = reply.json()
        for entry in page["value"]:
            self._merge(entry)
        if "@odata.deltaLink" in page:
            self.rounds += 1
        self.url = page.get("@odata.nextLink") or page["@odata.deltaLink"]

    def _merge(self, entry: dict[str, Any]) -> None:
        object_id = entry["id"]
        if "@removed" in entry:
            self.known.pop(object_id, None)
            self.members.pop(object_id, None)
            return
        members = self.members.setdefault(object_id, set())
        for member in entry.pop("members@delta", ()):
            if "@removed" in member:
                members.discard(member["id"])
            else:
                members.add(member["id"])
        known = self.known.setdefault(object_id, {})
        if not self.minimal:
            known.clear()
        known.update(entry)


def _shuffle_the_tenant(tenant: Tenant, chance: Random) -> None:
    """One thing happens, of those that happen in companies."""
    people = [each.id for each in tenant.people()]
    groups = [each.id for each in tenant.groups()]
    binned = [each.id for each in tenant.recycle_bin()]
    match chance.randrange(14):
        case 0:
            tenant.hire(
                groups=[g for g in groups if chance.random() < 0.2 and _is_static(tenant, g)]
            )
        case 1:
            tenant.rename(chance.choice(people), display_name=f"Renamed {chance.randrange(1000)}")
        case 2:
            who = tenant.user(chance.choice(people))
            tenant.rename(who.id, upn=f"x{chance.randrange(10**9)}@{tenant.domain}")
        case 3:
            department = chance.choice(["Engineering", "Sales", None])
            tenant.update(chance.choice(people), department=department)
        case 4:
            phones = chance.choice([[], ["+44 20 7946 0101"]])
            tenant.update(chance.choice(people), businessPhones=phones)
        case 5:
            tenant.disable(chance.choice(people))
        case 6:
            tenant.enable(chance.choice(people))
        case 7:
            tenant.delete(chance.choice(people))
        case 8 if binned:
            tenant.restore(chance.choice(binned))
        case 9 if binned:
            tenant.purge(chance.choice(binned))
        case 10:
            tenant.create_group(
                f"Group {chance.randrange(1000)}",
                members=chance.sample(people, min(5, len(people))),
                groupTypes=chance.choice([[], ["Unified"]]),
            )
        case 11 if len(groups) > 3:
            tenant.delete_group(chance.choice(groups))
        case 12:
            tenant.rename_group(chance.choice(groups), f"Renamed {chance.randrange(1000)}")
        case _:
            group = chance.choice(groups)
            verb = chance.choice([tenant.add_member, tenant.remove_member])
            verb(group, chance.choice([*people, *groups]))


def _is_static(tenant: Tenant, group_id: str) -> bool:
    return not tenant.group(group_id).is_dynamic


def _truth(tenant: Tenant) -> tuple[dict[str, Any], dict[str, Any], dict[str, set[str]]]:
    people = {
        each.id: (
            each.display_name,
            each.mail,
            each.account_enabled,
            each.department,
            each.business_phones,
        )
        for each in tenant.people()
    }
    groups = {each.id: each.display_name for each in tenant.groups()}
    members = {group_id: set(map(str, tenant.members_of(group_id))) for group_id in groups}
    return people, groups, members


def _believed(
    users: Follower, groups: Follower
) -> tuple[dict[str, Any], dict[str, Any], dict[str, set[str]]]:
    people = {
        object_id: (
            each.get("displayName"),
            each.get("mail"),
            each.get("accountEnabled"),
            each.get("department"),
            tuple(each.get("businessPhones", ())),
        )
        for object_id, each in users.known.items()
    }
    named = {object_id: each.get("displayName") for object_id, each in groups.known.items()}
    return people, named, groups.members


def _quirks(chance: Random) -> Iterator[tuple[str, float]]:
    yield "short_pages", chance.choice([0.0, 0.5])
    yield "empty_pages", chance.choice([0.0, 0.3])
    yield "delta_duplicates", chance.choice([0.0, 0.3])
    yield "delta_replays", chance.choice([0.0, 0.5])
    yield "replication_delay_s", chance.choice([0.0, 5.0])
    yield "replication_delay_reads", chance.choice([0, 3])
    yield "delta_page_objects", chance.choice([3, 10])
    yield "delta_page_members", chance.choice([2, 15])


async def _live_through(seed: int, client_of: Callable[..., Any]) -> None:
    chance = Random(seed)
    clock = Clock.standing(NOON)
    emulator = Emulator(people=25, seed=seed % 7, clock=clock)
    emulator.throttle.own_limit = 10**9
    tenant = emulator.tenant
    tenant.quirks = replace(tenant.quirks, seed=seed, **dict(_quirks(chance)))
    graph = client_of(emulator)
    app = emulator.register(secret="s")
    token = emulator.tokens.issue(app, "https://graph.microsoft.com", "secret")
    graph.headers["authorization"] = f"Bearer {token.value}"
    minimal = chance.random() < 0.5
    users = Follower(f"/v1.0/users/delta?$select={SELECT}", minimal=minimal)
    groups = Follower("/v1.0/groups/delta?$select=displayName,members", minimal=minimal)

    for _ in range(60):
        for _ in range(chance.randrange(4)):
            try:
                _shuffle_the_tenant(tenant, chance)
            except Refused:
                continue
        clock.advance(timedelta(seconds=chance.randrange(4)))
        await chance.choice([users, groups]).step(graph)
    # Quiet now: what lags catches up, the rounds under way end, and one more follows.
    clock.advance(timedelta(seconds=60))
    for follower in (users, groups):
        for _ in range(4):
            await graph.get("/v1.0/users?$top=1")
        done = follower.rounds + 2
        while follower.rounds < done:
            await follower.step(graph)

    assert _believed(users, groups) == _truth(tenant)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(min_value=0, max_value=2**32 - 1))
def test_who_merges_idempotently_ends_with_the_truth(
    client_of: Callable[..., Any], seed: int
) -> None:
    """Whatever happens between whichever pages, under every quirk, nothing is lost for good."""
    asyncio.run(_live_through(seed, client_of))
