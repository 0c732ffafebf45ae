"""Kinds of fields of a form: how a choice is shown there, read from it, and understood.

What was typed is kept as it was until it is understood; a `ValueError` then says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

from litestar.datastructures import FormMultiDict

from jackfield.core.numbering import written_ranges
from jackfield.core.people import MOST_CHOSEN_GROUPS, MOST_CHOSEN_PEOPLE, GroupId, ObjectId

LONGEST_ID = 64
LONGEST_TEXT = 200
LONGEST_RANGES = 4_000

Typed: TypeAlias = str | bool | tuple[str, ...]
"""A field as it stands in the browser: text, a tick, or what was chosen of a list."""
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Kind:
    """What the fields of one kind have in common."""

    show: Callable[[Any], Typed]
    """A choice as the form opens with it."""
    read: Callable[[FormMultiDict, str], Typed]
    """What was submitted under a name; nothing is judged yet, except that no text is endless."""
    understand: Callable[[Any], Any] | None = None
    """The choice that was typed; None where a part of the form is understood as a whole."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One choice in a form."""

    name: str
    """In the browser."""
    place: str
    """In the settings, with dots."""
    kind: Kind

    def shown(self, settings: object) -> Typed:
        """The field as the form opens."""
        return self.kind.show(attrgetter(self.place)(settings))


def placed(settings: S, place: str, value: object) -> S:
    """The same settings with another value at `place`."""
    name, _, inside = place.partition(".")
    if inside:
        value = placed(getattr(settings, name), inside, value)
    return replace(settings, **{name: value})  # type: ignore[type-var]  # settings are dataclasses


def ids_of(text: str) -> tuple[str, ...]:
    """Object IDs as one field carries them: each once, spaces between."""
    return tuple(dict.fromkeys(part[:LONGEST_ID] for part in text.split()))


def text_of(fields: FormMultiDict, name: str, longest: int = LONGEST_TEXT) -> str:
    return str(fields.get(name, ""))[:longest]


def whole_number(text: str) -> int:
    """A number that was typed. Raises `ValueError`."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 9:
        return int(text)
    raise ValueError(f"“{text}” is not a whole number." if text else "This takes a number.")


def _trimmed(fields: FormMultiDict, name: str) -> str:
    return text_of(fields, name).strip()


def _ticked(fields: FormMultiDict, name: str) -> bool:
    return bool(text_of(fields, name))


def _several(fields: FormMultiDict, name: str) -> tuple[str, ...]:
    values = fields.getall(name, [])
    return tuple(dict.fromkeys(str(value)[:LONGEST_ID] for value in values if str(value).strip()))


def _people(ids: tuple[str, ...]) -> frozenset[ObjectId]:
    if len(ids) > MOST_CHOSEN_PEOPLE:
        raise ValueError(f"More than {MOST_CHOSEN_PEOPLE:,} people; use a group instead.")
    return frozenset(map(ObjectId, ids))


def _groups(ids: tuple[str, ...]) -> tuple[GroupId, ...]:
    if len(ids) > MOST_CHOSEN_GROUPS:
        raise ValueError(f"More than {MOST_CHOSEN_GROUPS:,} groups.")
    return tuple(map(GroupId, ids))


def _one_of(words: type[StrEnum], text: str) -> StrEnum:
    try:
        return words(text)
    except ValueError:
        raise ValueError("Choose one of these.") from None


def choice(words: type[StrEnum]) -> Kind:
    """One out of few."""
    return Kind(str, text_of, partial(_one_of, words))


TICK = Kind(bool, _ticked, bool)
TRIMMED = Kind(str, _trimmed, str)
WHOLE = Kind(str, text_of, whole_number)
PEOPLE = Kind(
    lambda ids: tuple(sorted(ids)), lambda fields, name: ids_of(str(fields.get(name, ""))), _people
)
GROUPS = Kind(tuple, _several, _groups)
"""In the order in which they were chosen."""

# Understood with what stands beside them:
PART_TICK = Kind(bool, _ticked)
PART_TEXT = Kind(lambda value: str(value or ""), text_of)
PART_TRIMMED = Kind(str, _trimmed)
PART_PERCENT = Kind(lambda percent: f"{percent:g}", text_of)
PART_RANGES = Kind(written_ranges, partial(text_of, longest=LONGEST_RANGES))
