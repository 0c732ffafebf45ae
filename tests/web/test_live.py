"""One look for everybody, one coalesced frame, streams that end when they should."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from doubles.house import House
from doubles.virtual_clock import START, VirtualClock
from doubles.web_fillings import fill
from jackfield.core.waiting import Waits
from jackfield.store.alarms import begin_alarm
from jackfield.store.journal import Line, append_lines
from jackfield.store.runs import RunStatus, StoredRun, Trigger, begin_run, report_progress
from jackfield.web.live import (
    QUEUE,
    Hub,
    RunFrame,
    Snapshot,
    encode_frame,
    look_at,
    progress_text,
)

NOW = START
RUN = StoredRun(
    1,
    "people",
    Trigger.SCHEDULE,
    "full",
    by="",
    status=RunStatus.RUNNING,
    started_at=NOW,
    ended_at=None,
    done=0,
    total=0,
    stage="",
    counts={},
    text="",
    flow="f",
    changed_seq=1,
)


class Scene:
    """What the hub sees, changed by the test."""

    def __init__(self) -> None:
        self.now = Snapshot({"people": 1, "runs": 1}, change=1)
        self.looks = 0
        self._look = asyncio.Condition()

    async def look(self) -> Snapshot:
        async with self._look:
            self.looks += 1
            self._look.notify_all()
        return self.now

    async def looked(self, times: int) -> None:
        """Until the hub has looked so often."""
        async with self._look:
            await self._look.wait_for(lambda: self.looks >= times)


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
async def hub(scene: Scene) -> AsyncIterator[Hub]:
    hub = Hub(scene.look, VirtualClock())
    running = asyncio.create_task(hub.run())
    yield hub
    hub.stop()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def changed(frame: bytes) -> list[str]:
    """The topics that a frame names."""
    line = next(one for one in frame.split(b"\n") if one.startswith(b"data: ["))
    return msgspec.json.decode(line.removeprefix(b"data: "), type=list[str])


async def test_a_page_that_has_seen_everything_is_left_in_peace(scene: Scene, hub: Hub) -> None:
    """A reload must not be followed by a second one."""
    stream = hub.stream(seen=1)
    assert await anext(stream) == b"retry: 2000\n\n"
    waiting = asyncio.ensure_future(anext(stream))
    await scene.looked(3)

    scene.now = Snapshot({"people": 2, "runs": 1}, change=2)

    assert changed(await waiting) == ["people"]


async def test_what_changed_between_page_and_stream_is_not_lost(hub: Hub) -> None:
    """The page was made at change 0; by now it is 1."""
    stream = hub.stream(seen=0)
    await anext(stream)

    assert changed(await anext(stream)) == ["people", "runs"]


async def test_two_tabs_get_the_same_frame(scene: Scene, hub: Hub) -> None:
    """Looked once, encoded once."""
    streams = [hub.stream(seen=1), hub.stream(seen=1)]
    for stream in streams:
        await anext(stream)
    waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await scene.looked(3)

    scene.now = Snapshot({"people": 1, "runs": 2}, change=2)

    first, second = await asyncio.gather(*waiting)
    assert first is second


async def test_nobody_watching_means_nobody_looking(scene: Scene, hub: Hub) -> None:
    """An idle console costs nothing."""
    for _ in range(200):
        await asyncio.sleep(0)

    assert scene.looks == 0
    assert not hub._viewers


async def test_a_quiet_stream_is_kept_alive(hub: Hub) -> None:
    """Proxies close what says nothing."""
    stream = hub.stream(seen=1)
    await anext(stream)

    assert await anext(stream) == b": still here\n\n"


async def test_stopping_ends_every_stream_at_once(hub: Hub) -> None:
    """An open tab must not keep the server from leaving."""
    stream = hub.stream(seen=1)
    await anext(stream)
    waiting = asyncio.ensure_future(anext(stream, b"end"))
    await asyncio.sleep(0)

    hub.stop()

    assert await waiting == b"end"
    assert [frame async for frame in hub.stream()] == []
    assert not hub._viewers


async def test_a_tab_that_does_not_read_is_let_go(scene: Scene, hub: Hub) -> None:
    """It reconnects and asks for everything; the memory stays small."""
    stream = hub.stream(seen=1)
    await anext(stream)
    number = 1
    while hub._viewers:
        number += 1
        scene.now = Snapshot({"people": number}, change=number)
        await scene.looked(scene.looks + 1)

    frames = [frame async for frame in stream]

    assert len(frames) < QUEUE
    assert number > QUEUE


async def test_a_closed_tab_is_forgotten(hub: Hub) -> None:
    """Each reload opens a new stream; the old one must not stay."""
    stream = hub.stream(seen=1)
    await anext(stream)

    await stream.aclose()

    assert not hub._viewers


async def test_a_look_that_fails_is_tried_again(scene: Scene) -> None:
    """A database that is away for a second must not silence the page for ever."""
    failures = iter([RuntimeError("away"), RuntimeError("still away")])

    async def look() -> Snapshot:
        for error in failures:
            raise error
        return scene.now

    hub = Hub(look, VirtualClock())
    running = asyncio.create_task(hub.run())
    stream = hub.stream(seen=0)
    await anext(stream)

    assert changed(await anext(stream)) == ["people", "runs"]
    hub.stop()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def test_a_frame_tells_runs_and_topics_apart() -> None:
    """Bars move without the page asking for anything."""
    before = Snapshot({"people": 1}, (RunFrame("1", 1, 3, "Reading"),))
    now = Snapshot({"people": 1}, (RunFrame("1", 2, 3, "Reading"),))

    frame = encode_frame(before, now)

    assert frame == b'event: run\ndata: {"id":"1","done":2,"total":3,"text":"Reading"}\n\n'
    assert encode_frame(now, now) == b""


@pytest.mark.parametrize(
    ("stage", "done", "total", "text"),
    [
        ("", 0, 0, "Starting …"),
        ("Reading people", 1200, 0, "Reading people: 1,200"),
        ("Writing", 3, 2000, "Writing: 3 of 2,000"),
    ],
)
def test_the_words_beside_a_bar(stage: str, done: int, total: int, text: str) -> None:
    """Where the end is unknown none is pretended."""
    run = replace(RUN, stage=stage, done=done, total=total)

    assert progress_text(run, NOW) == text


def test_a_run_that_waits_says_for_what_and_until_when() -> None:
    """The word Starting, for minutes, tells nobody whom to call."""
    since, until = NOW - timedelta(seconds=70), NOW + timedelta(seconds=200)
    waits = Waits("Microsoft 365", "Microsoft 365 throttles Jackfield (429).", since, until)

    said = progress_text(replace(RUN, waits=waits), NOW)

    assert said == (
        "Waits for Microsoft 365 since 06:58:50 UTC: Microsoft 365 throttles Jackfield (429). "
        "Next try at 07:03:20 UTC."
    )


async def test_each_room_is_told_by_its_own_changes(house: House) -> None:
    """A line of the journal must not make every list of people ask again."""
    look = look_at(house.database, 1, house.clock)
    now = house.clock.now()
    empty = await look()

    async with house.database.write() as tx:
        await fill(tx, 2, now)
    people = await look()
    async with house.database.write() as tx:
        await append_lines(tx, 1, [Line("person.x", "A line.")], now=now)
    journal = await look()
    async with house.database.write() as tx:
        await begin_alarm(tx, 1, "people.sync", text="x", next_step="y", now=now)
    alarm = await look()
    async with house.database.write() as tx:
        run = await begin_run(
            tx, 1, "f", kind="people", trigger=Trigger.SCHEDULE, mode="delta", now=now
        )
    quiet = await look()
    async with house.database.write() as tx:
        await report_progress(tx, 1, run.id, 1, 5, stage="Writing")
    loud = await look()
    async with house.database.write() as tx:
        await report_progress(tx, 1, run.id, 2, 5, stage="Writing")
    further = await look()

    assert topics(empty, people) == {"people"}
    assert topics(people, journal) == {"journal"}
    assert topics(journal, alarm) == {"alarms", "journal"}
    assert topics(alarm, quiet) == {"looked"}
    assert topics(quiet, loud) == {"runs"}
    assert topics(loud, further) == set()
    assert [run.done for run in further.runs] == [2]
    assert await look() is further


def topics(before: Snapshot, now: Snapshot) -> set[str]:
    return {topic for topic, mark in now.topics.items() if before.topics.get(topic) != mark}
