"""Two organisations with the same people, ids and numbers: nothing of one shows in the other."""

import random

import pytest
from sqlalchemy import MetaData, inspect, select

from core.sketches import AT_ONCE
from doubles.house import House
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules
from jackfield.durable import Border, Killed, RunId
from jackfield.store.runs import RunStatus
from jackfield.store.tables import metadata
from jackfield.store.tenants import create_tenant
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator

RULES = PeopleRules(
    departments=DepartmentRules(DepartmentSource.ALL),
    on_deleted=LeaverPolicy.REMOVE,
    remove_after=AT_ONCE,
)


@pytest.fixture
async def twins(house: House) -> tuple[Emulator, Emulator]:
    """Two stages of the same seed on two hosts, each connected to a tenant of its own."""
    async with house.database.write() as tx:
        await create_tenant(tx, "Second", now=house.clock.now())
    first = house.raise_stage(people=40)
    second = house.raise_stage(people=40, host="localhost:9365")
    for number, stage in ((1, first), (2, second)):
        await house.connect(stage, number)
        await house.choose(RULES, number, enabled=True)
    return first, second


async def everything(house: House, tenant: int) -> tuple[object, ...]:
    """What a tenant's pages could show."""
    return (
        await house.extensions(tenant),
        await house.links(tenant),
        await house.departments(tenant),
        [(plan.id, plan.counts, plan.status) for plan in await house.plans(tenant)],
        # The first tenant alone takes the name of its organisation.
        [
            (line.kind, line.text)
            for line in await house.lines(tenant)
            if line.kind != "tenant.named"
        ],
        await house.alarms(tenant),
    )


async def rows_of(house: House, tenant: int) -> dict[str, set[str]]:
    """Every row of the archive that belongs to a tenant, whatever table it stands in."""
    found: dict[str, set[str]] = {}
    tables: MetaData = metadata
    async with house.database.read() as tx:
        for table in tables.sorted_tables:
            rows = await tx.rows(select(table).where(table.c.tenant == tenant))
            found[table.name] = {repr(tuple(row)) for row in rows}
    return found


async def test_both_are_synced_alike_and_at_once(
    house: House, twins: tuple[Emulator, Emulator]
) -> None:
    """The same ids and numbers side by side; links and pictures do not meet."""
    first, second = twins
    await house.sweep()

    ours, theirs = await everything(house, 1), await everything(house, 2)

    assert first.tenant.id == second.tenant.id
    assert ours == theirs
    assert len(await house.extensions(1)) > 20
    assert {run.status for run in await house.runs(2)} == {RunStatus.DONE}


async def test_what_happens_in_one_leaves_no_trace_in_the_other(
    house: House, twins: tuple[Emulator, Emulator]
) -> None:
    """Not a row of the archive of the second tenant changes, whatever the first goes through."""
    first, _ = twins
    await house.sweep()
    await house.sweep(after_s=60)
    before = await rows_of(house, 2)
    for person in list(await house.links(1))[:9]:
        first.tenant.delete(person)
    first.tenant.hire("Nina Newcomer")
    first.tenant.create_group("Only here")
    await house.choose(PeopleRules(on_deleted=LeaverPolicy.DISABLE), 1)

    await house.sync(full=True)
    await house.sync(preview=True)
    await house.sync(person=next(iter(await house.links(1))))
    first.faults.switch_on(Order(kind=Kind.HTML_ERROR, path="/v1.0/*", status=404))
    await house.sync()

    assert (await house.runs(1))[0].status is RunStatus.FAILED
    assert await house.alarms(1) != ()
    assert await rows_of(house, 2) == before
    assert all(before[table.name] is not None for table in metadata.sorted_tables)


async def test_the_same_verbs_on_the_same_ids(
    house: House, twins: tuple[Emulator, Emulator]
) -> None:
    """Deleted here, renamed there: each phone system shows its own organisation."""
    first, second = twins
    await house.sweep()
    person = next(iter(await house.links(1)))
    first.tenant.delete(person)
    second.tenant.rename(person, display_name="Renamed There")

    await house.sweep(after_s=60)

    assert person not in await house.links(1)
    assert "Renamed There" not in await house.numbers(1)
    assert "Renamed There" in await house.numbers(2)


async def test_one_organisation_being_away_does_not_hold_up_the_other(
    house: House, twins: tuple[Emulator, Emulator]
) -> None:
    """Neither its pauses, nor its failures, nor its alarms."""
    first, second = twins
    await house.sweep()
    first.faults.switch_on(Order(kind=Kind.THROTTLED, path="/v1.0/*", retry_after_s=300))
    second.tenant.hire("Nina Newcomer")

    await house.sweep(after_s=60)

    (ours, *_), (theirs, *_) = await house.runs(1), await house.runs(2)
    assert (ours.status, theirs.status) == (RunStatus.FAILED, RunStatus.DONE)
    assert ours.ended_at is not None
    assert theirs.ended_at is not None
    # Not after: the virtual clock may leap to the same moment while a real database answers.
    assert theirs.ended_at <= ours.ended_at
    assert "Nina Newcomer" in await house.numbers(2)
    assert await house.alarms(2) == ()


@pytest.mark.sim
@pytest.mark.usefixtures("twins")
async def test_killed_while_both_are_at_work(house: House) -> None:
    """After the restarts each is complete, and they are still equal."""
    hand = random.Random(11)
    kills = 0

    def reap(_at: Border, _run: RunId, _step: str) -> None:
        nonlocal kills
        if kills < 12 and hand.randrange(10) == 0:
            kills += 1
            raise Killed

    await house.restart(reap)
    dead, calm = False, 0
    while calm < 2:
        try:
            if dead:
                await house.restart(reap, forget_work=hand.randrange(3) == 0)
            dead = False
            await house.sweep(after_s=61)
            calm += 1
        except Killed:
            dead, calm = True, 0

    ours, theirs = await everything(house, 1), await everything(house, 2)
    assert kills > 5
    assert ours[:3] == theirs[:3]
    assert len(await house.extensions(1)) > 20


async def test_every_table_knows_its_tenant(house: House) -> None:
    """The first column of every key and every index: forgetting it once is enough for a leak."""
    for table in metadata.sorted_tables:
        assert next(iter(table.primary_key.columns)).name == "tenant", table.name
        for index in table.indexes:
            assert next(iter(index.columns)).name == "tenant", index.name
    async with house.database.read() as tx:
        names = await tx.connection.run_sync(lambda one: inspect(one).get_table_names())
    assert set(names) - {"alembic_version"} == {table.name for table in metadata.sorted_tables}
