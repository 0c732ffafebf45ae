"""The database goes away and comes back: nothing is lost, nothing hangs, and it is told."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from doubles.house import House, Interlude
from jackfield.core.waiting import at
from jackfield.flows.outages import LOOK_EVERY_S
from jackfield.store.alarms import Alarm, list_alarms
from jackfield.store.errors import DatabaseUnusable
from jackfield.store.runs import RunStatus
from m365_emulator.server import Emulator

# What is away here is a file that another program has locked; a server is cut off in tests/e2e.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)

AWAY_S = 65.0


class Locker:
    """Another program that locks the file: a backup, a database browser."""

    def __init__(self, url: str) -> None:
        self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        self._connection.execute("PRAGMA busy_timeout=0")

    def lock(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def unlock(self) -> None:
        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()


@asynccontextmanager
async def another_program(house: House, url: str) -> AsyncIterator[Locker]:
    async with house.database.write() as tx:
        # Waiting for a lock is done in real seconds.
        await tx.connection.exec_driver_sql("PRAGMA busy_timeout=0")
    locker = Locker(url)
    try:
        yield locker
    finally:
        locker.close()


async def office(house: House) -> Emulator:
    stage = house.raise_stage(people=0)
    for name in ("Ada One", "Ben Two"):
        stage.tenant.hire(name)
    await house.connect(stage)
    await house.choose(enabled=True)
    return stage


async def looking(house: House) -> None:
    while True:
        await house.clock.sleep(LOOK_EVERY_S)
        await house.outages.look()


async def alarms_ever(house: House) -> tuple[Alarm, ...]:
    async with house.database.read() as tx:
        return await list_alarms(tx, 1)


@pytest.mark.parametrize("step", ["begin", "page users", "plan", "start applying", "apply"])
async def test_a_run_waits_for_the_database_and_goes_on(
    house: House, migrated_url: str, step: str
) -> None:
    """At whatever step: the same run ends well, soon after, and it is written down what was."""
    await office(house)
    times = []

    async with another_program(house, migrated_url) as other:

        async def away() -> None:
            other.lock()
            times.append(house.clock.now())
            await house.clock.sleep(AWAY_S)
            other.unlock()
            times.append(house.clock.now())

        away_when = Interlude(step, 1, away)
        await house.restart(away_when)
        look = asyncio.create_task(looking(house))
        await house.sweep()
        await asyncio.gather(*away_when.begun)
        await house.runner.idle()
        ended_at = house.clock.now()
        await house.clock.sleep(2 * LOOK_EVERY_S)
        look.cancel()

    began, back = times
    (run,) = await house.runs()
    (alarm,) = await alarms_ever(house)
    assert run.status is RunStatus.DONE
    assert await house.numbers() == {"Ada One": "100", "Ben Two": "101"}
    assert ended_at - back < timedelta(seconds=20)
    assert alarm.kind == "database.away"
    assert "is locked by another program" in alarm.text
    assert alarm.ended_at is not None
    assert abs(alarm.begun_at - began) <= timedelta(seconds=3)
    assert abs(alarm.ended_at - back) <= timedelta(seconds=3)
    told = [one for one in await house.lines() if one.kind.startswith("alarm.")]
    assert [one.kind for one in told] == ["alarm.ended", "alarm.begun"]
    assert f"from {at(alarm.begun_at, back)} to {at(alarm.ended_at, back)}" in told[0].text


async def test_a_stumble_of_the_database_is_no_outage(house: House, migrated_url: str) -> None:
    """A lock of a second belongs to a good day."""
    await office(house)
    async with another_program(house, migrated_url) as other:
        other.lock()
        with pytest.raises(DatabaseUnusable):
            async with house.database.write():
                pass
        await house.outages.look()
        other.unlock()
        house.clock.advance(1)
        await house.outages.look()

    assert await alarms_ever(house) == ()


async def test_a_database_that_comes_and_goes_is_one_outage(house: House) -> None:
    """On a full disk small writes go through between the large ones that do not."""
    full = DatabaseUnusable("The disk is full.", "Free some space.")

    for _ in range(5):
        house.outages._lost_database(full)
        house.clock.advance(1)
        await house.outages.look()
        house.clock.advance(1)
    (alarm,) = await alarms_ever(house)
    house.clock.advance(60)
    house.outages._lost_database(full)
    house.clock.advance(1)
    await house.outages.look()

    assert "The disk is full." in alarm.text
    assert alarm.next_step == "Free some space."
    assert len(await alarms_ever(house)) == 1


async def test_an_outage_of_the_database_is_told_once_by_several_processes(
    house: House, migrated_url: str
) -> None:
    """Each has noticed it; one alarm says so."""
    await office(house)
    async with another_program(house, migrated_url) as other:
        first = house.outages
        other.lock()
        with pytest.raises(DatabaseUnusable):
            async with house.database.write():
                pass
        house.build()
        with pytest.raises(DatabaseUnusable):
            async with house.database.write():
                pass
        house.clock.advance(AWAY_S)
        other.unlock()
        await first.look()
        await house.outages.look()

    assert len(await alarms_ever(house)) == 1
