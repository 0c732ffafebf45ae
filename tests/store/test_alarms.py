"""Alarms: said once when they begin and once when they end."""

from datetime import datetime, timedelta

from jackfield.store.alarms import Severity, begin_alarm, end_alarm, list_alarms, open_alarms
from jackfield.store.database import Database


async def begin(database: Database, now: datetime, text: str, subject: str = "") -> bool:
    async with database.write() as tx:
        return await begin_alarm(
            tx,
            1,
            "graph.unreachable",
            subject=subject,
            text=text,
            next_step="Wait.",
            now=now,
            severity=Severity.CRITICAL,
        )


async def test_an_outage_is_said_once(database: Database, now: datetime) -> None:
    """Sixty mails an hour teach an administrator to read none."""
    first = await begin(database, now, "no answer for 1 minute")
    second = await begin(database, now + timedelta(minutes=5), "no answer for 6 minutes")
    elsewhere = await begin(database, now, "no answer", subject="other")

    async with database.read() as tx:
        standing = await open_alarms(tx, 1)

    assert (first, second, elsewhere) == (True, False, True)
    assert [(one.text, one.begun_at, one.severity) for one in standing] == [
        ("no answer", now, Severity.CRITICAL),
        ("no answer for 6 minutes", now, Severity.CRITICAL),
    ]


async def test_an_alarm_ends_once_and_can_begin_again(database: Database, now: datetime) -> None:
    """The history tells how often it happened, and how long."""
    later = now + timedelta(hours=1)
    await begin(database, now, "no answer")

    async with database.write() as tx:
        ended = await end_alarm(tx, 1, "graph.unreachable", now=later)
        again = await end_alarm(tx, 1, "graph.unreachable", now=later)
        never = await end_alarm(tx, 1, "other", now=later)
    await begin(database, later, "no answer again")

    async with database.read() as tx:
        history = await list_alarms(tx, 1)
        older = await list_alarms(tx, 1, before=history[0].id)
        standing = await open_alarms(tx, 1)
    assert ended is not None
    assert (ended.begun_at, ended.ended_at) == (now, later)
    assert (again, never) == (None, None)
    assert [one.ended_at for one in history] == [None, later]
    assert older == history[1:]
    assert standing == history[:1]
