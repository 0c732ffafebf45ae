"""Open pages in a real browser follow what happens, and nothing is taken away from who reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from doubles.web_browser import sign_in
from doubles.web_fillings import (
    a_person,
    fill,
    person_id,
    save_persons,
)
from doubles.web_served import Served, serve
from jackfield.core.waiting import MICROSOFT, Waits
from jackfield.store.runs import (
    RunStatus,
    Trigger,
    begin_run,
    end_run,
    report_progress,
    save_waits,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def test_somebody_hired_appears_while_one_types(signed_in: Page, served: Served) -> None:
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


def test_an_open_dialog_is_left_alone(signed_in: Page, served: Served) -> None:
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


def test_a_bar_moves_and_survives_a_reload(signed_in: Page, served: Served) -> None:
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
    served.write(lambda tx: end_run(tx, 1, run, RunStatus.DONE, now=served.now, text="100 of 100."))
    page.get_by_text("Full sync: 100 of 100.").wait_for()
    assert bar.count() == 0


def test_an_opened_table_stays_open(signed_in: Page, served: Served) -> None:
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


def test_a_hidden_tab_holds_no_stream(signed_in: Page, served: Served) -> None:
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


def test_a_run_that_waits_tells_the_readers_own_time(
    browser: Browser, cookies: Any, served: Served
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


def test_a_renamed_persons_page_follows(signed_in: Page, served: Served) -> None:
    """The heading, its initials and the tab too."""
    page = signed_in
    page.goto(f"{served.url}/people/{person_id(30)}")
    page.locator("html[data-live=on]").wait_for()
    renamed = replace(a_person(30), given_name="Zoe", surname="Quill", display_name="Zoe Quill")

    served.write(lambda tx: save_persons(tx, [renamed], served.now))

    page.get_by_role("heading", name="Zoe Quill").wait_for()
    assert page.title() == "Zoe Quill · Jackfield"
    assert page.locator("#face").inner_text().strip() == "ZQ"


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
