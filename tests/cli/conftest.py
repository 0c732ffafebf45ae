"""A keyboard in front of a whole house: real database, emulated tenant, no socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from doubles.api_caller import ApiCaller
from doubles.house import House, open_house
from doubles.keyboard import HouseDoor
from doubles.web_visitor import open_console


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(f"sqlite:///{tmp_path / 'jackfield.db'}", tmp_path) as house:
        yield house


@pytest.fixture
async def door(house: House) -> HouseDoor:
    """Microsoft 365 is not connected."""
    return HouseDoor(await ApiCaller(await open_console(house), "").with_token())
