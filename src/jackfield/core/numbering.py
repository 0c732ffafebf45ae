"""Extension numbers, and the ranges and starts that numbers are given out from.

Numbers are strings of digits; "0200" and "200" are two numbers. Decided here: what a valid number,
range and start is. Which number a person gets is decided in `jackfield.core.number_pools`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_DIGITS = 15
"""The longest number of the telephone network. Source: ITU-T E.164, 6.1."""


class NumberingError(ValueError):
    """A number, range or start that cannot be used; the text says which and why."""


def parse_number(text: str, what: str = "number") -> str:
    """The number as it is stored, spaces around it dropped.

    Raises:
        NumberingError: it is not made of 1 to 15 digits 0-9.
    """
    number = text.strip()
    if not number:
        raise NumberingError(f"The {what} is empty; give digits, e.g. 200.")
    if not (number.isascii() and number.isdigit()):
        raise NumberingError(f"The {what} “{number}” is not a number; only the digits 0 to 9 are.")
    if len(number) > MOST_DIGITS:
        raise NumberingError(
            f"The {what} “{number}” has {len(number)} digits; at most {MOST_DIGITS} are possible."
        )
    return number


def is_number(text: str) -> bool:
    """Whether a text is a number as it is stored."""
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Numbers `first` to `last`, both included, of one length or growing; "0200" keeps its zero.

    Raises NumberingError where there is no such range.
    """

    first: str
    last: str

    def __post_init__(self) -> None:
        if self.first != parse_number(self.first, "first number of the range"):
            raise NumberingError(
                f"The first number of the range “{self.first}” has spaces around it."
            )
        if self.last != parse_number(self.last, "last number of the range"):
            raise NumberingError(
                f"The last number of the range “{self.last}” has spaces around it."
            )
        if int(self.last) < int(self.first) or len(self.last) < len(self.first):
            raise NumberingError(f"The range {self} ends before it begins.")
        if len(self.last) > len(self.first) and self.last.startswith("0"):
            raise NumberingError(
                f"The range {self} mixes lengths: write its first number with"
                f" {len(self.last)} digits as well."
            )

    def __str__(self) -> str:
        return f"{self.first}–{self.last}"

    def __contains__(self, number: str) -> bool:
        return (
            number.isascii()
            and number.isdigit()
            and len(self.first) <= len(number) <= len(self.last)
            and int(self.first) <= int(number) <= int(self.last)
        )


def overlap(one: NumberRange, other: NumberRange) -> bool:
    """Whether two ranges have a number in common."""
    return any(end in other for end in (one.first, one.last)) or other.first in one


def parse_range(text: str) -> NumberRange:
    """A range as an administrator writes it: "200-499", "0200 – 0499", or one number.

    Raises:
        NumberingError: it is none; the text says why.
    """
    first, dash, last = text.replace("–", "-").partition("-")
    begin = parse_number(first, "first number of the range")
    return NumberRange(begin, parse_number(last, "last number of the range") if dash else begin)


MOST_RANGES = 100
"""More ranges than this in one list are a mistake."""


def parse_ranges(text: str) -> tuple[NumberRange, ...]:
    """Ranges as an administrator writes them, commas between: "200-299, 400-450"; () for none.

    Raises:
        NumberingError: one of them is none, or there are too many; the text says which.
    """
    parts = [part for part in text.replace(";", ",").replace("\n", ",").split(",") if part.strip()]
    if len(parts) > MOST_RANGES:
        raise NumberingError(f"These are {len(parts):,} ranges; at most {MOST_RANGES}.")
    return tuple(parse_range(part) for part in parts)


def written_ranges(ranges: Sequence[NumberRange]) -> str:
    """Ranges as `parse_ranges` reads them."""
    return ", ".join(
        one.first if one.first == one.last else f"{one.first}-{one.last}" for one in ranges
    )


def parse_start(text: str, ranges: Sequence[NumberRange]) -> str | None:
    """A starting number as an administrator writes it; None for an empty one.

    Raises:
        NumberingError: it is no number, or no range of the phone system has one from there on.
    """
    if not text.strip():
        return None
    start = parse_number(text, "starting number")
    if not stretches(start, ranges):
        shown = ", ".join(map(str, ranges)) or "none"
        raise NumberingError(
            f"The phone system has no extension number from {start} on; its ranges are: {shown}."
        )
    return start


def stretches(start: str | None, ranges: Sequence[NumberRange]) -> list[tuple[int, int]]:
    """The numbers that may be given out, as stretches in ascending order that do not overlap.

    They are written with at least the width of the start (else of the first range); a range takes a
    number when its value and its length lie within.
    """
    if not ranges:
        return []
    floor = int(start) if start else 0
    width = len(start) if start else len(ranges[0].first)
    found: list[tuple[int, int]] = []
    for part in ranges:
        shortest, longest = len(part.first), len(part.last)
        if width > longest:
            continue
        begin = max(floor, int(part.first))
        if width < shortest:
            begin = max(begin, 10 ** (shortest - 1))
        if begin <= int(part.last):
            found.append((begin, int(part.last)))
    found.sort()
    merged: list[tuple[int, int]] = []
    for begin, end in found:
        if merged and begin <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
