"""Several tenants in a real browser: their pages, and the switch between them in the header."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from doubles.web_fillings import fill_with
from doubles.web_served import Served, serve
from jackfield.store.tenants import create_tenant

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LONG = "Bürgermeister & Partner Rechtsanwaltsgesellschaft mbH Köln"
ENDLESS = "Wolfeschlegelsteinhausenbergerdorff" * 2 + "العربية"
PATHS = [
    "/tenants",
    "/tenants/journal",
    "/tenants/1",
    "/tenants/2",
    "/tenants/3",
    "/t/1/",
    "/t/2/",
    "/t/3/users",
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A console with a tenant that has something of everything, and two that are new."""
    with serve(tmp_path_factory.mktemp("console")) as served:
        served.write(lambda tx: fill_with(tx, "Sales & Söhne", served.now))
        for name in (LONG, ENDLESS):
            served.write(lambda tx, name=name: create_tenant(tx, name, now=served.now))
        yield served


@pytest.fixture(scope="module")
def looking(browser: Browser, served: Served) -> Iterator[Page]:
    """The page of somebody signed in who sees all tenants."""
    with contextlib.closing(browser.new_context(reduced_motion="reduce")) as context:
        page = context.new_page()
        page.goto(f"{served.url}/login")
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill(served.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{served.url}/tenants")
        yield page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_with_the_switch_open(looking: Page, served: Served, scheme: Any) -> None:
    """Contrast, names, roles: in both lights."""
    looking.set_viewport_size({"width": 1280, "height": 900})
    looking.emulate_media(color_scheme=scheme)
    found = []
    for path in PATHS:
        looking.goto(served.url + path)
        looking.locator("#switch").click()
        found += [
            f"{path} {one['id']}: {node['html'][:200]}"
            for one in Axe().run(looking).response["violations"]
            for node in one["nodes"]
        ]

    assert not found


@pytest.mark.parametrize("width", [1280, 390])
def test_no_name_of_a_tenant_pushes_a_page_out_of_shape(
    looking: Page, served: Served, width: int
) -> None:
    """Names of customers are long; the header still says which one it is."""
    looking.set_viewport_size({"width": width, "height": 844})
    wide = []
    for path in PATHS:
        looking.goto(served.url + path)
        looking.locator("#switch").click()
        menu = looking.locator(".switch > ul").bounding_box()
        assert menu is not None
        if (
            looking.evaluate("document.documentElement.scrollWidth") > width
            or menu["x"] < 0
            or menu["x"] + menu["width"] > width
        ):
            wide.append(path)

    assert not wide
    assert looking.locator("#switch .label").bounding_box()["width"] >= 100  # type: ignore[index]


def test_the_switch_closes_as_a_menu_does(looking: Page, served: Served) -> None:
    """By Escape, which gives the focus back, and by a click elsewhere."""
    looking.set_viewport_size({"width": 1280, "height": 900})
    looking.goto(f"{served.url}/t/2/")
    links = looking.locator("#switch-1")

    looking.locator("#switch").focus()
    looking.keyboard.press("Enter")
    links.wait_for()
    looking.keyboard.press("Tab")
    looking.keyboard.press("Escape")
    links.wait_for(state="hidden")
    assert looking.evaluate("document.activeElement.id") == "switch"

    looking.locator("#switch").click()
    links.wait_for()
    looking.locator("h1").click()
    links.wait_for(state="hidden")


def test_the_switch_leads_to_another_tenant_and_says_which(looking: Page, served: Served) -> None:
    """The one whose page it is stands in the header, and is marked in the list."""
    looking.goto(f"{served.url}/t/1/users")
    looking.locator("#switch").click()
    looking.locator("#switch-2").click()
    looking.wait_for_url(f"{served.url}/t/2/")

    assert LONG in looking.locator("#switch .label").inner_text()
    assert looking.locator(".switch [aria-current]").get_attribute("id") == "switch-2"
