"""The console over a whole house: real database, emulated tenant, no socket.

And the console in a browser: on a socket, over what a test writes into the database.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from doubles.house import House, open_house
from doubles.web_browser import sign_in
from doubles.web_fillings import (
    a_person,
    fill_with,
    give_extensions,
    group_id,
    save_persons,
)
from doubles.web_served import Served, serve
from doubles.web_visitor import Console, Visitor, open_console
from jackfield.core.departments import Group
from jackfield.store.alarms import end_alarm
from jackfield.store.groups import save_groups
from jackfield.store.released import note_released

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(f"sqlite:///{tmp_path / 'jackfield.db'}", tmp_path) as house:
        yield house


@pytest.fixture
async def console(house: House) -> Console:
    """The web application as people reach it on this machine, by plain http."""
    return await open_console(house)


@pytest.fixture
async def admin(console: Console) -> Visitor:
    """A browser in which the administrator is signed in."""
    return await console.signed_in()


# --- in a browser ------------------------------------------------------------------------------


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
