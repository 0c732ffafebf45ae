"""The pages with nothing, with one and with many rows, and with texts meant to do harm."""

import re
from urllib.parse import quote

import pytest

from doubles.house import House
from doubles.web_fillings import (
    a_person,
    connect,
    fill,
    fill_with,
    give_extensions,
    person_id,
    save_persons,
)
from doubles.web_visitor import Answer, Console, Page, Visitor
from jackfield.core.attributes import CHOICES
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.extensions import Department, DepartmentKey, Extension, ExtensionFields
from jackfield.core.people import Scope, ScopeRules, UserType
from jackfield.core.rules import PeopleRules
from jackfield.store.alarms import begin_alarm
from jackfield.store.journal import Line, append_lines
from jackfield.store.phone_departments import add_departments
from jackfield.store.phones import save_extensions
from jackfield.store.runs import RunStatus, Trigger, begin_run, end_run

MENU = [
    "/",
    "/users",
    "/users/not-synced",
    "/users/matches",
    "/departments",
    "/numbers/held",
    "/numbers/reserved",
    "/numbers/departments",
    "/plans",
    "/runs",
    "/journal",
]
TEXTS = [
    pytest.param('"><script>alert(1)</script>', id="script"),
    pytest.param("' onmouseover='alert(1)' x='", id="attribute"),
    pytest.param("{{ 8117 * 8117 }}{% raw %}", id="template"),
    pytest.param("</title></td></dialog><img src=x onerror=alert(1)>", id="closing_tags"),
    pytest.param("\u202egnp.exe \u0627\u0644\u0639\u0631\u0628\u064a\u0629", id="right_to_left"),
    pytest.param("🧑‍🚒 Ω 你好 \u200b", id="wide"),
    pytest.param("x" * 300, id="endless"),
    pytest.param("a&b;c=d?e#f/g\\h", id="address_characters"),
    pytest.param("javascript:alert(1)", id="javascript"),
]


@pytest.mark.parametrize("path", MENU)
async def test_before_the_connection_pages_say_how_to_connect(admin: Visitor, path: str) -> None:
    """An empty table would leave a newcomer alone."""
    page = await followed(admin, path)

    assert page.status == 200
    if path in {"/", "/users", "/users/not-synced"}:
        assert "jackfield connect --tenant-id" in page.page.text
    elif path in {"/departments", "/plans"}:
        assert "Connect Microsoft 365 first" in page.page.text
    assert "overview" in page.text


@pytest.mark.parametrize("path", MENU)
async def test_connected_but_empty_pages_say_what_comes_next(
    house: House, admin: Visitor, path: str
) -> None:
    """Between the connection and the first sync there is nothing to show yet."""
    async with house.database.write() as tx:
        await connect(tx, house.clock.now())

    page = (await followed(admin, path)).page

    assert "jackfield connect" not in page.text
    assert not page.all("tbody") or "No run yet" in page.text


async def test_a_first_sync_fills_every_page(house: House, admin: Visitor) -> None:
    """The whole product behind the pages: the tenant is read, planned, applied and shown."""
    stage = house.raise_stage(30)
    rules = PeopleRules(departments=DepartmentRules(DepartmentSource.ALL))
    await house.connect(stage, sync=True)
    await house.choose(rules)
    run = await house.sync(full=True)

    overview = (await admin.get("/")).page
    users = (await admin.get("/users")).page
    uncovered = (await admin.get("/users/not-synced")).page
    departments = (await admin.get("/departments")).page
    plan = await followed(admin, "/plans")
    journal = (await admin.get("/journal")).page

    linked = len(await house.links())
    assert "Connected to" in overview.text
    assert f"People in sync {linked}" in overview.text
    assert f"{linked} extensions" in users.text
    assert "Microsoft 365 Business" in users.text
    assert "Not in scope: a guest, and guests are not included." in uncovered.text
    assert "Follows its group" in departments.text
    assert "Carried out" in plan.page.text
    assert "Create extension" in journal.text
    assert run.text in overview.text


@pytest.mark.parametrize("count", [1, 49, 50, 51, 130])
async def test_paging_by_the_arrows_meets_everybody_once(
    house: House, admin: Visitor, count: int
) -> None:
    """Nobody is shown twice or left out at a page's edge."""
    async with house.database.write() as tx:
        await fill(tx, count, house.clock.now())

    seen: list[str] = []
    pages = 0
    path: str | None = "/users"
    while path is not None:
        page = (await admin.get(path)).page
        pages += 1
        seen += [str(a["href"]) for a in page.all("a") if str(a.get("id", "")).startswith("user-")]
        path = next((str(a["href"]) for a in page.all("a") if a.get("id") == "page-next"), None)

    assert seen == [f"/people/{person_id(number)}" for number in range(count)]
    assert pages == max(1, -(-count // 50))


async def test_going_back_a_page_shows_what_stood_there(house: House, admin: Visitor) -> None:
    """The arrow back is as good as the one forth."""
    async with house.database.write() as tx:
        await fill(tx, 120, house.clock.now())

    first = await admin.get("/users")
    second = await admin.get(link(first, "page-next"))
    back = await admin.get(link(second, "page-previous"))

    assert rows(back) == rows(first)
    assert rows(second)[0] == f"/people/{person_id(50)}"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("q=0003", [3], id="by_name"),
        pytest.param("q=person7@contoso.example", [7], id="by_mail"),
        pytest.param("q=205", [5], id="by_number"),
        pytest.param("q=nobody", [], id="nobody"),
        pytest.param("order=number&q=person", [0, 1, 2, 3, 4, 5, 6, 7], id="by_number_order"),
        pytest.param("source=microsoft365&q=0004", [4], id="source"),
        pytest.param("source=local", [], id="other_source"),
        pytest.param("status=disabled", [], id="state"),
        pytest.param("status=leavers", [], id="leavers"),
        pytest.param("sku=f245ecc8-75af-4f8e-b61f-27d8114de5f3&q=0001", [1], id="licence"),
        pytest.param("department=unknown", [], id="department"),
    ],
)
async def test_searches_and_filters_find_whom_they_name(
    house: House, admin: Visitor, query: str, expected: list[int]
) -> None:
    """Each filter narrows the list by what its label says."""
    async with house.database.write() as tx:
        await fill(tx, 8, house.clock.now())

    answer = await admin.get(f"/users?{query}")

    assert rows(answer) == [f"/people/{person_id(number)}" for number in expected]
    if not expected:
        assert "No extension fits." in answer.page.text


async def test_hand_made_extensions_are_listed_and_marked(house: House, admin: Visitor) -> None:
    """Who is not from Microsoft 365 is a user of the phone system all the same."""
    async with house.database.write() as tx:
        await connect(tx, house.clock.now())
        fields = ExtensionFields("Front", "Desk", "desk@contoso.example")
        await save_extensions(tx, 1, [Extension("a/b?c", "100", fields)], 1)

    listed = await admin.get("/users")
    page = await admin.get(link(listed, "user-a/b?c"))

    assert "By hand" in listed.page.text
    assert "Front Desk" in page.page.text
    assert "Nobody of Microsoft 365 stands behind this extension" in page.page.text


async def test_a_person_is_told_whole(house: House, admin: Visitor) -> None:
    """Fields with their owner, why it is so, what was planned, and what happened."""
    stage = house.raise_stage(12)
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    person, held = next(iter(sorted((await house.links()).items())))

    page = (await admin.get(f"/people/{person}")).page

    assert f"Extension {held.number}" in page.text
    assert "Microsoft 365: givenName" in page.text
    assert "In scope: everyone is selected." in page.text
    assert "Nothing is to be done." in page.text
    assert f"Create extension {held.number}" in page.text
    assert "Plan 1" in page.text


async def test_a_value_changed_by_hand_shows_what_it_will_be(house: House, admin: Visitor) -> None:
    """One way, always: the page says so before the next sync does it."""
    async with house.database.write() as tx:
        (one,) = await fill(tx, 1, house.clock.now())
        fields = ExtensionFields("By hand", "0000", one.mail)
        await save_extensions(tx, 1, [Extension("x0", "200", fields)], 2)

    page = (await admin.get(f"/people/{person_id(0)}")).page

    assert "By hand Person Microsoft 365: givenName" in page.text


async def test_an_extension_of_a_person_leads_to_the_person(house: House, admin: Visitor) -> None:
    """Two pages about the same would drift apart."""
    async with house.database.write() as tx:
        await fill(tx, 1, house.clock.now())

    answer = await admin.get("/users/extension?key=x0")

    assert (answer.status, answer.headers["location"]) == (303, f"/people/{person_id(0)}")


@pytest.mark.parametrize(
    "path", ["/people/unknown", "/users/extension?key=none", "/plans/9", "/runs/9", "/nowhere"]
)
async def test_what_is_not_there_is_said_calmly(admin: Visitor, path: str) -> None:
    """A link from an old mail must not end in a stack trace."""
    answer = await admin.get(path)

    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "There is no such page" in answer.page.text


async def test_the_wrong_verb_is_said_calmly(admin: Visitor) -> None:
    """A form that was sent to the wrong place."""
    answer = await admin.post("/journal")

    assert answer.status == 405
    assert "does not take that" in answer.page.text


@pytest.mark.hostile
@pytest.mark.parametrize("text", TEXTS)
async def test_texts_from_outside_stay_texts_on_every_page(
    house: House, admin: Visitor, text: str
) -> None:
    """Names come from a directory that many people may write to."""
    async with house.database.write() as tx:
        await fill_with(tx, text, house.clock.now())

    paths = [
        *MENU,
        "/plans/1",
        "/plans/1/approve",
        "/runs/1",
        "/runs/2",
        "/running",
        f"/people/{person_id(0)}",
        f"/people/{person_id(1)}",
        f"/people/{person_id(2)}",
        f"/users/extension?key={quote('2' + text)}",
        "/users/m365",
        "/users/m365/people",
        "/users/m365/try",
        "/users/m365/groups/scope_groups",
        f"/users?q={quote(text)}",
        f"/journal?person={quote(text)}&q={quote(text)}",
    ]
    for path in paths:
        answer = await followed(admin, path)
        assert answer.status == 200, path
        assert_harmless(answer.page, path)
    shown = " ".join([(await admin.get(path)).page.text for path in ("/", "/users", "/plans/1")])
    visible = " ".join(text.split())
    assert visible in shown


@pytest.mark.hostile
@pytest.mark.parametrize("text", TEXTS)
async def test_texts_from_outside_stay_texts_in_parts_and_errors(
    house: House, admin: Visitor, text: str
) -> None:
    """What htmx swaps in and what an error repeats is looked at as well."""
    async with house.database.write() as tx:
        await fill_with(tx, text, house.clock.now())
    await house.choose(PeopleRules(scope=ScopeRules(Scope.SELECTED_GROUPS)))
    usual = {
        **{f"follows_{rule}": takes[0].value for rule, takes in CHOICES.items()},
        "caller_id_form": "e164",
    }
    form = {"scope": text, "start": text, "time_zone": text, "interval": text, "source": text}

    answers = [
        await admin.part(f"/users?q={quote(text)}", "list"),
        await admin.part("/plans/1", "plan"),
        await admin.part("/", "news"),
        await admin.post("/users/m365", {**form, "users": text}, hx_request="true"),
        await admin.post("/users/m365/departments", form),
        await admin.post("/users/m365/people", {"users": text}),
        await admin.post("/users/m365/try", {"try_person": person_id(0), "follows_name": text}),
        await admin.post("/users/m365/try", {"try_person": person_id(0), **usual}),
        await admin.get(f"/users/m365/try?q={quote(text)}"),
        await admin.post("/sync", {"mode": "delta", "person": text}, hx_request="true"),
        await admin.get(f"/{quote(text)}"),
    ]
    refused = [
        await admin.post("/sync", {"mode": text}),
        await admin.get(f"/users?status={quote(text)}"),
    ]

    assert {answer.status for answer in answers} <= {200, 404}
    assert {answer.status for answer in refused} == {400}
    for answer in [*answers, *refused]:
        assert_harmless(answer.page, text)


@pytest.mark.parametrize("path", [*MENU, f"/people/{person_id(0)}", "/plans/1", "/users/m365"])
async def test_every_control_has_an_id_of_its_own(house: House, admin: Visitor, path: str) -> None:
    """After a swap focus goes back to the control with the same id: without one it is lost."""
    async with house.database.write() as tx:
        await fill_with(tx, "Somebody", house.clock.now())

    page = (await followed(admin, path)).page

    ids = page.ids()
    assert len(ids) == len(set(ids))
    nameless = [
        (tag, attributes)
        for tag, attributes in page.tags
        if tag in {"a", "button", "input", "select", "summary"}
        and attributes.get("type") != "hidden"
        and "id" not in attributes
        and attributes.get("class") not in {"skip", "brand"}
    ]
    assert not nameless


async def test_a_missing_group_permission_says_consent_again(house: House, admin: Visitor) -> None:
    """D-05: not an empty picker, and everything else goes on."""
    async with house.database.write() as tx:
        await fill(tx, 1, house.clock.now())
        await begin_alarm(
            tx,
            1,
            "graph.groups",
            text="The application lacks the permission GroupMember.Read.All.",
            next_step="Grant it in Microsoft Entra, with admin consent.",
            now=house.clock.now(),
        )

    departments = (await admin.get("/departments")).page
    form = (await admin.get("/users/m365")).page

    for page in (departments, form):
        assert "Groups cannot be read: consent again." in page.text
        assert "GroupMember.Read.All" in page.text
    assert "scope_groups-q" not in form.ids()
    assert "department_groups-q" not in form.ids()
    assert "users-q" in form.ids()
    assert (await admin.get("/users")).status == 200


async def test_alarms_say_since_when_and_what_to_do(house: House, admin: Visitor) -> None:
    """An alarm without a next step only frightens."""
    async with house.database.write() as tx:
        await connect(tx, house.clock.now())
        await begin_alarm(
            tx,
            1,
            "people.sync",
            text="Entra refused the client secret: it has expired.",
            next_step="Make a new one and connect again.",
            now=house.clock.now(),
        )

    page = (await admin.get("/")).page

    assert "Entra refused the client secret: it has expired." in page.text
    assert "Make a new one and connect again. Since 23 Nov 2026, 07:00 UTC" in page.text


async def test_departments_tell_whom_they_follow(house: House, admin: Visitor) -> None:
    """Followed, flagged and hand-made ones look different, and not by colour alone."""
    async with house.database.write() as tx:
        await fill_with(tx, "Sales", house.clock.now())
        await add_departments(tx, 1, [Department(DepartmentKey("mine"), "Workshop")])

    page = (await admin.get("/departments")).page
    found = (await admin.get("/departments?q=work")).page

    assert "3 departments" in page.text
    assert "Follows its group" in page.text
    assert "Group deleted" in page.text
    assert "Workshop Made by hand — 0 Made by hand" in page.text  # small screens have it below
    assert "Sales" not in " ".join(found.words[found.words.index("Workshop") :])


async def test_very_many_departments_are_paged(house: House, admin: Visitor) -> None:
    """Five thousand groups are five thousand departments."""
    names = [f"Unit {number:04d}" for number in range(250)]
    async with house.database.write() as tx:
        await connect(tx, house.clock.now())
        await add_departments(tx, 1, [Department(DepartmentKey(n), n) for n in names])

    first = await admin.get("/departments")
    second = await admin.get(link(first, "page-next"))

    assert "250 departments, page 1 of 3" in first.page.text
    assert "Unit 0100" in second.page.text
    assert "Unit 0099" not in second.page.text


async def test_quiet_looks_are_left_out_of_the_runs(house: House, admin: Visitor) -> None:
    """Thousands of looks that found nothing would bury the one run that matters."""
    async with house.database.write() as tx:
        await connect(tx, house.clock.now())
        for at, (counts, text) in enumerate([({}, "Nothing to do."), ({"changes": 2}, "2 of 2.")]):
            run = await begin_run(
                tx,
                1,
                f"flow{at}",
                kind="people",
                trigger=Trigger.SCHEDULE,
                mode="delta",
                now=house.clock.now(),
            )
            await end_run(
                tx, 1, run.id, RunStatus.DONE, now=house.clock.now(), counts=counts, text=text
            )

    told, everything = await admin.get("/runs"), await admin.get("/runs?show_all=yes")

    assert "Nothing to do." not in told.page.text
    assert "2 of 2." in told.page.text
    assert "Nothing to do." in everything.page.text


async def test_older_runs_and_lines_are_a_link_away(house: House, admin: Visitor) -> None:
    """Keyset paging, so that page one thousand is as quick as page one."""
    async with house.database.write() as tx:
        await connect(tx, house.clock.now())
        for number in range(60):
            run = await begin_run(
                tx,
                1,
                f"flow{number}",
                kind="people",
                trigger=Trigger.ADMINISTRATOR,
                mode="full",
                now=house.clock.now(),
            )
            text = f"Run number {number}."
            await end_run(tx, 1, run.id, RunStatus.DONE, now=house.clock.now(), text=text)
            await append_lines(tx, 1, [Line("person.x", f"Line {number}.")], now=house.clock.now())

    for path, newest, oldest in (
        ("/runs", "Run number 59.", "Run number 9."),
        ("/journal", "Line 59.", "Line 9."),
    ):
        first = await admin.get(path)
        older = await admin.get(link(first, "page-next"))
        assert newest in first.page.text
        assert oldest in older.page.text
        assert newest not in older.page.text
        assert link(older, "page-first") == path


async def test_the_journal_is_filtered_by_kind_text_and_person(
    house: House, admin: Visitor
) -> None:
    """What happened to this one person is the question that is asked most."""
    async with house.database.write() as tx:
        now = house.clock.now()
        await save_persons(tx, [a_person(1, "Ada Lovelace"), a_person(2, "Grace Hopper")], now)
        for kind, text, who in (
            ("create_extension.done", "Create extension 1 for Ada Lovelace", 1),
            ("update_extension.done", "Update extension 1 of Ada Lovelace", 1),
            ("create_extension.done", "Create extension 2 for Grace Hopper", 2),
        ):
            line = Line(kind, text, subject=person_id(who), name=text.split(" ", 4)[-1])
            await append_lines(tx, 1, [line], now=now)

    by_person = (await admin.get(f"/journal?person={person_id(1)}")).page.text
    by_kind = (await admin.get("/journal?kind=create_extension.")).page.text
    by_text = (await admin.get("/journal?q=grace")).page.text

    assert "Ada Lovelace" in by_person
    assert "Grace" not in by_person
    assert "Update extension 1" not in by_kind
    assert "Create extension 2" in by_kind
    assert "Create extension 1" not in by_text


class TestSync:
    """The buttons that begin a run."""

    @pytest.mark.parametrize(
        ("mode", "expected"), [("delta", "delta"), ("full", "full"), ("preview", "preview")]
    )
    async def test_each_button_begins_its_run(
        self, house: House, admin: Visitor, mode: str, expected: str
    ) -> None:
        stage = house.raise_stage(6)
        await house.connect(stage, sync=True)
        await house.sync(full=True)

        answer = await admin.post("/sync", {"mode": mode})
        await house.runner.idle()

        assert (answer.status, answer.headers["location"]) == (303, "/runs")
        run = (await house.runs())[0]
        assert (run.mode, run.by) == (expected, "administrator")

    async def test_one_person_is_synced_on_demand(self, house: House, admin: Visitor) -> None:
        stage = house.raise_stage(6)
        await house.connect(stage, sync=True)
        await house.sync(full=True)
        person = next(iter(await house.links()))

        await admin.post("/sync", {"mode": "delta", "person": person}, hx_request="true")
        await house.runner.idle()

        assert (await house.runs())[0].mode == "person"

    async def test_what_came_of_one_person_is_not_said_of_another(
        self, house: House, admin: Visitor
    ) -> None:
        """A refusal beside “Sync now” is taken for this person's."""
        stage = house.raise_stage(6)
        await house.connect(stage, sync=True)
        await house.sync(full=True)
        one, other = list(await house.links())[:2]
        await admin.post("/sync", {"mode": "delta", "person": one}, hx_request="true")
        await house.runner.idle()
        at = "http://127.0.0.1:8200"

        theirs = await admin.get("/running", hx_current_url=f"{at}/people/{one}")
        others = await admin.get("/running", hx_current_url=f"{at}/t/1/people/{other}")
        anywhere = await admin.get("/running", hx_current_url=f"{at}/users")

        assert "Sync of one person" in theirs.page.text
        assert "Sync of one person" not in others.page.text
        assert "Sync of one person" in anywhere.page.text

    async def test_without_the_worker_the_page_says_so(self, house: House, admin: Visitor) -> None:
        """The web answers before the work does; a click in between must not be a fault."""
        await house.runner.stop()

        answer = await admin.post("/sync", {"mode": "full"}, hx_request="true")

        assert answer.status == 200
        assert "This cannot begin" in answer.page.text

    async def test_a_run_under_way_is_shown_by_every_page(
        self, house: House, admin: Visitor
    ) -> None:
        """A reload in the middle shows the bar where it stood."""
        async with house.database.write() as tx:
            await fill_with(tx, "Somebody", house.clock.now())

        answer = await admin.get("/running")

        bar = answer.page.all("progress")[0]
        assert (bar["max"], bar["value"]) == ("3", "1")
        assert "1 of 3" in answer.page.text


async def test_uncovered_people_are_told_why(house: House, admin: Visitor) -> None:
    """Coverage is shown: who has no extension, and why."""
    async with house.database.write() as tx:
        now = house.clock.now()
        await connect(tx, now)
        await save_persons(
            tx,
            [
                a_person(1, "Gast", user_type=UserType.GUEST),
                a_person(2, "Halle", is_resource_account=True),
                a_person(3, "Leer", has_mailbox=False),
                a_person(4, "Neu"),
                a_person(5, "Alt"),
            ],
            now,
        )
        await give_extensions(tx, [a_person(5, "Alt")], now)

    page = (await admin.get("/users/not-synced")).page.text

    assert "a guest, and guests are not included" in page
    assert "a resource account of Teams" in page
    assert "no licence with a mailbox" in page
    assert "People sync is off; switch it on" in page
    assert "Alt" not in page
    assert "4 people" in page


# --- how these tests look at pages --------------------------------------------------------------


async def followed(visitor: Visitor, path: str) -> Answer:
    answer = await visitor.get(path)
    return await visitor.get(answer.headers["location"]) if answer.status == 303 else answer


def link(answer: Answer, id_: str) -> str:
    return next(str(a["href"]) for a in answer.page.all("a") if a.get("id") == id_)


def rows(answer: Answer) -> list[str]:
    return [
        str(a["href"])
        for a in answer.page.all("a")
        if str(a.get("id", "")).startswith("user-") and str(a["href"]).startswith("/people/")
    ]


def assert_harmless(page: Page, where: str) -> None:
    """No element or attribute that a text could have brought along."""
    for tag, attributes in page.tags:
        assert tag not in {"img", "iframe", "object", "style", "base"}, where
        assert not [name for name in attributes if name.startswith("on")], where
        assert "style" not in attributes, where
        assert "x" not in attributes or tag in {"text", "rect", "line"}, where
        if tag == "script":
            assert str(attributes.get("src")).startswith("/static/"), where
        for name in ("href", "action", "hx-get", "hx-post", "src"):
            value = attributes.get(name)
            assert value is None or re.match(r"/(?!/)|#", value), (where, name, value)
    assert str(8117 * 8117) not in page.text, where


def test_the_assertion_above_would_notice() -> None:
    """A guard that cannot fail guards nothing."""
    for bad in (
        "<img src=x>",
        "<a onclick=x>",
        '<a href="javascript:x">',
        "<script>x</script>",
        "<p>65885689</p>",
    ):
        with pytest.raises(AssertionError):
            assert_harmless(Page.of(bad), "here")


async def test_the_console_is_small_enough_to_be_quick(console: Console) -> None:
    """The style sheet stays under 25 kB, readable as it is."""
    css = await console.visitor().get("/static/console.css")

    assert len(css.body) < 25_000
