"""Live pages: one look at the database for everybody, one coalesced frame, one stream of server-sent events per tab.

The hub looks twice a second, and only while somebody watches. A frame never carries data worth protecting: it says
which rooms changed, and how far a run is; the page then asks for what it shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import msgspec
import structlog

from jackfield.clock import Clock

LOOK_S = 0.5
KEEP_ALIVE_S = 15.0
_QUEUE = 32
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
    """What the hub compares between two looks: a mark per room (any value with equality), and the running runs."""

    rooms: Mapping[str, object] = field(default_factory=dict)
    runs: tuple[RunFrame, ...] = ()


class Hub:
    """Spreads changes of one installation to every open tab."""

    def __init__(self, look: Callable[[], Awaitable[Snapshot]], clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._viewers: set[asyncio.Queue[bytes | None]] = set()
        self._watched = asyncio.Event()
        self._last = Snapshot()
        self._stopped = False

    @property
    def viewers(self) -> int:
        """Open streams."""
        return len(self._viewers)

    async def run(self) -> None:
        """Look and spread until cancelled. A look that fails is said once and tried again."""
        silent_s = 0.0
        failing = False
        while not self._stopped:
            if not self._viewers:
                self._watched.clear()
                await self._watched.wait()
                self._last = Snapshot()
            try:
                now = await self._look()
            except Exception as error:
                if not failing:
                    _log.warning("live.look_failed", error=str(error))
                failing = True
            else:
                failing = False
                frame = encode_frame(self._last, now)
                self._last = now
                silent_s = 0.0 if frame else silent_s + LOOK_S
                if silent_s >= KEEP_ALIVE_S:
                    frame, silent_s = b": still here\n\n", 0.0
                if frame:
                    self._spread(frame)
            await self._clock.sleep(LOOK_S)

    def stop(self) -> None:
        """End every stream, so that the server can leave at once; new ones end as they begin."""
        self._stopped = True
        self._watched.set()
        for queue in self._viewers:
            while queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

    async def stream(self, seen: int = 0) -> AsyncIterator[bytes]:
        """The frames for one tab; ends when the hub stops or the tab is too slow to follow."""
        if self._stopped:
            return
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE)
        self._viewers.add(queue)
        self._watched.set()
        try:
            yield b"retry: 2000\n\n"
            while (frame := await queue.get()) is not None:
                yield frame
        finally:
            self._viewers.discard(queue)

    def _spread(self, frame: bytes) -> None:
        for queue in list(self._viewers):
            if queue.full():
                # Too slow: it reconnects and asks for everything it shows.
                self._viewers.discard(queue)
                queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(frame)


def encode_frame(before: Snapshot, now: Snapshot) -> bytes:
    """The events that tell `before` from `now`; b"" when nothing changed."""
    parts: list[bytes] = []
    known = {run.id: run for run in before.runs}
    parts += [
        b"event: run\ndata: " + msgspec.json.encode(run) + b"\n\n"
        for run in now.runs
        if known.get(run.id) != run
    ]
    changed = [room for room, mark in now.rooms.items() if before.rooms.get(room) != mark]
    if changed:
        parts.append(b"event: change\ndata: " + msgspec.json.encode(changed) + b"\n\n")
    return b"".join(parts)
