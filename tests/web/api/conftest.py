"""A program in front of the API of a whole house, empty or with sixty people synced."""

from typing import Any

import pytest

from doubles.api_caller import ApiCaller
from doubles.house import House
from doubles.web_visitor import Console
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
