"""Several servers on one PostgreSQL, and the one that works is killed or stops breathing.

JACKFIELD_KILLS says at how many moments of each work (2 if it is not set).
"""

import asyncio
import contextlib
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from doubles.end_state import load_end_state
from doubles.processes import Installation, Server, until
from doubles.scenes import Databases, Scene, at_rest

pytestmark = [pytest.mark.kill9, pytest.mark.postgres]

KILLS = int(os.environ.get("JACKFIELD_KILLS", "2"))
MOMENTS = [pytest.param(number, id=f"moment{number}") for number in range(KILLS)]
TAKEOVER_S = 10.0


@pytest.fixture(scope="module")
def databases(request: pytest.FixtureRequest) -> Databases:
    """Only PostgreSQL can be shared."""
    return Databases(request.getfixturevalue("postgres_server"))


def worker_of(url: str) -> str | None:
    """The slot in which a run is carried at the moment."""
    with psycopg.connect(url, autocommit=True) as database:
        row = database.execute(
            "SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING' LIMIT 1"
        ).fetchone()
    return None if row is None else str(row[0])


async def slot_of(server: Server) -> str:
    return str((await server.health()).body["process"])


async def its_worker(url: str, servers: list[Server]) -> Server:
    """The server that carries a run, once one does."""
    slots = {await slot_of(one): one for one in servers}
    found: Server | None = None

    def carried() -> bool:
        nonlocal found
        found = slots.get(worker_of(url) or "")
        return found is not None

    await until(carried, "somebody carries the run")
    assert found is not None
    return found


@contextlib.contextmanager
def servers_of(installation: Installation, folder: Path, count: int) -> Iterator[list[Server]]:
    """So many servers, started at once, each in a folder of its own as on so many machines."""
    places = [installation, *(installation.beside(folder / f"m{n}") for n in range(1, count))]
    started = [one.start("serve", "--listen", "127.0.0.1:0") for one in places]
    try:
        yield [Server.of(one, place.data) for one, place in zip(started, places, strict=True)]
    finally:
        for one in started:
            one.close()


async def all_done(server: Server, url: str) -> None:
    """At rest, and nothing that was asked for is left to do: a wish during a run is another run."""

    def is_wanted() -> bool:
        with psycopg.connect(url, autocommit=True) as database:
            return bool(
                database.execute(
                    "SELECT 1 FROM schedule WHERE work = 'people' AND wanted != ''"
                ).fetchone()
            )

    await at_rest(server)
    await until(lambda: not is_wanted(), "nothing is asked for any more")
    await at_rest(server)


def adopted(survivors: list[Server]) -> bool:
    """Whether a survivor says that it has taken the dead one's work over."""
    lines = [line for one in survivors for line in one.process.log() if "event" in line]
    return any(line["event"] == "process.died" for line in lines)


async def compare(scene: Scene, installation: Installation) -> None:
    end = await load_end_state(installation.url)
    assert end.doubles == []
    assert end.running == []
    assert end.open_plans == []
    assert end.wanted is None
    assert end == scene.undisturbed
    assert end.linked_lines == scene.undisturbed.linked_lines


async def kill_the_worker(scene: Scene, folder: Path, rng: random.Random, count: int) -> None:
    """Kill whoever works, at some moment of its work; the others finish it within seconds."""
    installation = scene.copy(folder / "shared")
    with servers_of(installation, folder, count) as servers:
        await scene.work(servers[0])
        worker = await its_worker(installation.url, servers)
        await asyncio.sleep(rng.uniform(0, scene.took_s * 0.8))
        busy = worker_of(installation.url) is not None
        await worker.process.kill()
        begun = time.monotonic()
        survivors = [one for one in servers if one is not worker]
        await until(lambda: adopted(survivors), "a survivor has adopted the work")
        took_s = time.monotonic() - begun
        await all_done(survivors[0], installation.url)
        rest_s = time.monotonic() - begun
        errors = [
            line["event"] for one in survivors for line in one.process.log("error", "critical")
        ]
        stopped = [await one.process.stop() for one in survivors]
    sys.stdout.write(
        f"killed {'at work' if busy else 'at rest'}: adopted after {took_s:.1f} s, "
        f"at rest after {rest_s:.1f} s (undisturbed {scene.took_s:.1f} s)\n"
    )
    await compare(scene, installation)
    assert errors == []
    assert [code for code, _ in stopped] == [0] * (count - 1)
    assert took_s <= TAKEOVER_S


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_peer_finishes_the_first_sync_of_a_killed_one(
    first_sync: Scene, tmp_path: Path, rng: random.Random, moment: int
) -> None:
    """A machine that dies costs seconds of a sync, with two servers or three."""
    await kill_the_worker(first_sync, tmp_path, rng, 2 + moment % 2)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_peer_carries_on_the_approved_plan_of_a_killed_one(
    approved_plan: Scene, tmp_path: Path, rng: random.Random, moment: int
) -> None:
    """What an administrator has approved is carried out once, by whoever lives."""
    await kill_the_worker(approved_plan, tmp_path, rng, 3 - moment % 2)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_server_that_was_paused_writes_nothing_after_the_takeover(
    first_sync: Scene, tmp_path: Path, rng: random.Random, moment: int
) -> None:
    """A virtual machine that is moved sleeps for seconds: when it wakes, its work is a peer's."""
    installation = first_sync.copy(tmp_path / "shared")
    with servers_of(installation, tmp_path, 2) as servers:
        await first_sync.work(servers[0])
        worker = await its_worker(installation.url, servers)
        await asyncio.sleep(rng.uniform(0, first_sync.took_s * (0.2 + 0.5 * (moment % 2))))
        worker.process.freeze()
        begun = time.monotonic()
        (survivor,) = [one for one in servers if one is not worker]
        await until(lambda: adopted([survivor]), "the survivor has adopted the work")
        took_s = time.monotonic() - begun
        worker.process.thaw()
        code = await worker.process.ended()
        said = [line["event"] for line in worker.process.log("error", "critical")]
        await all_done(survivor, installation.url)
        errors = [line["event"] for line in survivor.process.log("error", "critical")]
        await survivor.process.stop()
    await compare(first_sync, installation)
    assert errors == []
    assert (code, said) == (1, ["process.replaced"])
    assert took_s <= TAKEOVER_S


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_database_that_is_restarted_under_both_loses_nothing(
    first_sync: Scene,
    tmp_path: Path,
    rng: random.Random,
    restart_postgres: Callable[[], None],
    moment: int,
) -> None:
    """A power cut of the database server: both wait for it, and nobody takes the other for dead."""
    installation = first_sync.copy(tmp_path / "shared")
    with servers_of(installation, tmp_path, 2) as servers:
        slots = [await slot_of(one) for one in servers]
        await first_sync.work(servers[moment % 2])
        await its_worker(installation.url, servers)
        await asyncio.sleep(rng.uniform(0, first_sync.took_s * 0.8))
        await asyncio.to_thread(restart_postgres)
        for one in servers:
            await one.healthy(TAKEOVER_S)
        await all_done(servers[0], installation.url)
        lines = [line for one in servers for line in one.process.log()]
        still = [await slot_of(one) for one in servers]
        stopped = [await one.process.stop() for one in servers]
    await compare(first_sync, installation)
    assert still == slots
    assert [code for code, _ in stopped] == [0, 0]
    assert not {line["event"] for line in lines} & {"process.died", "process.replaced"}
