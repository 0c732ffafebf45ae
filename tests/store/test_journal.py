"""The journal: in the order of commits, written once, found again."""

from datetime import datetime, timedelta

import pytest

from jackfield.core.journal_kinds import LineKind
from jackfield.store.database import Database
from jackfield.store.journal import (
    JournalFilter,
    Line,
    append_lines,
    load_lines,
    purge_journal,
)

LINES = [
    Line("extension.created", "Extension 0100 was created.", "a", "Anna Ögren", run="1"),
    Line("extension.removed", "Extension 101 was removed.", "b", "Bo", run="1", data={"ms": 3}),
    Line("settings.changed", "Guests were switched on.", by="admin"),
]


async def write(database: Database, now: datetime, *lines: Line) -> None:
    async with database.write() as tx:
        await append_lines(tx, 1, lines, now=now)


async def test_lines_come_back_newest_first(database: Database, now: datetime) -> None:
    """Whoever opens the journal wants to know what happened just now."""
    await write(database, now, *LINES)

    async with database.read() as tx:
        page = await load_lines(tx, 1)

    assert [line.seq for line in page.lines] == [3, 2, 1]
    assert page.next is None
    removed = page.lines[1]
    assert (removed.at, removed.kind, removed.subject, removed.name) == (
        now,
        "extension.removed",
        "b",
        "Bo",
    )
    assert (removed.text, removed.run, removed.data) == (LINES[1].text, "1", {"ms": 3})


async def test_a_repeated_step_writes_its_line_once(database: Database, now: datetime) -> None:
    """After a crash the step is done again; the journal must not say it happened twice."""
    once = Line("extension.created", "Created.", "a", once="run 1, step 2, a")
    await write(database, now, once, Line("other", "Another."))
    await write(database, now, once, Line("other", "Another."))

    async with database.read() as tx:
        page = await load_lines(tx, 1)

    assert [line.kind for line in page.lines] == ["other", "other", "extension.created"]


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        pytest.param(JournalFilter(kind="extension.created"), [1], id="kind"),
        pytest.param(JournalFilter(kind="extension."), [2, 1], id="kinds_that_begin_so"),
        pytest.param(JournalFilter(subject="b"), [2], id="subject"),
        pytest.param(JournalFilter(run="1"), [2, 1], id="run"),
        pytest.param(JournalFilter(text="ogren 0100"), [1], id="name_and_text_folded"),
        pytest.param(JournalFilter(text="%"), [], id="no_wildcard"),
        pytest.param(
            JournalFilter(since=datetime.fromisoformat("2026-11-23T12:00:01Z")), [], id="since"
        ),
        pytest.param(
            JournalFilter(until=datetime.fromisoformat("2026-11-23T12:00:01Z")),
            [3, 2, 1],
            id="until",
        ),
        pytest.param(JournalFilter(kind="extension.", subject="a", text="created"), [1], id="all"),
    ],
)
async def test_lines_are_filtered(
    database: Database, now: datetime, asked: JournalFilter, numbers: list[int]
) -> None:
    """These lines answer the question “why is this so?”."""
    await write(database, now, *LINES)

    async with database.read() as tx:
        page = await load_lines(tx, 1, asked)

    assert [line.seq for line in page.lines] == numbers


async def test_lines_of_a_time_are_found_though_clocks_differ(
    database: Database, now: datetime
) -> None:
    """Two processes, one an hour behind: what their lines say counts, not the order of commits."""
    for hours in (-72, -49, 0, -1, 1, 0, 30, 80):
        at = now + timedelta(hours=hours)
        await write(database, at, Line(LineKind.ALARM_BEGUN, f"{hours:+}"))
    asked = JournalFilter(since=now, until=now + timedelta(hours=30))

    async with database.read() as tx:
        page = await load_lines(tx, 1, asked, limit=2)
        rest = await load_lines(tx, 1, asked, before=page.next)
        open_end = await load_lines(tx, 1, JournalFilter(since=now))
        open_start = await load_lines(tx, 1, JournalFilter(until=now))

    assert [line.text for line in (*page.lines, *rest.lines)] == ["+0", "+1", "+0"]
    assert [line.text for line in open_end.lines] == ["+80", "+30", "+0", "+1", "+0"]
    assert [line.text for line in open_start.lines] == ["-1", "-49", "-72"]


async def test_pages_lead_to_the_oldest_line(database: Database, now: datetime) -> None:
    """Nothing is skipped between two pages."""
    await write(database, now, *(Line("k", f"Line {number}") for number in range(25)))

    async with database.read() as tx:
        seen, before = [], None
        while True:
            page = await load_lines(tx, 1, before=before, limit=10)
            seen += [line.seq for line in page.lines]
            if (before := page.next) is None:
                break

    assert seen == list(range(25, 0, -1))


async def test_a_search_stops_after_a_stretch_and_goes_on(
    database: Database, now: datetime
) -> None:
    """Years of journal must not make one page wait; the next page looks further back."""
    await write(database, now, Line("k", "needle"), *(Line("k", "hay") for _ in range(30)))
    asked = JournalFilter(text="needle")

    async with database.read() as tx:
        pages = [await load_lines(tx, 1, asked, scan_limit=10)]
        while pages[-1].next is not None:
            pages.append(await load_lines(tx, 1, asked, before=pages[-1].next, scan_limit=10))

    assert [len(page.lines) for page in pages] == [0, 0, 0, 1]
    assert pages[-1].lines[0].seq == 1


async def test_old_lines_are_dropped(database: Database, now: datetime) -> None:
    """Kept as long as the administrator wants, and no longer."""
    await write(database, now - timedelta(days=400), LINES[0])
    await write(database, now, LINES[1])

    async with database.write() as tx:
        dropped = await purge_journal(tx, 1, before=now - timedelta(days=365))
        page = await load_lines(tx, 1)

    assert dropped == 1
    assert [line.seq for line in page.lines] == [2]
