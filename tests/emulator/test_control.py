import html
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from m365_emulator.apps import Application
from m365_emulator.server import Emulator

SECRET = "correct~horse+battery&staple"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def person(emulator: Emulator) -> str:
    """Somebody with an enabled account."""
    return next(each.id for each in emulator.tenant.people() if each.account_enabled)


@pytest.fixture
def group(emulator: Emulator) -> str:
    """A group whose members are given by hand."""
    return emulator.tenant.create_group("Night shift").id


# --- people and groups by the API ----------------------------------------------------------------


async def test_the_state_says_who_and_how_many(emulator: Emulator, client: Any) -> None:
    """The first thing that a script or a page asks."""
    state = (await client.get("/_emulator/state")).json()

    assert state["tenant"]["id"] == emulator.tenant.id
    assert state["directory"]["people"] == 20
    assert state["now"] == "2026-11-23T12:00:00Z"
    assert state["counters"]["requests"] == 0


async def test_somebody_hired_is_in_graph(client: Any, graph: Any, group: str) -> None:
    """What is played here is what the product sees."""
    hired = await client.post(
        "/_emulator/people",
        {
            "displayName": "Åsa Öberg",
            "groups": [group],
            "properties": {"department": "Sales", "mobilePhone": "+46 70 123 45 67"},
        },
    )

    person = hired.json()
    seen = (await graph.get(f"/v1.0/users/{person['id']}?$select=displayName,department")).json()
    assert hired.status == 200
    assert group in [each["id"] for each in person["groups"]]
    assert (seen["displayName"], seen["department"]) == ("Åsa Öberg", "Sales")


async def test_people_are_found_by_part_of_a_name(client: Any) -> None:
    """Nobody knows an object id by heart."""
    await client.post("/_emulator/people", {"displayName": "Zacharias Quill"})

    found = (await client.get("/_emulator/people?search=QUILL")).json()["people"]

    assert [each["displayName"] for each in found] == ["Zacharias Quill"]


async def test_a_person_can_be_renamed_updated_and_moved(
    client: Any, person: str, group: str
) -> None:
    """The verbs of a working life."""
    at = f"/_emulator/people/{person}"

    await client.post(
        f"{at}/rename", {"displayName": "Ann Hill", "userPrincipalName": "ann.hill@hill.example"}
    )
    await client.send_json("PATCH", at, {"jobTitle": "Director", "mobilePhone": None})
    await client.post(f"{at}/move", {"add": [group]})
    now = (await client.get(at)).json()

    assert (now["displayName"], now["userPrincipalName"]) == ("Ann Hill", "ann.hill@hill.example")
    assert (now["jobTitle"], now["mobilePhone"]) == ("Director", None)
    assert group in [each["id"] for each in now["groups"]]


async def test_a_person_can_leave_and_come_back(client: Any, person: str) -> None:
    """Disable, enable, delete, restore: each shows at once."""
    at = f"/_emulator/people/{person}"

    disabled = (await client.post(f"{at}/disable")).json()
    enabled = (await client.post(f"{at}/enable")).json()
    deleted = (await client.post(f"{at}/delete")).json()
    bin_then = (await client.get("/_emulator/recycle-bin")).json()["deleted"]
    await client.post(f"/_emulator/recycle-bin/{person}/restore")
    bin_now = (await client.get("/_emulator/recycle-bin")).json()["deleted"]

    assert (disabled["accountEnabled"], enabled["accountEnabled"]) == (False, True)
    assert deleted["deleted"]
    assert [each["id"] for each in bin_then] == [person]
    assert bin_now == []


async def test_who_is_purged_is_gone_for_good(client: Any, person: str) -> None:
    """There is no way back out of it."""
    await client.post(f"/_emulator/people/{person}/delete")

    purged = await client.post(f"/_emulator/recycle-bin/{person}/purge")
    restored = await client.post(f"/_emulator/recycle-bin/{person}/restore")

    assert (purged.status, restored.status) == (204, 404)


async def test_licences_can_be_taken_and_given(client: Any, person: str) -> None:
    """Who has a mailbox and Teams hangs on them."""
    at = f"/_emulator/people/{person}/licences"

    none = (await client.post(at, {"skus": []})).json()
    unknown = await client.post(at, {"skus": ["NO_SUCH_THING"]})

    assert none["assignedLicenses"] == []
    assert unknown.status == 400


async def test_groups_can_be_made_filled_renamed_and_deleted(client: Any, person: str) -> None:
    """Departments come from them."""
    made = (await client.post("/_emulator/groups", {"displayName": "Reception"})).json()
    at = f"/_emulator/groups/{made['id']}"

    filled = (await client.post(f"{at}/members", {"add": [person]})).json()
    renamed = (await client.send_json("PATCH", at, {"displayName": "Front desk"})).json()
    emptied = (await client.post(f"{at}/members", {"remove": [person]})).json()
    deleted = await client.send("DELETE", at)
    after = await client.get(at)

    assert filled["members"] == [person]
    assert renamed["displayName"] == "Front desk"
    assert emptied["members"] == []
    assert (deleted.status, after.status) == (204, 404)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        pytest.param("GET", "/people/nobody", None, 404, id="unknown_person"),
        pytest.param("POST", "/people", {"name": "Ann"}, 400, id="misspelt_field"),
        pytest.param("POST", "/people", {"properties": {"x": 1}}, 400, id="unknown_property"),
        pytest.param("POST", "/people", [], 400, id="a_list"),
        pytest.param("POST", "/groups", {}, 400, id="a_group_without_a_name"),
        pytest.param("GET", "/people?limit=many", None, 400, id="not_a_number"),
        pytest.param("DELETE", "/faults/fault-9", None, 404, id="unknown_fault"),
        pytest.param("POST", "/faults", {"kind": "rain"}, 400, id="unknown_kind"),
        pytest.param("PATCH", "/quirks", {"short_pages": 2}, 400, id="habit_out_of_range"),
        pytest.param("POST", "/clock/advance", {"seconds": -1}, 400, id="time_going_back"),
        pytest.param("GET", "/apps/unknown", None, 404, id="unknown_app"),
        pytest.param("POST", "/apps", {"roles": ["X.Y"]}, 400, id="unknown_role"),
        pytest.param(
            "POST", "/apps", {"certificates": [{"pem": "x"}]}, 400, id="not_a_certificate"
        ),
        pytest.param("GET", "/nothing", None, 404, id="no_such_path"),
        pytest.param("DELETE", "/state", None, 405, id="no_such_verb"),
    ],
)
async def test_a_wrong_order_is_refused_with_a_sentence(
    client: Any, method: str, path: str, body: Any, status: int
) -> None:
    """A test that drives the stage wrongly must hear of it."""
    reply = await client.send_json(method, f"/_emulator{path}", body)

    assert reply.status == status
    assert reply.json()["error"]


# --- apps, tokens, faults, time ------------------------------------------------------------------


async def test_an_app_registered_here_gets_tokens(
    emulator: Emulator, client: Any, credential: Any
) -> None:
    """What the portal's registration pages do."""
    made = (
        await client.post(
            "/_emulator/apps",
            {
                "displayName": "Jackfield",
                "roles": ["User.Read.All"],
                "secrets": [{"displayName": "made up"}, {"value": SECRET}],
                "certificates": [{"pem": credential.pem.decode()}],
            },
        )
    ).json()
    form = {
        "grant_type": "client_credentials",
        "client_id": made["appId"],
        "client_secret": made["secrets"][0]["value"],
        "scope": "https://graph.microsoft.com/.default",
    }

    granted = await client.post_form(f"/{emulator.tenant.id}/oauth2/v2.0/token", form)
    listed = (await client.get(f"/_emulator/apps/{made['appId']}")).json()

    assert granted.status == 200
    assert made["certificates"][0]["displayName"] == "CN=jackfield"
    assert [secret["value"] for secret in listed["secrets"]] == [None, None]


async def test_an_app_that_could_not_be_made_whole_is_not_there(client: Any) -> None:
    """Half an app would block its client id."""
    order = {"appId": "9c1f0000-0000-4000-8000-000000000001", "certificates": [{"pem": "x"}]}

    refused = await client.post("/_emulator/apps", order)
    again = await client.post("/_emulator/apps", order | {"certificates": []})

    assert (refused.status, again.status) == (400, 200)


async def test_credentials_come_and_go(client: Any, app: Application) -> None:
    """Rotation and expiry are played with them."""
    at = f"/_emulator/apps/{app.app_id}"
    added = (
        await client.post(
            f"{at}/credentials", {"secret": {"value": "x", "endsAt": "2026-12-01T00:00:00Z"}}
        )
    ).json()

    key = added["secrets"][1]["keyId"]
    removed = await client.send("DELETE", f"{at}/credentials/{key}")
    again = await client.send("DELETE", f"{at}/credentials/{key}")
    both = await client.post(f"{at}/credentials", {})

    assert added["secrets"][1]["endsAt"] == "2026-12-01T00:00:00Z"
    assert (removed.status, again.status, both.status) == (204, 404, 400)


async def test_consent_can_be_taken_back(client: Any, app: Application) -> None:
    """A 403 later on comes from here."""
    at = f"/_emulator/apps/{app.app_id}"

    changed = (await client.send_json("PATCH", at, {"roles": [], "enabled": False})).json()
    removed = await client.send("DELETE", at)

    assert (changed["roles"], changed["enabled"]) == ([], False)
    assert removed.status == 204
    assert (await client.get("/_emulator/apps")).json() == {"apps": []}


async def test_tokens_can_be_revoked(client: Any, graph: Any) -> None:
    """As an incident would."""
    revoked = (await client.post("/_emulator/tokens/revoke")).json()

    assert revoked == {"revoked": 1}
    assert (await graph.get("/v1.0/users")).status == 401


async def test_faults_are_switched_on_listed_and_switched_off(client: Any, graph: Any) -> None:
    """While it runs, without a restart."""
    fault = (
        await client.post("/_emulator/faults", {"kind": "unavailable", "path": "/v1.0/users*"})
    ).json()
    during = (await graph.get("/v1.0/users")).status
    listed = (await client.get("/_emulator/faults")).json()["faults"]
    off = await client.send("DELETE", f"/_emulator/faults/{fault['id']}")
    after = (await graph.get("/v1.0/users")).status

    assert (during, off.status, after) == (503, 204, 200)
    assert [(each["id"], each["struck"]) for each in listed] == [(fault["id"], 1)]


async def test_all_faults_are_switched_off_at_once(client: Any, graph: Any) -> None:
    """The end of an outage."""
    for kind in ("unavailable", "slow"):
        await client.post("/_emulator/faults", {"kind": kind})

    await client.send("DELETE", "/_emulator/faults")

    assert (await graph.get("/v1.0/users")).status == 200


async def test_replication_lags_when_told_to(client: Any, graph: Any, person: str) -> None:
    """Readers see a change only after the delay."""
    await client.send_json("PATCH", "/_emulator/quirks", {"replication_delay_s": 30})
    await client.send_json("PATCH", f"/_emulator/people/{person}", {"jobTitle": "Director"})
    url = f"/v1.0/users/{person}?$select=jobTitle"

    before = (await graph.get(url)).json()["jobTitle"]
    await client.post("/_emulator/clock/advance", {"seconds": 31})
    after = (await graph.get(url)).json()["jobTitle"]

    assert before != "Director"
    assert after == "Director"


async def test_delta_links_can_be_forgotten(client: Any, graph: Any) -> None:
    """What a server that was off for a week meets."""
    link = (await graph.get("/v1.0/users/delta?$deltatoken=latest")).json()["@odata.deltaLink"]

    await client.post("/_emulator/delta-links/forget")

    assert (await graph.get(link)).status == 410


async def test_the_throttle_can_be_narrowed_and_widened(client: Any) -> None:
    """A quota small enough to meet in a test."""
    narrowed = (await client.send_json("PUT", "/_emulator/throttle", {"unitsPer10S": 7})).json()
    widened = (await client.send_json("PUT", "/_emulator/throttle", {"unitsPer10S": None})).json()

    assert (narrowed, widened) == ({"unitsPer10S": 7}, {"unitsPer10S": 3500})


async def test_the_clock_goes_forward(client: Any) -> None:
    """A week passes in no time."""
    said = (await client.post("/_emulator/clock/advance", {"seconds": 3600})).json()

    assert said == {"now": "2026-11-23T13:00:00Z", "advancedByS": 3600.0}


async def test_the_last_requests_can_be_read(client: Any, graph: Any) -> None:
    """A test asserts on what was asked, with the id that the client saw."""
    replies = [await graph.get(f"/v1.0/users?$top={number}") for number in (1, 2, 3)]

    said = (await client.get("/_emulator/requests?last=2")).json()["requests"]
    later = (await client.get(f"/_emulator/requests?after={said[0]['number']}")).json()["requests"]

    assert [each["query"] for each in said] == ["$top=2", "$top=3"]
    assert [each["requestId"] for each in said] == [
        reply.headers["request-id"] for reply in replies[1:]
    ]
    assert (said[1]["method"], said[1]["path"], said[1]["status"]) == ("GET", "/v1.0/users", 200)
    assert later == said[1:]
    assert (await client.send("DELETE", "/_emulator/requests")).status == 204
    assert (await client.get("/_emulator/requests")).json() == {"requests": []}


async def test_a_part_of_a_batch_is_written_down_with_its_batch(client: Any, graph: Any) -> None:
    """Parts are requests too."""
    body = {"requests": [{"id": "1", "method": "GET", "url": "/users?$top=1"}]}

    outer = await graph.post("/v1.0/$batch", body)

    part, whole = (await client.get("/_emulator/requests")).json()["requests"]
    assert (part["path"], whole["path"]) == ("/v1.0/users", "/v1.0/$batch")
    assert part["partOf"] == whole["requestId"] == outer.headers["request-id"]
    assert part["appId"] == whole["appId"] is not None


async def test_what_is_played_is_not_written_down_as_traffic(client: Any) -> None:
    """The counters count the product's requests, not ours."""
    await client.get("/_emulator/people")

    assert (await client.get("/_emulator/state")).json()["counters"]["requests"] == 0


async def test_a_reset_brings_the_first_day_back(
    emulator: Emulator, client: Any, graph: Any, person: str
) -> None:
    """One stage serves many tests."""
    first_id = emulator.tenant.id
    emulator.keep_registrations()
    await client.post("/_emulator/apps", {"displayName": "Another"})
    await client.post(f"/_emulator/people/{person}/delete")
    await client.post("/_emulator/faults", {"kind": "slow"})

    state = (await client.post("/_emulator/reset")).json()

    assert (state["tenant"]["id"], state["directory"]["deleted"]) == (first_id, 0)
    assert state["faultsInForce"] == 0
    assert len((await client.get("/_emulator/apps")).json()["apps"]) == 1
    assert (await graph.get("/v1.0/users")).status == 200


async def test_a_reset_may_bring_another_population(client: Any) -> None:
    """Size and seed are what a population is made of."""
    state = (await client.post("/_emulator/reset", {"people": 60, "seed": 8})).json()

    assert (state["directory"]["people"], state["seed"]) == (60, 8)


# --- who may play --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"host": "127.0.0.1:8365"}, 200, id="loopback_address"),
        pytest.param({"host": "[::1]:8365"}, 200, id="loopback_v6"),
        pytest.param({"host": "evil.example"}, 403, id="rebound_name"),
        pytest.param({"host": "localhost.evil.example"}, 403, id="name_that_begins_well"),
        pytest.param({"host": "[::1"}, 403, id="malformed"),
        pytest.param({"host": ""}, 403, id="empty"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/_emulator/state"])
async def test_only_loopback_names_are_served(
    client: Any, path: str, headers: dict[str, str], status: int
) -> None:
    """A page on the web can point a name of its own at this machine."""
    assert (await client.send("GET", path, headers=headers)).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 204, id="a_script"),
        pytest.param({"origin": "http://localhost"}, 204, id="our_own_page"),
        pytest.param({"origin": "http://evil.example"}, 403, id="another_site"),
        pytest.param({"origin": "null"}, 403, id="a_sandboxed_page"),
        pytest.param({"origin": "https://localhost"}, 403, id="another_scheme"),
        pytest.param({"sec-fetch-site": "cross-site"}, 403, id="by_fetch_metadata"),
        pytest.param({"sec-fetch-site": "same-origin"}, 204, id="own_by_fetch_metadata"),
    ],
)
async def test_another_site_may_not_play(client: Any, headers: dict[str, str], status: int) -> None:
    """Whoever visits a bad page must not lose a tenant, even an emulated one."""
    reply = await client.send("DELETE", "/_emulator/faults", headers=headers)

    assert reply.status == status


# --- the page ------------------------------------------------------------------------------------


class Labels(HTMLParser):
    """Finds fields that no label names, and handlers or styles written into the page."""

    def __init__(self) -> None:
        super().__init__()
        self.unnamed: list[str] = []
        self.inline: list[str] = []
        self._inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self._inside += tag == "label"
        if tag in {"input", "select"} and named.get("type") != "hidden" and not self._inside:
            self.unnamed.append(str(named))
        if tag == "style" or (tag == "script" and "src" not in named):
            self.inline.append(tag)
        self.inline += [name for name in named if name == "style" or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag == "label"


@pytest.fixture
def play(client: Any) -> Callable[..., Any]:
    """Sends a form of the page and follows it back."""

    async def send(verb: str, **fields: str) -> str:
        sent = await client.post_form(f"/_emulator/page/{verb}", fields)
        assert sent.status == 303
        return html.unescape((await client.get(sent.headers["location"])).body.decode())

    return send


async def test_the_page_shows_the_tenant(emulator: Emulator, client: Any, person: str) -> None:
    """People, groups, counters and the person chosen, on one address."""
    reply = await client.get(f"/?person={person}")

    text = html.unescape(reply.body.decode())
    assert reply.status == 200
    assert emulator.tenant.display_name in text
    assert str(emulator.tenant.user(person).user_principal_name) in text
    assert "Disable the account" in text
    assert "None: the tenant behaves." in text


async def test_every_field_has_a_label_and_nothing_is_inline(client: Any, person: str) -> None:
    """A screen reader names each field, and the policy needs no exception."""
    await client.post_form("/_emulator/page/fault-on", {"kind": "slow"})
    reply = await client.get(f"/?person={person}")
    found = Labels()

    found.feed(reply.body.decode())

    assert (found.unnamed, found.inline) == ([], [])
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "unsafe" not in reply.headers["content-security-policy"]


async def test_what_the_page_loads_is_there(client: Any) -> None:
    """Style and script come from the stage itself."""
    text = (await client.get("/")).body.decode()

    for path in re.findall(r'(?:href|src)="(/_emulator/static/[^"]+)"', text):
        assert (await client.get(path)).status == 200
    assert (await client.get("/_emulator/static/no.css")).status == 404
    assert (await client.get("/_emulator/static/..%2Fpage.py")).status == 404


async def test_groups_of_one_name_are_told_apart_on_the_page(
    emulator: Emulator, client: Any, person: str
) -> None:
    """Which "Sales" somebody joins decides on their extension's department."""
    team = emulator.tenant.create_group("Twins", groupTypes=["Unified"])
    other = emulator.tenant.create_group("Twins")

    page = (await client.get(f"/?person={person}")).body.decode()

    assert f"Twins (Microsoft 365 group, {team.mail})</option>" in page
    assert f"Twins (security group, {other.id})</option>" in page
    assert page.count(f"Twins (security group, {other.id})</span>") == 1


async def test_hiring_on_the_page_says_who_joined(emulator: Emulator, play: Any) -> None:
    """One click, one sentence."""
    text = await play("hire", displayName="Noor de Wit", department="Sales")

    hired = emulator.tenant.search_people("Noor de Wit")[0]
    assert f"Noor de Wit joins as {hired.user_principal_name}." in text
    assert hired.department == "Sales"


async def test_a_life_played_on_the_page(
    emulator: Emulator, play: Any, person: str, group: str
) -> None:
    """Every verb of the page, once, as a person would."""
    tenant = emulator.tenant
    told = [
        await play(
            "rename", person=person, displayName="Ann Hill", userPrincipalName="a@x.example"
        ),
        await play("update", person=person, jobTitle="Director", businessPhone="+44 20 7946 0101"),
        await play("join", person=person, group=group),
        await play("leave", person=person, group=group),
        await play("disable", person=person),
        await play("enable", person=person),
        await play("delete", person=person),
        await play("restore", object=person),
    ]

    sentences = [
        "Ann Hill is now a@x.example.",
        "Ann Hill is saved.",
        "Ann Hill joins Night shift.",
        "Ann Hill leaves Night shift.",
        "Ann Hill is disabled.",
        "Ann Hill is enabled.",
        "Ann Hill is in the recycle bin.",
        "Ann Hill is back.",
    ]
    assert [said for said, text in zip(sentences, told, strict=True) if said not in text] == []
    assert tenant.user(person).business_phones == ("+44 20 7946 0101",)
    assert tenant.user(person).department is None


async def test_groups_and_faults_on_the_page(emulator: Emulator, play: Any, group: str) -> None:
    """The other half of its forms."""
    assert "is now called Day shift." in await play(
        "rename-group", group=group, displayName="Day shift"
    )
    assert "Day shift is deleted." in await play("delete-group", group=group)
    assert "The group Choir is there." in await play(
        "create-group", displayName="Choir", kind="unified"
    )
    assert "Switched on: Slow answers." in await play(
        "fault-on", kind="slow", percent="20", seconds="2", count="3"
    )
    order = emulator.faults.in_force()[0].order
    assert (order.probability, order.delay_s, order.count) == (0.2, 2.0, 3)
    assert "Switched off." in await play("fault-off", fault="fault-1")
    assert "30 s late" in await play("lag", seconds="30")
    assert emulator.tenant.quirks.replication_delay_s == 30


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        pytest.param("disable", {}, id="nobody_chosen"),
        pytest.param("disable", {"person": "nobody"}, id="somebody_unknown"),
        pytest.param("fault-on", {"kind": "slow", "percent": "many"}, id="not_a_number"),
        pytest.param("fault-on", {"kind": "rain"}, id="no_such_fault"),
        pytest.param("fault-on", {"kind": "slow", "percent": "0"}, id="never"),
        pytest.param("fault-off", {"fault": "fault-9"}, id="off_already"),
        pytest.param("lag", {"seconds": "-1"}, id="negative_delay"),
        pytest.param("purge", {"object": "x"}, id="not_in_the_bin"),
        pytest.param("create-group", {"displayName": "  "}, id="a_group_without_a_name"),
    ],
)
async def test_what_cannot_be_done_is_said_on_the_page(
    play: Any, verb: str, fields: dict[str, str]
) -> None:
    """A person sees a sentence, not an error page."""
    assert "Refused: " in await play(verb, **fields)


async def test_a_sentence_is_said_once(client: Any, play: Any) -> None:
    """A reload does not repeat it."""
    await play("hire", displayName="Noor de Wit")

    assert "joins as" not in (await client.get("/")).body.decode()


async def test_names_cannot_break_the_page(emulator: Emulator, client: Any) -> None:
    """Tenants hold names with angle brackets, quotes and right-to-left text."""
    hired = emulator.tenant.hire("<script>alert(1)</script> \"'&\u202e")

    text = (await client.get(f"/?person={hired.id}&q=%3Cscript%3E")).body.decode()

    assert "<script>alert" not in text


async def test_an_unknown_verb_of_the_page_is_404(client: Any) -> None:
    """No form leads there."""
    assert (await client.post_form("/_emulator/page/fly", {})).status == 404
