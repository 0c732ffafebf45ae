"""`jackfield matches`: whose an extension is that stood before, decided at a keyboard."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from doubles.house import House
from doubles.keyboard import HouseDoor
from jackfield.cli.exits import CommandFailed, Exit
from jackfield.cli.main import main
from jackfield.cli.matches import decide, decided_line, forget, match_text

Captured = pytest.CaptureFixture[str]


@pytest.fixture
async def twins(house: House, door: HouseDoor) -> list[str]:
    """UPNs of two people whose common address stands at extension 700, made by hand."""
    stage = house.raise_stage(people=0)
    names = ("Nina Newcomer", "Nino Newcomer")
    hired = [stage.tenant.hire(name, mail="both@example.org") for name in names]
    await house.connect(stage, sync=True)
    await door.api.post("/extensions", {"number": "700", "email": "both@example.org"})
    await house.sync(full=True)
    return [one.user_principal_name for one in hired]


async def waiting(door: HouseDoor) -> list[str]:
    return [match_text(one) for one in (await door.api.get("/matches"))["matches"]]


async def test_who_waits_is_told_with_what_may_be_theirs(door: HouseDoor, twins: list[str]) -> None:
    """Enough to decide by."""
    texts = await waiting(door)

    assert len(texts) == 2
    assert texts[0].startswith(f"{twins[0]}: ")
    assert "\n      700: both@example.org\n      Next: " in texts[0]


async def test_an_extension_is_taken_over_by_its_number(
    house: House, door: HouseDoor, twins: list[str], capsys: Captured
) -> None:
    """Nobody knows keys by heart."""
    code = await decide(door, twins[0], "theirs", ["700"])
    await house.sync(full=True)

    assert code == Exit.DONE
    assert capsys.readouterr().out.startswith("Decided: 700 is theirs (nina")
    assert (await door.api.get(f"/people/{twins[0]}"))["number"] == "700"


async def test_all_that_may_be_theirs_is_turned_away_at_once(
    house: House, door: HouseDoor, twins: list[str]
) -> None:
    """They get one of their own."""
    await decide(door, twins[1], "not_theirs", [], json=True)
    await house.sync(full=True)

    assert (await door.api.get(f"/people/{twins[1]}"))["number"] not in {None, "700"}


async def test_a_decision_is_listed_and_forgotten(
    door: HouseDoor, twins: list[str], capsys: Captured
) -> None:
    """By the same names as it was made."""
    await decide(door, twins[1], "not_theirs", ["700"])
    (made,) = (await door.api.get("/matches/decided"))["decided"]
    capsys.readouterr()

    code = await forget(door, twins[1].upper(), "700", json=True)

    assert f"{twins[1]}: extension 700 is not theirs (by " in decided_line(made)
    assert code == Exit.DONE
    assert msgspec.json.decode(capsys.readouterr().out)["undecided"] is True
    assert (await door.api.get("/matches/decided"))["decided"] == []


@pytest.mark.usefixtures("twins")
async def test_what_is_not_in_doubt_or_not_there_is_said(
    house: House, door: HouseDoor, twins: list[str]
) -> None:
    """Each with what to do instead."""
    third = next(iter(house.stages.values())).tenant.hire("Olga Other")
    await house.sync()

    for asked, says in (
        (decide(door, third.user_principal_name, "not_theirs", []), "name the extension"),
        (decide(door, twins[0], "theirs", ["799"]), "no extension 799"),
        (decide(door, "nobody@example.org", "theirs", ["700"]), "no person"),
        (forget(door, twins[0], "700"), "matches decided lists what is"),
    ):
        with pytest.raises(CommandFailed, match=says):
            await asked


def test_theirs_takes_one_extension(tmp_path: Path, capsys: Captured) -> None:
    """A person has one."""
    code = main(["matches", "decide", "ann@x.example", "theirs", "--data-dir", str(tmp_path)])

    assert code == Exit.USAGE
    assert "exactly one extension" in capsys.readouterr().err
