"""`jackfield journal` and `jackfield alarms`: what was done, and what is wrong, page by page."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec
import pytest

from doubles.house import House
from doubles.keyboard import HouseDoor
from jackfield.cli.exits import Exit
from jackfield.cli.journal import journal_pages, subject_of, tell_alarms, tell_journal
from jackfield.cli.main import main
from jackfield.core.csv_text import JOURNAL_HEADS
from jackfield.store.alarms import begin_alarm, end_alarm
from jackfield.store.journal import Line, append_lines

Captured = pytest.CaptureFixture[str]


async def write(house: House, *lines: Line) -> None:
    async with house.database.write() as tx:
        await append_lines(tx, 1, lines, now=house.clock.now())


async def test_lines_are_told_newest_first(house: House, door: HouseDoor, capsys: Captured) -> None:
    """When, what, and by whom; the newest is what one looks for."""
    await write(house, Line("plan.made", "Plan 1 was made."))
    house.clock.advance(60)
    await write(house, Line("plan.approved", "Plan 1 was approved.", by="ann"))

    code = await tell_journal(door, {"kind": "plan."}, 50)

    first, second = capsys.readouterr().out.splitlines()
    assert code == Exit.DONE
    assert first.endswith("Z  Plan 1 was approved. (by ann)")
    assert second.endswith("Z  Plan 1 was made.")
    assert first > second


async def test_pages_are_followed_as_far_as_lines_are_wanted(house: House, door: HouseDoor) -> None:
    """A month of lines is more than a page, and a script wants all of them."""
    await write(house, *(Line("plan.made", f"Plan {number} was made.") for number in range(1_100)))

    async def count(limit: int) -> list[int]:
        return [len(page) async for page in journal_pages(door, {"kind": "plan."}, limit)]

    assert await count(5) == [5]
    assert await count(600) == [500, 100]
    assert await count(10_000) == [500, 500, 100]


async def test_csv_is_the_console_s(house: House, door: HouseDoor, capsysbinary: object) -> None:
    """The same columns, and no cell that a spreadsheet would carry out."""
    assert isinstance(capsysbinary, pytest.CaptureFixture)
    await write(house, Line("plan.made", "=cmd()", subject="a", name="Zoë", run="7", by="ann"))

    await tell_journal(door, {"text": "cmd"}, 50, csv=True)

    heads, row = csv.reader(io.StringIO(capsysbinary.readouterr().out.decode()))
    assert tuple(heads) == JOURNAL_HEADS
    assert row[1:] == ["plan.made", "Zoë", "a", "'=cmd()", "7", "ann"]


async def test_json_is_one_document(house: House, door: HouseDoor, capsys: Captured) -> None:
    """As the API has the lines."""
    await write(house, Line("plan.made", "Plan 1 was made."))

    await tell_journal(door, {"kind": "plan."}, 50, json=True)

    told = msgspec.json.decode(capsys.readouterr().out)
    assert [one["text"] for one in told["lines"]] == ["Plan 1 was made."]


async def test_nothing_that_fits_is_said(door: HouseDoor, capsys: Captured) -> None:
    """An empty screen could be a failure."""
    await tell_journal(door, {"text": "unheard-of"}, 50)

    assert capsys.readouterr().out == "No line fits.\n"


async def test_a_person_is_named_by_upn_or_by_an_id_that_nobody_has_any_more(
    house: House, door: HouseDoor
) -> None:
    """What was done about somebody outlives them."""
    stage = house.raise_stage(people=0)
    hired = stage.tenant.hire("Nina Newcomer")
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    gone = "00000000-0000-4000-8000-00000000000A"

    assert await subject_of(door, hired.user_principal_name) == hired.id
    assert await subject_of(door, gone) == gone.lower()


async def test_alarms_have_a_begin_and_an_end(
    house: House, door: HouseDoor, capsys: Captured
) -> None:
    """What stands says what to do next; what is over says when."""
    async with house.database.write() as tx:
        now = house.clock.now()
        await begin_alarm(tx, 1, "x", text="Away.", next_step="Wait.", now=now)
        await end_alarm(tx, 1, "x", now=now)
        await begin_alarm(tx, 1, "y", text="Full.", next_step="Add a range.", now=now)

    await tell_alarms(door, 50, whole=False)
    standing = capsys.readouterr().out
    await tell_alarms(door, 50, whole=True)
    both = capsys.readouterr().out.splitlines()

    assert "still open  " in standing
    assert "Full.\n      Next: Add a range.\n" in standing
    assert "Away." not in standing
    assert both[-1].endswith("  over: Away.")
    assert " to " in both[-1]


async def test_no_alarm_is_said(door: HouseDoor, capsys: Captured) -> None:
    """For those that stand, and for those that ever were."""
    await tell_alarms(door, 50, whole=False)
    await tell_alarms(door, 50, whole=True)

    assert capsys.readouterr().out == "Nothing is wrong.\nNothing has been wrong yet.\n"


def test_one_form_at_a_time(tmp_path: Path, capsys: Captured) -> None:
    """Two on one output are neither."""
    code = main(["journal", "--csv", "--json", "--data-dir", str(tmp_path)])

    assert code == Exit.USAGE
    assert "takes --csv or --json" in capsys.readouterr().err
