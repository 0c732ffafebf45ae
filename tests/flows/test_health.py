"""What is kept, and what is forgotten in time."""

from datetime import timedelta

from sqlalchemy import func, select

from doubles.house import House
from jackfield.flows.health import KEPT, Health
from jackfield.store.alarms import begin_alarm, end_alarm, list_alarms
from jackfield.store.journal import Line, append_lines, load_lines
from jackfield.store.schema import INSTALLATION
from jackfield.store.sessions import SessionStore, sessions
from jackfield.store.usage import load_calls

KEPT_SESSIONS = select(func.count()).select_from(sessions)


async def test_what_is_older_than_anybody_asks_for_is_forgotten(house: House) -> None:
    """A table that only grows fills the disk in the end, the installation's own ones too."""
    await _fill(house)
    house.clock.advance((KEPT + timedelta(days=1)).total_seconds())

    await Health(house.database, house.connections, house.clock).forget_old()

    async with house.database.read() as tx:
        assert await tx.scalar(KEPT_SESSIONS) == 0
        for tenant in (INSTALLATION, 1):
            assert (await load_lines(tx, tenant)).lines == ()
            assert await list_alarms(tx, tenant) == ()


async def test_what_is_young_is_kept(house: House) -> None:
    """Forgetting runs several times a day; it must never take what is still looked at."""
    await _fill(house)

    await Health(house.database, house.connections, house.clock).forget_old()

    async with house.database.read() as tx:
        assert await tx.scalar(KEPT_SESSIONS) == 1
        assert len((await load_lines(tx, 1)).lines) >= 1
        assert len(await list_alarms(tx, 1)) == 1


async def test_calls_about_photos_are_counted_too(house: House) -> None:
    """Microsoft counts them apart; who looks at the limits wants to see all."""
    stage = house.raise_stage(people=5)
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    health = Health(house.database, house.connections, house.clock)
    await health.write_figures()
    before = health.figures(1).calls

    await house.sync_photos()
    await health.write_figures()
    await health.write_figures()

    since = house.clock.now() - timedelta(days=1)
    async with house.database.read() as tx:
        (bucket,) = await load_calls(tx, 1, since=since, bucket=timedelta(days=2))
    outlook = bucket.by_workload["outlook"].calls
    assert outlook > 0
    assert health.figures(1).calls == before + outlook
    assert bucket.by_workload["directory"].calls == before


async def _fill(house: House) -> None:
    """A journal line, an alarm that has ended and a session, of a tenant and the installation."""
    now = house.clock.now()
    await SessionStore(house.database, house.clock).set("a-session", b"{}", expires_in=3600)
    for tenant in (INSTALLATION, 1):
        async with house.database.write() as tx:
            await append_lines(tx, tenant, [Line("test", "Something was done.")], now=now)
            await begin_alarm(tx, tenant, "test", text="Something.", next_step="Look.", now=now)
            await end_alarm(tx, tenant, "test", now=now)
