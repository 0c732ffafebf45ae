"""The built-in phone system on both databases."""

from collections.abc import AsyncIterator

import pytest

from contract.phone_system.builtin_house import BuiltInHouse


@pytest.fixture
async def house(migrated_url: str) -> AsyncIterator[BuiltInHouse]:
    """A database of its own, with as many tenants as asked for."""
    async with BuiltInHouse.open(migrated_url, first_tenant=0) as house:
        yield house
