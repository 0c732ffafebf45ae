"""What `jackfield doctor` makes of settings, and of a database where nobody works."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from jackfield.cli.doctor import Finding, examine
from jackfield.clock import SystemClock
from jackfield.holding import Place, take_place
from jackfield.settings import ServerFile, Settings
from jackfield.store.database import Database
from jackfield.store.runs import Trigger, begin_run
from jackfield.store.tenants import Connection, create_tenant, save_connection
from jackfield.store.vault import Vault

CLOCK = SystemClock()


async def findings(settings: Settings) -> dict[str, Finding]:
    return {one.what: one for one in await examine(settings)}


async def test_the_address_is_that_of_the_running_server(tmp_path: Path) -> None:
    """The demo's server was started with an address that no settings of a command know."""
    held = await take_place(tmp_path, CLOCK, shared=False)
    place = Place(tmp_path, 1)

    place.leave(ServerFile("http://127.0.0.1:9", "token", os.getpid()))
    elsewhere = (await findings(Settings(data_dir=tmp_path)))["Settings"].text
    same = (await findings(Settings(data_dir=tmp_path, listen="127.0.0.1:9")))["Settings"].text
    held.close()
    without = (await findings(Settings(data_dir=tmp_path)))["Settings"].text

    assert "listen=127.0.0.1:9 (as the running server was started)" in elsewhere
    assert "8200" not in elsewhere
    assert "listen=127.0.0.1:9," in same
    assert "listen=127.0.0.1:8200" in without


@pytest.fixture
def postgres_url(postgres_template: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    with postgres_template() as url:
        yield url


async def test_an_interrupted_run_is_told_on_postgresql_too(
    tmp_path: Path, postgres_url: str
) -> None:
    """Who is at work there is asked of the database: it may be on another machine."""
    database = await Database.open(postgres_url)
    Vault.open(tmp_path / "jackfield.key")
    now = CLOCK.now()
    async with database.write() as tx:
        await create_tenant(tx, "Northgate", now=now)
        await save_connection(
            tx, 1, Connection("tid", "Northgate", "client", "secret", "secret", now)
        )
        await begin_run(
            tx, 1, "flow", kind="people", trigger=Trigger.SCHEDULE, mode="full", now=now
        )
    await database.close()

    found = await findings(Settings(data_dir=tmp_path, database_url=postgres_url))

    assert found["Interrupted run"].text.startswith("Run 1 was cut off (Starting)")


async def test_a_data_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    """A slip in --data-dir has nothing to do with who owns what."""
    file = tmp_path / "backup.db"
    file.touch()

    finding = (await findings(Settings(data_dir=file)))["Data folder"]

    assert not finding.good
    assert finding.text == f"{file} is no folder."
