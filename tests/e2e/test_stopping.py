"""A server ends when it is told to, whatever is under way, and goes on where it was."""

import asyncio
import signal
from collections.abc import Iterator

import aiohttp
import pytest

from doubles.processes import (
    Browser,
    Installation,
    Stage,
    hidden_fields,
    is_closed,
    running_stage,
    until,
)

pytestmark = pytest.mark.e2e

STOPPED_WITHIN_S = 2.0


@pytest.fixture(scope="module")
def company() -> Iterator[Stage]:
    """Large enough that a first sync takes longer than it takes to look at it."""
    with running_stage(people=3000, seed=7) as stage:
        yield stage


async def viewing(browser: Browser, seen: list[bytes]) -> None:
    """A tab that stays open until the server ends the stream."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with browser.session.get(f"{browser.url}/live", timeout=timeout) as stream:
        while line := await stream.content.readline():
            seen.append(line)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_at_once_with_viewers_and_a_running_sync(
    installation: Installation, company: Stage, number: signal.Signals
) -> None:
    """A restart for an update must not wait for open tabs, nor cut a sync to pieces."""
    with installation.serving() as server:
        password = server.process.out.split("password ")[1].split()[0]
        await installation.connect(company, "--no-sync")
        run = await server.api("POST", "/people/sync", {"full": True})
        async with Browser(server.url) as browser:
            await browser.sign_in("admin", password)
            seen: list[list[bytes]] = [[], [], []]
            viewers = [asyncio.create_task(viewing(browser, one)) for one in seen]
            await until(lambda: all(any(b"run" in line for line in one) for one in seen), "seen")
            code, took_s = await server.process.stop(number)
            await asyncio.wait_for(asyncio.gather(*viewers), 5)
        troubles = server.process.log("warning", "error", "critical")
        closed = await is_closed(server.url)

    with installation.serving() as again:
        ended = await again.run_ended(str(run["id"]))
        runs = (await again.api("GET", "/runs"))["runs"]
        status = await again.api("GET", "/status")
        complaints = again.process.log("warning", "error", "critical")

    assert code == 0
    assert took_s < STOPPED_WITHIN_S
    assert closed
    assert troubles == complaints == []
    assert ended["status"] == "done"
    assert [one["status"] for one in runs] == ["done"]  # the same run went on
    assert status["people"] == 3000
    assert status["linked"] == ended["counts"]["create_extension"]


async def test_an_idle_server_stops_at_once(installation: Installation) -> None:
    """Whoever stops a service waits for it in person."""
    with installation.serving() as server:
        code, took_s = await server.process.stop(signal.SIGTERM)

    assert code == 0
    assert took_s < STOPPED_WITHIN_S
    assert not (installation.data / "server.json").exists()
    assert server.process.log("warning", "error", "critical") == []


async def test_a_server_that_is_stopped_while_it_starts_ends_well(
    installation: Installation,
) -> None:
    """A service manager may change its mind in the first second."""
    with installation.serving() as server:  # answers, but the durable runner is not up yet
        code, took_s = await server.process.stop(signal.SIGTERM)

    assert code == 0
    assert took_s < STOPPED_WITHIN_S


async def test_a_page_that_was_open_over_a_restart_still_works(installation: Installation) -> None:
    """Nobody signs in again, or loses what they filled in, because the server was updated."""
    with installation.serving() as server:
        password = server.process.out.split("password ")[1].split()[0]
        async with Browser(server.url) as browser:
            signed_in = await browser.sign_in("admin", password)
            form = hidden_fields((await browser.get("/journal")).text)
            await server.process.stop()
            with installation.serving() as again:
                browser.url = again.url
                shown = await browser.get("/journal")
                sent = await browser.post("/logout", form)

    assert (signed_in.status, shown.status, sent.status) == (303, 200, 303)
