"""A house per test: the product's flows on both databases, on virtual time.

What holds for every story is checked at its end: nothing was written to a directory, and no run
is left behind that nobody carries.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from doubles.house import House, open_house
from jackfield.store.runs import RunStatus
from m365_emulator.server import Emulator
from m365_emulator.stage import JOURNAL_SIZE


@pytest.fixture
async def house(migrated_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """An installation with one tenant, not connected yet."""
    async with open_house(migrated_url, tmp_path) as opened:
        yield opened
        for stage in opened.stages.values():
            assert not _written(stage)
        for tenant in (1, 2):
            left = [one for one in await opened.runs(tenant) if one.status is RunStatus.RUNNING]
            assert not left


def _written(stage: Emulator) -> list[str]:
    """Requests that could have changed something.

    Asking for a token changes nothing, and of a batch each part is told by itself.
    """
    harmless = ("/oauth2/v2.0/token", "/v1.0/$batch")
    return [
        f"{one.method} {one.path}"
        for one in stage.journal.last(JOURNAL_SIZE)
        if one.method != "GET" and not one.path.endswith(harmless)
    ]
