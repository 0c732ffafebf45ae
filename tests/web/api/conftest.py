"""A program in front of the API of a whole house, empty or with sixty people synced."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from doubles import inline_sqlite
from doubles.api_caller import ApiCaller
from doubles.house import House
from doubles.virtual_clock import VirtualClock
from doubles.web_visitor import Console, open_console
from jackfield.store.database import Database
from m365_emulator.tenant import Tenant


@pytest.fixture
async def api(console: Console) -> ApiCaller:
    """A good token; Microsoft 365 is not connected."""
    return await ApiCaller(console, "").with_token()


@pytest.fixture
async def tenant(house: House) -> Tenant:
    """A connected organisation that nobody works in yet."""
    stage = house.raise_stage(people=0)
    await house.connect(stage)
    return stage.tenant


@pytest.fixture
async def synced(house: House, api: ApiCaller) -> ApiCaller:
    """An organisation of sixty, connected and synced once."""
    await house.connect(house.raise_stage(people=60), sync=True)
    await house.sync(full=True)
    return api


@pytest.fixture
async def document(api: ApiCaller) -> dict[str, Any]:
    """The OpenAPI document, as anybody gets it."""
    answer = await api.send("GET", "/schema/openapi.json")
    assert answer.status == 200
    found: dict[str, Any] = answer.body
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiCaller]:
    """One empty installation for a module's tables of refusals: nobody changes what is there.

    Its tests bear `pytest.mark.asyncio(loop_scope="module")`.
    """
    asyncio.get_running_loop().set_default_executor(inline_sqlite.InlineExecutor())
    folder = tmp_path_factory.mktemp("shared")
    # Engines of its own: those of the other tests' houses serve one house at a time.
    place = inline_sqlite.Place()
    place.path = folder / "jackfield.db"
    database = await Database.open(f"sqlite:///{place.path}", sqlite_connect=place.connect)
    house = House(database, folder, VirtualClock(), seed=1)
    await house.setup.first_tenant()
    yield await ApiCaller(await open_console(house), "").with_token()
    await house.connections.close()
    await database.close()
