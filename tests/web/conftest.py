"""The console over a whole house: real database, emulated tenant, no socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from doubles.house import House, open_house
from doubles.web_visitor import Console, Visitor, open_console


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
