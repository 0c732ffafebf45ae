"""The installation over the API: figures, the connection, journal, alarms, tokens, passwords."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from doubles.api_caller import API, ApiCaller
from doubles.house import SECRET, House
from jackfield.core.journal_kinds import LineKind
from jackfield.flows.signin import SignedIn, SignInRefused
from jackfield.store.alarms import begin_alarm, end_alarm
from jackfield.store.journal import Line, append_lines
from jackfield.store.vault import Vault
from m365_emulator.server import Emulator

HOST = "localhost:8365"


def asked(stage: Emulator, house: House, **changes: Any) -> dict[str, Any]:
    """What an administrator sends to connect."""
    good = {
        "tenant_id": stage.tenant.id,
        "client_id": house.apps[HOST],
        "client_secret": SECRET,
        "login_url": f"http://{HOST}",
        "graph_url": f"http://{HOST}",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


async def test_figures_before_and_after_the_first_sync(api: ApiCaller) -> None:
    """A monitor asks this once a minute."""
    before = await api.get("/status")
    stage = api.house.raise_stage(people=60)
    await api.post("/connection", asked(stage, api.house))
    await api.sync()

    after = await api.get("/status")

    assert before == {
        "connected": False,
        "organisation": "",
        "sync": False,
        "people": 0,
        "linked": 0,
        "in_sync": 0,
        "extensions": 0,
        "open_alarms": 0,
        "waiting_plan": None,
        "held": None,
        "undecided": None,
        "last_run": None,
        "photos": {
            "on": True,
            "shown": 0,
            "none": 0,
            "unusable": 0,
            "unread": 0,
            "last_run": None,
        },
        "graph": {
            "calls": 0,
            "throttled": 0,
            "failed": 0,
            "closed_for_s": 0.0,
            "latency_median_ms": before["graph"]["latency_median_ms"],
        },
    }
    assert after["connected"] is after["sync"] is True
    assert (after["people"], after["organisation"]) == (60, stage.tenant.display_name)
    assert after["linked"] == after["extensions"] > 30
    assert after["last_run"] == (await api.get("/runs"))["runs"][0]
    assert after["graph"]["calls"] > 3


async def test_a_connection_is_proven_stored_and_told_without_its_secret(api: ApiCaller) -> None:
    """By a domain of the organisation as well as by its id."""
    stage = api.house.raise_stage(people=3)
    domain = stage.tenant.domain

    made = await api.post("/connection", asked(stage, api.house, tenant_id=domain, sync=False))
    answer = await api.ask("GET", "/connection")

    assert made == {
        "tid": stage.tenant.id,
        "organisation": stage.tenant.display_name,
        "missing_permissions": [],
        "next_step": "",
    }
    told = answer.body
    assert (told["connected"], told["tid"]) == (True, stage.tenant.id)
    assert (told["credential"], told["cloud"]) == ("secret", "own")
    assert (await api.get("/status"))["sync"] is False
    assert SECRET.encode() not in answer.content
    assert (await api.get("/journal", kind="tenant."))["lines"][0]["by"] == "token test"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"client_secret": "wrong"}, "secret", id="wrong_secret"),
        pytest.param({"client_id": "0" * 8}, "application", id="unknown_application"),
        pytest.param({"client_secret": None}, "one credential", id="no_credential"),
        pytest.param({"certificate": "x"}, "one credential", id="two_credentials"),
        pytest.param(
            {"client_secret": None, "certificate": "not a PEM"}, "certificate", id="no_pem"
        ),
        pytest.param({"client_secret": " "}, "secret", id="empty_secret"),
        pytest.param(
            {"tenant_id": "nowhere.example"}, "tenant does not exist", id="unknown_tenant"
        ),
        pytest.param({"tenant_id": ""}, "tenant", id="no_tenant"),
        pytest.param({"graph_url": ""}, "as a pair", id="half_an_address"),
        pytest.param({"graph_url": "ftp://x.example"}, "https", id="no_http"),
        pytest.param({"login_url": "http://login.example"}, "https", id="clear_text"),
        pytest.param({"login_url": "nonsense", "graph_url": "nonsense"}, "nonsense", id="no_url"),
        pytest.param({"login_url": "", "graph_url": "", "cloud": "own"}, "", id="own_cloud"),
    ],
)
async def test_a_connection_that_does_not_work_is_not_stored(
    api: ApiCaller, changes: dict[str, Any], says: str
) -> None:
    """What is wrong is said at once, by the one who can mend it, and nothing is changed."""
    stage = api.house.raise_stage(people=3)

    answer = await api.ask("POST", "/connection", asked(stage, api.house, **changes))

    assert answer.status == 422, answer.content
    assert says.lower() in answer.detail.lower()
    assert SECRET not in answer.detail
    assert (await api.get("/connection"))["connected"] is False


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"cloud": "moon"}, "it takes china, dod, global, own, usgov", id="cloud"),
        pytest.param({"tenant_id": 5}, "`tenant_id`: Expected `str`, got `int`", id="number"),
        pytest.param({"secret": "x"}, "unknown field `secret`", id="misspelt"),
        pytest.param({"client_id": None}, "missing required field `client_id`", id="missing"),
    ],
)
async def test_a_connection_that_cannot_be_read_is_refused(
    api: ApiCaller, changes: dict[str, Any], says: str
) -> None:
    """With the place, before anybody is asked."""
    stage = api.house.raise_stage(people=3)

    answer = await api.ask("POST", "/connection", asked(stage, api.house, **changes))

    assert answer.status == 400
    assert says in answer.detail


async def test_a_missing_permission_is_named_and_stops_nothing(api: ApiCaller) -> None:
    """Without the right to read groups people are synced all the same."""
    stage = api.house.raise_stage(people=3)
    stage.registrations.grant(api.house.apps[HOST], ["User.Read.All"])

    made = await api.post("/connection", asked(stage, api.house))

    assert made["missing_permissions"] == ["GroupMember.Read.All"]
    assert "grant admin consent" in made["next_step"]
    told = await api.get("/connection")
    assert told["missing_permissions"] == ["GroupMember.Read.All"]


@pytest.mark.parametrize(
    "own",
    [
        {"login_url": "http://127.0.0.1:22", "graph_url": "https://10.0.0.1"},
        {"login_url": "https://login.example", "graph_url": "https://graph.example"},
        {"login_url": f"http://{HOST}", "graph_url": f"http://{HOST}", "ca_bundle": "PEM"},
    ],
    ids=["internal", "elsewhere", "authorities"],
)
async def test_a_tenants_administrator_gives_no_addresses_to_call(
    api: ApiCaller, own: dict[str, str]
) -> None:
    """The server stands in the provider's network: a customer must not look around in it."""
    await api.house.tenants.add("Customer", by="admin")
    stage = api.house.raise_stage(people=3)
    api.about("2")
    await api.post("/connection", asked(stage, api.house))
    theirs = await api.with_token(tenant=2)

    answer = await theirs.ask("POST", "/connection", asked(stage, api.house, **own))
    again = await theirs.ask("POST", "/connection", asked(stage, api.house))

    assert answer.status == 403
    assert "for who administers the whole installation" in answer.detail
    assert again.status == 200


async def test_another_organisation_is_refused_once_people_are_known(api: ApiCaller) -> None:
    """It would make all of them leavers."""
    stage = api.house.raise_stage(people=3)
    await api.post("/connection", asked(stage, api.house))
    await api.sync()
    other = api.house.raise_stage(people=3, seed=9, host="localhost:8366")
    addresses = dict.fromkeys(("login_url", "graph_url"), "http://localhost:8366")
    body = {"tenant_id": other.tenant.id, "client_id": api.house.apps["localhost:8366"]}

    answer = await api.ask("POST", "/connection", {**asked(stage, api.house), **body, **addresses})

    assert answer.status == 422
    assert "leavers" in answer.detail
    assert (await api.get("/connection"))["tid"] == stage.tenant.id


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"kind": "zzz"}, "they begin with account., adopt_extension., alarm.,"),
        ({"kind": "zzz."}, "they begin with account."),
        ({"kind": "create_extension"}, "of this family there are create_extension., "),
        ({"kind": "alarm.over"}, "of this family there are alarm., alarm.begun, alarm.ended."),
        ({"run": "abc"}, "takes the number of a run"),
        ({"since": "yesterday"}, "The parameter 'since' takes a moment such as"),
        ({"until": "2026-13-01"}, "'until' takes a moment"),
        ({"until": "0001-01-01T00:00+14:00"}, "The parameter 'until' takes a moment"),
        ({"since": "0001-01-01"}, "'since' takes a moment"),
        ({"since": "2026-11-23", "until": "2026-11-23"}, "'until' is not after 'since'"),
    ],
    ids=[
        "kind",
        "family",
        "no_dot",
        "end",
        "run",
        "since",
        "month",
        "before_time",
        "first_moment",
        "nothing_between",
    ],
)
async def test_a_filter_of_the_journal_that_fits_nothing_is_refused(
    api: ApiCaller, given: dict[str, str], says: str
) -> None:
    """A monitor with a misspelt kind would believe that nothing ever happened."""
    answer = await api.ask("GET", "/journal", **given)

    assert answer.status == 400
    assert says in answer.detail


async def test_the_journal_is_filtered_by_moments(api: ApiCaller) -> None:
    """What happened that night is asked for by its hours, in whatever zone somebody writes them."""
    for day in (21, 22, 23):
        async with api.house.database.write() as tx:
            line = Line(LineKind.SETTINGS_CHANGED, f"On the {day}.")
            await append_lines(tx, 1, [line], now=datetime(2026, 11, day, 23, 30, tzinfo=UTC))

    async def days(**asked: str) -> list[int]:
        lines = (await api.get("/journal", kind="settings.", **asked))["lines"]
        return [int(line["text"][7:9]) for line in lines]

    assert await days(since="2026-11-22") == [23, 22]
    assert await days(until="2026-11-22") == [21]
    assert await days(since="2026-11-22", until="2026-11-23") == [22]
    assert await days(since="2026-11-22T23:30:00Z", until="2026-11-23T23:30:00Z") == [22]
    assert await days(since="2026-11-23T00:30:00.1+01:00") == [23]


async def test_a_line_of_another_version_is_shown(api: ApiCaller) -> None:
    """After a step back to an older version the journal must still open."""
    async with api.house.database.write() as tx:
        line = Line("teleport.begun", "Something newer.")
        await append_lines(tx, 1, [line], now=api.house.clock.now())

    assert (await api.get("/journal"))["lines"][0]["kind"] == "teleport.begun"


async def test_the_journal_is_filtered_and_paged(synced: ApiCaller) -> None:
    """What was done is found by kind, by person, by run and by words."""
    whole = (await synced.get("/journal", limit=500))["lines"]
    seen: list[Any] = []
    before = None
    while True:
        page = await synced.get("/journal", limit=9, before=before)
        seen += page["lines"]
        before = page["next"]
        if before is None:
            break
    person = next(line for line in whole if line["kind"].startswith("create_extension"))

    assert seen == whole
    assert [line["seq"] for line in whole] == sorted((x["seq"] for x in whole), reverse=True)
    created = (await synced.get("/journal", kind="create_extension.", limit=500))["lines"]
    assert created == [x for x in whole if x["kind"] == "create_extension.done"]
    about = (await synced.get("/journal", subject=person["subject"]))["lines"]
    assert about == [x for x in whole if x["subject"] == person["subject"]]
    found = (await synced.get("/journal", text=person["name"], limit=500))["lines"]
    assert person in found
    of_run = (await synced.get("/journal", run=person["run"], limit=500))["lines"]
    assert of_run == [x for x in whole if x["run"] == person["run"]]


async def test_the_journal_is_cut_by_time(synced: ApiCaller) -> None:
    """`since` is still in, `until` is not: two days follow each other without a gap."""
    whole = (await synced.get("/journal", limit=500))["lines"]
    at = whole[0]["at"]
    day = (synced.house.clock.now() - timedelta(days=1)).date().isoformat()

    since = (await synced.get("/journal", since=at, limit=500))["lines"]
    until = (await synced.get("/journal", until=at, limit=500))["lines"]
    ever = (await synced.get("/journal", since=day, limit=500))["lines"]

    assert whole[0] in since
    assert since + until == whole
    assert ever == whole


async def test_alarms_stand_end_and_are_paged(api: ApiCaller) -> None:
    """Open ones by default; the history on request."""
    now = api.house.clock.now()
    async with api.house.database.write() as tx:
        for number in range(5):
            await begin_alarm(
                tx, 1, f"test.{number}", text=f"Alarm {number}.", next_step="Look.", now=now
            )
        await end_alarm(tx, 1, "test.3", now=now + timedelta(minutes=1))

    async def kinds(**query: Any) -> list[str]:
        seen = []
        before = None
        while True:
            page = await api.get("/alarms", limit=2, before=before, **query)
            seen += [one["kind"] for one in page["alarms"]]
            before = page["next"]
            if before is None:
                return seen

    assert await kinds() == ["test.4", "test.2", "test.1", "test.0"]
    assert await kinds(open_only=False) == ["test.4", "test.3", "test.2", "test.1", "test.0"]
    ended = (await api.get("/alarms", open_only=False))["alarms"][1]
    assert datetime.fromisoformat(ended["ended_at"]) == now + timedelta(minutes=1)
    assert (ended["severity"], ended["next_step"]) == ("warning", "Look.")


async def test_a_token_is_shown_once_used_noted_and_revoked(api: ApiCaller) -> None:
    """From then on it opens nothing; both are in the journal of the installation."""
    made = await api.post("/tokens", {"name": "Büro ☎", "days": 2})
    script = ApiCaller(api.console, made["token"])
    await script.get("/status")

    listed = await api.ask("GET", "/tokens")
    token = next(one for one in listed.body["tokens"] if one["id"] == made["id"])
    await api.delete(f"/tokens/{made['id']}")
    again = await api.ask("DELETE", f"/tokens/{made['id']}")

    assert made["token"].encode() not in listed.content
    assert (token["name"], token["role"], token["created_by"]) == (
        "Büro ☎",
        "administrator",
        "token test",
    )
    lasts = datetime.fromisoformat(token["expires_at"]) - datetime.fromisoformat(
        token["created_at"]
    )
    assert lasts == timedelta(days=2)
    assert token["last_used_at"] is not None
    assert (await script.ask("GET", "/status")).status == 401
    assert again.status == 404
    told = (await api.get("/journal", installation=True, kind="token."))["lines"]
    assert [(line["kind"], line["subject"]) for line in told] == [
        ("token.revoked", made["id"]),
        ("token.made", made["id"]),
    ]
    assert (await api.get("/journal", kind="token."))["lines"] == []


async def test_tokens_are_paged(api: ApiCaller) -> None:
    """A script that makes one a day fills the list."""
    for number in range(4):
        api.house.clock.advance(60)
        await api.post("/tokens", {"name": f"token {number}"})

    first = await api.get("/tokens", limit=3)
    second = await api.get("/tokens", limit=3, after=first["next"])
    bad = await api.ask("GET", "/tokens", after="nowhere")

    names = [one["name"] for one in first["tokens"] + second["tokens"]]
    assert names == ["test", "token 0", "token 1", "token 2", "token 3"]
    assert second["next"] is None
    assert bad.status == 400


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"name": ""}, "`name`: Expected `str` of length >= 1", id="no_name"),
        pytest.param({"name": "x" * 101}, "length <= 100", id="long_name"),
        pytest.param({"name": "x", "days": -1}, "`days`: Expected `int` >= 0", id="past"),
        pytest.param({"name": "x", "days": 3651}, "<= 3650", id="too_long"),
        pytest.param({"name": "x", "days": 1.5}, "`days`: Expected `int`", id="half_a_day"),
        pytest.param(
            {"name": "x", "role": "owner"}, "it takes administrator, viewer", id="no_such_role"
        ),
        pytest.param({"days": 3}, "missing required field `name`", id="missing"),
    ],
)
async def test_a_token_that_cannot_be_is_refused(
    api: ApiCaller, body: dict[str, Any], says: str
) -> None:
    """And none is made."""
    answer = await api.ask("POST", "/tokens", body)

    assert answer.status == 400
    assert says in answer.detail
    assert len((await api.get("/tokens"))["tokens"]) == 1


@pytest.mark.parametrize("name", ["a\nb", "a\u2028b", "\u202efdp.exe"])
async def test_a_tokens_name_is_one_line_that_turns_nothing_around(
    api: ApiCaller, name: str
) -> None:
    """It stands in the journal, in lists and in terminals."""
    answer = await api.ask("POST", "/tokens", {"name": name})

    assert answer.status == 422
    assert "in one line" in answer.detail


async def test_a_new_password_ends_the_old_ones_sessions(api: ApiCaller) -> None:
    """Who has lost it gets another; whoever has found it is out."""
    signin = api.console.rooms.signin
    old = await signin.ensure_owner()
    assert old is not None
    session = await signin.sign_in("admin", old, "127.0.0.1")
    assert isinstance(session, SignedIn)

    made = await api.post("/accounts/reset-password", {"name": "ADMIN"})

    assert made["name"] == "admin"
    assert await signin.viewer(session.cookie) is None
    assert isinstance(await signin.sign_in("admin", old, "127.0.0.1"), SignInRefused)
    assert isinstance(await signin.sign_in("admin", made["password"], "127.0.0.1"), SignedIn)
    told = (await api.get("/journal", installation=True, kind="account."))["lines"]
    (line,) = (line for line in told if line["kind"] == "account.password" and line["by"])
    assert line["text"] == "A new password was made for admin."


@pytest.mark.parametrize("role", ["administrator", "owner"])
async def test_administrators_and_the_owner_may_reset_a_password(api: ApiCaller, role: str) -> None:
    """The command line holds an owner's token, a script an administrator's."""
    await api.console.rooms.signin.ensure_owner()
    caller = await api.with_token(role)

    made = await caller.post("/accounts/reset-password", {})

    assert made["name"] == "admin"


async def test_nobody_else_may_reset_a_password(api: ApiCaller) -> None:
    """It would open the console to whoever can only look."""
    await api.console.rooms.signin.ensure_owner()
    viewer = await api.with_token("viewer")

    answer = await viewer.ask("POST", "/accounts/reset-password", {"name": "admin"})

    assert answer.status == 403


async def test_the_key_of_the_secrets_is_rotated(api: ApiCaller) -> None:
    """A stored credential can be read afterwards, and the journal says who did it."""
    vault = api.house.vault
    async with api.house.database.write() as tx:
        await vault.save(tx, 1, "graph", "s3cret", now=api.house.clock.now())

    answer = await api.post("/key/rotate", {})

    assert answer == {"secrets": 1}
    async with api.house.database.read() as tx:
        assert await Vault.open(vault.key_file).load(tx, 1, "graph") == b"s3cret"
    told = (await api.get("/journal", installation=True, kind="vault."))["lines"]
    assert [line["by"] for line in told] == ["token test"]


async def test_a_key_file_that_is_another_one_by_now_is_a_conflict(api: ApiCaller) -> None:
    """It is not written over, and the answer says what to do."""
    api.house.vault.key_file.unlink()

    answer = await api.ask("POST", "/key/rotate", {})

    assert answer.status == 409
    assert "Restore it from the backup" in answer.detail


async def test_nobody_who_only_looks_may_rotate_the_key(api: ApiCaller) -> None:
    """It is no reading."""
    viewer = await api.with_token("viewer")

    answer = await viewer.ask("POST", "/key/rotate", {})

    assert answer.status == 403


async def test_an_unknown_account_is_not_made(api: ApiCaller) -> None:
    """A typing error must not become an administrator."""
    await api.console.rooms.signin.ensure_owner()

    answer = await api.ask("POST", "/accounts/reset-password", {"name": "amdin"})

    assert answer.status == 404
    assert answer.detail == "There is no local account 'amdin'."


async def test_an_address_that_is_none_and_a_verb_it_does_not_take(api: ApiCaller) -> None:
    """JSON for programs here too, never a page."""
    headers = {"authorization": f"Bearer {api.token}", "accept": "text/html"}

    nothing = await api.send("GET", f"{API}/nothing", b"", headers)
    verb = await api.send("DELETE", f"{API}/status", b"", headers)
    other = await api.send("GET", "/api/v2/status", b"", headers)

    assert (nothing.status, verb.status, other.status) == (404, 405, 404)
    assert nothing.detail == "There is no such address; /schema/openapi.json lists them all."
    assert "the header Allow names those it takes" in verb.detail
    assert "GET" in verb.headers["allow"]
    assert other.detail == nothing.detail
