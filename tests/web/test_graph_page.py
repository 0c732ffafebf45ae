"""The page that tells what is spent of Microsoft Graph's limits, and its twin in the API."""

from __future__ import annotations

from doubles.house import House
from doubles.web_visitor import Visitor
from jackfield.flows.health import Health
from jackfield.graph.pace import Workload
from jackfield.store.database import Database
from jackfield.store.usage import Calls, add_calls


async def _spend(database: Database, house: House, **figures: int) -> None:
    async with database.write() as tx:
        await add_calls(tx, 1, {"directory": Calls(**figures)}, now=house.clock.now())


async def test_before_the_connection_there_is_nothing_spent(admin: Visitor) -> None:
    """A page of zeros, and what a first full sync will take."""
    page = (await admin.get("/graph")).page

    assert "Far from every limit." in page.text
    assert "3,500 in 10 s for 0 users" in page.text
    assert "Nothing is counted yet" in page.text


async def test_spent_and_foretold_stand_side_by_side(house: House, admin: Visitor) -> None:
    """An administrator sees at a glance that the limits are far."""
    await house.connect(house.raise_stage(people=20), sync=True)
    await house.sync(full=True)
    await Health(house.database, house.connections, house.clock).write_figures()

    page = (await admin.get("/graph")).page

    assert "Just now" in page.text
    assert "3,500 in 10 s for 20 users" in page.text
    assert "One full sync and 1,440 looks for changes" in page.text
    assert "estimated" not in page.text
    assert "Nothing is counted yet" not in page.text


async def test_a_pause_that_microsoft_asked_for_is_said(house: House, admin: Visitor) -> None:
    """And that nothing is lost by it."""
    await house.connect(house.raise_stage(people=1), sync=True)
    client = await house.connections.client(1)
    house.connections.pace.close(client.account, Workload.DIRECTORY, 30)

    page = (await admin.get("/graph")).page

    assert "Microsoft asked for a pause (people, groups and licences)." in page.text
    assert "Calls go on in 30 s" in page.text


async def test_throttled_answers_and_the_busiest_moment_are_told(
    house: House, admin: Visitor
) -> None:
    """What an administrator looks for when a sync was slow."""
    await _spend(house.database, house, calls=900, throttled=7, units=1200, busiest=875)

    page = (await admin.get("/graph")).page

    assert "875 25.0 %" in page.text
    assert "900 7" in page.text


async def test_overview_leads_to_the_limits(house: House, admin: Visitor) -> None:
    """Where the calls are counted, the question how many are too many comes up."""
    await house.connect(house.raise_stage(people=1))

    page = (await admin.get("/")).page

    (link,) = [one for one in page.all("a") if one.get("id") == "graph-budgets"]
    assert link["href"] == "/graph"
