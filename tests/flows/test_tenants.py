"""Tenants come, are renamed and go; nobody else's row is touched."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from doubles.house import House
from jackfield.core.journal_kinds import LineKind
from jackfield.core.reach import Reach
from jackfield.core.waiting import MICROSOFT
from jackfield.flows.asks import Ask
from jackfield.flows.outages import Outages
from jackfield.flows.tenants import NoSuchTenant, TenantRefused
from jackfield.store.journal import JournalFilter, load_lines
from jackfield.store.leftovers import tables_of_tenants
from jackfield.store.pieces import delete_piece
from jackfield.store.schema import INSTALLATION, metadata
from jackfield.store.sequences import next_change, sequences
from jackfield.store.tenants import load_tenants, save_tenant, tenants


async def rows_of(house: House, tenant: int) -> dict[str, int]:
    """How many rows a tenant has in each table that has any."""
    found = {}
    async with house.database.read() as tx:
        for table in metadata.sorted_tables:
            query = select(func.count()).select_from(table).where(table.c.tenant == tenant)
            if count := await tx.scalar(query):
                found[table.name] = count
    return found


@pytest.fixture
async def two(house: House) -> House:
    """Two organisations of the same three people, both synced."""
    await house.tenants.add("Second", by="admin")
    for tenant, host in ((1, "localhost:8365"), (2, "localhost:8400")):
        stage = house.raise_stage(people=0, host=host)
        for name in ("Ada One", "Bea Two", "Cora Three"):
            stage.tenant.hire(name)
        await house.connect(stage, tenant, sync=True)
        await house.sync(tenant, full=True)
    return house


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("main", "already", id="taken_in_another_case"),
        pytest.param("  ", "1 to 100 characters", id="empty"),
        pytest.param("x" * 101, "101 characters; a tenant's has at most 100", id="long"),
        pytest.param("a\x07b", "in one line", id="control"),
        pytest.param("12", "stand for its number", id="digits"),
    ],
)
async def test_a_name_that_cannot_be_one_is_refused(house: House, name: str, says: str) -> None:
    """A tenant is named on the command line: by exactly one name."""
    with pytest.raises(TenantRefused, match=says):
        await house.tenants.add(name, by="admin")


async def test_a_name_that_somebody_gave_outlives_the_connection(house: House) -> None:
    """A provider's own name for a customer; only the first tenant's “Main” gives way."""
    await house.tenants.add("Customer 4711", by="admin")
    stage = house.raise_stage(people=0)
    await house.connect(stage, 2)
    await house.connect(stage, 1)

    async with house.database.read() as tx:
        ours, theirs = await load_tenants(tx)
    assert theirs.name == "Customer 4711"
    assert ours.name == "Kestrel Foods"
    async with house.database.read() as tx:
        told = [
            [
                one.text
                for one in (
                    await load_lines(tx, journal, JournalFilter(LineKind.TENANT_NAMED))
                ).lines
            ]
            for journal in (ours.number, INSTALLATION, theirs.number)
        ]
    text = "The tenant “Main” is called “Kestrel Foods” now, after its organisation."
    assert told == [[text], [text], []]


@pytest.mark.parametrize(
    "organisation",
    ["2", "x" * 101, ""],
    ids=["digits", "long", "none"],
)
async def test_an_organisation_that_no_tenant_can_be_called_after_gives_no_name(
    house: House, organisation: str
) -> None:
    """The customer's own administrator chooses it: as “2” it would be asked for as tenant 2."""
    stage = house.raise_stage(people=0)
    stage.tenant.display_name = organisation

    await house.connect(stage)

    async with house.database.read() as tx:
        (ours,) = await load_tenants(tx)
    assert ours.name == "Main"


async def test_of_two_that_take_a_name_at_once_one_has_it(house: House) -> None:
    """A connection names its tenant: it waits for a renaming that is under way, and looks again."""
    await house.tenants.add("Customer 4711", by="admin")
    stage = house.raise_stage(people=0)
    async with house.database.write() as tx:
        await next_change(tx, INSTALLATION)
        _, theirs = await load_tenants(tx)
        await save_tenant(tx, replace(theirs, name="Kestrel Foods"))
        connecting = asyncio.create_task(house.connect(stage))
        await asyncio.wait([connecting], timeout=0.3)
    await connecting

    async with house.database.read() as tx:
        names = [one.name for one in await load_tenants(tx)]
    assert names == ["Main", "Kestrel Foods"]


async def test_renaming_is_written_down(house: House) -> None:
    """Whoever reads the journal a year later finds the name of that day."""
    await house.tenants.add("Old", by="admin")

    await house.tenants.rename(2, "New", by="admin")

    async with house.database.read() as tx:
        lines = (await load_lines(tx, INSTALLATION)).lines
    assert lines[0].text == "The tenant “Old” is called “New” now."
    with pytest.raises(NoSuchTenant):
        await house.tenants.rename(7, "Other", by="admin")


async def test_a_removed_tenant_leaves_nothing_and_takes_nothing_along(two: House) -> None:
    """All tables of the metadata: a table that is forgotten keeps a former customer's people."""
    before = await rows_of(two, 2)
    ours = await rows_of(two, 1)

    await two.tenants.remove(2, "Second", by="admin")
    await two.tenants.clear()

    assert len(before) > 15
    assert await rows_of(two, 2) == {"tenant": 1}
    assert await rows_of(two, 1) == ours
    assert await two.tenants.clear() == 0
    made = await two.tenants.add("Second", by="admin")
    assert made.number == 3


async def test_a_removal_needs_the_name_and_another_tenant(two: House) -> None:
    """Nobody removes a customer by a slip of the finger, or the last one at all."""
    with pytest.raises(TenantRefused, match="not that of the tenant"):
        await two.tenants.remove(2, "second", by="admin")
    await two.tenants.remove(2, "Second", by="admin")
    async with two.database.read() as tx:
        (left,) = await load_tenants(tx)
    with pytest.raises(TenantRefused, match="only tenant"):
        await two.tenants.remove(1, left.name, by="admin")


async def test_what_is_lost_is_said_before(two: House) -> None:
    """The extensions of the built-in phone system are the ones that cannot be read again."""
    told = (await two.tenants.belongings(2)).told("Second")

    assert "3 people" in told
    assert "3 extensions of its built-in phone system" in told


async def test_what_a_tenant_never_had_is_not_said_to_be_lost(two: House) -> None:
    """A tenant that was added by mistake."""
    made = await two.tenants.add("Third", by="admin")

    told = (await two.tenants.belongings(made.number)).told("Third")

    assert told.startswith("Removing “Third” deletes for good: its departments,")


async def test_a_run_of_a_removed_tenant_ends_and_is_swept_away(two: House) -> None:
    """A run that waits when its tenant goes must not write the customer anew."""
    await two.people.start(2, Ask())
    await two.tenants.remove(2, "Second", by="admin")

    await two.runner.idle()
    await two.tenants.clear()
    await two.sweep(after_s=86_400)

    assert await rows_of(two, 2) == {"tenant": 1}


async def test_a_removal_that_is_cut_short_is_finished_later(two: House) -> None:
    """Killed between two pieces: the next look goes on with what is left."""
    await two.tenants.remove(2, "Second", by="admin")
    first, *_ = (one for one in tables_of_tenants() if one.name == "person")
    async with two.database.write() as tx:
        assert await delete_piece(tx, 2, first, most=2) == 2
    assert (await rows_of(two, 2))["person"] == 1

    await two.restart()
    await two.tenants.clear()

    assert await rows_of(two, 2) == {"tenant": 1}


async def test_an_outage_of_a_removed_tenant_brings_nothing_of_it_back(two: House) -> None:
    """A process whose calls failed then would write its alarm again, every few seconds."""
    reaches = {2: Reach(MICROSOFT)}
    elsewhere = Outages(two.database, reaches, two.clock)
    began = two.clock.now()
    await two.tenants.remove(2, "Second", by="admin")
    await two.tenants.clear()
    two.clock.advance(30)
    reaches[2].failed("No answer.", "Check the network.", two.clock.now(), began=began)

    await elsewhere.look()

    assert await rows_of(two, 2) == {"tenant": 1}
    assert reaches == {}


async def test_every_process_forgets_a_removed_tenant(two: House) -> None:
    """Its token and secret stay in the memory of none that has only heard of the removal."""
    assert 2 in two.connections.reaches
    await two.tenants.remove(2, "Second", by="admin")

    await two.connections.follow()

    assert 2 not in two.connections.reaches
    assert 1 in two.connections.reaches


def test_every_table_but_the_tenants_own_is_emptied() -> None:
    """A new table belongs to this by being there."""
    assert {*tables_of_tenants(), sequences, tenants} == set(metadata.sorted_tables)
