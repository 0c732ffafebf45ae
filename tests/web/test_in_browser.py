"""The console in a real browser: what only a browser can tell."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from doubles.web_fillings import (
    a_person,
    fill,
    fill_with,
    give_extensions,
    group_id,
    person_id,
    save_persons,
)
from doubles.web_served import Served, serve
from jackfield.core.departments import Group
from jackfield.core.people import Scope, ScopeRules
from jackfield.core.rules import PeopleRules
from jackfield.core.waiting import MICROSOFT, Waits
from jackfield.store.alarms import end_alarm
from jackfield.store.groups import save_groups
from jackfield.store.released import note_released
from jackfield.store.runs import (
    RunStatus,
    Trigger,
    begin_run,
    end_run,
    report_progress,
    save_waits,
)
from jackfield.store.settings import PeopleSettings, load_people_settings, save_people_settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATHS = [
    "/",
    "/users",
    "/users/not-synced",
    "/users/matches",
    f"/people/{person_id(0)}",
    f"/people/{person_id(0)}/remove",
    "/departments",
    "/numbers?number=990",
    "/numbers/held",
    "/numbers/reserved",
    "/numbers/departments",
    "/numbers/held/990/release",
    "/plans/1",
    "/plans/1/approve",
    "/runs",
    "/runs/1",
    "/journal",
    "/users/m365",
    "/tenants",
    "/tenants/1",
    "/nothing-here",
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One console for the module, with something of everything and sixty people."""
    with serve(tmp_path_factory.mktemp("console")) as served:
        served.write(lambda tx: fill_with(tx, "Sales & Söhne", served.now))
        served.write(lambda tx: _more(tx, served))
        yield served


async def _more(tx: Any, served: Served) -> None:
    people = [a_person(number) for number in range(10, 70)]
    await save_persons(tx, people, served.now)
    groups = [Group(group_id(number), f"Group {number:02d}") for number in range(10, 40)]
    await save_groups(tx, 1, groups, 1, now=served.now)
    await give_extensions(tx, people[:55], served.now)
    await note_released(tx, 1, ["990", "991"], now=served.now)
    await end_alarm(tx, 1, "graph.groups", now=served.now)


@pytest.fixture(scope="module")
def cookies(browser: Browser, served: Served) -> Any:
    """What a browser holds after signing in; once, for an address may not try for ever."""
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(f"{served.url}/login")
        sign_in(page, served)
        page.wait_for_url(f"{served.url}/")
        return context.cookies()


@pytest.fixture
def signed_in(page: Page, cookies: Any) -> Page:
    """The page of somebody signed in; any error on the browser's console fails the test."""
    page.context.add_cookies(cookies)
    return page


def sign_in(page: Page, served: Served) -> None:
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(served.password)
    page.get_by_role("button", name="Sign in").click()


def findings(page: Page) -> list[str]:
    """What axe has to say, in one line each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url} {one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]
    ]


class TestAccess:
    """Nobody is kept out by what the pages look like."""

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing_on_any_page(
        self, signed_in: Page, served: Served, scheme: Any
    ) -> None:
        """Contrast, names, roles, headings: in both lights."""
        signed_in.emulate_media(color_scheme=scheme)
        found: list[str] = []
        for path in PATHS:
            if path != "/nothing-here":
                signed_in.goto(served.url + path)
                found += findings(signed_in)

        assert not found

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing_in_any_dialog(
        self, signed_in: Page, served: Served, scheme: Any
    ) -> None:
        """Opened, with each of its pickers, and with something wrong in it."""
        page = signed_in
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{served.url}/users")
        page.locator("#m365").click()
        found = findings(page)
        page.get_by_label("Selected people", exact=True).check()
        page.locator("#users-page table").wait_for()
        found += findings(page)
        page.get_by_label("These groups").check()
        page.get_by_label("Starting number").fill("none")
        page.get_by_role("button", name="Save").click()
        page.locator("#start-wrong").wait_for()
        found += findings(page)
        page.goto(f"{served.url}/plans/1")
        for opener in ("#approve", "#refuse", "#release"):
            page.locator(opener).click()
            page.locator("dialog[open]").wait_for()
            found += findings(page)
            page.keyboard.press("Escape")

        assert not found

    def test_the_sign_in_page_is_as_good(self, page: Page, served: Served) -> None:
        """It is the first one that anybody sees."""
        page.goto(f"{served.url}/login")

        assert not findings(page)

    def test_a_phone_never_scrolls_sideways(self, signed_in: Page, served: Served) -> None:
        """390 pixels hold every page and the dialog."""
        page = signed_in
        page.set_viewport_size({"width": 390, "height": 844})
        wide = []
        for path in PATHS[:-1]:
            page.goto(served.url + path)
            if page.evaluate("document.documentElement.scrollWidth") > 390:
                wide.append(path)
        page.goto(f"{served.url}/users")
        page.locator("#m365").click()
        page.get_by_label("Members of selected groups").check()
        page.locator("#scope_groups-page").wait_for()
        dialog = page.locator("dialog")
        if dialog.evaluate("one => one.scrollWidth > one.clientWidth"):
            wide.append("the dialog")

        assert not wide


class TestKeyboard:
    """Everything without a mouse, and focus is never lost."""

    def test_people_are_chosen_saved_and_focus_comes_back(
        self, signed_in: Page, served: Served
    ) -> None:
        """The whole way through the dialog: open, search, tick, page, save."""
        page = signed_in
        page.goto(f"{served.url}/users")
        page.locator("#m365").focus()
        page.keyboard.press("Enter")
        page.locator("dialog[open]").wait_for()
        page.locator("#scope-SyncAllUsers").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.locator("#users-page table").wait_for()

        page.locator("#users-q").focus()
        page.keyboard.type("person 003")
        page.locator("#users-page").get_by_text("10 people").wait_for()
        for _ in range(3):
            page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.get_by_text("1 selected").wait_for()
        page.locator("#users-q").fill("")
        page.locator("#users-page").get_by_text("63 people").wait_for()
        page.locator("#users-next").focus()
        page.keyboard.press("Enter")
        page.locator("#users-previous[hx-get]").wait_for()

        assert page.evaluate("document.activeElement.id") == "users-next"
        page.locator(f"#users-tick-{person_id(40)}").focus()
        page.keyboard.press("Space")
        page.get_by_text("2 selected").wait_for()
        page.locator("#sync-save").focus()
        page.keyboard.press("Enter")
        page.locator("dialog").wait_for(state="detached")
        assert page.evaluate("document.activeElement.id") == "m365"
        assert page.locator("#said").inner_text().startswith("Saved.")
        saved = served.read(lambda tx: load_people_settings(tx, 1)).value
        assert saved.rules.scope.scope is Scope.SELECTED
        assert saved.rules.scope.selected_users == {person_id(30), person_id(40)}

    def test_escape_closes_and_focus_goes_back_to_the_opener(
        self, signed_in: Page, served: Served
    ) -> None:
        """Also where the opener was redrawn meanwhile."""
        page = signed_in
        for path, opener in (("/users", "#m365"), ("/plans/1", "#refuse")):
            page.goto(served.url + path)
            page.locator(opener).focus()
            page.keyboard.press("Enter")
            page.locator("dialog[open]").wait_for()
            page.evaluate("document.body.dispatchEvent(new CustomEvent('jackfield:plans'))")
            page.keyboard.press("Escape")
            page.locator("dialog").wait_for(state="detached")

            assert f"#{page.evaluate('document.activeElement.id')}" == opener

    def test_escape_asks_before_it_throws_changes_away(
        self, signed_in: Page, served: Served
    ) -> None:
        """As often as it is pressed; a dialog in which nothing was changed closes at once."""
        page = signed_in
        page.goto(f"{served.url}/users")
        page.locator("#m365").focus()
        page.keyboard.press("Enter")
        page.locator("dialog[open] #hold_days").fill("77")
        for key in ["Escape"] * 5:
            page.keyboard.press(key)

        question = page.get_by_role("dialog", name="Discard your changes?")
        question.wait_for()
        page.locator("#unsaved-keep").click()
        assert page.evaluate("document.activeElement.id") == "hold_days"
        assert page.locator("#hold_days").input_value() == "77"
        page.locator("#sync-close").click()
        page.locator("#unsaved-discard").click()
        page.locator("dialog").wait_for(state="detached")
        assert page.evaluate("document.activeElement.id") == "m365"
        assert (
            served.read(lambda tx: load_people_settings(tx, 1)).value.rules.numbers.hold_days == 30
        )

    def test_a_page_of_its_own_is_saved_twice(self, signed_in: Page, served: Served) -> None:
        """The second change is stored like the first, and it is said where one looks."""
        page = signed_in
        page.goto(f"{served.url}/users/m365")
        for days in ("40", "30"):
            page.locator("#hold_days").fill(days)
            page.get_by_role("button", name="Save").click()
            page.locator("#said").get_by_text("Saved.").wait_for()
            page.locator(f"#hold_days[value='{days}']").wait_for()

        assert page.locator("#said").bounding_box()["y"] < 100  # type: ignore[index]
        assert page.get_by_text("while you did").count() == 0

    def test_groups_are_put_in_order(self, signed_in: Page, served: Served) -> None:
        """The order decides which department is primary; it is said at once."""
        page = signed_in
        page.goto(f"{served.url}/users")
        page.locator("#m365").click()
        page.get_by_label("These groups").check()
        picker = page.locator("#department_groups-picker")
        picker.locator("#department_groups-q").fill("Group 1")
        for number in (10, 12, 11):
            picker.get_by_label(f"Group {number}", exact=True).check()

        page.locator(f"#department_groups-up-{group_id(11)}").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        page.locator(f"#department_groups-drop-{group_id(12)}").focus()
        page.keyboard.press("Enter")

        explained = page.locator("#departments-explained")
        explained.get_by_text("These groups become departments: “Group 11”, “Group 10”.").wait_for()
        assert picker.locator("[data-count]").inner_text() == "2 selected"
        assert page.evaluate("document.activeElement.id").startswith("department_groups-drop-")
        names = picker.locator("ol [data-name]").all_inner_texts()
        assert names == ["Group 11", "Group 10"]

    def test_what_is_chosen_can_be_read_whole(self, signed_in: Page, served: Served) -> None:
        """A list that is cut off in the middle of its word says nothing."""
        page = signed_in
        page.goto(f"{served.url}/users/m365")

        cut = page.evaluate(
            """() => [...document.querySelectorAll('#attributes select')].filter(one => {
                const copy = one.cloneNode(true);
                copy.style.cssText = 'position: absolute; width: auto; max-width: none';
                copy.replaceChildren(one.selectedOptions[0].cloneNode(true));
                document.body.append(copy);
                const whole = copy.offsetWidth;
                copy.remove();
                return whole > one.offsetWidth;
            }).map(one => one.id)"""
        )

        assert cut == []

    def test_a_wrong_value_is_told_and_nothing_is_lost(
        self, signed_in: Page, served: Served
    ) -> None:
        """The dialog stays open, says what is wrong beside the field, and focus goes there."""
        page = signed_in
        page.goto(f"{served.url}/users")
        page.locator("#m365").click()
        page.get_by_label("Starting number").fill("0x10")
        page.get_by_label("Every plan waits for an administrator").check()
        page.get_by_role("button", name="Save").click()
        page.locator("#start-wrong").wait_for()

        assert page.locator("dialog[open]").count() == 1
        assert page.get_by_label("Starting number").input_value() == "0x10"
        assert page.get_by_label("Every plan waits for an administrator").is_checked()
        assert page.evaluate("document.activeElement.id") == "start"

    def test_rules_are_tried_on_a_person_before_saving(
        self, signed_in: Page, served: Served
    ) -> None:
        """A changed rule is tried again at once, and the dialog stays open."""
        page = signed_in
        page.goto(f"{served.url}/users")
        page.locator("#m365").click()
        page.locator("#try-summary").click()
        page.locator("#try-page button").first.click()
        shown = page.locator("#try-shown")
        shown.get_by_text("givenName", exact=True).wait_for()

        page.locator("#follows_name").select_option("displayName")

        whole = "The display name stands whole in the first name."
        shown.get_by_role("cell", name=whole, exact=True).wait_for()
        assert page.locator("dialog[open]").count() == 1
        assert Axe().run(page).response["violations"] == []

    def test_paging_the_list_keeps_focus(self, signed_in: Page, served: Served) -> None:
        """After a press on Next the next Tab must not begin at the top of the page."""
        page = signed_in
        page.goto(f"{served.url}/users")
        page.locator("#page-next").focus()
        page.keyboard.press("Enter")
        page.locator("a#page-previous").wait_for()

        assert page.evaluate("document.activeElement.id") in {"page-next", "list"}
        assert "after=" in page.url
        page.go_back()
        page.wait_for_url(f"{served.url}/users")


class TestLive:
    """Open pages follow what happens, without a click and without taking anything away."""

    def test_somebody_hired_appears_while_one_types(self, signed_in: Page, served: Served) -> None:
        """The search text and the cursor in it stay where they were."""
        page = signed_in
        page.goto(f"{served.url}/users/not-synced")
        page.locator("html[data-live=on]").wait_for()
        page.locator("#q").fill("new")
        page.get_by_text("Nobody without an extension fits.").wait_for()
        assert page.locator("#list-status").inner_text() == "0 people"

        someone = a_person(500, "New Hire", given_name="New", surname="Hire")
        served.write(lambda tx: save_persons(tx, [someone], served.now))

        page.get_by_role("link", name="New Hire").wait_for()
        assert page.evaluate("document.activeElement.id") == "q"
        assert page.locator("#q").input_value() == "new"

    def test_an_open_dialog_is_left_alone(self, signed_in: Page, served: Served) -> None:
        """The page behind it may change; what is being typed may not."""
        page = signed_in
        page.goto(f"{served.url}/users/not-synced")
        page.locator("html[data-live=on]").wait_for()
        page.locator("#m365").click()
        page.get_by_label("Starting number").fill("77")

        someone = a_person(501, "Another Hire")
        served.write(lambda tx: save_persons(tx, [someone], served.now))

        page.locator(f"#user-{person_id(501)}").wait_for(state="attached")
        assert page.get_by_label("Starting number").input_value() == "77"
        assert page.evaluate("document.activeElement.id") == "start"

    def test_a_bar_moves_and_survives_a_reload(self, signed_in: Page, served: Served) -> None:
        """How far a sync is, on every page, by itself."""
        page = signed_in
        page.goto(f"{served.url}/users")
        page.locator("html[data-live=on]").wait_for()

        async def begin(tx: Any) -> int:
            await end_run(tx, 1, 2, RunStatus.DONE, now=served.now)
            run = await begin_run(
                tx,
                1,
                "bar",
                kind="people",
                trigger=Trigger.ADMINISTRATOR,
                mode="full",
                now=served.now,
            )
            await report_progress(tx, 1, run.id, 10, 100, stage="Writing")
            return run.id

        run = served.write(begin)
        bar = page.locator(f"[data-run='{run}']")
        bar.get_by_text("Writing: 10 of 100").wait_for()
        served.write(lambda tx: report_progress(tx, 1, run, 60, 100, stage="Writing"))
        bar.get_by_text("Writing: 60 of 100").wait_for()
        page.reload()

        bar.get_by_text("Writing: 60 of 100").wait_for()
        assert bar.locator("progress").get_attribute("value") == "60"
        served.write(
            lambda tx: end_run(tx, 1, run, RunStatus.DONE, now=served.now, text="100 of 100.")
        )
        page.get_by_text("Full sync: 100 of 100.").wait_for()
        assert bar.count() == 0

    def test_an_opened_table_stays_open(self, signed_in: Page, served: Served) -> None:
        """A chart that is read as a table must not fold while it is read."""
        page = signed_in
        page.goto(served.url)
        page.locator("html[data-live=on]").wait_for()
        page.locator("#runs-chart-summary").click()

        async def another(tx: Any) -> None:
            run = await begin_run(
                tx,
                1,
                "more",
                kind="people",
                trigger=Trigger.ADMINISTRATOR,
                mode="full",
                now=served.now,
            )
            await end_run(
                tx, 1, run.id, RunStatus.DONE, now=served.now, counts={"changes": 7}, text="Seven."
            )

        served.write(another)

        page.get_by_role("cell", name="Seven.").wait_for()
        page.locator("#runs-chart-table[open]").wait_for()

    def test_a_hidden_tab_holds_no_stream(self, signed_in: Page, served: Served) -> None:
        """Six tabs would otherwise use up the browser's connections to us."""
        page = signed_in
        page.goto(f"{served.url}/users")
        page.locator("html[data-live=on]").wait_for()
        before = served.viewers

        page.evaluate(
            "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        page.evaluate("async () => { await fetch('/running'); await fetch('/running'); }")

        assert before >= 1
        page.wait_for_function("() => true")
        assert served.viewers < before or served.viewers == 0


class TestSmallThings:
    """What makes it pleasant."""

    def test_times_are_the_readers_own(self, signed_in: Page, served: Served) -> None:
        """The server says UTC; the browser knows where it is."""
        signed_in.goto(f"{served.url}/runs")

        shown = signed_in.locator("tbody time").first
        assert "UTC" not in shown.inner_text()
        assert "UTC" in (shown.get_attribute("title") or "")

    def test_a_run_that_waits_tells_the_readers_own_time(
        self, browser: Browser, cookies: Any, served: Served
    ) -> None:
        """One clock on a page: beside an alarm in local time the bar must not say UTC."""
        since = served.now.replace(hour=0, minute=30, second=7, microsecond=0)
        waits = Waits(MICROSOFT, "No answer.", since, since + timedelta(days=2))
        context = browser.new_context(timezone_id="America/Phoenix", locale="en-GB")
        context.add_cookies(cookies)
        page = context.new_page()

        async def begin(tx: Any) -> int:
            run = await begin_run(
                tx, 1, "w", kind="people", trigger=Trigger.SCHEDULE, mode="full", now=served.now
            )
            await save_waits(tx, 1, run.id, waits)
            return run.id

        try:
            run = served.write(begin)
            for path, place in (
                ("/runs", "td.wide-only"),
                ("/", "#running"),
                (f"/runs/{run}", "#body"),
            ):
                page.goto(served.url + path)
                told = page.locator(place).get_by_text("Waits for Microsoft 365").first
                told.get_by_text("17:30:07").wait_for()

                assert "UTC" not in told.inner_text()
        finally:
            served.write(lambda tx: end_run(tx, 1, run, RunStatus.DONE, now=served.now))
            context.close()

    def test_a_renamed_persons_page_follows(self, signed_in: Page, served: Served) -> None:
        """The heading, its initials and the tab too."""
        page = signed_in
        page.goto(f"{served.url}/people/{person_id(30)}")
        page.locator("html[data-live=on]").wait_for()
        renamed = replace(a_person(30), given_name="Zoe", surname="Quill", display_name="Zoe Quill")

        served.write(lambda tx: save_persons(tx, [renamed], served.now))

        page.get_by_role("heading", name="Zoe Quill").wait_for()
        assert page.title() == "Zoe Quill · Jackfield"
        assert page.locator("#face").inner_text().strip() == "ZQ"

    def test_the_menu_of_a_phone_has_words(self, signed_in: Page, served: Served) -> None:
        """Seven signs without a word are a riddle; where one is stands in sight."""
        page = signed_in
        page.set_viewport_size({"width": 390, "height": 800})
        page.goto(f"{served.url}/journal")

        here = page.locator("#menu-journal .label")
        assert here.inner_text() == "Journal"
        box = here.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390
        assert box["width"] > 20

    def test_the_theme_is_remembered(self, signed_in: Page, served: Served) -> None:
        """And is there before the first paint."""
        page = signed_in
        page.emulate_media(color_scheme="light")
        page.goto(f"{served.url}/users")
        page.locator("#theme").click()
        page.goto(f"{served.url}/runs")

        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 20, 20)"

    def test_a_plan_is_turned_down_in_the_dialog(self, signed_in: Page, served: Served) -> None:
        """Confirmed once more, then the page shows it without a reload."""
        page = signed_in
        page.goto(f"{served.url}/plans/1")
        page.locator("html[data-live=on]").wait_for()
        page.locator("#refuse").click()
        page.get_by_role("dialog").get_by_role("button", name="Turn down").click()

        page.get_by_text("Turned down by admin").wait_for()
        assert page.locator("dialog").count() == 0

    def test_a_held_number_is_let_go_in_the_dialog(self, signed_in: Page, served: Served) -> None:
        """By the keyboard: asked once more, then it is gone from the list and focus stays there."""
        page = signed_in
        page.goto(f"{served.url}/numbers/held")
        page.locator("#release-991").focus()
        page.keyboard.press("Enter")
        page.get_by_role("dialog").get_by_role("button", name="Release now").click()

        page.get_by_text("Number 991 is free.").wait_for()
        page.locator("#release-991").wait_for(state="detached")
        assert page.locator("#release-990").count() == 1
        assert page.evaluate("document.activeElement.id") in {"list", "main"}

    def test_a_number_is_explained_while_the_page_stays(
        self, signed_in: Page, served: Served
    ) -> None:
        """Also for a screen reader: the answer is a status."""
        page = signed_in
        page.goto(f"{served.url}/numbers")
        page.get_by_label("Extension number").fill("990")
        page.keyboard.press("Enter")

        page.get_by_role("status").get_by_text("held from everybody").wait_for()
        assert "number=990" in page.url
        assert page.evaluate("document.activeElement.id") == "number"

    def test_without_a_script_links_and_forms_do(self, browser: Browser, served: Served) -> None:
        """Search, paging, the settings and signing out are plain pages then."""
        context = browser.new_context(java_script_enabled=False)
        try:
            page = context.new_page()
            page.goto(f"{served.url}/users?q=person")
            sign_in(page, served)
            assert page.url.endswith("/users?q=person")
            page.locator("#page-next").click()
            assert "after=" in page.url
            page.locator("#m365").click()
            page.get_by_label("Starting number").fill("321")
            page.get_by_label("Everyone", exact=True).check()
            page.get_by_label("None").check()
            page.get_by_role("button", name="Save").click()
            assert page.url == f"{served.url}/users"
            saved = served.read(lambda tx: load_people_settings(tx, 1)).value
            assert saved.rules.numbers.start == "321"
            page.locator("#sign-out").click()
            assert page.url == f"{served.url}/login"
        finally:
            context.close()

    def test_somebody_elses_change_is_shown_in_the_dialog(
        self, signed_in: Page, served: Served
    ) -> None:
        """Two administrators at the same time: the second one sees it before overwriting it."""
        page = signed_in
        page.goto(f"{served.url}/users")
        page.locator("#m365").click()
        page.get_by_label("Starting number").fill("555")

        async def change(tx: Any) -> None:
            stored = await load_people_settings(tx, 1)
            wanted = PeopleSettings(rules=PeopleRules(scope=ScopeRules(guests=True)))
            await save_people_settings(
                tx, 1, wanted, expected_version=stored.version, by="vera", now=served.now
            )

        served.write(change)
        page.get_by_role("button", name="Save").click()

        page.get_by_text("vera changed these settings while you did").wait_for()
        assert page.get_by_label("Starting number").input_value() == "555"
        assert page.get_by_label("Include guests").is_checked()
        page.get_by_role("button", name="Save").click()
        page.locator("dialog").wait_for(state="detached")
        saved = served.read(lambda tx: load_people_settings(tx, 1)).value.rules
        assert (saved.numbers.start, saved.scope.guests) == ("555", True)


def test_a_session_that_is_over_leads_to_the_sign_in_page(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also where the page only wanted to bring itself up to date; and the server leaves at once."""
    with serve(tmp_path_factory.mktemp("other")) as served:
        served.write(lambda tx: fill(tx, 3, served.now))
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{served.url}/login?next=/users")
        sign_in(page, served)
        page.locator("html[data-live=on]").wait_for()

        context.clear_cookies()
        served.write(lambda tx: save_persons(tx, [a_person(9)], served.now))
        page.wait_for_url(f"{served.url}/login?next=/users")

        sign_in(page, served)
        page.locator("html[data-live=on]").wait_for()
        assert served.viewers >= 1
        served.stop()
        assert served.stopped
        context.close()
