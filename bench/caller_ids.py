"""What the outbound caller ID costs: reading office phones as E.164, apart from everything else.

Counted in CPU of this process: each text for the first time, the same texts again (a nightly round
in which nobody changed a number), and planning with and without the rule.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from jackfield.core.attributes import AttributeRules, Source
from jackfield.core.callerid import parse_number
from jackfield.core.extensions import Extension, ExtensionKey, ExtensionNumber, Link
from jackfield.core.fields import wanted_fields
from jackfield.core.numbering import NumberRange
from jackfield.core.people import ObjectId, Person
from jackfield.core.pictures import View
from jackfield.core.plan import plan
from jackfield.core.rules import PeopleRules, PhoneLimits

LIMITS = PhoneLimits((NumberRange("100000", "999999"),))


@dataclass
class Cost:
    """CPU of one way of going about it."""

    what: str
    us_each: float


def measure(people: int) -> list[Cost]:
    """Microseconds of CPU for each of so many people, every second number a national one."""
    persons = [_person(number) for number in range(people)]
    texts = [one.business_phone for one in persons]
    parse_number.cache_clear()
    costs = [
        Cost("E.164: a text for the first time", _us_each(people, lambda: _parse(texts))),
        Cost("E.164: the same texts again", _us_each(people, lambda: _parse(texts))),
    ]
    off = PeopleRules(attributes=AttributeRules(caller_id=Source.NOT_SYNCED))
    for what, rules in (("caller ID not synced", off), ("caller ID followed", PeopleRules())):
        view = _settled(persons, rules)
        made = plan(view, rules, LIMITS)
        if made.actions:
            raise RuntimeError(f"the picture is not settled: {len(made.actions)} actions")
        took = _us_each(people, lambda view=view, rules=rules: plan(view, rules, LIMITS))
        costs.append(Cost(f"planning, nothing to do, {what}", took))
    return costs


def _person(number: int) -> Person:
    local = f"7946 {number % 10_000:04d}"
    area = 20 + number // 10_000
    return Person(
        ObjectId(f"p{number}"),
        upn=f"p{number}@example.org",
        display_name=f"Person {number}",
        given_name="Person",
        surname=str(number),
        mail=f"p{number}@example.org",
        business_phone=f"+44 {area} {local}" if number % 2 else f"0{area} {local}",
        usage_location="GB",
        has_mailbox=True,
    )


def _settled(persons: list[Person], rules: PeopleRules) -> View:
    """Everybody has an extension that is as it should be."""
    links: dict[ObjectId, Link] = {}
    extensions: dict[ExtensionKey, Extension] = {}
    for at, one in enumerate(persons):
        wanted = wanted_fields(one, rules.attributes, LIMITS)
        if wanted is None:
            raise RuntimeError(f"{one.id} has no name")
        key, number = ExtensionKey(f"e{at}"), ExtensionNumber(str(100_000 + at))
        extensions[key] = Extension(key, number, wanted.fields, external_key=one.id)
        links[one.id] = Link(one.id, key, number, wanted.fields)
    used = frozenset(one.number for one in extensions.values())
    return View({one.id: one for one in persons}, links, extensions, used_numbers=used)


def _parse(texts: list[str]) -> None:
    for text in texts:
        parse_number(text, "GB")


def _us_each(count: int, work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return (time.process_time() - begun) / count * 1e6
