"""`jackfield plan show`: a plan is told briefly to a person, and whole to a script."""

from __future__ import annotations

import msgspec
import pytest

from doubles.house import House
from doubles.keyboard import HouseDoor
from jackfield.cli.showing import show_plan
from jackfield.core.actions import Notice, Plan, Refusal, RefusalKind
from jackfield.store.plans import Versions, save_plan

GUARD = Refusal(RefusalKind.TOO_MANY_REMOVALS, "", "", "Far fewer people.", "Release it.", 12)


async def refuse(house: House, people: int) -> int:
    """A plan with a remark on each of so many people."""
    refusals = [
        Refusal(RefusalKind.UNUSABLE_PERSON, f"id-{n}", f"Person {n}", "No name.", "Name them.")
        for n in range(people)
    ]
    notices = [Notice(one.subject, one.name, "The name was cut.") for one in refusals]
    plan = Plan((), (), (GUARD, *refusals), tuple(notices))
    async with house.database.write() as tx:
        return await save_plan(tx, 1, plan, now=house.clock.now(), made_by="", versions=Versions())


async def test_of_a_thousand_refused_a_page_is_told_and_all_are_counted(
    house: House, door: HouseDoor, capsys: pytest.CaptureFixture[str]
) -> None:
    """The API gives the first ones along; nobody reads a screen of a thousand."""
    plan = await refuse(house, 1_200)

    await show_plan(door, plan, json=False, limit=50, people=3)

    said = capsys.readouterr().out
    assert "Person 2: No name. Name them." in said
    assert "Person 3" not in said
    assert said.count("and 1,197 more; see jackfield plan show 1") == 2


async def test_json_has_every_remark(
    house: House, door: HouseDoor, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script works through all of them; what guards say comes first, and once."""
    plan = await refuse(house, 1_200)

    await show_plan(door, plan, json=True, limit=50, people=3)

    told = msgspec.json.decode(capsys.readouterr().out)
    people = [f"id-{n}" for n in range(1_200)]
    assert [one["subject"] for one in told["refusals"]] == ["", *people]
    assert [one["subject"] for one in told["notices"]] == people
    assert (told["refused"], told["noted"]) == (1_200, 1_200)
