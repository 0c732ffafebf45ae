"""The dialog M365 in a real browser: everything without a mouse, and nothing typed is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from doubles.web_browser import findings
from doubles.web_fillings import (
    group_id,
    person_id,
)
from doubles.web_served import Served
from jackfield.core.people import Scope, ScopeRules
from jackfield.core.rules import PeopleRules
from jackfield.store.settings import PeopleSettings, load_people_settings, save_people_settings

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_people_are_chosen_saved_and_focus_comes_back(signed_in: Page, served: Served) -> None:
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
    pressed = page.locator("#sync-save").bounding_box()
    page.locator("#sync-save").focus()
    page.keyboard.press("Enter")
    # Everybody else would lose their place: that is said first, and the question has the focus.
    page.locator("#drastic").get_by_text("would fall out of scope").wait_for()
    assert page.evaluate("document.activeElement.id") == "drastic"
    # Where Save was pressed a second click saves nothing.
    page.locator("#sync-save").scroll_into_view_if_needed()
    assert _under(page, pressed) == "sync-cancel"
    assert not findings(page)
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "sync-save"
    page.keyboard.press("Enter")
    page.locator("dialog").wait_for(state="detached")
    assert page.evaluate("document.activeElement.id") == "m365"
    assert page.locator("#said").inner_text().startswith("Saved.")
    saved = served.read(lambda tx: load_people_settings(tx, 1)).value
    assert saved.rules.scope.scope is Scope.SELECTED
    assert saved.rules.scope.selected_users == {person_id(30), person_id(40)}


def test_escape_asks_before_it_throws_changes_away(signed_in: Page, served: Served) -> None:
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
    assert served.read(lambda tx: load_people_settings(tx, 1)).value.rules.numbers.hold_days == 30


def test_the_picker_is_walked_with_arrows(signed_in: Page, served: Served) -> None:
    """Down from the search into what was found, Enter ticks, Up leads back; nothing is sent."""
    page = signed_in
    page.goto(f"{served.url}/users")
    page.locator("#m365").click()
    page.get_by_label("Everyone except selected people", exact=True).check()
    page.locator("#users-page table").wait_for()
    page.locator("#users-q").focus()
    page.keyboard.type("person 003")
    page.locator("#users-page").get_by_text("10 people").wait_for()
    before = page.locator("#users-picker [data-count]").inner_text()

    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.id") == "users-all"
    page.keyboard.press("ArrowDown")
    ticked = page.evaluate("document.activeElement.id")
    was = page.locator(f"#{ticked}").is_checked()
    page.keyboard.press("Enter")

    assert page.locator(f"#{ticked}").is_checked() is not was
    assert page.locator("#users-picker [data-count]").inner_text() != before
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.id") == "users-all"
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "users-q"
    page.keyboard.press("Escape")
    page.locator("#users-page").get_by_text("63 people").wait_for()
    assert page.locator("#users-q").input_value() == ""
    assert page.locator("dialog[open]").count() == 1
    page.keyboard.press("Escape")
    page.get_by_role("dialog", name="Discard your changes?").wait_for()


def test_a_page_with_unsaved_changes_asks_before_it_is_left(
    signed_in: Page, served: Served
) -> None:
    """As the dialog does; what is saved, or was put back, is nothing to ask about."""
    page = signed_in
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.goto(f"{served.url}/users/m365")
    page.locator("#hold_days").fill("77")
    page.locator("#menu-users").click(no_wait_after=True)
    page.wait_for_timeout(300)

    assert asked == ["beforeunload"]
    assert page.locator("#hold_days").input_value() == "77"
    page.locator("#hold_days").fill("30")
    page.get_by_role("button", name="Save").click()
    page.locator("#said").get_by_text("Saved.").wait_for()
    page.locator("#menu-users").click()
    page.wait_for_url(f"{served.url}/users")
    assert len(asked) == 1


def test_a_page_of_its_own_is_saved_twice(signed_in: Page, served: Served) -> None:
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


def test_groups_are_put_in_order(signed_in: Page, served: Served) -> None:
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


def test_groups_of_one_name_are_told_apart_on_a_phone(signed_in: Page, served: Served) -> None:
    """By their kind, for which there is no column there."""
    page = signed_in
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{served.url}/users")
    page.locator("#m365").click()
    page.get_by_label("Members of selected groups").check()
    kind = page.locator("#scope_groups-page tbody small").first
    kind.wait_for()
    told = kind.inner_text()
    page.set_viewport_size({"width": 1280, "height": 900})

    assert "group" in told


def test_what_is_chosen_can_be_read_whole(signed_in: Page, served: Served) -> None:
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


def test_a_wrong_value_is_told_and_nothing_is_lost(signed_in: Page, served: Served) -> None:
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


def test_rules_are_tried_on_a_person_before_saving(signed_in: Page, served: Served) -> None:
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


def test_somebody_elses_change_is_shown_in_the_dialog(signed_in: Page, served: Served) -> None:
    """Two administrators at the same time: the second one sees it before overwriting it."""
    page = signed_in
    page.goto(f"{served.url}/users")
    page.locator("#m365").click()
    page.get_by_label("Starting number").fill("555")
    page.get_by_label("Every plan waits for an administrator").scroll_into_view_if_needed()

    async def change(tx: Any) -> None:
        stored = await load_people_settings(tx, 1)
        wanted = PeopleSettings(rules=PeopleRules(scope=ScopeRules(guests=True)))
        await save_people_settings(
            tx, 1, wanted, expected_version=stored.version, by="vera", now=served.now
        )

    served.write(change)
    page.get_by_role("button", name="Save").click()

    told = page.get_by_text("vera changed these settings while you did")
    told.wait_for()
    # The dialog is longer than the screen: what was pressed at its end is answered in sight.
    expect(told).to_be_in_viewport()
    assert page.evaluate("document.activeElement.id") == "conflict"
    assert page.get_by_label("Starting number").input_value() == "555"
    assert page.get_by_label("Include guests").is_checked()
    assert not findings(page)
    page.get_by_role("button", name="Save").click()
    assert page.evaluate("document.activeElement.id") == "conflict-seen"
    assert served.read(lambda tx: load_people_settings(tx, 1)).value.rules.numbers.start is None
    page.get_by_label("I have seen what was changed meanwhile").check()
    page.get_by_role("button", name="Save").click()
    page.locator("dialog").wait_for(state="detached")
    saved = served.read(lambda tx: load_people_settings(tx, 1)).value.rules
    assert (saved.numbers.start, saved.scope.guests) == ("555", True)


def test_a_refusal_is_told_inside_the_dialog(signed_in: Page, served: Served) -> None:
    """Behind it nobody sees anything: nothing seems to happen at all."""
    page = signed_in
    page.goto(f"{served.url}/users")
    page.locator("#m365").click()
    refusal = "Your account may look, but not change anything."
    page.locator("dialog[open]").wait_for()
    page.evaluate(
        """said => document.dispatchEvent(new CustomEvent('htmx:responseError', {
            detail: { xhr: { status: 403, responseText: said } } }))""",
        refusal,
    )

    told = page.locator("dialog[open]").get_by_text(refusal)
    expect(told).to_be_in_viewport()
    assert not findings(page)


def _under(page: Page, box: Any) -> str:
    """The id of what a click in the middle of a place would reach."""
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    found: str = page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y)?.closest('[id]')?.id ?? ''", [x, y]
    )
    return found
