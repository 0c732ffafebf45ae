"""What people do in a real browser on every page, and what axe says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe

from doubles.web_served import Served

if TYPE_CHECKING:
    from playwright.sync_api import Page


def sign_in(page: Page, served: Served) -> None:
    """Fill in and send the form of the sign-in page."""
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(served.password)
    page.get_by_role("button", name="Sign in").click()


def findings(page: Page) -> list[str]:
    """What axe has to say, in one line each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url} {one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]
    ]
