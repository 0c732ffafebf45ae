"""What is kept, and what is forgotten in time."""

from datetime import timedelta

from sqlalchemy import func, select

from doubles.house import House
from jackfield.flows.health import KEPT, Health
from jackfield.store.alarms import begin_alarm, end_alarm, list_alarms
from jackfield.store.journal import Line, append_lines, load_lines
from jackfield.store.schema import INSTALLATION
from jackfield.store.sessions import SessionStore, sessions

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


async def _fill(house: House) -> None:
    """A journal line, an alarm that has ended and a session, of a tenant and the installation."""
    now = house.clock.now()
    await SessionStore(house.database, house.clock).set("a-session", b"{}", expires_in=3600)
    for tenant in (INSTALLATION, 1):
        async with house.database.write() as tx:
            await append_lines(tx, tenant, [Line("test", "Something was done.")], now=now)
            await begin_alarm(tx, tenant, "test", text="Something.", next_step="Look.", now=now)
            await end_alarm(tx, tenant, "test", now=now)
