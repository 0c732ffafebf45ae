"""`jackfield people` and `jackfield status`: what Users and Overview show, at a keyboard."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from doubles.house import House
from doubles.keyboard import HouseDoor
from jackfield.cli.exits import Exit
from jackfield.cli.people import status_text, tell_people

Captured = pytest.CaptureFixture[str]


@pytest.fixture
async def three(house: House, door: HouseDoor) -> HouseDoor:
    """Nina and Nino have an extension, Olga none: her account is disabled."""
    stage = house.raise_stage(people=0)
    for name in ("Nina Newcomer", "Nino Newcomer"):
        stage.tenant.hire(name)
    stage.tenant.hire("Olga Other", accountEnabled=False)
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    return door


async def test_people_are_listed_by_name_with_their_number(
    three: HouseDoor, capsys: Captured
) -> None:
    """And found by words, as many as are wanted."""
    await tell_people(three, "", 2)
    first = capsys.readouterr().out.splitlines()
    code = await tell_people(three, "newcomer", 50)
    found = capsys.readouterr().out.splitlines()

    assert len(first) == 2
    assert first == found
    assert first[0].startswith("     10")
    assert "Nina Newcomer (nina" in first[0]
    assert code == Exit.DONE


async def test_who_has_no_extension_is_listed_with_the_reason(
    three: HouseDoor, capsys: Captured
) -> None:
    """What an administrator is asked for on the first day."""
    await tell_people(three, "", 50, not_synced=True)

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Olga Other (olga")
    assert "disabled" in line


@pytest.mark.parametrize(("not_synced", "names"), [(False, 3), (True, 1)])
async def test_people_come_as_csv_and_as_json(
    three: HouseDoor, capsysbinary: object, not_synced: bool, names: int
) -> None:
    """Each column has a head, each person a row."""
    assert isinstance(capsysbinary, pytest.CaptureFixture)
    await tell_people(three, "", 50, not_synced=not_synced, csv=True)
    heads, *rows = csv.reader(io.StringIO(capsysbinary.readouterr().out.decode()))
    await tell_people(three, "", 50, not_synced=not_synced, json=True)
    document = msgspec.json.decode(capsysbinary.readouterr().out)

    assert {len(row) for row in rows} == {len(heads)}
    assert len(rows) == len(document["people"]) == names


async def test_nobody_is_said(three: HouseDoor, capsys: Captured) -> None:
    """An empty screen could be a failure."""
    await tell_people(three, "nobody", 50)

    assert capsys.readouterr().out == "Nobody fits.\n"


async def test_the_status_has_the_figures_of_overview(door: HouseDoor, house: House) -> None:
    """Before the connection what to do, after it how many."""
    before = status_text(await door.api.get("/status"))
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Nina Newcomer")
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    after = status_text(await door.api.get("/status")).splitlines()

    assert before.startswith("Not connected to Microsoft 365: jackfield connect\n")
    assert after[0].endswith("People sync is on.")
    assert "  People          1 in Microsoft 365, 1 with an extension" in after
    assert any(line.startswith("  Last run        1, done, begun 20") for line in after)
