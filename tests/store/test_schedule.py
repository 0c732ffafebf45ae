"""What is wanted, and that nothing asked for gets lost between two runs."""

from datetime import datetime, timedelta

import pytest

from jackfield.core.schedule import Mode
from jackfield.store.database import Database
from jackfield.store.schedule import (
    Due,
    forget_rounds,
    load_due,
    postpone,
    settle,
    want,
)


async def due(database: Database, tenant: int = 1) -> Due:
    async with database.read() as tx:
        return await load_due(tx, tenant, "people")


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        pytest.param([Mode.DELTA], Mode.DELTA, id="delta"),
        pytest.param([Mode.DELTA, Mode.FULL], Mode.FULL, id="more"),
        pytest.param([Mode.FULL, Mode.DELTA], Mode.FULL, id="full_outranks_delta"),
    ],
)
async def test_wishes_add_up(
    database: Database, now: datetime, asked: list[Mode], wanted: Mode
) -> None:
    """Two clicks and a notification are one run, the larger one."""
    async with database.write() as tx:
        for mode in asked:
            await want(tx, 1, "people", mode, now=now)

    facts = await due(database)

    assert (facts.wanted, facts.mark, facts.wanted_at) == (wanted, len(asked), now)


async def test_a_wish_during_a_run_survives_it(database: Database, now: datetime) -> None:
    """A click while the sync is at its last page must lead to another one."""
    async with database.write() as tx:
        await want(tx, 1, "people", Mode.DELTA, now=now)
    began = await due(database)
    async with database.write() as tx:
        await want(tx, 1, "people", Mode.FULL, now=now)

    async with database.write() as tx:
        settled = await settle(tx, 1, "people", began, delta_began_at=now)
    still = await due(database)
    async with database.write() as tx:
        then = await settle(tx, 1, "people", still, full_began_at=now + timedelta(hours=1))
    rest = await due(database)

    assert (settled, still.wanted) == (False, Mode.FULL)
    assert (still.last_delta_at, still.last_full_at) == (now, None)
    assert then is True
    assert rest.wanted is None
    assert rest.last_full_at == rest.last_delta_at == now + timedelta(hours=1)


async def test_failures_wait_longer_and_a_wish_does_not(database: Database, now: datetime) -> None:
    """An administrator who has just repaired something does not want to wait for a back-off."""
    later = now + timedelta(minutes=5)
    async with database.write() as tx:
        counts = [await postpone(tx, 1, "people", not_before=later) for _ in range(2)]
    waiting = await due(database)
    async with database.write() as tx:
        await want(tx, 1, "people", Mode.DELTA, now=now)
    asked = await due(database)
    async with database.write() as tx:
        await settle(tx, 1, "people", asked, delta_began_at=now)
    good = await due(database)

    assert (counts, waiting.not_before) == ([1, 2], later)
    assert (asked.not_before, asked.failures) == (None, 2)
    assert good.failures == 0


async def test_each_tenant_has_its_own_schedule(database: Database, now: datetime) -> None:
    """What one wants, has done or forgets is nothing to the others."""
    async with database.write() as tx:
        await want(tx, 2, "people", Mode.FULL, now=now)
        await want(tx, 1, "people", Mode.DELTA, now=now)
        await want(tx, 1, "photos", Mode.FULL, now=now)
        every = [await load_due(tx, tenant, "people") for tenant in (1, 2)]
        await settle(tx, 2, "people", every[1], full_began_at=now)
        await forget_rounds(tx, 2)
        forgotten = await load_due(tx, 2, "people")
        never = await load_due(tx, 9, "people")

    assert [(one.tenant, one.wanted) for one in every] == [(1, Mode.DELTA), (2, Mode.FULL)]
    assert forgotten.last_full_at is None
    assert never == Due(9, "people")
