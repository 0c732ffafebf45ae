"""When people sync runs by itself, and what becomes of wishes and failures."""

from collections.abc import Awaitable
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, update

from doubles.house import House, Interlude
from jackfield.core.schedule import Mode, ScheduleRules
from jackfield.flows.asks import Ask
from jackfield.flows.runs import WORK
from jackfield.store.errors import BrokenDocument
from jackfield.store.runs import RunStatus, Trigger
from jackfield.store.schedule import load_due, want
from jackfield.store.settings import settings
from jackfield.store.tenants import (
    create_tenant,
)
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator

# What differs between the databases is tried by the other stories.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)

HOUR_S = 3600.0


async def office(house: House, schedule: ScheduleRules | None = None) -> Emulator:
    """A connected organisation of one, people sync switched on."""
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Ada One")
    await house.connect(stage)
    await house.choose(enabled=True, schedule=schedule or ScheduleRules(time_zone="UTC"))
    await house.sweep()
    return stage


async def modes(house: House) -> list[str]:
    """Of all runs, the oldest first."""
    return [run.mode for run in reversed(await house.runs())]


async def test_the_first_look_is_a_full_one_and_then_each_minute(house: House) -> None:
    """The defaults: full at first and at night, changes every minute."""
    await office(house)

    begun = [await house.sweep(after_s=20) for _ in range(6)]

    assert await modes(house) == ["full", "delta", "delta"]
    assert begun == [0, 0, 1, 0, 0, 1]


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        pytest.param("UTC", 2, id="utc"),
        pytest.param("Asia/Tokyo", 3, id="east"),
        pytest.param("America/New_York", 23, id="west"),
    ],
)
async def test_the_nightly_run_comes_at_its_hour_there(house: House, zone: str, hour: int) -> None:
    """The administrator's hour, in the administrator's zone, once a night."""
    await office(house, ScheduleRules(delta_interval_s=0, nightly_hour=hour, time_zone=zone))

    for _ in range(50):
        await house.sweep(after_s=HOUR_S / 2)

    begun = [run.started_at.astimezone(ZoneInfo(zone)) for run in reversed(await house.runs())][1:]
    assert [moment.hour for moment in begun] == [hour]
    assert await modes(house) == ["full", "full"]


async def test_off_means_off(house: House) -> None:
    """A sync that is switched off does not run by itself; an administrator still may."""
    await office(house)
    await house.choose(enabled=False)
    switched_off = await house.sweep(after_s=26 * HOUR_S)
    by_hand = await house.sync()

    assert switched_off == 0
    assert by_hand.status is RunStatus.DONE


async def test_several_sweeps_are_one_run(house: House) -> None:
    """A sweep each second, and a run that takes longer."""
    await office(house)
    house.clock.advance(60)

    for _ in range(5):
        await house.people.sweep()
    await house.runner.idle()

    assert await modes(house) == ["full", "delta"]


async def test_a_wish_during_a_run_is_fulfilled_after_it(house: House) -> None:
    """Whatever was asked for after the run had begun to look is looked at again."""
    stage = await office(house)

    def wish() -> Awaitable[object]:
        stage.tenant.hire("Nina Newcomer")
        return house.people.start(1, Ask(Mode.DELTA, Trigger.ADMINISTRATOR, "admin"))

    await house.restart(Interlude("phones", 1, wish))
    await house.sweep(after_s=60)
    at_first = await house.numbers()
    second = await house.sweep()
    third = await house.sweep()

    assert at_first.keys() == {"Ada One"}
    assert (second, third) == (1, 0)
    assert (await house.numbers()).keys() == {"Ada One", "Nina Newcomer"}


async def test_a_full_sync_asked_for_while_a_delta_waits_is_a_full_sync(house: House) -> None:
    """The click must not be settled by the lesser run that happened to stand in the queue."""
    await office(house)
    house.clock.advance(60)
    await house.people.sweep()

    await house.people.start(1, Ask(Mode.FULL, Trigger.ADMINISTRATOR, "admin"))
    await house.runner.idle()
    await house.sweep()

    assert await modes(house) == ["full", "full"]


async def test_a_full_sync_asked_for_during_a_delta_follows_it(house: House) -> None:
    """Too late for that run, so another one comes."""
    await office(house)
    full = Ask(Mode.FULL, Trigger.ADMINISTRATOR, "admin")
    await house.restart(Interlude("round", 1, lambda: house.people.start(1, full)))
    await house.sweep(after_s=60)
    await house.sweep()

    assert await modes(house) == ["full", "delta", "full"]


async def test_failures_back_off_and_recover(house: House) -> None:
    """Later and later, never giving up; one alarm that ends; then the usual rhythm."""
    stage = await office(house)
    fault = stage.faults.switch_on(Order(kind=Kind.HTML_ERROR, path="/v1.0/*", status=404))
    assert await house.sweep(after_s=60) == 1
    for wait_s in (30, 60, 120, 240, 480, 960, 1920, HOUR_S, HOUR_S):
        assert await house.sweep(after_s=wait_s - 5) == 0
        assert await house.sweep(after_s=6) == 1
        assert (await house.runs())[0].status is RunStatus.FAILED
        (alarm,) = await house.alarms()

    stage.faults.switch_off(fault.id)
    assert await house.sweep(after_s=HOUR_S) == 1
    (good, *_) = await house.runs()
    usual = [await house.sweep(after_s=30) for _ in range(4)]

    assert alarm.kind == "people.sync"
    assert good.status is RunStatus.DONE
    assert await house.alarms() == ()
    assert usual == [0, 1, 0, 1]


async def test_a_wish_does_not_wait_for_the_back_off(house: House) -> None:
    """Whoever has mended it may try at once; failing again backs off again."""
    stage = await office(house)
    fault = stage.faults.switch_on(Order(kind=Kind.HTML_ERROR, path="/v1.0/*", status=404))
    for wait_s in (60, 30, 60, 120):
        await house.sweep(after_s=wait_s)

    failed = await house.sync()
    retried = [await house.sweep(after_s=1) for _ in range(10)]
    stage.faults.switch_off(fault.id)
    mended = await house.sync()

    assert failed.status is RunStatus.FAILED
    assert retried == [0] * 10
    assert mended.status is RunStatus.DONE
    async with house.database.read() as tx:
        assert (await load_due(tx, 1, "people")).failures == 0


async def test_one_tenant_with_broken_settings_does_not_stop_the_others(house: House) -> None:
    """Said once by whoever asked for the sweep, after everybody else was served."""
    await office(house)
    second = house.raise_stage(people=0, host="localhost:8366", seed=6)
    second.tenant.hire("Ben Two")
    async with house.database.write() as tx:
        await create_tenant(tx, "Second", now=house.clock.now())
    await house.connect(second, 2)
    await house.choose(tenant=2, enabled=True)
    async with house.database.write() as tx:
        await tx.run(update(settings).where(settings.c.tenant == 1).values(document='{"en'))

    with pytest.raises(BrokenDocument):
        await house.people.sweep()
    await house.runner.idle()

    assert (await house.numbers(2)).keys() == {"Ben Two"}


async def test_a_look_reads_nothing_while_nothing_was_written(house: House) -> None:
    """It comes each second of an installation's life; what is due by time is found all the same."""
    await office(house)
    await house.people.sweep()
    begun: list[object] = []
    event.listen(house.database._reader.sync_engine, "begin", begun.append)

    nothing = [await house.people.sweep() for _ in range(3)]
    read_for_nothing = len(begun)
    async with house.database.write() as tx:
        await want(tx, 1, WORK, Mode.FULL, now=house.clock.now())
    wanted = await house.people.sweep()

    assert (nothing, read_for_nothing) == ([0, 0, 0], 0)
    assert wanted == 1
    await house.sweep()
