"""Extension numbers: how full the pools are, why a number is so, and what is held of released ones.

What a pool is and when it runs out is decided in `core`; here it is asked, told in time and, where
an administrator wants a number back, done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from jackfield.clock import Clock
from jackfield.core.extensions import ExtensionKey
from jackfield.core.fields import shown_name
from jackfield.core.journal_kinds import LineKind
from jackfield.core.number_forecast import (
    WINDOW,
    PoolForecast,
    Supply,
    forecast_pools,
    warning,
)
from jackfield.core.number_pools import NumberRules, Released, held_until
from jackfield.core.number_reasons import NumberFacts, NumberReasons, explain_number
from jackfield.core.numbering import parse_number
from jackfield.core.people import GroupId, Person
from jackfield.core.rules import PhoneLimits
from jackfield.store.alarms import begin_alarm, end_alarm, open_alarms
from jackfield.store.database import Database
from jackfield.store.groups import load_groups
from jackfield.store.held_numbers import list_held, load_held_number
from jackfield.store.journal import Line, append_lines
from jackfield.store.links import load_links_of_extensions, load_newcomers
from jackfield.store.people import load_people
from jackfield.store.phone_numbers import is_used, load_used_numbers
from jackfield.store.phones import load_extension_of_number
from jackfield.store.planned import add_unsettled
from jackfield.store.released import load_released, release_at_once
from jackfield.store.search import Found
from jackfield.store.settings import load_people_settings
from jackfield.store.transaction import Transaction

SHORTAGE = "people.numbers"
"""A pool has run out or soon will; the subject is its group, "" for everybody's."""


@dataclass(frozen=True, slots=True)
class HeldNumber:
    """A released number that is kept for who had it."""

    released: Released
    until: datetime
    person: Person | None
    """None where nobody is known, or they are forgotten."""


@dataclass(frozen=True, slots=True)
class HeldNumbers:
    """One page of them, and where to go on."""

    numbers: tuple[HeldNumber, ...]
    found: Found


@dataclass(frozen=True, slots=True)
class Why:
    """One number, what stands behind it, and why."""

    facts: NumberFacts
    reasons: NumberReasons
    held_until: datetime | None


class NotHeld(Exception):
    """The number is not held (any more); the text says so."""


class Numbers:
    """Tells of numbers, and lets go of held ones."""

    def __init__(
        self, database: Database, limits: Callable[[int], PhoneLimits], clock: Clock
    ) -> None:
        self._database = database
        self._limits = limits
        self._clock = clock

    async def pools(self, tenant: int) -> tuple[PoolForecast, ...]:
        """Every pool in figures, everybody's first."""
        now = self._clock.now()
        async with self._database.read() as tx:
            rules = await _rules(tx, tenant)
            used = await load_used_numbers(tx, tenant)
            released = await load_released(tx, tenant, since=now - _held_for(rules))
            newcomers = await load_newcomers(tx, tenant, since=now - WINDOW)
            names = await _names(tx, tenant, rules)
        return await asyncio.to_thread(
            forecast_pools,
            rules,
            self._limits(tenant).ranges,
            used,
            list(released.values()),
            newcomers,
            names=names,
            now=now,
        )

    async def why(self, tenant: int, typed: str) -> Why:
        """Why a number is so. Raises `NumberingError` for what is no number."""
        number, now = parse_number(typed), self._clock.now()
        async with self._database.read() as tx:
            rules = await _rules(tx, tenant)
            used = await is_used(tx, tenant, number)
            extension = await load_extension_of_number(tx, tenant, number) if used else None
            keys = [extension.key] if extension is not None else []
            link = (await load_links_of_extensions(tx, tenant, keys)).get(
                extension.key if extension is not None else ExtensionKey("")
            )
            since = now - _held_for(rules)
            released = await load_held_number(tx, tenant, number, since=since)
            named = {one.person for one in rules.reserved if number in one.numbers and one.person}
            named |= {link.person} if link else set()
            named |= {released.person} if released and released.person else set()
            people = await load_people(tx, tenant, sorted(named))
            names = await _names(tx, tenant, rules)
        facts = NumberFacts(number, used, extension, link, released, people)
        reasons = await asyncio.to_thread(
            explain_number, facts, rules, self._limits(tenant).ranges, names=names, now=now
        )
        return Why(facts, reasons, None if released is None else held_until(released, rules))

    async def held(
        self,
        tenant: int,
        typed: str = "",
        *,
        limit: int = 50,
        after: str | None = None,
        before: str | None = None,
    ) -> HeldNumbers:
        """One page of the numbers that are held; places are numbers."""
        async with self._database.read() as tx:
            rules = await _rules(tx, tenant)
            page = await list_held(
                tx,
                tenant,
                typed,
                since=self._clock.now() - _held_for(rules),
                limit=limit,
                after=after,
                before=before,
            )
            people = await load_people(tx, tenant, sorted({one.person for one in page.numbers}))
        numbers = tuple(
            HeldNumber(one, held_until(one, rules), people.get(one.person)) for one in page.numbers
        )
        return HeldNumbers(numbers, page.found)

    async def release(self, tenant: int, typed: str, *, by: str) -> None:
        """End the holding of a number. Raises `NotHeld`, `NumberingError`."""
        number, now = parse_number(typed), self._clock.now()
        async with self._database.write() as tx:
            rules = await _rules(tx, tenant)
            since = now - _held_for(rules)
            released = await load_held_number(tx, tenant, number, since=since)
            if released is None or not await release_at_once(tx, tenant, number):
                raise NotHeld(
                    f"The number {number} is not held (any more): it is in use, was let go, or its"
                    " time is over."
                )
            person = (await load_people(tx, tenant, [released.person])).get(released.person)
            name = shown_name(person) if person is not None else released.person
            until = held_until(released, rules)
            text = (
                f"Number {number} is free at once; it would have been held"
                f" {f'for {name} ' if name else ''}until {until:%Y-%m-%d}."
            )
            line = Line(LineKind.NUMBER_RELEASED, text, subject=released.person, name=name, by=by)
            await append_lines(tx, tenant, [line], now=now)
            # Whoever waits for a number is looked at with anybody who is looked at again.
            await add_unsettled(tx, tenant, [released.person])

    async def watch(self, tenant: int) -> None:
        """Begin an alarm for each pool that has run out or soon will, end those that are over."""
        pools = await self.pools(tenant)
        now = self._clock.now()
        short = {one.group or "": one for one in pools if one.supply is not Supply.ENOUGH}
        async with self._database.read() as tx:
            standing = {
                one.subject for one in await open_alarms(tx, tenant) if one.kind == SHORTAGE
            }
        if not short and not standing:
            return
        async with self._database.write() as tx:
            for subject in sorted(standing - short.keys()):
                await end_alarm(tx, tenant, SHORTAGE, subject=subject, now=now)
            for subject, pool in short.items():
                text, step = warning(pool)
                await begin_alarm(
                    tx, tenant, SHORTAGE, subject=subject, text=text, next_step=step, now=now
                )


async def _rules(tx: Transaction, tenant: int) -> NumberRules:
    return (await load_people_settings(tx, tenant)).value.rules.numbers


async def _names(tx: Transaction, tenant: int, rules: NumberRules) -> dict[GroupId, str]:
    ids = [one.group for one in rules.departments]
    known = await load_groups(tx, tenant, ids)
    return {id_: one.name for id_, one in known.items() if one.name}


def _held_for(rules: NumberRules) -> timedelta:
    return timedelta(days=rules.hold_days)
