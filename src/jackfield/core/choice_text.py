"""An administrator's choices as they are typed on a keyboard: `key=value`, and shown so again.

Decided here: which choice a key means, and what a text becomes in the settings document. Whether
the value can be used is decided where the document is checked as a whole. People and groups stay as
they were typed; who that is, only the archive knows.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

from jackfield.core.attributes import CHOICES
from jackfield.core.choice_words import FED_FIELDS, LABELS, VALUES
from jackfield.core.numbering import NumberingError, NumberRange, parse_ranges, written_ranges

PEOPLE = frozenset({"rules.scope.selected_users", "rules.not_recreated"})
"""Choices that list people, by object ID in the document."""
GROUPS = frozenset({"rules.scope.selected_groups", "rules.departments.groups"})
"""Choices that list groups, in the administrator's order."""
RANGES = "rules.numbers.ranges"
ELSEWHERE: Mapping[str, str] = {
    "rules.numbers.departments": "jackfield numbers give and jackfield numbers take",
    "rules.numbers.reserved": "jackfield numbers reserve and jackfield numbers unreserve",
}
"""Choices with several parts to each entry, and the commands that have a place for each part."""
_ON = frozenset({"on", "true", "yes"})
_OFF = frozenset({"off", "false", "no"})
_ASSIGNMENT = re.compile(r"(?P<key>[^=+]*?)\s*(?P<how>[+-]?=)(?P<text>.*)", re.DOTALL)
_NEAREST = 3


class ChoiceError(ValueError):
    """What was typed is no choice, or no value of one; the text says which and what is."""


class How(StrEnum):
    """What becomes of the value that stands."""

    REPLACE = "="
    ADD = "+="
    TAKE_OUT = "-="


@dataclass(frozen=True, slots=True)
class Assignment:
    """One choice as typed; nothing of the value is judged yet."""

    place: str
    """In the settings document, dotted."""
    how: How
    text: str


def parse_assignment(typed: str) -> Assignment:
    """`key=value`, or `key+=value` and `key-=value` for lists. Raises `ChoiceError`."""
    found = _ASSIGNMENT.fullmatch(typed)
    if found is None:
        raise ChoiceError(f"“{typed[:60]}” is no choice: write it as key=value.")
    assignment = Assignment(find_place(found["key"]), How(found["how"]), found["text"].strip())
    if assignment.place in ELSEWHERE:
        raise ChoiceError(f"`{assignment.place}` is changed by {ELSEWHERE[assignment.place]}.")
    if assignment.how is not How.REPLACE and not is_list(assignment.place):
        raise ChoiceError(
            f"`{assignment.place}` is no list; give its value by {assignment.place}=..."
        )
    return assignment


def find_place(key: str) -> str:
    """The choice that a key means: its place, or as much of its end as no other has.

    Raises `ChoiceError`, which names the nearest.
    """
    key = key.strip()
    if key in LABELS:
        return key
    fitting = [place for place in LABELS if place.endswith(f".{key}")] if key else []
    # `departments` is the end of one choice and the name of a whole part beside it.
    parts = [place for place in LABELS if f".{key}." in f".{place}"]
    if len(fitting) == 1 and all(_is_inside(fitting[0], one, key) for one in parts):
        return fitting[0]
    if key and (fitting or parts):
        several = [*fitting, *(one for one in parts if one not in fitting)]
        raise ChoiceError(f"“{key[:60]}” may be {_listed(several)}.")
    raise ChoiceError(f"There is no choice “{key[:60]}”.{_nearest(key)}")


def places_under(key: str) -> tuple[str, ...]:
    """The choices that a key means, or all of the part that it names. Raises `ChoiceError`."""
    inside = tuple(place for place in LABELS if f"{place}.".startswith(f"{key.strip()}."))
    return inside or (find_place(key),)


def is_list(place: str) -> bool:
    """Whether a choice has several values."""
    return names_somebody(place) or place == RANGES or place in ELSEWHERE


def names_somebody(place: str) -> bool:
    """Whether a choice lists people or groups."""
    return place in PEOPLE or place in GROUPS


def read_value(assignment: Assignment, stands: object) -> Any:
    """What the text becomes in the document, where `stands` stands now.

    Lists of people and groups come as they were typed, without what stands; ranges are whole.
    Raises `ChoiceError`.
    """
    place, text = assignment.place, assignment.text
    if names_somebody(place):
        return parse_list(text)
    if place == RANGES:
        return _ranges(assignment, stands)
    options = _options(place)
    if options:
        return _one_of(place, text, options)
    match stands:
        case bool():
            return _switch(place, text)
        case int():
            return _number(place, text, r"-?[0-9]{1,9}", "a whole number", int)
        case float():
            return _number(place, text, r"-?[0-9]{1,9}([.,][0-9]{1,6})?", "a number", float)
        case _:
            return text or (None if stands is None else "")


def written_value(place: str, value: Any) -> str:
    """A value as `read_value` takes it; entries of people and groups as they stand."""
    match value:
        case bool():
            return "on" if value else "off"
        case None:
            return ""
        case float():
            return f"{value:g}"
        case list() | tuple():
            return written_list([_written_entry(place, one) for one in value])
        case _:
            return str(value)


def parse_list(text: str) -> tuple[str, ...]:
    """Entries with commas between, each once; one with a comma in it stands in quotes."""
    (row,) = csv.reader([text.replace("\n", ",")], skipinitialspace=True)
    return tuple(dict.fromkeys(one.strip() for one in row if one.strip()))


def written_list(entries: Sequence[str]) -> str:
    """The same, written."""
    return ", ".join(
        f'"{one.replace(chr(34), chr(34) * 2)}"' if {",", '"'} & set(one) else one
        for one in entries
    )


def changed_list(assignment: Assignment, stands: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """A list after an assignment. Raises `ChoiceError` where something to take out is not there."""
    match assignment.how:
        case How.REPLACE:
            return list(given)
        case How.ADD:
            return [*stands, *(one for one in given if one not in stands)]
        case How.TAKE_OUT:
            missing = [one for one in given if one not in stands]
            if missing:
                shown = _written_entry(assignment.place, missing[0])
                raise ChoiceError(f"`{assignment.place}` has no “{shown}” to take out.")
            return [one for one in stands if one not in given]


def value_at(document: Any, place: str) -> Any:
    """What stands at a place of the settings document."""
    for name in place.split("."):
        document = document[name]
    return document


def put_at(document: Any, place: str, value: object) -> None:
    """Put a value at a place of the settings document."""
    above, _, name = place.rpartition(".")
    (value_at(document, above) if above else document)[name] = value


def _ranges(assignment: Assignment, stands: Any) -> list[Any]:
    try:
        given = [{"first": one.first, "last": one.last} for one in parse_ranges(assignment.text)]
    except NumberingError as error:
        raise ChoiceError(f"`{assignment.place}`: {error}") from error
    return changed_list(assignment, stands, given)


def _options(place: str) -> Mapping[str, str]:
    """The values of a choice out of few, with the words for each; {} for any other."""
    words = VALUES.get(place, {})
    rule = place.removeprefix("rules.attributes.")
    if rule in FED_FIELDS and rule != place:
        return {source.value: words[source] for source in CHOICES[rule]}
    return {str(value): word for value, word in words.items()}


def _one_of(place: str, text: str, options: Mapping[str, str]) -> str:
    for value, word in options.items():
        if text.casefold() in {value.casefold(), word.casefold()}:
            return value
    near = difflib.get_close_matches(text, options, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    raise ChoiceError(f"`{place}` takes {', '.join(options)}; not “{text[:60]}”.{meant}")


def _switch(place: str, text: str) -> bool:
    if text.casefold() in _ON | _OFF:
        return text.casefold() in _ON
    raise ChoiceError(f"`{place}` takes on or off; not “{text[:60]}”.")


def _number(place: str, text: str, form: str, what: str, kind: type[int | float]) -> Any:
    if not re.fullmatch(form, text):
        raise ChoiceError(f"`{place}` takes {what}; not “{text[:60]}”.")
    return kind(text.replace(",", "."))


def _written_entry(place: str, one: Any) -> str:
    match one:
        case {"first": first, "last": last}:
            return written_ranges((NumberRange(first, last),))
        case {"group": group, "ranges": ranges}:
            return f"{group}: {' '.join(_written_entry(place, each) for each in ranges)}"
        case {"numbers": numbers, "person": person}:
            return f"{_written_entry(place, numbers)}{f' for {person}' if person else ''}"
        case _:
            return str(one)


def _is_inside(place: str, one: str, key: str) -> bool:
    """Whether a choice stands in the part that holds `place` and bears its key."""
    above = place.rpartition(".")[0]
    return one == place or (above.rpartition(".")[2] == key and one.startswith(f"{above}."))


def _nearest(key: str) -> str:
    last = key.rpartition(".")[2]
    by_end: dict[str, list[str]] = {}
    for place in LABELS:
        by_end.setdefault(place.rpartition(".")[2], []).append(place)
    near = [
        *difflib.get_close_matches(key, LABELS, n=_NEAREST),
        *chain.from_iterable(by_end[end] for end in difflib.get_close_matches(last, by_end)),
    ]
    if not near:
        return " jackfield settings show lists them."
    return f" Did you mean {_listed(list(dict.fromkeys(near)))}?"


def _listed(places: Sequence[str]) -> str:
    shown = " or ".join(f"`{one}`" for one in places[:_NEAREST])
    more = len(places) - _NEAREST
    return f"{shown} or one of {more} more" if more > 0 else shown
