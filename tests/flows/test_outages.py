"""Nobody waits without a word: rows and alarms while Microsoft 365 or the phone system is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from doubles.faulty_phones import Faults, FaultyPhones
from doubles.house import House, Interlude
from jackfield.core.reach import OVER_AFTER
from jackfield.core.schedule import Mode
from jackfield.core.waiting import MICROSOFT, PHONES, TURN, Waits
from jackfield.flows.asks import Ask
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.store.alarms import Alarm, list_alarms
from jackfield.store.runs import RunStatus, Trigger
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator

# What differs between the databases is tried by the other stories.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)

SOON_S = 15.0
ANY = "/v1.0/*"


@dataclass
class Watched:
    """What an administrator could have seen, second by second."""

    waits: list[tuple[datetime, int, Waits]] = field(default_factory=list)
    """When which run was first seen to wait for what."""
    alarms: list[tuple[datetime, Alarm]] = field(default_factory=list)

    def of(self, what: str) -> list[tuple[datetime, int, Waits]]:
        return [one for one in self.waits if one[2].what == what]


@asynccontextmanager
async def watching(house: House) -> AsyncIterator[Watched]:
    """Look each second, as the product does, and keep what there was to see."""
    watched = Watched()

    async def look() -> None:
        while True:
            await house.outages.look()
            now = house.clock.now()
            for run in await house.runs():
                if run.waits is not None and (run.id, run.waits) not in [
                    one[1:] for one in watched.waits
                ]:
                    watched.waits.append((now, run.id, run.waits))
            for alarm in await house.alarms():
                if alarm.id not in [one.id for _, one in watched.alarms]:
                    watched.alarms.append((now, alarm))
            await house.clock.sleep(1.0)

    task = asyncio.create_task(look())
    try:
        yield watched
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def office(house: House) -> Emulator:
    stage = house.raise_stage(people=0)
    for name in ("Ada One", "Ben Two"):
        stage.tenant.hire(name)
    await house.connect(stage)
    await house.choose(enabled=True)
    return stage


@pytest.mark.parametrize(
    ("order", "cause"),
    [
        pytest.param(Order(kind=Kind.CUT_BEFORE, path="/*"), "cannot be reached", id="cut"),
        pytest.param(Order(kind=Kind.UNAVAILABLE, path=ANY), "(503", id="unavailable"),
        pytest.param(Order(kind=Kind.HTML_ERROR, path=ANY), "(502", id="a_gateway_answers"),
        pytest.param(
            Order(kind=Kind.SLOW, path=ANY, delay_s=300, count=1), "not answered", id="silence"
        ),
        pytest.param(
            Order(kind=Kind.UNAVAILABLE, path="/*/oauth2/v2.0/token"), "sign-in", id="no_token"
        ),
    ],
)
async def test_an_outage_is_said_within_seconds(house: House, order: Order, cause: str) -> None:
    """By the run that waits and by one alarm, with cause and time; and gone when it is over."""
    stage = await office(house)
    fault = stage.faults.switch_on(order)
    began = house.clock.now()

    async def mended() -> None:
        await house.clock.sleep(120)
        stage.faults.switch_off(fault.id)

    async with watching(house) as watched:
        mending = asyncio.create_task(mended())
        await house.sweep()
        await mending
        # A slow answer ends late; then all must have gone well for a while.
        await house.clock.sleep(2 * OVER_AFTER.total_seconds())
    (run,) = await house.runs()
    async with house.database.read() as tx:
        alarms = await list_alarms(tx, 1)

    at, run_id, waits = watched.of(MICROSOFT)[0]
    assert run_id == run.id
    assert cause in waits.because
    assert (at - began).total_seconds() <= SOON_S
    assert (waits.since - began).total_seconds() < 5
    assert [one.kind for one in alarms] == ["graph.away"]
    assert (watched.alarms[0][0] - began).total_seconds() <= SOON_S
    assert alarms[0].ended_at is not None
    assert run.status is RunStatus.DONE
    assert run.waits is None
    lines = [one.kind for one in await house.lines() if one.kind.startswith("alarm.")]
    assert sorted(lines) == ["alarm.begun", "alarm.ended"]


async def test_throttling_is_shown_as_such_with_its_end(house: House) -> None:
    """Nothing is broken: Microsoft said when to come back, and that is what is shown."""
    stage = await office(house)
    stage.faults.switch_on(Order(kind=Kind.THROTTLED, path=ANY, retry_after_s=300, count=1))
    began = house.clock.now()

    async with watching(house) as watched:
        await house.sweep()
    (run,) = await house.runs()

    at, _, waits = watched.of(MICROSOFT)[0]
    assert (at - began).total_seconds() <= SOON_S
    assert "429" in waits.because
    assert waits.until is not None
    assert 295 <= (waits.until - began).total_seconds() <= 420
    (told,) = [one for _, one in watched.alarms]
    assert "It goes on at" in told.text
    assert run.status is RunStatus.DONE


async def test_short_pauses_are_no_outage(house: House) -> None:
    """A busy tenant is throttled all day: an alarm for each would hide the one that matters."""
    stage = await office(house)
    stage.faults.switch_on(Order(kind=Kind.THROTTLED, path=ANY, retry_after_s=17, count=3))

    async with watching(house) as watched:
        await house.sweep()

    assert watched.of(MICROSOFT)
    assert watched.alarms == []


async def test_a_phone_system_that_is_away_is_said(house: House) -> None:
    """The same for the other side."""
    await office(house)
    faults = Faults(away=True)
    house.phones[1] = FaultyPhones(BuiltInPhones(house.database, 1, house.clock), faults)
    began = house.clock.now()

    async def mended() -> None:
        await house.clock.sleep(45)
        faults.away = False

    async with watching(house) as watched:
        mending = asyncio.create_task(mended())
        await house.sweep()
        await mending
    (run,) = await house.runs()

    at, _, waits = watched.of(PHONES)[0]
    assert (at - began).total_seconds() <= SOON_S
    assert "Lost for the test" in waits.because
    assert [one.kind for _, one in watched.alarms] == ["phones.unreachable"]
    assert (watched.alarms[0][0] - began).total_seconds() <= SOON_S
    assert run.status is RunStatus.DONE
    assert await house.alarms() == ()


async def test_a_run_that_waits_its_turn_says_behind_whom(house: House) -> None:
    """And why that one does not get on, where it waits itself."""
    stage = await office(house)
    stage.faults.switch_on(Order(kind=Kind.THROTTLED, path=ANY, retry_after_s=300, count=1))
    ask = Ask(Mode.DELTA, Trigger.ADMINISTRATOR, "admin", preview=True)
    await house.restart(Interlude("begin", 1, lambda: house.people.start(1, ask)))

    async with watching(house) as watched:
        await house.sweep()

    preview, full = await house.runs()
    behind = [waits.because for _, run, waits in watched.of(TURN) if run == preview.id]
    assert f"Full sync {full.id}, begun at 07:00:00 UTC, is not finished." in behind
    assert any(f"Full sync {full.id} waits for Microsoft 365 since" in one for one in behind)
    assert any("Microsoft 365 throttles Jackfield (429)" in one for one in behind)
    assert (full.status, preview.status) == (RunStatus.DONE, RunStatus.DONE)
    assert preview.waits is None
    assert full.ended_at is not None
    assert preview.started_at >= full.ended_at
