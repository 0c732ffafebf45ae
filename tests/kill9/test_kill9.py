"""kill -9 at random moments of the product's main job: nobody is lost, nobody is there twice.

JACKFIELD_KILLS says at how many moments of each work (2 if it is not set).
"""

import asyncio
import os
import random
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doubles.end_state import load_end_state
from doubles.processes import PATIENCE_S, Installation, Server
from doubles.scenes import Scene, at_rest

pytestmark = pytest.mark.kill9

KILLS = int(os.environ.get("JACKFIELD_KILLS", "2"))
MOMENTS = [pytest.param(number, id=f"moment{number}") for number in range(KILLS)]
SOON_S = 20.0
"""After a restart everything must be done within this, and a start on PostgreSQL waits for the
dead process's lease; on an idle machine it takes a few seconds."""


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_first_sync_survives_kill9(
    first_sync: Scene, tmp_path: Path, rng: random.Random, moment: int
) -> None:
    """A power cut during the first sync costs seconds: no leftovers, no doubles, nobody lost."""
    await kill_and_compare(first_sync, tmp_path, rng, forgetful=moment % 2 == 1)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_an_approved_plan_survives_kill9(
    approved_plan: Scene, tmp_path: Path, rng: random.Random, moment: int
) -> None:
    """What an administrator has approved is carried out once, however often the power fails."""
    await kill_and_compare(approved_plan, tmp_path, rng, forgetful=moment % 2 == 1)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_look_at_photos_survives_kill9(
    look_at_photos: Scene, tmp_path: Path, rng: random.Random, moment: int
) -> None:
    """Everybody has their own face in the end, and nobody's is lost on the way."""
    assert look_at_photos.undisturbed.avatars

    await kill_and_compare(look_at_photos, tmp_path, rng, forgetful=moment % 2 == 1)


async def kill_and_compare(
    scene: Scene, folder: Path, rng: random.Random, *, forgetful: bool
) -> None:
    """Kill at one or two moments, restart, and hold the end against that of a calm run.

    With `forgetful` the durable runner's tables are deleted while nobody runs.
    """
    installation = scene.copy(folder / "killed")
    lives = rng.choice((1, 1, 2))
    after_s = [rng.uniform(0, scene.took_s) for _ in range(lives)]

    for life, delay in enumerate(after_s):
        with installation.serving() as server:
            if life == 0:
                await scene.work(server)
            await asyncio.sleep(delay)
            await server.process.kill()
        if forgetful:
            scene.databases.forget_work(installation)
    begun = time.monotonic()
    errors = await finish(installation)
    took_s = time.monotonic() - begun

    end = await load_end_state(installation.url)
    moments = " and ".join(f"{one:.2f} s" for one in after_s)
    sys.stdout.write(
        f"killed after {moments} of {scene.took_s:.2f} s"
        f"{', work forgotten' if forgetful else ''}: at rest {took_s:.1f} s after the restart\n"
    )
    assert end.doubles == []
    assert end.running == []
    assert end.open_plans == []
    assert end.wanted is None
    assert set(end.people) == set(scene.undisturbed.people)
    assert end.extensions == scene.undisturbed.extensions
    assert end == scene.undisturbed
    assert end.avatars == scene.undisturbed.avatars
    assert end.linked_lines == scene.undisturbed.linked_lines
    assert errors == []
    assert took_s < SOON_S


async def finish(installation: Installation) -> list[str]:
    """Start, wait until all is done, stop; what was logged as an error."""
    with installation.serving() as server:
        await at_rest(server)
        code, _ = await server.process.stop()
        assert code == 0
        return [line["event"] for line in server.process.log("error", "critical")]


async def test_a_large_plan_that_is_cut_off_leaves_no_half_of_it(
    first_sync: Scene, tmp_path: Path
) -> None:
    """Its actions are stored a piece at a time: it is made anew whole, under the same number."""
    installation = first_sync.copy(tmp_path / "killed")
    with installation.serving() as server:
        await first_sync.work(server)
        await asyncio.to_thread(freeze_in_the_making, installation, server)
        await server.process.kill()
    seen = await asyncio.to_thread(ask, installation, "SELECT count(*) FROM plan")

    errors = await finish(installation)

    end = await load_end_state(installation.url)
    assert seen == [(0,)]
    assert end == first_sync.undisturbed
    assert await asyncio.to_thread(ask, installation, "SELECT id FROM plan") == [(1,)]
    assert await asyncio.to_thread(ask, installation, "SELECT count(*) FROM plan_draft") == [(0,)]
    actions = "SELECT count(*), count(DISTINCT subject) FROM plan_action"
    ((counted, subjects),) = await asyncio.to_thread(ask, installation, actions)
    assert counted == subjects
    assert errors == []


def freeze_in_the_making(installation: Installation, server: Server) -> None:
    """Let it go no further than into the making of a plan."""
    until = time.monotonic() + PATIENCE_S
    while not ask(installation, "SELECT plan FROM plan_draft"):
        assert time.monotonic() < until
    server.process.freeze()


def ask(installation: Installation, question: str) -> list[tuple[Any, ...]]:
    """Look past the product at what its database holds."""
    if installation.database_url:
        with psycopg.connect(installation.database_url) as postgres:
            return postgres.execute(question.encode()).fetchall()
    with closing(sqlite3.connect(installation.data / "jackfield.db")) as sqlite:
        return sqlite.execute(question).fetchall()
