"""Sets of extension numbers as spans of whole numbers, for counting and taking away.

A number becomes the whole number that is written with a 1 before it: "0200" is 10200, "200" is
1200. So no two numbers become the same, shorter ones come before longer ones, and numbers of one
length keep their order.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from jackfield.core.numbering import NumberRange

Span = tuple[int, int]
"""Codes from the first to the last one, both included."""


def code_of(number: str) -> int:
    """The code of a number."""
    return int(f"1{number}")


def codes_of(numbers: Iterable[str]) -> list[int]:
    """The codes of those that are numbers of digits alone, ascending; 100,000 in 10 ms."""
    numeric = [one for one in numbers if one.isascii() and one.isdigit()]
    return sorted(map(int, map("1".__add__, numeric)))


def number_at(code: int) -> str:
    """The number of a code."""
    return str(code)[1:]


def written(first: int, last: int, width: int) -> list[Span]:
    """The numbers of values that are written with at least so many digits, in ascending order."""
    found: list[Span] = []
    for length in range(width, max(width, len(str(last))) + 1):
        low = first if length == width else max(first, 10 ** (length - 1))
        high = min(last, 10**length - 1)
        if low <= high:
            found.append((10**length + low, 10**length + high))
    return found


def spans_of(numbers: NumberRange) -> list[Span]:
    """Every number that is in a range."""
    found: list[Span] = []
    for length in range(len(numbers.first), len(numbers.last) + 1):
        high = min(int(numbers.last), 10**length - 1)
        found.append((10**length + int(numbers.first), 10**length + high))
    return found


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same numbers, ascending, in as few spans as there can be."""
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def without(spans: Iterable[Span], taken: Sequence[Span]) -> list[Span]:
    """What is left of spans, in their order; `taken` is merged."""
    left: list[Span] = []
    for first, last in spans:
        begin = first
        at = bisect_right(taken, first, key=lambda one: one[0])
        for low, high in taken[max(0, at - 1) :]:
            if low > last:
                break
            if high < begin:
                continue
            if low > begin:
                left.append((begin, low - 1))
            begin = high + 1
        if begin <= last:
            left.append((begin, last))
    return left


def apart(spans: Iterable[Span]) -> list[Span]:
    """The same numbers in the same order, each once: where it stands first."""
    found: list[Span] = []
    for span in spans:
        found += without([span], merged(found))
    return found


def size_of(spans: Iterable[Span]) -> int:
    """How many numbers there are; the spans do not overlap."""
    return sum(last - first + 1 for first, last in spans)


def count_within(codes: Sequence[int], spans: Iterable[Span]) -> int:
    """How many of the codes, which are ascending, lie in spans that do not overlap."""
    return sum(bisect_right(codes, last) - bisect_left(codes, first) for first, last in spans)


def is_within(code: int, spans: Sequence[Span]) -> bool:
    """Whether a code lies in merged spans."""
    at = bisect_right(spans, code, key=lambda one: one[0])
    return at > 0 and code <= spans[at - 1][1]


def listed(spans: Sequence[Span], most: int = 6) -> str:
    """Spans as people write them: "200–299, 400–450"; only so many, and how many more."""
    joined: list[Span] = []
    for first, last in spans:
        # 999 and 1000 are neighbours for people, whatever their codes are.
        if joined and int(number_at(first)) == int(number_at(joined[-1][1])) + 1:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    shown = [
        number_at(first) if first == last else f"{number_at(first)}–{number_at(last)}"
        for first, last in joined[:most]
    ]
    return ", ".join(shown) + (f" and {len(joined) - most:,} more" if len(joined) > most else "")
