"""What guards hold back: of one plan, and in all, as long as an administrator can release it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from jackfield.core.actions import DISBELIEF, ActionKind, Refusal
from jackfield.core.wording import counted_kinds
from jackfield.store.cursors import Resource, load_cursor
from jackfield.store.held_actions import find_holding, load_held
from jackfield.store.people import count_people
from jackfield.store.plans import PlanOutline, PlanStatus, list_plans, load_outline
from jackfield.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Held:
    """Actions that wait for a release, and whether a new count of people does."""

    plan: PlanOutline
    count_waits: bool
    """A guard does not believe how many people there are; a release accepts it."""

    @property
    def is_all(self) -> bool:
        """Whether nothing else of the plan is left to carry out."""
        return self.plan.status is PlanStatus.APPLIED or not self.plan.total

    @property
    def guards(self) -> tuple[Refusal, ...]:
        """What the guards have said."""
        return self.plan.guards

    @property
    def kinds(self) -> str:
        """What is held, in words; empty where only the count of people waits."""
        return counted_kinds(self.counts)

    @property
    def counts(self) -> dict[ActionKind, int]:
        """How many actions of each kind are held."""
        return {ActionKind(kind): count for kind, count in self.plan.held_counts.items()}

    @property
    def because(self) -> str:
        """Why, in the guards' words."""
        return " ".join(one.because for one in self.guards)

    def __str__(self) -> str:
        what = f"It holds {self.kinds}. " if self.plan.held else ""
        why = " ".join(f"{one.because} {one.next_step}" for one in self.guards)
        return (
            f"A guard holds back {'what is left' if self.plan.total else 'everything'} of plan"
            f" {self.plan.id}, so nothing was carried out. {what}{why}"
        )


async def load_held_back(tx: Transaction, tenant: int, plan: PlanOutline) -> Held | None:
    """What of a plan a release would let go; None where there is nothing (any more)."""
    if plan.status not in {PlanStatus.PROPOSED, PlanStatus.APPLIED}:
        return None
    count_waits = any(one.kind in DISBELIEF for one in plan.guards)
    if count_waits:
        accepted = (await load_cursor(tx, tenant, Resource.USERS)).accepted_people
        # Fewer may have been accepted since, with another plan; or everybody is back, which the
        # next full look settles.
        count_waits = accepted > plan.people_now and (
            accepted > (await count_people(tx, tenant)).present
        )
    return Held(plan, count_waits) if plan.held or count_waits else None


@dataclass(frozen=True, slots=True)
class AllHeld:
    """All that guards hold back now; false where they hold nothing."""

    holds: tuple[Held, ...] = ()
    """The newest plan first; what several of them hold is told by the newest alone."""
    counts: Mapping[ActionKind, int] = field(default_factory=dict)
    people_now: int = 0

    def __bool__(self) -> bool:
        return bool(self.holds)

    @property
    def plan_ids(self) -> list[int]:
        """The plans to look at and to release, the newest first."""
        return [one.plan.id for one in self.holds]

    @property
    def text(self) -> str:
        """Which plan waits, and how many of what, in a sentence; empty where nothing is held."""
        if not self:
            return ""
        plans, count = _named(self.plan_ids), sum(self.counts.values())
        if not count:
            people = f"{self.people_now:,} people"
            return (
                f"A guard does not believe that there are {people} ({plans}) until an administrator"
                " accepts it."
            )
        kinds = counted_kinds(self.counts)
        them = "it" if count == 1 else "them"
        return f"A guard holds back {kinds} ({plans}) until an administrator releases {them}."

    @property
    def because(self) -> str:
        """Why, in the guards' words."""
        return " ".join(dict.fromkeys(one.because for one in self.holds[:_TOLD]))

    @property
    def next_step(self) -> str:
        """What an administrator is to do, and how."""
        steps = dict.fromkeys(step.next_step for one in self.holds[:_TOLD] for step in one.guards)
        plan = self.holds[0].plan.id
        how = (
            f"Release: on the plan's page, or jackfield plan approve {plan} --release-held. Turn"
            f" down: there too, or jackfield plan refuse {plan}"
        )
        return " ".join([*steps, how])


_TOLD = 3
"""Plans that are named, or whose reasons are told."""


def _named(ids: list[int]) -> str:
    """Plans in words, the oldest first."""
    if len(ids) == 1:
        return f"plan {ids[0]}"
    if len(ids) > _TOLD:
        return f"plan {ids[0]} and {len(ids) - 1:,} earlier ones"
    *some, last = map(str, reversed(ids))
    return f"plans {', '.join(some)} and {last}"


async def load_all_held(tx: Transaction, tenant: int) -> AllHeld:
    """What guards hold back at this moment, whichever plan it is in."""
    known: set[tuple[ActionKind, str]] = set()
    holds: list[Held] = []
    for id_ in reversed(await find_holding(tx, tenant)):
        plan, theirs = await load_outline(tx, tenant, id_), await load_held(tx, tenant, id_)
        if plan is not None and not theirs <= known:
            holds.append(Held(plan, count_waits=False))
            known |= theirs
    if not holds and (held := await _count_that_waits(tx, tenant)):
        holds.append(held)
    return AllHeld(
        tuple(holds),
        Counter(kind for kind, _ in known),
        holds[0].plan.people_now if holds else 0,
    )


async def _count_that_waits(tx: Transaction, tenant: int) -> Held | None:
    """The newest plan, where a guard does not believe its count of people and holds nothing."""
    newest = await list_plans(tx, tenant, limit=1)
    if not newest or not any(one.kind in DISBELIEF for one in newest[0].guards):
        return None
    return await load_held_back(tx, tenant, newest[0])


def all_held_of(held: Held | None) -> AllHeld:
    """The same of one plan alone, about its actions: a count of people is nobody's own."""
    if held is None or not held.plan.held:
        return AllHeld()
    return AllHeld((held,), held.counts, held.plan.people_now)
