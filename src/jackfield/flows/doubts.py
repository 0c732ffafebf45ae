"""Doubtful matches: extensions that may be somebody's, shown with their candidates and decided on.

What is doubtful is said by the rules of the plan; what was decided counts from the next plan on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jackfield.clock import Clock
from jackfield.core.actions import RefusalKind
from jackfield.core.extensions import Extension, ExtensionKey, Verdict
from jackfield.core.fields import shown_name
from jackfield.core.journal_kinds import LineKind
from jackfield.core.matching import is_free
from jackfield.core.people import ObjectId, Person
from jackfield.flows.planning import Planning
from jackfield.store.database import Database
from jackfield.store.journal import Line, append_lines
from jackfield.store.links import load_links_of_extensions
from jackfield.store.matches import (
    Decision,
    drop_decision,
    list_decisions,
    load_decisions,
    save_decision,
)
from jackfield.store.people import load_people
from jackfield.store.phones import load_extensions
from jackfield.store.planned import add_unsettled


@dataclass(frozen=True, slots=True)
class Candidate:
    """An extension that may be the person's."""

    extension: Extension
    free: bool
    """It can be taken over: it was made for nobody else."""


@dataclass(frozen=True, slots=True)
class DoubtfulMatch:
    """A person who gets no extension until somebody decides."""

    person: Person
    because: str
    next_step: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision with what it was about; None where that is gone."""

    decision: Decision
    person: Person | None
    extension: Extension | None


class DecisionRefused(Exception):
    """A decision that cannot be kept; the text says why and what to do instead."""


class NothingThere(DecisionRefused):
    """The person, the extension or the decision does not exist (any more)."""


class Doubts:
    """Lists doubtful matches and keeps what was decided."""

    def __init__(self, database: Database, planning: Planning, clock: Clock) -> None:
        self._database = database
        self._planning = planning
        self._clock = clock

    async def open(self, tenant: int) -> tuple[DoubtfulMatch, ...]:
        """Those that wait for a decision, by the person's name."""
        view, plan = await self._planning.plan_waiting(tenant)
        return tuple(
            DoubtfulMatch(
                view.people[ObjectId(refusal.subject)],
                refusal.because,
                refusal.next_step,
                tuple(
                    Candidate(
                        view.extensions[key],
                        is_free(view.extensions[key], ObjectId(refusal.subject)),
                    )
                    for key in refusal.candidates
                ),
            )
            for refusal in plan.refusals
            if refusal.kind is RefusalKind.DOUBTFUL_MATCH
        )

    async def decided(self, tenant: int) -> tuple[Decided, ...]:
        """What was decided, the newest first."""
        async with self._database.read() as tx:
            decisions = await list_decisions(tx, tenant)
            people = await load_people(tx, tenant, sorted({one.person for one in decisions}))
            keys = sorted({one.extension for one in decisions})
            extensions = await load_extensions(tx, tenant, keys)
        return tuple(
            Decided(one, people.get(one.person), extensions.get(one.extension)) for one in decisions
        )

    async def decide(
        self,
        tenant: int,
        person: ObjectId,
        keys: Sequence[ExtensionKey],
        verdict: Verdict,
        *,
        by: str,
    ) -> None:
        """Remember whether extensions are a person's; what was decided so before stays as it is.

        Raises:
            NothingThere: there is no such person or extension.
            DecisionRefused: an extension is another person's already, or was made for one.
        """
        if verdict is Verdict.THEIRS and len(keys) != 1:
            raise DecisionRefused("A person has one extension; name exactly one that is theirs.")
        now = self._clock.now()
        async with self._database.write() as tx:
            someone = (await load_people(tx, tenant, [person])).get(person)
            if someone is None:
                raise NothingThere(f"There is no person {person} in what was read so far.")
            known = await load_extensions(tx, tenant, keys)
            linked = await load_links_of_extensions(tx, tenant, keys)
            decided = (await load_decisions(tx, tenant)).get(person, {})
            lines = []
            for key in dict.fromkeys(keys):
                extension = known.get(key)
                if extension is None:
                    raise NothingThere(f"There is no extension {key} in the phone system any more.")
                if verdict is Verdict.THEIRS:
                    _check_theirs(extension, person, linked[key].person if key in linked else None)
                if decided.get(key) is verdict:
                    continue
                await save_decision(tx, tenant, Decision(person, key, verdict, by, now))
                name = shown_name(someone)
                said = "is" if verdict is Verdict.THEIRS else "is not"
                text = f"Decided: extension {extension.number} {said} the one of {name}."
                lines.append(Line(LineKind.MATCH_DECIDED, text, subject=person, name=name, by=by))
            if lines:
                await add_unsettled(tx, tenant, [person])
                await append_lines(tx, tenant, lines, now=now)

    async def reopen(
        self, tenant: int, person: ObjectId, extension: ExtensionKey, *, by: str
    ) -> None:
        """Forget a decision. An extension that was taken over by it stays. Raises NothingThere."""
        now = self._clock.now()
        async with self._database.write() as tx:
            if not await drop_decision(tx, tenant, person, extension):
                raise NothingThere(f"Nothing is decided about {person} and extension {extension}.")
            someone = (await load_people(tx, tenant, [person])).get(person)
            name = shown_name(someone) if someone is not None else person
            standing = (await load_extensions(tx, tenant, [extension])).get(extension)
            number = standing.number if standing is not None else extension
            text = f"Undecided again: whether extension {number} is the one of {name}."
            line = Line(LineKind.MATCH_REOPENED, text, subject=person, name=name, by=by)
            await append_lines(tx, tenant, [line], now=now)
            await add_unsettled(tx, tenant, [person])


def _check_theirs(extension: Extension, person: ObjectId, owner: ObjectId | None) -> None:
    if owner not in {None, person}:
        raise DecisionRefused(
            f"Extension {extension.number} is linked to another person already; remove it there"
            " first, or give this person an extension of their own."
        )
    if not is_free(extension, person):
        raise DecisionRefused(
            f"Extension {extension.number} was made for another account"
            f" ({extension.external_key}) and cannot be taken over. Delete it in the phone system,"
            " or give this person an extension of their own."
        )
