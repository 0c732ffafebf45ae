"""What is spent of Microsoft Graph's limits, and whether the forecast comes true."""

from __future__ import annotations

from datetime import timedelta

import pytest

from doubles.house import House
from jackfield.flows.graph_budget import GraphBudget, GraphBudgets
from jackfield.flows.health import Health
from jackfield.graph.pace import Workload, published


async def _budget(house: House) -> GraphBudget:
    return await GraphBudgets(house.database, house.connections, house.clock).load(1)


async def _spent(house: House) -> tuple[int, float, float]:
    """Requests of all kinds, units of the directory, and reads of photos, since the start."""
    meter = house.connections.meter
    directory, outlook = (meter.figures("1", one) for one in (Workload.DIRECTORY, Workload.OUTLOOK))
    return directory.calls + outlook.calls, directory.units, outlook.units


async def test_the_forecast_of_a_full_sync_comes_true(house: House) -> None:
    """What is foretold from the pages of the last one is what the next one takes."""
    stage = house.raise_stage(people=30)
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    await house.sync_photos()
    expected = (await _budget(house)).expected.full
    before = await _spent(house)
    house.clock.advance(60)

    await house.sync(full=True)
    await house.sync_photos()

    after = await _spent(house)
    taken = tuple(late - early for late, early in zip(after, before, strict=True))
    assert taken == (expected.requests, expected.units, expected.photos)


async def test_a_look_for_changes_costs_what_is_foretold(house: House) -> None:
    """A request for people and one for groups, however many there are."""
    await house.connect(house.raise_stage(people=5), sync=True)
    await house.sync(full=True)
    look = (await _budget(house)).expected.look
    before = await _spent(house)

    await house.sync()

    after = await _spent(house)
    assert (after[0] - before[0], after[1] - before[1]) == (look.requests, look.units)


async def test_what_was_spent_lately_is_told_beside_what_is_allowed(house: House) -> None:
    """The last seconds pass; the day stays, and its busiest moment with it."""
    await house.connect(house.raise_stage(people=5), sync=True)
    await house.sync(full=True)
    await Health(house.database, house.connections, house.clock).write_figures()
    directory = (await _budget(house)).directory

    assert directory.last_window == directory.last_minute == directory.day.units > 0
    assert directory.day.busiest == directory.day.units
    assert directory.allowed is not None
    assert (directory.allowed.units, directory.allowed.per_s) == (3500, 10)

    house.clock.advance(11)
    directory = (await _budget(house)).directory
    assert (directory.last_window, directory.last_minute > 0) == (0, True)

    house.clock.advance(60)
    later = await _budget(house)
    assert (later.directory.last_minute, later.directory.day.units > 0) == (0, True)

    house.clock.advance(timedelta(days=2).total_seconds())
    assert (await _budget(house)).directory.day.calls == 0


async def test_a_busy_minute_does_not_make_the_next_one_busy(house: House) -> None:
    """Each minute is written with its own busiest moment."""
    await house.connect(house.raise_stage(people=5), sync=True)
    await house.sync(full=True)
    health = Health(house.database, house.connections, house.clock)
    await health.write_figures()
    full = (await _budget(house)).directory.day.busiest
    house.clock.advance(3600)
    await house.sync()

    await health.write_figures()

    first, second = (await _budget(house)).hours
    assert first.by_workload["directory"].busiest == full
    assert second.by_workload["directory"].busiest == 2


async def test_tenants_of_one_organisation_share_its_budget(house: House) -> None:
    """Microsoft counts by application and organisation, whatever we call a tenant."""
    await house.tenants.add("Second site", by="admin")
    await house.tenants.add("Another organisation", by="admin")
    stage = house.raise_stage(people=0)
    for tenant in (1, 2):
        await house.connect(stage, tenant)
    await house.connect(house.raise_stage(people=0, host="localhost:9365"), 3)
    ways = [await house.connections.client(tenant) for tenant in (1, 2, 3)]

    ways[0].pause(Workload.DIRECTORY, tries=1, asked_s=30)

    closed = [house.connections.closed_for_s(one, Workload.DIRECTORY) > 0 for one in (1, 2, 3)]
    assert closed == [True, True, False]


@pytest.mark.parametrize(("people", "units"), [(49, 3500), (50, 5000), (500, 5000), (501, 8000)])
async def test_a_larger_organisation_is_allowed_more(people: int, units: int) -> None:
    """Source: Graph docs, concepts/throttling-limits, read 2026-11."""
    allowed = published(Workload.DIRECTORY, people)

    assert allowed is not None
    assert allowed.units == units
