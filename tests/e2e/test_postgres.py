"""The same commands on PostgreSQL, whose address comes from the environment."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from doubles.end_state import load_end_state
from doubles.processes import Browser, Installation, Stage

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]


@pytest.fixture
def installation(tmp_path: Path, postgres_server: Callable[[str], str]) -> Installation:
    """An empty data folder beside an empty PostgreSQL database."""
    return Installation(tmp_path, postgres_server(f"e{uuid.uuid4().hex}"))


async def test_an_installation_lives_in_postgresql(
    installation: Installation, stage: Stage
) -> None:
    """One setting, and everything but the key file and the server's address is in the database."""
    with installation.serving() as server:
        connected = await installation.connect(stage)
        synced = await installation.command("sync", "people", "--json")
        doctor = await installation.command("doctor")
        async with Browser(server.url) as browser:
            page = await browser.get("/")
        code, took_s = await server.process.stop()
        troubles = server.process.log("warning", "error", "critical")
    listed = await installation.command("runs", "--json")
    end = await load_end_state(installation.url)

    assert connected.code == synced.code == doctor.code == listed.code == code == 0
    assert page.status == 303  # not signed in: to the sign-in page
    assert len(end.extensions) > 30
    assert end.doubles == []
    assert took_s < 2.0
    assert troubles == []
    assert not list(installation.data.glob("*.db"))
