"""What `jackfield numbers` says: a table for a person, everything for a script."""

import asyncio

import msgspec
import pytest

from jackfield.cli.door import Answer
from jackfield.cli.numbers import numbers_answer, numbers_text
from jackfield.web.api.number_shapes import NumberOut


def pool(name: str = "", **more: object) -> dict[str, object]:
    given = {"group": name or None, "name": name, "numbers": "200–299", "size": 1100, "used": 90}
    rest = {"reserved": 1, "held": 2, "free": 7, "per_day": 0.5, "outlook": "about 3 Mar 2027"}
    return {**given, **rest, **more}


def test_pools_stand_in_a_table() -> None:
    """Figures under each other, so that the short one is seen."""
    answer = {"pools": [pool(), pool("Sales", per_day=None, outlook="not known yet")]}

    assert numbers_text(answer).splitlines() == [
        "Pool        Size  Used  Held  Reserved  Free  A day  Runs out          Numbers",
        "Everybody  1,100    90     2         1     7   0.50  about 3 Mar 2027  200–299",
        "Sales      1,100    90     2         1     7      -  not known yet     200–299",
    ]


def test_one_number_is_told_in_sentences() -> None:
    """As the console does."""
    found = NumberOut("203", "held", None, None, "p", None, [], ["", "g"], ["Held.", "Was Ann's."])
    answer = msgspec.to_builtins(found)

    assert numbers_text(answer) == "203: held.\nHeld.\nWas Ann's."


@pytest.mark.parametrize("pools", [[], [""], ["sales"]])
def test_a_number_is_told_whatever_pools_it_is_in(pools: list[str]) -> None:
    """The answer about one number names its pools too; it is no table of them."""
    found = NumberOut("0100", "outside", None, None, None, None, [], pools, ["Nothing has it."])

    assert numbers_text(msgspec.to_builtins(found)) == "0100: outside.\nNothing has it."


class Door:
    """Answers in two pages."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def ask(self, _method: str, path: str, _body: object = None) -> Answer:
        self.asked.append(path)
        if "after" in path:
            return Answer(200, {"pools": [pool("Sales")], "next": None})
        return Answer(200, {"pools": [pool()], "next": "every body"})


def test_all_pools_are_fetched_page_by_page() -> None:
    """A thousand departments have a thousand ranges."""
    door = Door()

    answer = asyncio.run(numbers_answer(door, None))  # type: ignore[arg-type]

    assert [one["name"] for one in answer["pools"]] == ["", "Sales"]
    assert door.asked == ["/numbers?limit=500", "/numbers?limit=500&after=every%20body"]
