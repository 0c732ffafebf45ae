"""Names as directories hold them: endless, in every script and direction; pages stay in shape."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from doubles.web_fillings import fill_with, person_id
from doubles.web_served import Served, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAME = (
    "Wolfeschlegelsteinhausen"
    + "\u0627\u0644\u0639\u0631\u0628\u064a\u0629" * 8
    + "Wolfeschlegelsteinhausen" * 5
    + "👩\u200d👩\u200d👧\u200d👦" * 6
    + "Z\u0337\u0321a\u0336l\u0338g\u0335o\u0336" * 5
    + "42"
)
PATHS = [
    "/",
    "/users",
    "/users/not-synced",
    f"/people/{person_id(0)}",
    "/departments",
    "/plans/1",
    "/plans/1/approve",
    "/runs",
    "/runs/1",
    "/journal",
    "/users/m365",
]
SQUEEZED = """() => [...document.querySelectorAll('main td, main .tag, main dd, main h1, main li')]
  .filter(one => one.offsetWidth && !one.closest('.clamp, summary'))
  .filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth)
  .map(one => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 40)}`)"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("console")) as served:
        served.write(lambda tx: fill_with(tx, NAME, served.now))
        yield served


@pytest.fixture(scope="module")
def looking(browser: Browser, served: Served) -> Iterator[Page]:
    """The page of somebody signed in."""
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(f"{served.url}/login")
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill(served.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{served.url}/")
        yield page


@pytest.mark.parametrize("width", [1280, 390])
def test_no_name_pushes_a_page_out_of_shape(looking: Page, served: Served, width: int) -> None:
    """It wraps or ends in dots: nothing scrolls sideways, nothing lies over anything else."""
    looking.set_viewport_size({"width": width, "height": 900})
    wrong = {}
    for path in PATHS:
        looking.goto(served.url + path)
        if looking.evaluate("document.documentElement.scrollWidth") > width:
            wrong[path] = ["the page"]
        elif squeezed := looking.evaluate(SQUEEZED):
            wrong[path] = squeezed

    assert not wrong


def test_what_ends_in_dots_is_told_in_full(looking: Page, served: Served) -> None:
    """By the title for those who point, by the person's page for everybody."""
    looking.set_viewport_size({"width": 390, "height": 900})
    looking.goto(f"{served.url}/users")
    link = looking.locator("#list a.clamp").first

    assert link.evaluate("one => one.scrollHeight > one.clientHeight")
    assert link.get_attribute("title") == f"{NAME} {NAME}"
    link.click()
    heading = looking.locator("h1")
    assert heading.text_content() == NAME
    assert heading.evaluate("one => one.scrollHeight <= one.clientHeight + 1")


def test_a_name_turns_nothing_around_it(looking: Page, served: Served) -> None:
    """The number in front of an Arabic name stays in front of it, whatever the name begins with."""
    looking.set_viewport_size({"width": 1280, "height": 900})
    looking.goto(f"{served.url}/plans/1")

    places = looking.evaluate(
        """() => [...document.querySelectorAll('#list .row .grow')].map(one => {
            const name = one.querySelector('bdi');
            const range = document.createRange();
            range.setStart(name.parentElement, 0);
            range.setEndBefore(name);
            const before = range.getBoundingClientRect(), box = name.getClientRects()[0];
            return [before.left, box.left, before.top, box.top];
        })"""
    )

    assert len(places) > 3
    assert all(left <= name for left, name, top, below in places if abs(top - below) < 5)
