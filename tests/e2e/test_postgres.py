"""The same commands on PostgreSQL, whose address comes from the environment."""

import time
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


async def test_two_processes_on_one_postgresql_are_refused(
    installation: Installation, tmp_path: Path
) -> None:
    """Beside the same folder and beside another one: only one process works on a database."""
    other = tmp_path / "other"
    other.mkdir()
    elsewhere = Installation(other, installation.database_url)

    with installation.serving() as server:
        same_folder = await installation.command("serve", "--listen", "127.0.0.1:0")
        same_database = await elsewhere.command("serve", "--listen", "127.0.0.1:0")
        status = await server.try_api("GET", "/status")

    assert same_folder.code == same_database.code == 1
    assert f"process {server.process.pid}" in same_folder.err
    assert "The database is in use" in same_database.err
    assert "Traceback" not in same_folder.err + same_database.err
    assert status.status == 200


async def test_the_lease_of_a_killed_server_runs_out(installation: Installation) -> None:
    """After a crash the next start waits seconds, not minutes, for the dead one's lease."""
    with installation.serving() as server:
        await server.process.kill()
    begun = time.monotonic()

    with installation.serving() as server:
        took_s = time.monotonic() - begun
        status = await server.try_api("GET", "/status")

    assert status.status == 200
    assert took_s < 15
