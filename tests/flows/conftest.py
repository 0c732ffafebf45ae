"""A house per test: the product's flows on both databases, on virtual time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from doubles.house import House, open_house


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """An installation with one tenant, not connected yet."""
    async with open_house(database_url, tmp_path) as opened:
        yield opened
