"""Outages over real sockets: everybody is told in seconds, a stop takes two, nothing is lost."""

import asyncio
import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest

from doubles.end_state import load_end_state
from doubles.processes import Browser, Installation, Server, Stage, running_stage, until
from doubles.relay import Relay, relayed

pytestmark = pytest.mark.e2e

SAID_WITHIN_S = 15.0
STOPPED_WITHIN_S = 2.0
ANSWERED_WITHIN_S = 10.0
AWAY_S = 12.0
"""Longer than a few tries of the durable runner, whose pauses grow."""
GOES_ON_WITHIN_S = 60.0


@pytest.fixture(scope="module")
def company() -> Iterator[Stage]:
    with running_stage(people=120, seed=3) as stage:
        yield stage


@pytest.fixture
def wire(company: Stage) -> Iterator[Relay]:
    """The way to the stage, to be cut by the test."""
    at = urlsplit(company.url)
    with relayed(socket.AF_INET, (at.hostname, at.port)) as relay:
        yield relay


def behind(company: Stage, wire: Relay) -> Stage:
    """The stage as it is reached over the wire."""
    return replace(company, url=f"http://127.0.0.1:{wire.port}")


async def said(server: Server, since: float) -> tuple[float, Any, list[Any]]:
    """How long it took until the newest run waits and an alarm stands; the run, the alarms."""
    while True:
        runs = (await server.api("GET", "/runs"))["runs"]
        alarms = (await server.api("GET", "/alarms"))["alarms"]
        if runs and runs[0]["waits"] is not None and alarms:
            return time.monotonic() - since, runs[0], alarms
        assert time.monotonic() - since < 2 * SAID_WITHIN_S, (runs, alarms)
        await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        pytest.param("hold", "has not answered for more than 5 seconds", id="hanging"),
        pytest.param("refuse", "cannot be reached: no connection to 127.0.0.1", id="refusing"),
        pytest.param("throttled", "throttles Jackfield (429)", id="throttling"),
    ],
)
async def test_an_outage_is_said_everywhere_and_holds_up_no_stop(
    installation: Installation, company: Stage, wire: Relay, state: str, cause: str
) -> None:
    """Row, command, page, progress, alarm and doctor within 15 s; one alarm, not one a try."""
    with installation.serving() as server:
        password = server.process.out.split("password ")[1].split()[0]
        await installation.connect(behind(company, wire), "--no-sync")
        if state == "throttled":
            await company.control("POST", "/faults", {"kind": "throttled", "retryAfterS": 300})
        else:
            getattr(wire, state)()
        began = time.monotonic()
        ada = (await company.control("GET", "/people?limit=1"))["people"][0]["id"]
        await server.api("POST", "/people/sync", {"full": True})
        took_s, run, alarms = await said(server, began)
        listed = await installation.command("runs")
        doctor = await installation.command("doctor", "--json")
        began = time.monotonic()
        person = await installation.command("sync", "people", "--person", ada)
        person_s = time.monotonic() - began
        async with Browser(server.url) as browser:
            await browser.sign_in("admin", password)
            pages = [(await browser.get(path)).text for path in ("/runs", "/running", "/")]
        code, stopped_s = await server.process.stop(signal.SIGTERM)
        complaints = [line["event"] for line in server.process.log("warning", "error", "critical")]
    await company.control("DELETE", "/faults")
    wire.mend()

    assert took_s < SAID_WITHIN_S
    assert cause in run["text"]
    assert run["text"].startswith("Waits for Microsoft 365 since ")
    assert run["waits"]["what"] == "Microsoft 365"
    assert ("Next try at " in run["text"]) == (run["waits"]["until"] is not None)
    assert state != "throttled" or run["waits"]["until"] is not None
    assert [one["kind"] for one in alarms] == ["graph.away"]
    assert cause in listed.out
    assert all(cause in page for page in pages)
    assert doctor.code == 1
    named = {one["what"]: one for one in doctor.document if not one["good"]}
    assert cause in named["Microsoft 365"]["text"]
    assert named["Microsoft 365"]["next_step"]
    assert cause in named["Waiting run"]["text"]
    assert person.code == 1
    assert f"Full sync {run['id']} waits for Microsoft 365" in person.out
    assert cause in person.out
    assert person_s < ANSWERED_WITHIN_S
    assert code == 0
    assert stopped_s < STOPPED_WITHIN_S
    assert complaints == ["outage.began", "people.run_failed"]


@pytest.mark.parametrize("state", ["hold", "refuse"])
@pytest.mark.parametrize("served", [True, False], ids=["by_the_server", "by_the_command"])
async def test_one_person_is_answered_within_ten_seconds(
    installation: Installation, company: Stage, wire: Relay, state: str, served: bool
) -> None:
    """Whoever asks at the desk learns what is wrong instead of looking at a bar."""
    ada = (await company.control("GET", "/people?limit=1"))["people"][0]["id"]
    with installation.serving() as server:
        await installation.connect(behind(company, wire), "--no-sync")
        if not served:
            await server.process.stop()
        getattr(wire, state)()
        began = time.monotonic()
        await installation.command("runs")
        own_s = time.monotonic() - began
        person = await installation.command("sync", "people", "--person", ada)
        took_s = time.monotonic() - began - own_s
    wire.mend()

    assert person.code == 1
    assert "cannot be reached" in person.out
    assert "Ask again once it works" in person.out
    # To start and end a process of one's own takes what it takes on a busy machine.
    assert took_s - own_s < ANSWERED_WITHIN_S


async def test_what_an_outage_held_up_is_done_after_it(
    installation: Installation, company: Stage, wire: Relay
) -> None:
    """Stopped in the middle of one and started after it: the same run goes on, the alarm ends."""
    with installation.serving() as server:
        await installation.connect(behind(company, wire), "--no-sync")
        wire.hold()
        began = time.monotonic()
        run = await server.api("POST", "/people/sync", {"full": True})
        await said(server, began)
        await server.process.stop()
    wire.mend()

    with installation.serving() as again:
        ended = await again.run_ended(str(run["id"]))
        runs = (await again.api("GET", "/runs"))["runs"]
        alarms = (await again.api("GET", "/alarms?open_only=false"))["alarms"]
        journal = (await again.api("GET", "/journal?kind=alarm."))["lines"]
    end = await load_end_state(installation.url)

    assert ended["status"] == "done"
    assert len(runs) == 1
    assert [one["ended_at"] is None for one in alarms] == [False]
    assert [one["kind"] for one in journal] == ["alarm.ended", "alarm.begun"]
    assert len(end.extensions) == ended["counts"]["create_extension"] > 50
    assert end.doubles == []


async def test_the_demo_stops_at_once_while_its_tenant_hangs(installation: Installation) -> None:
    """Ctrl-C is what everybody tries first."""
    data = installation.folder / "demo"
    process = installation.start("demo", "--people", "40", "--data", str(data), "--port", "0")
    try:
        await until(lambda: "Console" in process.out, "the demo shows itself")
        url = process.out.split("Tenant")[1].split()[0]
        stage = Stage(url, "", "", 40)
        await stage.control("POST", "/faults", {"kind": "slow", "delayS": 300})

        deadline = time.monotonic() + 30
        while not (await stage.control("GET", "/faults"))["faults"][0]["struck"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        code, stopped_s = await process.stop(signal.SIGINT)
        _, left = psutil.wait_procs(process.tree, STOPPED_WITHIN_S - stopped_s)
    finally:
        process.close()

    assert code == 0
    assert stopped_s < STOPPED_WITHIN_S
    assert [one.pid for one in left] == []


# --- on PostgreSQL, where the database is another system that may be away -------------------------


@pytest.fixture
def database(postgres_server: Callable[[str], str]) -> str:
    """The address of an empty database."""
    return postgres_server(f"e{uuid.uuid4().hex}")


@pytest.fixture
def database_wire(database: str) -> Iterator[Relay]:
    """The way to the database, to be cut by the test."""
    folder = database.split("host=")[1]
    with relayed(socket.AF_UNIX, f"{folder}/.s.PGSQL.5432") as relay:
        yield relay


@pytest.mark.parametrize("state", ["hold", "refuse"])
async def test_a_stop_does_not_wait_for_a_database_that_is_away(
    tmp_path: Path, company: Stage, database: str, database_wire: Relay, state: str
) -> None:
    """In the middle of a first sync: two seconds, and the next start goes on where it was."""
    name = database.split("@/")[1].split("?", maxsplit=1)[0]
    address = f"postgresql://postgres@127.0.0.1:{database_wire.port}/{name}"
    installation = Installation(tmp_path, address)
    await company.control("PATCH", "/quirks", {"delta_page_objects": 3})
    with installation.serving() as server:
        await installation.connect(company, "--no-sync")
        run = await server.api("POST", "/people/sync", {"full": True})
        await until_begun(server)
        getattr(database_wire, state)()
        await until(database_wire.felt.is_set, "somebody waits for the database")
        code, stopped_s = await server.process.stop(signal.SIGTERM)
    await company.control("PATCH", "/quirks", {"delta_page_objects": 100})
    database_wire.mend()

    with installation.serving() as again:
        ended = await again.settle()
        # Until then the dead one's slot is not free, nor its token revoked.
        await until(lambda: said_by(again, "process.died"), "the dead one's work is adopted")
        tokens = [
            one
            for one in (await again.api("GET", "/tokens"))["tokens"]
            if one["revoked_at"] is None
        ]
    end = await load_end_state(installation.url)

    assert code == 0
    assert stopped_s < STOPPED_WITHIN_S
    assert run["status"] in {"queued", "running"}
    assert ended["status"] == "done", ended
    assert len(end.extensions) > 50
    assert end.doubles == []
    # The command line's own token of a process that could not say farewell is nobody's.
    assert len([one for one in tokens if one["name"].startswith("command line")]) == 1


def said_by(server: Server, event: str) -> bool:
    """Whether its log has this event."""
    return any(line["event"] == event for line in server.process.log())


@pytest.mark.parametrize("state", ["hold", "refuse"])
async def test_a_load_balancer_hears_that_the_database_is_away(
    tmp_path: Path, database: str, database_wire: Relay, state: str
) -> None:
    """So that it asks another one; where the database stands is nobody's business."""
    name = database.split("@/")[1].split("?", maxsplit=1)[0]
    address = f"postgresql://postgres@127.0.0.1:{database_wire.port}/{name}"
    with Installation(tmp_path, address).serving() as server:
        getattr(database_wire, state)()
        began = time.monotonic()
        away, page = await asyncio.gather(server.health(), server.try_api("GET", "/runs"))
        took_s = time.monotonic() - began
        database_wire.mend()
        again = await server.healthy(ANSWERED_WITHIN_S)

    assert away.status == page.status == 503
    assert f"127.0.0.1:{database_wire.port}" in page.body["detail"]
    assert "Check that" in page.body["detail"]
    assert took_s < ANSWERED_WITHIN_S
    assert away.body["status"] == "The database does not answer."
    assert again.body["status"] == "ok"


async def until_begun(server: Server) -> None:
    """The run has its row: work is under way."""
    deadline = time.monotonic() + 30
    while not (await server.api("GET", "/runs"))["runs"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_phone_system_that_hangs_is_said_and_holds_up_no_stop(
    tmp_path: Path, company: Stage, database: str
) -> None:
    """The built-in one's tables are locked by somebody else: the write waits for ever."""
    installation = Installation(tmp_path, database)
    with installation.serving() as server:
        await installation.connect(company, "--no-sync")
        locker = await asyncpg.connect(database)
        try:
            async with locker.transaction():
                await locker.execute("LOCK TABLE extension IN ACCESS EXCLUSIVE MODE")
                began = time.monotonic()
                await server.api("POST", "/people/sync", {"full": True})
                took_s, run, alarms = await said(server, began)
                doctor = await installation.command("doctor")
                code, stopped_s = await server.process.stop(signal.SIGTERM)
        finally:
            await locker.close()

    with installation.serving() as again:
        ended = await again.settle()
    end = await load_end_state(installation.url)

    assert took_s < SAID_WITHIN_S
    assert run["waits"]["what"] == "the phone system"
    assert "has not answered for more than 5 seconds" in run["text"]
    assert [one["kind"] for one in alarms] == ["phones.unreachable"]
    assert doctor.code == 1
    assert code == 0
    assert stopped_s < STOPPED_WITHIN_S
    assert ended["status"] == "done"
    assert len(end.extensions) == ended["counts"]["create_extension"]
    assert end.doubles == []


async def test_a_database_that_comes_back_finds_everything_under_way(
    tmp_path: Path, company: Stage, database: str, database_wire: Relay
) -> None:
    """In the middle of a first sync: each door says what is wrong, then the same run ends."""
    name = database.split("@/")[1].split("?", maxsplit=1)[0]
    address = f"postgresql://postgres@127.0.0.1:{database_wire.port}/{name}"
    installation = Installation(tmp_path, address)
    await company.control("PATCH", "/quirks", {"delta_page_objects": 3})
    with installation.serving() as server:
        password = server.process.out.split("password ")[1].split()[0]
        await installation.connect(company, "--no-sync")
        async with Browser(server.url) as browser:
            await browser.sign_in("admin", password)
            await server.api("POST", "/people/sync", {"full": True})
            await until_begun(server)
            database_wire.refuse()
            away_at = time.monotonic()
            page = await browser.get("/runs")
        api = await server.try_api("GET", "/runs")
        command = await installation.command("runs")
        doctor = await installation.command("doctor", "--json")
        await asyncio.sleep(max(0.0, away_at + AWAY_S - time.monotonic()))
        database_wire.mend()
        back_at = time.monotonic()
        ended = await server.settle()
        took_s = time.monotonic() - back_at
        runs = (await server.api("GET", "/runs"))["runs"]
        alarms = (await server.api("GET", "/alarms?open_only=false"))["alarms"]
        lines = (await server.api("GET", "/journal?kind=alarm."))["lines"]
        well = await installation.command("doctor", "--json")
    await company.control("PATCH", "/quirks", {"delta_page_objects": 100})
    end = await load_end_state(database)

    said = f"127.0.0.1:{database_wire.port}"
    assert (page.status, api.status) == (503, 503)
    assert "Jackfield cannot work at the moment" in page.text
    for text in (page.text, api.body["detail"], command.err + command.out):
        assert said in text
        assert "Check" in text
    assert command.code == doctor.code == 1
    (wrong,) = [one for one in doctor.document if not one["good"]]
    assert wrong["what"] == "Database"
    assert said in wrong["text"]
    assert wrong["next_step"]
    assert ended["status"] == "done", ended
    assert len(runs) == 1
    assert took_s < GOES_ON_WITHIN_S
    assert len(end.extensions) == ended["counts"]["create_extension"] > 50
    assert end.doubles == []
    (alarm,) = alarms
    assert alarm["kind"] == "database.away"
    assert alarm["ended_at"] is not None
    assert "could not be used from " in alarm["text"]
    assert [one["kind"] for one in lines] == ["alarm.ended", "alarm.begun"]
    assert "Database" not in {one["what"] for one in well.document if not one["good"]}
