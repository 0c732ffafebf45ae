"""The one command that shows the product, run as a newcomer would run it."""

import asyncio
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from doubles.processes import (
    LOOK_S,
    Browser,
    Installation,
    Process,
    Server,
    Stage,
    ask,
    is_closed,
    until,
)

pytestmark = pytest.mark.e2e

SEEN_WITHIN_S = 10.0
STOPPED_WITHIN_S = 2.0
USABLE = "Ctrl-C stops everything"


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo, as its terminal shows it."""

    process: Process
    console: str
    password: str
    stage: Stage
    server: Server

    async def gone(self) -> bool:
        """Nobody runs and nobody listens any more."""
        alive = [one for one in self.process.tree if psutil.pid_exists(one.pid) and _runs(one)]
        closed = [await is_closed(url) for url in (self.console, self.stage.url)]
        return not alive and all(closed)


@contextmanager
def started(folder: Path, *options: str) -> Iterator[Process]:
    folder.mkdir(parents=True, exist_ok=True)
    environment = Installation(folder).environment
    environment.pop("JACKFIELD_DATA_DIR")
    command = (sys.executable, "-m", "jackfield", "demo", "--data", str(folder / "data"))
    process = Process(*command, *options, folder=folder, environment=environment)
    try:
        yield process
    finally:
        process.close()


@asynccontextmanager
async def demo(folder: Path, *options: str) -> AsyncIterator[Demo]:
    """The demo, once it has said that it is usable."""
    begun = time.monotonic()
    with started(folder, "--port", "0", *options) as process:
        await until(lambda: USABLE in process.out or process.popen.poll() is not None, "usable")
        assert process.popen.poll() is None, process.out + process.err
        sys.stdout.write(f"the demo was usable after {time.monotonic() - begun:.1f} s\n")
        shown = dict(re.findall(r"^  (Console|Password|Tenant) +(\S+)", process.out, re.MULTILINE))
        assert len(process.children()) == 1
        stage = Stage(shown["Tenant"], "", "", 0)
        server = Server.of(process, folder / "data")
        password = re.search(r"^  Password +(.+)$", process.out, re.MULTILINE)
        assert password is not None
        yield Demo(process, shown["Console"], password[1], stage, server)


async def seen(look: Any) -> float:
    """Seconds until `look` sees it, or the test fails."""
    begun = time.monotonic()
    while not await look():
        assert time.monotonic() - begun < SEEN_WITHIN_S
        await asyncio.sleep(LOOK_S)
    return time.monotonic() - begun


async def extension_of(demo: Demo, name: str) -> Any:
    found = await demo.server.api("GET", f"/extensions?search={name}")
    exact = [
        one for one in found["extensions"] if f"{one['first_name']} {one['last_name']}" == name
    ]
    return exact[0] if exact else None


async def test_a_newcomer_sees_people_become_extensions(tmp_path: Path) -> None:
    """The product's promise in one command: addresses, a good password, people with numbers."""
    async with demo(tmp_path, "--people", "250") as shown, Browser(shown.console) as browser:
        refused = await browser.post("/login", {"name": "admin", "password": shown.password})
        wrong = await browser.sign_in("admin", "not-the-password")
        let_in = await browser.sign_in("admin", shown.password)
        overview = await browser.get("/")
        tenant = await ask("GET", shown.stage.url)
        figures = await shown.server.api("GET", "/status")
        settings = await shown.server.api("GET", "/settings/people")

        assert refused.status == 403  # no form token
        assert wrong.status == 401
        assert (let_in.status, let_in.headers["location"]) == (303, "/")
        assert overview.status == 200
        assert tenant.status == 200
        assert figures["people"] == 250
        assert figures["linked"] > 100
        assert figures["open_alarms"] == 0
        assert settings["settings"]["schedule"]["delta_interval_s"] == 5
        assert shown.process.err == ""


async def test_what_happens_in_the_tenant_shows_without_a_click(tmp_path: Path) -> None:
    """Hired, renamed, moved, disabled: the four things an administrator does all day."""
    async with demo(tmp_path, "--people", "250") as shown, Browser(shown.console) as browser:
        await browser.sign_in("admin", shown.password)
        groups = (await shown.stage.control("GET", "/groups"))["groups"]
        departments = (await shown.server.api("GET", "/departments"))["departments"]
        by_name = {one["name"]: one["key"] for one in departments}
        target = next(one for one in groups if one["displayName"] in by_name and not one["dynamic"])

        async def in_console(name: str) -> bool:
            return name in (await browser.get(f"/users?q={name.rsplit(maxsplit=1)[-1]}")).text

        async def has(name: str, **facts: Any) -> bool:
            one = await extension_of(shown, name)
            return one is not None and all(one[fact] == value for fact, value in facts.items())

        async def in_department(name: str) -> bool:
            one = await extension_of(shown, name)
            return by_name[target["displayName"]] in one["departments"]

        hired = await shown.stage.control(
            "POST", "/people", {"displayName": "Quilla Newhire", "properties": PROPERTIES}
        )
        took = [await seen(lambda: has("Quilla Newhire"))]
        assert await in_console("Quilla Newhire")
        number = (await extension_of(shown, "Quilla Newhire"))["number"]

        properties = {"displayName": "Quilla Marryname", "surname": "Marryname"}
        await shown.stage.control("PATCH", f"/people/{hired['id']}", properties)
        took.append(await seen(lambda: has("Quilla Marryname", number=number)))
        assert await in_console("Quilla Marryname")

        await shown.stage.control("POST", f"/people/{hired['id']}/move", {"add": [target["id"]]})
        took.append(await seen(lambda: in_department("Quilla Marryname")))

        await shown.stage.control("POST", f"/people/{hired['id']}/disable")

        async def flagged() -> bool:
            return (await shown.server.api("GET", f"/people/{hired['id']}"))["left"] == "disabled"

        took.append(await seen(flagged))
        assert (await extension_of(shown, "Quilla Marryname"))["number"] == number
        shown_after = ", ".join(f"{one:.1f} s" for one in took)
        sys.stdout.write(f"hired, renamed, moved, disabled shown after {shown_after}\n")


PROPERTIES = {"givenName": "Quilla", "surname": "Newhire"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    """A demo that leaves servers behind is remembered for that."""
    async with demo(tmp_path, "--people", "60") as shown:
        code, took_s = await shown.process.stop(number)

        assert code == 0
        assert took_s < STOPPED_WITHIN_S
        assert await shown.gone()
        assert shown.process.err == ""
        assert not (tmp_path / "data" / "server.json").exists()


async def test_ctrl_c_in_the_first_second_leaves_no_process(tmp_path: Path) -> None:
    """Somebody who changes their mind at once must not find a tenant running tomorrow."""
    with started(tmp_path, "--people", "20000") as process:
        await until(lambda: len(process.children()) == 1, "the tenant is being made")

        code, took_s = await process.stop()

        assert code in {0, 130}  # it had heard of signals, or not yet
        assert took_s < STOPPED_WITHIN_S
        assert "Traceback" not in process.err
        # Where the signal came before anybody listened, the tenant ends by its closed pipe.
        gone = STOPPED_WITHIN_S - took_s
        await until(lambda: not any(map(_runs, process.tree)), "the tenant has ended", gone)


async def test_a_killed_demo_takes_its_tenant_along(tmp_path: Path) -> None:
    """kill -9 gives nobody the chance to tidy up: the tenant sees that its pipe is closed."""
    async with demo(tmp_path, "--people", "60") as shown:
        await shown.process.kill()

        await until(lambda: not any(map(_runs, shown.process.tree)), "the tenant has ended", 2.0)
        assert await shown.gone()


async def test_the_same_folder_can_be_shown_again(tmp_path: Path) -> None:
    """Who has kept the data finds the same console, the same password and the same numbers."""
    async with demo(tmp_path, "--people", "60") as first:
        password = first.password
        before = await first.server.api("GET", "/extensions?limit=500")
        # Somebody reads docs/tenants.md and tries it.
        await first.server.api("POST", "/tenants", {"name": "Harbour Dental"})
        await first.process.kill()

    async with demo(tmp_path, "--people", "60") as second, Browser(second.console) as browser:
        let_in = await browser.sign_in("admin", password)
        after = await second.server.api("GET", "/extensions?limit=500", tenant=1)

        assert "the one you know" in second.password
        assert let_in.status == 303
        assert after == before


async def test_another_port_is_taken_when_the_usual_one_is_busy(tmp_path: Path) -> None:
    """The demo runs beside whatever else uses port 8200, another demo for instance."""
    with socket.socket() as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            busy.bind(("127.0.0.1", 8200))
            busy.listen()
        except OSError:
            pass  # somebody else is so kind

        async with demo(tmp_path, "--people", "30") as shown, Browser(shown.console) as browser:
            answer = await browser.get("/login")

    assert not shown.console.endswith(":8200")
    assert answer.status == 200


async def test_a_busy_port_that_was_asked_for_is_said(tmp_path: Path) -> None:
    """Whoever names a port wants that one: a plain sentence, exit code 1, no tenant left."""
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]

        with started(tmp_path, "--people", "30", "--port", str(port)) as process:
            code = await process.ended()

            assert code == 1
            assert f"127.0.0.1:{port}" in process.err
            assert "name another port: --port" in process.err
            assert "--listen" not in process.err
            assert process.out.startswith("Starting an emulated tenant of 30 people and Jackfield")
            assert "Traceback" not in process.err
            assert not [one for one in process.tree if _runs(one)]


def _runs(one: psutil.Process) -> bool:
    try:
        return one.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
