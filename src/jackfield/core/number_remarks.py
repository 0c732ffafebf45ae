"""What an administrator may not have meant with rules for numbers; nothing of it is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.core.number_pools import NumberRules, Reservation, shared_pool
from jackfield.core.number_spans import code_of, count_within, merged, spans_of
from jackfield.core.numbering import NumberRange, overlap

_MOST = 3
"""Pairs of ranges that are named one by one."""


def rule_remarks(rules: NumberRules, ranges: Sequence[NumberRange]) -> tuple[str, ...]:
    """About the starting number and the ranges for newcomers; `ranges` are the phone system's."""
    said: list[str] = []
    first = next(shared_pool(rules, ranges).rest(), None)
    if rules.start and first is not None and first != rules.start:
        said.append(f"No range has the starting number {rules.start}; the first number is {first}.")
    overlaps = [
        f"The ranges {_written(earlier)} and {_written(one)} overlap; a number is given once."
        for at, one in enumerate(rules.ranges)
        for earlier in rules.ranges[:at]
        if overlap(one, earlier)
    ]
    said += overlaps[:_MOST]
    if len(overlaps) > _MOST:
        said.append(f"So do {len(overlaps) - _MOST:,} more pairs.")
    return tuple(said)


def reservation_remark(
    one: Reservation, used: Sequence[int], own: str = "", whose: str = ""
) -> str:
    """What a reservation does not change; "" where there is nothing to say.

    `used` are the codes of all numbers in use, ascending; `own` is the number that the person of
    the reservation has, "" for none; `whose` names who has a single number.
    """
    if own and own not in one.numbers:
        return f"Has {own} and keeps it; this counts once another number is needed."
    if own and one.numbers.first == one.numbers.last:
        return ""
    count = count_within(used, merged(spans_of(one.numbers))) - bool(own)
    if not count:
        return ""
    if one.numbers.first == one.numbers.last:
        return f"In use: {whose or 'something in the phone system'} has it and keeps it."
    are = "number is" if count == 1 else "numbers are"
    return f"{count:,} {are} in use; whoever has one keeps it."


def codes_of(numbers: frozenset[str]) -> list[int]:
    """Numbers in use as `reservation_remark` takes them."""
    return sorted(map(code_of, numbers))


def _written(one: NumberRange) -> str:
    return one.first if one.first == one.last else f"{one.first}-{one.last}"
