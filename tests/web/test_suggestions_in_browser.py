"""Fields that suggest what fits, in a real browser: by keyboard, by mouse, and for axe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doubles.web_browser import findings
from doubles.web_fillings import person_id
from doubles.web_served import Served
from jackfield.store.people import load_people
from jackfield.store.settings import load_people_settings

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_person_is_found_and_taken_by_keyboard(signed_in: Page, served: Served) -> None:
    """Focus stays in the field; Escape folds the list and keeps what was typed."""
    page = signed_in
    known = served.read(lambda tx: load_people(tx, 1, [person_id(66)]))[person_id(66)]
    page.goto(f"{served.url}/numbers/reserved")
    field = page.get_by_role("combobox", name="For whom")
    field.focus()
    page.keyboard.type("person 0066")
    page.get_by_role("option").first.wait_for()

    assert field.get_attribute("aria-expanded") == "true"
    assert page.locator("#whose-said").inner_text() == "1 person"
    assert not findings(page)
    page.keyboard.press("Escape")
    assert field.get_attribute("aria-expanded") == "false"
    assert field.input_value() == "person 0066"
    page.keyboard.press("ArrowDown")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    marked = page.get_by_role("option", selected=True)
    assert field.get_attribute("aria-activedescendant") == marked.get_attribute("id")
    page.keyboard.press("Enter")

    assert field.input_value() == known.upn
    assert page.evaluate("document.activeElement.id") == "whose"
    assert page.get_by_role("option").count() == 0
    page.locator("#numbers").fill("7001")
    page.locator("#numbers").press("Enter")
    page.locator("#unreserve-7001").wait_for()
    rules = served.read(lambda tx: load_people_settings(tx, 1)).value.rules.numbers
    assert person_id(66) in {one.person for one in rules.reserved}


def test_a_group_is_taken_with_the_mouse(signed_in: Page, served: Served) -> None:
    """A click takes it before the field has lost its focus."""
    page = signed_in
    page.goto(f"{served.url}/numbers/departments")
    field = page.get_by_role("combobox", name="Group")
    field.fill("Group 1")
    page.get_by_role("option", name="Group 12").click()

    assert field.input_value() == "Group 12"
    assert page.evaluate("document.activeElement.id") == "whose"
    assert page.get_by_role("option").count() == 0


def test_what_fits_nobody_folds_the_list(signed_in: Page, served: Served) -> None:
    """And an empty frame does not hang below the field."""
    page = signed_in
    page.goto(f"{served.url}/numbers/reserved")
    page.get_by_role("combobox").fill("zzz nobody")
    page.locator("#whose-said").get_by_text("0 people").wait_for(state="attached")

    assert page.locator("#whose-list").is_hidden()
