"""Number rules as fields of a form: ranges as text, days, and located errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jackfield.core.number_pools import NumberRules, check_number_rules
from jackfield.core.numbering import NumberingError, NumberRange, parse_ranges, parse_start


def numbers_of(
    start: str,
    ranges: str,
    rules: NumberRules,
    phones: Sequence[NumberRange],
    errors: dict[str, str],
) -> NumberRules:
    """The rules with what was typed; what is wrong goes to `errors`, beside its field.

    `phones` are the ranges of the phone system.
    """
    first: str | None = None
    wanted: tuple[NumberRange, ...] = ()
    try:
        first = parse_start(start, phones)
    except NumberingError as error:
        errors["start"] = str(error)
    try:
        wanted = parse_ranges(ranges)
        # Departments are chosen elsewhere, and the start has a field of its own.
        check_number_rules(NumberRules(ranges=wanted), phones)
    except NumberingError as error:
        errors["ranges"] = str(error)
    rules = replace(rules, start=first, ranges=wanted)
    if not errors.keys() & {"start", "ranges", "hold_days"}:
        try:
            check_number_rules(replace(rules, departments=()), phones)
        except NumberingError as error:
            errors["start"] = str(error)
    return rules
