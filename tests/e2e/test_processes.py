"""Several processes on one PostgreSQL: who does what, who may take part, and what they share."""

import asyncio
import contextlib
import socket
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from cryptography.fernet import Fernet

from doubles.end_state import load_end_state
from doubles.processes import (
    PATIENCE_S,
    Browser,
    Installation,
    Process,
    Server,
    Stage,
    ask,
    hidden_fields,
    until,
)
from doubles.relay import relayed
from doubles.tables import migrate_to
from jackfield.store.processes import SLOT
from jackfield.store.vault import Vault

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

FIRINGS = 4
AWAKE_S = 30.0
"""Half of what a call waits for an answer."""


@pytest.fixture
def installation(tmp_path: Path, postgres_server: Callable[[str], str]) -> Installation:
    """An empty data folder beside an empty PostgreSQL database."""
    folder = tmp_path / "first"
    folder.mkdir()
    return Installation(folder, postgres_server(f"e{uuid.uuid4().hex}"))


@contextlib.contextmanager
def serving(*installations: Installation) -> Iterator[list[Server]]:
    """Servers that are started at once; what has no console is not waited for."""
    started = [one.start("serve", "--listen", "127.0.0.1:0") for one in installations]
    try:
        yield [
            Server.of(process, one.data)
            for process, one in zip(started, installations, strict=True)
        ]
    finally:
        for process in started:
            process.close()


async def test_two_that_start_at_once_on_an_empty_database_share_it(
    installation: Installation, tmp_path: Path, stage: Stage
) -> None:
    """One folder, one tenant, one first password; a page of one is sent to the other."""
    second = Installation(tmp_path / "second", installation.database_url)
    second.folder.mkdir()
    installation.data.mkdir(mode=0o700)
    (second.folder / "data").symlink_to(installation.data)
    with serving(installation, second) as servers:
        healths = [(await one.health()).body for one in servers]
        said = [one.process.out for one in servers if "password " in one.process.out]
        password = "".join(said).split("password ")[1].split()[0]
        async with Browser(servers[0].url) as browser:
            await browser.sign_in("admin", password)
            form = hidden_fields((await browser.get("/users/m365")).text)
            browser.url = servers[1].url
            page = await browser.get("/")
            sent = await browser.post("/logout", form)
        connected = await installation.connect(stage)
        ran = [await one.api("POST", "/people/sync", {"full": True}) for one in servers]
        ended = [await one.run_ended(run["id"]) for one, run in zip(servers, ran, strict=True)]
        budgets = [(await one.api("GET", "/graph"))["processes"] for one in servers]
        stopped = [await one.process.stop() for one in servers]
        complaints = [
            line for one in servers for line in one.process.log("warning", "error", "critical")
        ]

    assert sorted(one["process"] for one in healths) == ["slot-1", "slot-2"]
    assert len(said) == 1
    assert page.status == 200
    assert sent.status == 303
    assert connected.code == 0
    assert {one["status"] for one in ended} == {"done"}
    assert budgets == [2, 2]
    assert [code for code, _ in stopped] == [0, 0]
    assert complaints == []
    end = await load_end_state(installation.url)
    assert end.doubles == []
    assert len(end.extensions) > 30


async def test_a_process_without_the_role_only_asks(
    installation: Installation, tmp_path: Path, stage: Stage
) -> None:
    """The console runs here, the work there; who does not work cannot begin what it asks for."""
    installation.settings["JACKFIELD_ROLES"] = "web"
    with serving(installation) as (web,):
        await installation.connect(stage, "--no-sync")
        run = await web.api("POST", "/people/sync", {"full": True})
        await all_have_looked(installation)
        waiting = await web.api("GET", f"/runs/{run['id']}")
        doctor = await installation.command("doctor")
        other = installation.beside(tmp_path / "second", JACKFIELD_ROLES="sync")
        worker = other.start("serve", "--listen", "127.0.0.1:0")
        try:
            ended = await web.run_ended(run["id"])
            processes = (await web.api("GET", "/processes"))["processes"]
            at = await address_of(worker)
            health = await Server(worker, at, "").health()
            nothing_else = [
                await Server(worker, at, "").try_api("GET", "/status"),
                await ask("GET", f"{at}/login"),
            ]
            listed = await other.command("runs", "--json")
            asked = await other.command("sync", "people", "--json")
            code, _ = await Server(worker, at, "").process.stop()
        finally:
            worker.close()

    assert waiting["status"] == "queued"
    assert doctor.code == 1
    assert "No process carries runs" in doctor.out
    assert ended["status"] == "done"
    assert [one["roles"] for one in processes] == [["web"], ["sync"]]
    assert health.status == 200
    assert health.body["roles"] == ["sync"]
    assert [one.status for one in nothing_else] == [404, 404]
    assert listed.code == asked.code == code == 0


async def test_who_has_another_key_or_none_cannot_take_part(
    installation: Installation, tmp_path: Path
) -> None:
    """Secrets that one process stores must be read by all: said at the start, not at the sync."""
    without = Installation(tmp_path / "without", installation.database_url)
    with_another = Installation(tmp_path / "another", installation.database_url)
    with_another.data.mkdir(parents=True)
    without.folder.mkdir()
    with installation.serving() as server:
        none = await without.command("serve", "--listen", "127.0.0.1:0")
        key = Fernet.generate_key()
        (with_another.data / "jackfield.key").write_bytes(key)
        (with_another.data / "jackfield.key").chmod(0o600)
        another = await with_another.command("serve", "--listen", "127.0.0.1:0")
        rotated = await installation.beside(tmp_path / "right").command("key", "rotate")
        await server.process.stop()

    assert none.code == another.code == rotated.code == 1
    assert "from another of its processes" in none.err
    assert not (without.data / "jackfield.key").exists()
    assert "cannot be decrypted with the keys in" in another.err
    assert "Other processes use the present key: slot-1 on" in rotated.err
    assert "Traceback" not in none.err + another.err + rotated.err


async def test_an_older_process_leaves_a_newer_database(
    installation: Installation, tmp_path: Path
) -> None:
    """At its start, and when a newer one has upgraded the tables under it."""
    with installation.serving() as server:
        other = installation.beside(tmp_path / "second")
        with psycopg.connect(installation.database_url, autocommit=True) as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
        code = await server.process.ended(within_s=10)
        said = server.process.log("critical")
    late = await other.command("serve", "--listen", "127.0.0.1:0")

    assert code == late.code == 1
    assert [line["event"] for line in said] == ["database.upgraded"]
    assert "newer Jackfield" in late.err
    assert "Start the newer Jackfield" in late.err


async def test_the_work_of_a_killed_server_waits_seconds(installation: Installation) -> None:
    """Nobody else runs: the next start takes up what the dead one left."""
    with installation.serving() as server:
        await server.process.kill()

    with installation.serving() as server:
        first = (await server.health()).body["process"]
        await until(
            lambda: any(line["event"] == "process.died" for line in server.process.log()),
            "the dead one's slot is freed",
            within_s=10,
        )

    assert first == "slot-2"


async def test_a_schedule_fires_once(
    installation: Installation, tmp_path: Path, stage: Stage
) -> None:
    """Each process looks every second at what is due, in the same moment as often as not."""
    grown = []
    with serving(installation) as (first,):
        await installation.connect(stage, "--no-sync")
        await first.choose(enabled=True, schedule={"delta_interval_s": 0})
        await first.settle()
        with serving(installation.beside(tmp_path / "second")) as (second,):
            for _ in range(FIRINGS):
                before = await runs_of(first)
                with psycopg.connect(installation.database_url, autocommit=True) as database:
                    database.execute("UPDATE schedule SET last_full_at = NULL")
                await another_done(second, before)
                await all_have_looked(installation)
                grown.append([one for one in await runs_of(first) if one not in before])
            processes = (await first.api("GET", "/processes"))["processes"]

    assert len(processes) == 2
    assert [[run["status"] for run in runs] for runs in grown] == [["done"]] * FIRINGS
    assert {run["mode"] for runs in grown for run in runs} == {"full"}


async def test_who_waits_elsewhere_hears_of_a_new_connection(
    installation: Installation, tmp_path: Path, stage: Stage
) -> None:
    """The console runs here; the run that hangs on the old address is carried there."""
    at = urlsplit(stage.url)
    with relayed(socket.AF_INET, (at.hostname, at.port)) as wire:
        behind = replace(stage, url=f"http://127.0.0.1:{wire.port}")
        installation.settings["JACKFIELD_ROLES"] = "web"
        with serving(installation) as (web,):
            await installation.connect(behind, "--no-sync")
            other = installation.beside(tmp_path / "second", JACKFIELD_ROLES="sync")
            worker = other.start("serve", "--listen", "127.0.0.1:0")
            try:
                wire.hold()
                run = await web.api("POST", "/people/sync", {"full": True})
                waiting = await waits(web, str(run["id"]))
                connected = await installation.connect(stage)
                ended = await web.run_ended(str(run["id"]), within_s=AWAKE_S)
            finally:
                worker.close()

    assert "has not answered" in waiting["text"]
    assert connected.code == 0
    assert ended["status"] == "done"


async def waits(server: Server, run: str) -> Any:
    """A run, once it says that it waits for Microsoft 365."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            told = await server.api("GET", f"/runs/{run}")
            if told["waits"] is not None:
                return told
            await asyncio.sleep(0.1)


async def runs_of(server: Server) -> list[Any]:
    """Every run of people sync that there was."""
    runs = (await server.api("GET", "/runs?limit=100"))["runs"]
    return [run for run in runs if run["kind"] == "people"]


async def all_have_looked(installation: Installation) -> None:
    """Wait until every process has looked at what is due once more, at the least.

    It looks each second, as it renews its slot each second: three times, so that a look lies
    between two of them, on however slow a machine.
    """
    with psycopg.connect(installation.database_url, autocommit=True) as database:
        seen: dict[str, set[int]] = {}

        def renewed() -> bool:
            query = "SELECT name, until FROM lease WHERE name LIKE %s AND owner <> ''"
            for name, until_ in database.execute(query, [f"{SLOT}%"]):
                seen.setdefault(name, set()).add(until_)
            return bool(seen) and all(len(times) > 3 for times in seen.values())

        await until(renewed, "every process renews its slot three times")


async def another_done(server: Server, before: list[Any]) -> None:
    """Wait until a run has ended that was not there before."""
    known = {run["id"] for run in before}
    async with asyncio.timeout(PATIENCE_S):
        while True:
            runs = [run for run in await runs_of(server) if run["id"] not in known]
            if any(run["status"] == "done" for run in runs):
                return
            await asyncio.sleep(0.1)


async def test_two_that_start_at_once_bring_old_tables_up_to_date(
    installation: Installation, tmp_path: Path, stage: Stage
) -> None:
    """A provider upgrades the package and starts all of them with one command."""
    migrate_to(installation.database_url, "0006")
    installation.data.mkdir(mode=0o700)
    Vault.open(installation.data / "jackfield.key")
    with serving(installation, installation.beside(tmp_path / "second")) as servers:
        connected = await installation.connect(stage)
        ended = await servers[1].settle()
        complaints = [
            line for one in servers for line in one.process.log("warning", "error", "critical")
        ]
        stopped = [await one.process.stop() for one in servers]

    assert connected.code == 0
    assert ended["status"] == "done"
    assert complaints == []
    assert [code for code, _ in stopped] == [0, 0]
    end = await load_end_state(installation.url)
    assert end.doubles == []
    assert len(end.extensions) > 30


async def address_of(worker: Process) -> str:
    """Where a process without a console answers."""

    def ports() -> list[int]:
        found = psutil.Process(worker.pid).net_connections()
        return [one.laddr.port for one in found if one.status == "LISTEN"]

    await until(lambda: bool(ports()), "it listens")
    return f"http://127.0.0.1:{ports()[0]}"
