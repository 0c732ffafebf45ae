"""Extension numbers for a command: pools with their figures, or why one number is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jackfield.cli.asking import asked, everything
from jackfield.cli.exits import CommandFailed

if TYPE_CHECKING:
    from jackfield.cli.door import Door

_FIGURES = ("size", "used", "held", "reserved", "free")


async def numbers_answer(door: Door, number: str | None) -> Any:
    """One number, or all pools."""
    if number is not None:
        if "/" in number or not number.strip("."):  # no part of an address, and no number
            raise CommandFailed(
                f"The number “{number}” is not a number; only the digits 0 to 9 are."
            )
        return await asked(door, "GET", f"/numbers/{quote(number, safe='')}")
    return {"pools": await everything(door, "/numbers", "pools")}


def numbers_text(answer: Any) -> str:
    """The answer for a person."""
    if "number" in answer:
        return "\n".join([f"{answer['number']}: {answer['state']}.", *answer["reasons"]])
    rows = [
        [
            pool["name"] or "Everybody",
            *(f"{pool[name]:,}" for name in _FIGURES),
            "-" if pool["per_day"] is None else f"{pool['per_day']:.2f}",
            pool["outlook"],
            pool["numbers"],
        ]
        for pool in answer["pools"]
    ]
    rows.insert(0, ["Pool", *map(str.capitalize, _FIGURES), "A day", "Runs out", "Numbers"])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    figures = range(1, len(_FIGURES) + 2)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in figures else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
