"""Installations that stand right before some work: made once, copied as often as it is tried."""

from __future__ import annotations

import asyncio
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from doubles.end_state import EndState, load_end_state
from doubles.processes import LOOK_S, PATIENCE_S, Installation, Server


class Databases:
    """Makes, copies and strips databases of one kind."""

    def __init__(self, new_postgres: Callable[[str], str] | None) -> None:
        self._new = new_postgres

    def installation(self, folder: Path) -> Installation:
        """An empty one."""
        folder.mkdir(parents=True)
        url = "" if self._new is None else self._new(f"k{uuid.uuid4().hex}")
        return Installation(folder, url)

    def copy(self, model: Installation, folder: Path) -> Installation:
        """Another installation of the same state. Nobody may be working on the model."""
        folder.mkdir(parents=True)
        shutil.copytree(model.data, folder / "data")
        if not model.database_url:
            return Installation(folder)
        name = f"k{uuid.uuid4().hex}"
        parts = urlsplit(model.database_url)
        with psycopg.connect(_named(model.database_url, "postgres"), autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{parts.path[1:]}"'.encode())
        return Installation(folder, _named(model.database_url, name))

    def forget_work(self, installation: Installation) -> None:
        """Delete the durable runner's tables: they are disposable while nobody works."""
        if not installation.database_url:
            for left in installation.data.glob("work.db*"):
                left.unlink()
            return
        with psycopg.connect(installation.database_url, autocommit=True) as database:
            database.execute("DROP SCHEMA IF EXISTS dbos CASCADE")


@dataclass(frozen=True, slots=True)
class Scene:
    """An installation before its work, and what an undisturbed run of that work leads to."""

    databases: Databases
    model: Installation
    work: Callable[[Server], Any]
    """Ask for the work; an awaitable."""
    took_s: float
    undisturbed: EndState

    def copy(self, folder: Path) -> Installation:
        return self.databases.copy(self.model, folder)


async def ask_for_sync(server: Server) -> None:
    await server.api("POST", "/people/sync", {"full": True})


async def approve_the_plan(server: Server) -> None:
    plan = (await server.api("GET", "/plans?limit=1"))["plans"][0]
    await server.api("POST", f"/plans/{plan['id']}/approve", {})


async def ask_for_photos(server: Server) -> None:
    await server.choose(photos=True)
    await server.api("POST", "/photos/sync")


def undisturbed(
    databases: Databases, model: Installation, work: Callable[[Server], Any], folder: Path
) -> Scene:
    """Do the work once without killing anybody."""
    calm = databases.copy(model, folder)

    async def run() -> float:
        with calm.serving() as server:
            begun = time.monotonic()
            await work(server)
            await at_rest(server)
            took_s = time.monotonic() - begun
            await server.process.stop()
        return took_s

    took_s = asyncio.run(run())
    return Scene(databases, model, work, took_s, asyncio.run(load_end_state(calm.url)))


async def at_rest(server: Server) -> None:
    """Wait until nothing is under way, and no decided plan or photo is left to be looked at."""
    async with asyncio.timeout(PATIENCE_S):
        calm = 0
        while calm < 2:
            runs = (await server.api("GET", "/runs?limit=50"))["runs"]
            plans = (await server.api("GET", "/plans?limit=20"))["plans"]
            busy = [one for one in runs if one["status"] == "running"]
            busy += [one for one in plans if one["status"] in {"approved", "applying"}]
            status = await server.api("GET", "/status")
            linked, photos = status["linked"], status["photos"]
            looked = sum(photos[one] for one in ("shown", "none", "unusable", "unread"))
            # A look that was killed before its row was begun leaves nothing that could be seen.
            owed = not runs or is_owed(runs) or (photos["on"] and not looked)
            calm = calm + 1 if linked and not busy and not owed else 0
            await asyncio.sleep(LOOK_S)


def is_owed(runs: list[Any]) -> bool:
    """Whether the last run was cut off, so that another must follow."""
    return bool(runs[0]["status"] == "failed")


def _named(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))
