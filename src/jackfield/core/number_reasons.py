"""Why is a number so? Who has it, for whom it is held or reserved, and who may get it.

Told by the same pools that numbers are given from; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from jackfield.core.extensions import Extension, Link
from jackfield.core.fields import shown_name
from jackfield.core.number_forecast import pools_of
from jackfield.core.number_pools import NumberRules, Released, held_until
from jackfield.core.number_spans import code_of, is_within, listed, merged
from jackfield.core.numbering import NumberRange
from jackfield.core.people import GroupId, ObjectId, Person
from jackfield.core.text import clean


class NumberState(StrEnum):
    """What a number is, the first that fits."""

    USED = "used"
    """Something in the phone system has it."""
    RESERVED = "reserved"
    """Given to nobody by itself, or only to one person."""
    HELD = "held"
    """Kept for who had it."""
    FREE = "free"
    """A newcomer gets it, sooner or later."""
    OUTSIDE = "outside"
    """In no pool: no newcomer gets it."""


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """What is known about one number."""

    number: str
    used: bool = False
    extension: Extension | None = None
    """Which extension has it; None where it is used by something else, or by nothing."""
    link: Link | None = None
    """Whose extension that is."""
    released: Released | None = None
    """Set while it is held."""
    people: Mapping[ObjectId, Person] = field(default_factory=dict)
    """Whoever is named in the rest."""


@dataclass(frozen=True, slots=True)
class NumberReasons:
    """The answer: a state, the groups whose pools it is in (None = everybody's), and sentences."""

    state: NumberState
    reserved: bool
    groups: tuple[GroupId | None, ...]
    sentences: tuple[str, ...]


def explain_number(
    facts: NumberFacts,
    rules: NumberRules,
    ranges: Sequence[NumberRange],
    *,
    names: Mapping[GroupId, str],
    now: datetime,
) -> NumberReasons:
    """Everything that can be said about a valid number; `names` are those of groups."""
    code = code_of(facts.number)
    pools = [
        (group, name, listed(spans))
        for group, name, pool in pools_of(rules, ranges, names)
        if is_within(code, spans := merged(pool.spans))
    ]
    reserved = any(facts.number in one.numbers for one in rules.reserved)
    until = None if facts.released is None else held_until(facts.released, rules)
    held = until is not None and until > now
    if facts.used:
        state = NumberState.USED
    elif reserved:
        state = NumberState.RESERVED
    elif held:
        state = NumberState.HELD
    else:
        state = NumberState.FREE if pools else NumberState.OUTSIDE
    sentences = [
        *_use(facts),
        *(_held(facts, facts.released, until) if facts.released and until and held else ()),
        *_reserved(facts, rules),
        *_pools(facts.number, [(name, numbers) for _, name, numbers in pools], ranges),
    ]
    if state is NumberState.FREE:
        sentences.append("It is free: newcomers get the lowest free number of their pool.")
    return NumberReasons(state, reserved, tuple(group for group, *_ in pools), tuple(sentences))


def _use(facts: NumberFacts) -> Iterator[str]:
    extension, link = facts.extension, facts.link
    if not facts.used:
        yield "Nothing in the phone system has it."
    elif extension is None:
        yield "The phone system uses it for something that is no extension."
    elif link is None:
        name = f"{extension.fields.first_name} {extension.fields.last_name}".strip()
        called = f" ({clean(name)})" if name else ""
        yield f"An extension made by hand has it{called}."
    elif link.left is None:
        yield f"It is the extension of {_name(facts, link.person)}, who keeps it."
    else:
        yield f"It is the extension of {_name(facts, link.person)}, who has left and still has it."


def _held(facts: NumberFacts, released: Released, until: datetime) -> Iterator[str]:
    since = _day(released.at)
    if released.person:
        name = _name(facts, released.person)
        yield f"{name} had it until {since}; it is held for them until {_day(until)}."
    else:
        yield f"It was given up on {since}; it is held from everybody until {_day(until)}."


def _reserved(facts: NumberFacts, rules: NumberRules) -> Iterator[str]:
    for one in rules.reserved:
        if facts.number not in one.numbers:
            continue
        first, last = one.numbers.first, one.numbers.last
        of = "" if first == last else f", one of {one.numbers}"
        note = f" Note: {clean(one.note)}" if one.note else ""
        if one.person:
            yield f"It is reserved for {_name(facts, one.person)}{of}.{note}"
        else:
            yield f"It is reserved{of}: nobody gets it by themselves.{note}"


def _pools(
    number: str, pools: Sequence[tuple[str, str]], ranges: Sequence[NumberRange]
) -> Iterator[str]:
    for name, numbers in pools:
        whose = f"of “{clean(name)}”" if name else "of everybody"
        yield f"It is in the pool {whose} ({numbers})."
    if pools:
        return
    if any(number in one for one in ranges):
        yield "It is in no pool: no newcomer gets it."
    else:
        shown = ", ".join(map(str, ranges)) or "none"
        yield f"The phone system has no such extension number; its ranges are: {shown}."


def _name(facts: NumberFacts, person: ObjectId) -> str:
    known = facts.people.get(person)
    if known is None:
        return f"somebody who is forgotten ({person})"
    name, upn = clean(shown_name(known)), clean(known.upn)
    return f"{name} ({upn})" if upn and upn != name else name


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"
