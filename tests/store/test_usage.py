"""Calls to Graph, added up by the minute."""

from datetime import datetime, timedelta

from jackfield.store.database import Database
from jackfield.store.usage import Calls, add_calls, load_calls, purge_calls


async def test_figures_add_up_by_minute_and_workload(database: Database, now: datetime) -> None:
    """Throttling shows as a row of minutes, not as a feeling."""
    users, groups = Calls(3, 1, 0, 250), Calls(1, 0, 1, 40)
    async with database.write() as tx:
        await add_calls(tx, 1, {"users": users, "groups": groups}, now=now)
        await add_calls(tx, 1, {"users": users}, now=now + timedelta(seconds=59))
        await add_calls(tx, 1, {"users": users}, now=now + timedelta(seconds=60))
        minutes = await load_calls(tx, 1, since=now)
        hours = await load_calls(tx, 1, since=now, bucket=timedelta(hours=1))
        nothing = await load_calls(tx, 1, since=now + timedelta(days=1))

    assert [(one.begins_at, dict(one.by_workload)) for one in minutes] == [
        (now, {"groups": groups, "users": users + users}),
        (now + timedelta(minutes=1), {"users": users}),
    ]
    assert [(one.begins_at, one.by_workload["users"].calls) for one in hours] == [(now, 9)]
    assert nothing == ()


async def test_the_busiest_moment_of_an_hour_is_that_of_its_busiest_minute(
    database: Database, now: datetime
) -> None:
    """Units add up; moments do not. Two processes in one minute may have been busy at once."""
    async with database.write() as tx:
        await add_calls(tx, 1, {"directory": Calls(units=30, busiest=20)}, now=now)
        await add_calls(tx, 1, {"directory": Calls(units=5, busiest=5)}, now=now)
        later = now + timedelta(minutes=1)
        await add_calls(tx, 1, {"directory": Calls(units=9, busiest=9)}, now=later)
        (hour,) = await load_calls(tx, 1, since=now, bucket=timedelta(hours=1))

    assert hour.by_workload["directory"] == Calls(units=44, busiest=25)


async def test_old_figures_are_dropped(database: Database, now: datetime) -> None:
    """A row a minute for each workload is half a million a year."""
    async with database.write() as tx:
        await add_calls(tx, 1, {"users": Calls(1)}, now=now - timedelta(days=40))
        await add_calls(tx, 1, {"users": Calls(1)}, now=now)
        dropped = await purge_calls(tx, 1, before=now - timedelta(days=30))
        left = await load_calls(tx, 1, since=now - timedelta(days=365))

    assert (dropped, [one.begins_at for one in left]) == (1, [now])
