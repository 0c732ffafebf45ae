"""Small screens and dialogs: nothing is cut off, broken inside a word, or said twice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from core.sketches import extension, person
from doubles.web_fillings import a_person, fill_with, person_id, save_persons
from doubles.web_served import Served, serve
from jackfield.core.extensions import ExtensionFields
from jackfield.store.phones import save_extensions
from jackfield.store.released import note_released

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
ANN = person("Annemarie Fieldhouse")

BROKEN_WORDS = """() => [...document.querySelectorAll('button, .button, .counts b')]
  .filter(one => one.offsetWidth).flatMap(one => {
    const found = [], texts = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      for (const word of texts.currentNode.data.matchAll(/\\S+/g)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, word.index);
        range.setEnd(texts.currentNode, word.index + word[0].length);
        if (range.getClientRects().length > 1) found.push(word[0]);
      }
    }
    return found;
  })"""
"""Words of buttons that stand on two lines."""
OUTSIDE = """selector => [...document.querySelectorAll(selector)]
  .filter(one => one.offsetWidth)
  .filter(one => {
    const box = one.getBoundingClientRect();
    return box.left < 0 || box.right > document.documentElement.clientWidth + 0.5;
  })
  .map(one => `${one.tagName} ${one.textContent.trim().slice(0, 40)}`)"""
"""What reaches beyond the screen, also inside something that scrolls."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("console")) as served:
        served.write(lambda tx: fill_with(tx, "Research and Development", served.now))
        served.write(lambda tx: _more(tx, served))
        yield served


async def _more(tx: Any, served: Served) -> None:
    """A doubt: two extensions bear Annemarie's address. And somebody without an extension."""
    fields = ExtensionFields("Annemarie Wilhelmina", "Fieldhouse-Montgomery", ANN.mail)
    await save_persons(tx, [ANN, a_person(7, "Nils Nobody", enabled=False)], served.now)
    await note_released(tx, 1, ["990"], now=served.now)
    await save_extensions(tx, 1, [extension("300", fields), extension("301", fields)], 1)


@pytest.fixture(scope="module")
def looking(browser: Browser, served: Served) -> Iterator[Page]:
    """The page of somebody signed in."""
    with contextlib.closing(browser.new_context(reduced_motion="reduce")) as context:
        page = context.new_page()
        page.goto(f"{served.url}/login")
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill(served.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{served.url}/")
        yield page


def test_buttons_of_a_dialog_keep_their_words_and_stand_on_the_screen(
    looking: Page, served: Served
) -> None:
    """On a phone they stand below each other instead."""
    looking.set_viewport_size(PHONE)
    wrong = {}
    for path, opener in (("/plans/1", "#approve"), ("/plans/1", "#release"), ("/users", "#m365")):
        looking.goto(served.url + path)
        looking.locator(opener).click()
        looking.locator("dialog[open] footer button").first.wait_for()
        found = looking.evaluate(BROKEN_WORDS)
        found += looking.evaluate(OUTSIDE, "dialog footer button, dialog footer .button")
        if found:
            wrong[opener] = found

    assert not wrong


def test_nothing_lies_over_the_buttons_of_a_dialog(looking: Page, served: Served) -> None:
    """The head of a table in it stays in sight too, and was drawn over them."""
    looking.set_viewport_size(PHONE)
    looking.goto(f"{served.url}/users")
    looking.locator("#m365").click()
    looking.locator("dialog[open] .guards thead").wait_for()
    covered = looking.evaluate(
        """() => {
          const dialog = document.querySelector('dialog[open]');
          const button = dialog.querySelector('#sync-save');
          const found = [];
          for (let top = 0; top < dialog.scrollHeight; top += 20) {
            dialog.scrollTop = top;
            const box = button.getBoundingClientRect();
            const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            if (!button.contains(over)) found.push(`${top}: ${over?.tagName}`);
          }
          return found;
        }"""
    )

    assert covered == []


def test_what_has_the_focus_in_a_dialog_is_in_sight(looking: Page, served: Served) -> None:
    """Walking by keyboard, the buttons at the end lay over what one had just come to."""
    looking.set_viewport_size(PHONE)
    looking.goto(f"{served.url}/users")
    looking.locator("#m365").click()
    looking.locator("dialog[open] .guards thead").wait_for()
    covered, walked = [], set()
    while "sync-cancel" not in walked and len(walked) < 120:
        looking.keyboard.press("Tab")
        at, over = looking.evaluate(
            """() => {
              const one = document.activeElement, box = one.getBoundingClientRect();
              const over = document.elementFromPoint(
                box.x + box.width / 2, box.y + box.height / 2);
              return [one.id || one.textContent, one.contains(over) ? '' : over?.tagName];
            }"""
        )
        walked.add(at)
        covered += [f"{at}: {over}"] if over else []

    assert "sync-cancel" in walked
    assert covered == []


@pytest.mark.parametrize("path", ["/plans/all", "/graph"])
def test_a_table_with_few_columns_fits_a_phone(looking: Page, served: Served, path: str) -> None:
    """Its last column was cut by the edge of the card."""
    looking.set_viewport_size(PHONE)
    looking.goto(served.url + path)
    looking.locator(".scroll table").first.wait_for()

    assert looking.locator("main section > .scroll").evaluate_all(
        "all => all.every(one => one.scrollWidth <= one.clientWidth)"
    )


def test_the_buttons_of_a_form_wrap(looking: Page, served: Served) -> None:
    """The same question as a page of its own, where there is no script."""
    looking.set_viewport_size({"width": 320, "height": 700})
    looking.goto(f"{served.url}/plans/1/approve")

    assert looking.evaluate(BROKEN_WORDS) == []
    assert looking.evaluate(OUTSIDE, "form footer button, form footer .button") == []


def test_the_decision_on_a_doubtful_match_is_not_cut_off(looking: Page, served: Served) -> None:
    """It is what the page is for."""
    looking.set_viewport_size(PHONE)
    looking.goto(f"{served.url}/users/matches")

    assert looking.locator("button[value=theirs]").count() >= 2
    assert looking.evaluate(OUTSIDE, "button[value=theirs]") == []
    # Whose it is there stands below the number: nothing is between it and the decision.
    first = looking.locator("tr", has=looking.locator("button[value=theirs]")).first
    assert first.locator("td").locator("visible=true").count() == 2


def test_why_somebody_has_no_extension_stands_on_the_screen(looking: Page, served: Served) -> None:
    """Below the name on a phone, in a column of its own elsewhere; never in both."""
    for size, columns in ((PHONE, 1), (WIDE, 3)):
        looking.set_viewport_size(size)
        looking.goto(f"{served.url}/users/not-synced")
        row = looking.locator("tr", has_text="Annemarie Fieldhouse")
        reason = row.get_by_text("In scope: everyone").locator("visible=true")

        assert row.locator("td").locator("visible=true").count() == columns
        assert reason.count() == 1
        assert looking.evaluate(OUTSIDE, "#list td small, #list td") == []


def test_the_sign_of_an_error_stands_apart_from_its_text(looking: Page, served: Served) -> None:
    """Sign and text were one clump."""
    looking.set_viewport_size(WIDE)
    looking.goto(f"{served.url}/users")
    looking.locator("#m365").click()
    looking.get_by_label("Starting number").fill("0x10")
    looking.get_by_role("button", name="Save").click()
    looking.locator("#start-wrong").wait_for()

    gap = looking.locator("#start-wrong").evaluate(
        """one => {
          const range = document.createRange();
          range.selectNode(one.lastChild);
          return range.getBoundingClientRect().left
            - one.querySelector('.icon').getBoundingClientRect().right;
        }"""
    )

    assert gap >= 4


def test_an_owner_squeezes_no_value(looking: Page, served: Served) -> None:
    """Who owns a field stands below its value, at any width."""
    looking.set_viewport_size(WIDE)
    looking.goto(f"{served.url}/people/{person_id(0)}")
    fields = looking.locator("table.fields")

    below = fields.locator("tbody tr").evaluate_all(
        """rows => rows.map(row => {
          const owner = row.querySelector('.under').getBoundingClientRect();
          const value = row.querySelector('td').getBoundingClientRect();
          return owner.height > 0 && owner.top > value.top + 10;
        })"""
    )

    assert fields.locator("thead th").count() == 2
    assert below
    assert all(below)


def test_the_picker_shows_an_address_below_its_name(looking: Page, served: Served) -> None:
    """Beside it, a long name and a long address left no room for each other."""
    looking.set_viewport_size(PHONE)
    looking.goto(f"{served.url}/users")
    looking.locator("#m365").click()
    looking.locator("#scope-SyncSelected").check()
    label = looking.locator("dialog label", has_text="Annemarie Fieldhouse")
    label.wait_for()

    assert label.locator(".under").inner_text().strip("\u2068\u2069") == ANN.mail
    assert looking.evaluate(OUTSIDE, "dialog label .under") == []


def test_a_moment_of_a_table_stands_on_one_line(looking: Page, served: Served) -> None:
    """Where there is room: a column of dates is read downwards."""
    looking.set_viewport_size(WIDE)
    looking.goto(f"{served.url}/numbers/held")
    looking.locator("td", has_text="990").first.wait_for()
    # As beside a long reason or name.
    looking.evaluate(
        "() => document.querySelectorAll('td:has(time)').forEach(one => one.style.width = '1px')"
    )
    lines = looking.locator("td time").evaluate_all(
        "all => all.filter(one => one.offsetWidth).map(one => one.getClientRects().length)"
    )

    assert lines
    assert set(lines) == {1}


def test_a_plan_that_a_guard_holds_is_said_once(looking: Page, served: Served) -> None:
    """The alarm says it already, and leads to the plan."""
    looking.set_viewport_size(WIDE)
    looking.goto(f"{served.url}/")

    assert looking.locator(".message", has_text="A guard").count() <= 1
    assert looking.locator("#waiting-1").count() == 0


def test_paragraphs_of_a_message_stand_apart(looking: Page, served: Served) -> None:
    """What is wrong, and what to do about it."""
    looking.set_viewport_size(WIDE)
    looking.goto(f"{served.url}/")
    looking.evaluate("""() => {
      const message = document.querySelector('.message > div');
      message.innerHTML = '<p id=one>one</p><p id=two>two</p>';
    }""")
    above, below = (looking.locator(one).bounding_box() for one in ("#one", "#two"))

    assert above is not None
    assert below is not None
    assert below["y"] >= above["y"] + above["height"] + 4
