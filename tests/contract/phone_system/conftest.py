"""The implementers on which the phone port's contract is tried, and a place in one of them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from contract.phone_system.builtin_house import BuiltInHouse
from contract.phone_system.places import ALL, House, LossyHouse, Place, ThreeCxHouse

_rooms = itertools.count(1)


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all tests: each gets tenants of its own in it."""
    return f"sqlite:///{tmp_path_factory.mktemp('phones') / 'jackfield.db'}"


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Callable[[str], str]) -> str:
    """The same on PostgreSQL."""
    return postgres_server("phone_systems")


@pytest.fixture(params=ALL)
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """An implementer; the same test runs in each."""

    async def builtin(url: str) -> BuiltInHouse:
        return await stack.enter_async_context(
            BuiltInHouse.open(request.getfixturevalue(url), first_tenant=10 * next(_rooms))
        )

    async with AsyncExitStack() as stack:
        match request.param:
            case "builtin":
                yield await builtin("sqlite_url")
            case "builtin_lossy":
                yield LossyHouse(await builtin("sqlite_url"))
            case "builtin_postgres":
                yield await builtin("postgres_url")
            case "threecx_habits":
                yield ThreeCxHouse()


@pytest.fixture
async def place(house: House) -> Place:
    """The phone system of one tenant."""
    return await house.place(1)
