"""Backups that are restored: while it works, of an older day, and without its key."""

import asyncio
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from doubles.end_state import load_end_state
from doubles.processes import Browser, Installation, Server, Stage, running_stage

pytestmark = pytest.mark.e2e


@pytest.fixture
def company() -> Iterator[Stage]:
    """A tenant of this test alone: it changes."""
    with running_stage(people=80) as stage:
        yield stage


@dataclass(frozen=True, slots=True)
class Vessel:
    """One kind of database: how it is backed up and restored by the commands of the page."""

    folder: Path
    new_postgres: Callable[[str], str] | None
    tools: Path | None

    def installation(self) -> Installation:
        folder = self.folder / "first"
        folder.mkdir()
        if self.new_postgres is None:
            return Installation(folder)
        return Installation(folder, self.new_postgres(f"b{uuid.uuid4().hex}"))

    async def back_up(self, installation: Installation, name: str) -> Path:
        file = self.folder / name
        if self.tools is None:
            said = await installation.command("backup", str(file))
            assert said.code == 0, said.err
        else:
            left_out = ("--exclude-schema=dbos", "--exclude-table-data=session")
            url = installation.database_url
            await tool(self.tools / "pg_dump", "--format=custom", *left_out, f"--file={file}", url)
        return file

    async def restore(self, file: Path, key_file: Path) -> Installation:
        folder = self.folder / f"restored-{file.name}"
        folder.mkdir()
        if self.new_postgres is None or self.tools is None:
            restored = Installation(folder)
            said = await restored.command("restore", str(file), "--key-file", str(key_file))
            assert said.code == 0, said.err
            return restored
        restored = Installation(folder, self.new_postgres(f"r{uuid.uuid4().hex}"))
        into = f"--dbname={restored.database_url}"
        await tool(self.tools / "pg_restore", "--no-owner", "--exit-on-error", into, str(file))
        restored.data.mkdir(mode=0o700)
        shutil.copy(key_file, restored.data / "jackfield.key")
        return restored


@pytest.fixture(
    params=[
        pytest.param("sqlite", id="sqlite"),
        pytest.param("postgres", id="postgres", marks=pytest.mark.postgres),
    ]
)
def vessel(request: pytest.FixtureRequest, tmp_path: Path) -> Vessel:
    """Each of the two kinds."""
    if request.param == "sqlite":
        return Vessel(tmp_path, None, None)
    tools = request.getfixturevalue("postgres_tools")
    return Vessel(tmp_path, request.getfixturevalue("postgres_server"), tools)


async def tool(*command: object) -> None:
    """Run one of the server's commands to its good end."""
    ended = await asyncio.to_thread(
        subprocess.run, [str(one) for one in command], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


async def synced(server: Server, *, full: bool = False) -> str:
    """What a sync says, and those that had to follow have ended too."""
    run = await server.api("POST", "/people/sync", {"full": full})
    ended = await server.run_ended(str(run["id"]))
    assert ended["status"] == "done", ended
    await server.settle()
    return str(ended["text"])


async def test_a_backup_of_a_working_installation_stands_for_it(
    vessel: Vessel, company: Stage
) -> None:
    """Taken during a sync and after it; restored, the same people have the same extensions."""
    installation = vessel.installation()
    with installation.serving() as server:
        password = server.process.out.split("password ")[1].split()[0]
        await installation.connect(company, "--no-sync")
        run = await server.api("POST", "/people/sync", {"full": True})
        meanwhile = await vessel.back_up(installation, "meanwhile")
        await server.run_ended(str(run["id"]))
        await server.settle()
        async with Browser(server.url) as browser:
            await browser.sign_in("admin", password)
            file = await vessel.back_up(installation, "whole")
            key_file = installation.data / "jackfield.key"
            restored = await vessel.restore(file, key_file)
            same = await load_end_state(restored.url)
            with restored.serving() as again:
                said = await synced(again)
                signed_in = (await browser.get("/users")).status
                browser.url = again.url
                signed_out = (await browser.get("/users")).status
                await browser.sign_in("admin", password)
                signed_in_again = (await browser.get("/users")).status
                complaints = again.process.log("error", "critical")
    before = await load_end_state(installation.url)
    half = await vessel.restore(meanwhile, key_file)
    with half.serving() as again:
        await synced(again, full=True)
    end = await load_end_state(half.url)

    assert same == before
    assert same.linked_lines == before.linked_lines
    assert said == "Nothing to do for 80 people."
    assert (signed_in, signed_out, signed_in_again) == (200, 303, 200)
    assert complaints == []
    assert end == before
    assert end.doubles == []


@pytest.mark.parametrize("forgotten", [False, True], ids=["link_known", "link_forgotten"])
async def test_an_older_backup_catches_up(vessel: Vessel, company: Stage, forgotten: bool) -> None:
    """What has happened since is read again, from the delta link of that day or from the start."""
    installation = vessel.installation()
    with installation.serving() as server:
        await installation.connect(company, "--no-sync")
        await synced(server, full=True)
        file = await vessel.back_up(installation, "older")
        people = (await company.control("GET", "/people?limit=3"))["people"]
        await company.control("POST", "/people", {"displayName": "Nina New"})
        await company.control("PATCH", f"/people/{people[0]['id']}", {"displayName": "Now Else"})
        await company.control("POST", f"/people/{people[1]['id']}/delete")
        await synced(server)
        await server.process.stop()
    latest = await load_end_state(installation.url)
    if forgotten:
        await company.control("POST", "/delta-links/forget")

    restored = await vessel.restore(file, installation.data / "jackfield.key")
    older = await load_end_state(restored.url)
    with restored.serving() as again:
        await synced(again)
        settled = await synced(again)
        complaints = again.process.log("error", "critical")
    end = await load_end_state(restored.url)

    assert older != latest
    told = {one for one in end.people if end.people[one] != latest.people[one]}
    # A full round sees that somebody is not there, not that they were deleted.
    assert told == ({people[1]["id"]} if forgotten else set())
    assert end.people.keys() == latest.people.keys()
    assert end.extensions == latest.extensions
    assert end.departments == latest.departments
    assert end.doubles == []
    assert settled.startswith("Nothing to do")
    assert complaints == []
    assert await load_end_state(installation.url) == latest


async def test_without_its_key_only_the_connection_is_lost(
    tmp_path: Path, installation: Installation, company: Stage
) -> None:
    """People and their numbers are worth more than a client secret, made anew in a minute."""
    file = tmp_path / "backup.db"
    with installation.serving() as server:
        await installation.connect(company, "--no-sync")
        await synced(server, full=True)
        await installation.command("backup", str(file))
        running = await installation.command("restore", str(file), "--replace")
        await server.process.stop()
    before = await load_end_state(installation.url)
    other = Installation(tmp_path / "other")
    other.folder.mkdir()

    refused = await other.command("restore", str(file))
    nothing = (other.data / "jackfield.db").exists()
    restored = await other.command("restore", str(file), "--forget-secrets")
    with other.serving() as again:
        run = await again.api("POST", "/people/sync", {"full": False})
        failed = await again.run_ended(str(run["id"]))
        connected = await other.connect(company)
        said = await synced(again)

    assert running.code == refused.code == 1
    assert "in use by the process" in running.err
    assert "--forget-secrets" in refused.err
    assert not nothing
    assert restored.code == 0
    assert "connect Microsoft 365 again" in restored.out
    assert failed["status"] == "failed"
    assert "secret" in failed["text"]
    assert connected.code == 0
    assert said == "Nothing to do for 80 people."
    assert await load_end_state(other.url) == before
