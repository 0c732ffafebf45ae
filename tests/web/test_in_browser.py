"""The console in a real browser: what only a browser can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from doubles.web_browser import findings, sign_in
from doubles.web_fillings import (
    person_id,
)
from doubles.web_served import Served
from jackfield.store.settings import load_people_settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


PATHS = [
    "/",
    "/graph",
    "/alarms",
    "/users",
    "/users/not-synced",
    "/users/matches",
    f"/people/{person_id(0)}",
    f"/people/{person_id(0)}/remove",
    "/departments",
    "/departments/why?key=d2",
    "/numbers?number=990",
    "/numbers/held",
    "/numbers/reserved",
    "/numbers/departments",
    "/numbers/held/990/release",
    "/plans/1",
    "/plans/all",
    "/plans/1/approve",
    "/runs",
    "/runs/1",
    "/runs/history",
    "/runs/history?period=month",
    "/journal",
    "/users/m365",
    "/tenants",
    "/tenants/journal",
    "/users/not-made-again",
    "/tenants/1",
    "/nothing-here",
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


class TestSmallThings:
    """What makes it pleasant."""

    def test_times_are_the_readers_own(self, signed_in: Page, served: Served) -> None:
        """The server says UTC; the browser knows where it is."""
        signed_in.goto(f"{served.url}/runs")

        shown = signed_in.locator("tbody time").first
        assert "UTC" not in shown.inner_text()
        assert "UTC" in (shown.get_attribute("title") or "")

    def test_days_of_the_journal_are_the_readers_own(self, signed_in: Page, served: Served) -> None:
        """The list follows the days as they are chosen, and its file asks for the same."""
        page = signed_in
        page.goto(f"{served.url}/journal")
        zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
        page.locator("#until").fill("2001-01-01")

        page.get_by_text("No line fits.").wait_for()
        page.locator("#until").fill("")
        page.locator("#since").fill("2001-01-01")
        page.locator("#csv").wait_for()
        file = page.locator("#csv").get_attribute("href") or ""
        assert parse_qs(urlsplit(file).query) == {"since": ["2001-01-01"], "zone": [zone]}

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
