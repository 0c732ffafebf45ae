"""Live pages: one look at the database for everybody, one stream of server-sent events per tab.

The hub looks twice a second, and only while somebody watches. A frame never carries data worth
protecting: it says which topics have changed, and how far a run is; the page then asks for what it
shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import structlog

from jackfield.clock import Clock
from jackfield.store.alarms import open_alarms
from jackfield.store.database import Database
from jackfield.store.marks import Marks, load_marks
from jackfield.store.runs import UNDER_WAY, StoredRun, list_runs

LOOK_S = 0.5
KEEP_ALIVE_S = 15.0
QUEUE = 32
_log = structlog.get_logger("jackfield.web.live")


@dataclass(frozen=True, slots=True)
class RunFrame:
    """How far one run is."""

    id: str
    done: int
    total: int
    text: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the hub compares between two looks."""

    topics: Mapping[str, object] = field(default_factory=dict)
    """A mark per topic: any value with equality."""
    runs: tuple[RunFrame, ...] = ()
    change: int = 0
    """The latest change of anything, to tell who has seen it already."""


Look = Callable[[], Awaitable[Snapshot]]


def look_at(database: Database, tenant: int, clock: Clock) -> Look:
    """How the hub looks at a tenant; while nothing changes a look costs one row."""
    marks = Marks()
    snapshot = Snapshot()

    async def look() -> Snapshot:
        nonlocal marks, snapshot
        async with database.read() as tx:
            now = await load_marks(tx, tenant, marks)
            if now is marks:
                return snapshot
            running = await list_runs(tx, tenant, status=UNDER_WAY, noteworthy=True, limit=5)
            latest = await list_runs(tx, tenant, noteworthy=True, limit=1)
            newest = await list_runs(tx, tenant, limit=1)
            alarms = await open_alarms(tx, tenant)
        topics: dict[str, object] = {
            "people": now.people,
            "plans": now.plans,
            "settings": now.settings,
            "journal": now.journal,
            "alarms": tuple((one.id, one.text) for one in alarms),
            "runs": tuple((one.id, one.status, one.waits) for one in (*running, *latest)),
            "looked": tuple((one.id, one.status) for one in newest),
        }
        runs = tuple(
            RunFrame(str(one.id), one.done, one.total, progress_text(one, clock.now()))
            for one in running
        )
        marks, snapshot = now, Snapshot(topics, runs, now.change)
        return snapshot

    return look


def progress_text(run: StoredRun, now: datetime) -> str:
    """What stands beside a progress bar: how far the run is, or what it waits for."""
    if run.waits is not None:
        return run.waits.said(now)
    stage = run.stage or ("Working" if run.total else "Starting")
    if run.total:
        return f"{stage}: {run.done:,} of {run.total:,}"
    return f"{stage}: {run.done:,}" if run.done else f"{stage} …"


class Hub:
    """Spreads changes of one tenant to every open tab."""

    def __init__(self, look: Look, clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._viewers: dict[asyncio.Queue[bytes | None], int | None] = {}
        """Open streams, and up to which change the page behind a new one was made."""
        self._watched = asyncio.Event()
        self._last = Snapshot()
        self._stopped = False

    async def run(self) -> None:
        """Look and spread until cancelled. A look that fails is said once and tried again."""
        silent_s = 0.0
        failing = False
        while not self._stopped:
            if not self._viewers:
                self._watched.clear()
                await self._watched.wait()
                continue
            try:
                now = await self._look()
            except Exception as error:
                if not failing:
                    _log.warning("live.look_failed", error=str(error))
                failing = True
            else:
                failing = False
                silent_s = 0.0 if self._spread(now) else silent_s + LOOK_S
                if silent_s >= KEEP_ALIVE_S:
                    for queue in list(self._viewers):
                        self._give(queue, b": still here\n\n")
                    silent_s = 0.0
            await self._clock.sleep(LOOK_S)

    @property
    def watching(self) -> int:
        """How many tabs are open."""
        return len(self._viewers)

    def stop(self) -> None:
        """End every stream, so that the server can leave at once; new ones end as they begin."""
        self._stopped = True
        self._watched.set()
        for queue in self._viewers:
            while queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

    async def stream(self, seen: int = 0) -> AsyncIterator[bytes]:
        """The frames for one tab, whose page was made at change `seen`.

        Ends when the hub stops or the tab is too slow to follow.
        """
        if self._stopped:
            return
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE)
        self._viewers[queue] = seen
        self._watched.set()
        try:
            yield b"retry: 2000\n\n"
            while (frame := await queue.get()) is not None:
                yield frame
        finally:
            self._viewers.pop(queue, None)

    def _spread(self, now: Snapshot) -> bool:
        """Give every viewer what is new to them; whether anybody got something."""
        news = encode_frame(self._last, now)
        self._last = now
        everything = b""
        given = False
        for queue, seen in list(self._viewers.items()):
            frame = news
            if seen is not None:
                self._viewers[queue] = None
                everything = everything or encode_frame(Snapshot(), now)
                frame = everything if now.change > seen else b""
            if frame:
                self._give(queue, frame)
                given = True
        return given

    def _give(self, queue: asyncio.Queue[bytes | None], frame: bytes) -> None:
        if queue.full():
            # Too slow: it reconnects and asks for everything it shows.
            self._viewers.pop(queue, None)
            queue.get_nowait()
            queue.put_nowait(None)
        else:
            queue.put_nowait(frame)


class Hubs:
    """A hub for each tenant that somebody watches; made when the first one does."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._hubs: dict[int, Hub] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    def of(self, tenant: int) -> Hub:
        """The hub of a tenant, at work."""
        hub = self._hubs.get(tenant)
        if hub is None:
            hub = Hub(look_at(self._database, tenant, self._clock), self._clock)
            self._hubs[tenant] = hub
            if self._stopped:
                hub.stop()
            else:
                task = asyncio.create_task(hub.run(), name=f"hub {tenant}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return hub

    @property
    def watching(self) -> int:
        """How many tabs are open."""
        return sum(hub.watching for hub in self._hubs.values())

    def stop(self) -> None:
        """End every stream, so that the server can leave at once."""
        self._stopped = True
        for hub in self._hubs.values():
            hub.stop()

    async def close(self) -> None:
        """Stop, and wait until nobody looks any more."""
        self.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def encode_frame(before: Snapshot, now: Snapshot) -> bytes:
    """The events that tell `before` from `now`; b"" when nothing changed."""
    known = {run.id: run for run in before.runs}
    parts = [
        b"event: run\ndata: " + msgspec.json.encode(run) + b"\n\n"
        for run in now.runs
        if known.get(run.id) != run
    ]
    changed = [topic for topic, mark in now.topics.items() if before.topics.get(topic) != mark]
    if changed:
        parts.append(b"event: change\ndata: " + msgspec.json.encode(changed) + b"\n\n")
    return b"".join(parts)
