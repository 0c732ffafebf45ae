"""What `jackfield numbers` says: a table for a person, everything for a script."""

import asyncio

from jackfield.cli.door import Answer
from jackfield.cli.numbers import numbers_answer, numbers_text


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
    answer = {"number": "203", "state": "held", "reasons": ["Nothing has it.", "It is held."]}

    assert numbers_text(answer) == "203: held.\nNothing has it.\nIt is held."


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
