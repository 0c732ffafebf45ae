"""What a guard holds back of a stored plan, as long as an administrator can still release it."""

from __future__ import annotations

from dataclasses import dataclass

from jackfield.core.actions import DISBELIEF, GUARDS, ActionKind, Refusal
from jackfield.core.wording import counted_kinds
from jackfield.store.cursors import Resource, load_cursor
from jackfield.store.plans import PlanStatus, StoredPlan
from jackfield.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Held:
    """Actions that wait for a release, and whether a new count of people does."""

    plan: StoredPlan
    count_waits: bool
    """A guard does not believe how many people there are; a release accepts it."""

    @property
    def is_all(self) -> bool:
        """Whether nothing else of the plan is left to carry out."""
        return self.plan.status is PlanStatus.APPLIED or not self.plan.total

    @property
    def guards(self) -> tuple[Refusal, ...]:
        """What the guards have said."""
        return tuple(one for one in self.plan.refusals if one.kind in GUARDS)

    @property
    def kinds(self) -> str:
        """What is held, in words; empty where only the count of people waits."""
        return counted_kinds(
            {ActionKind(kind): count for kind, count in self.plan.held_counts.items()}
        )

    def __str__(self) -> str:
        what = f"It holds {self.kinds}. " if self.plan.held else ""
        why = " ".join(f"{one.because} {one.next_step}" for one in self.guards)
        return (
            f"A guard holds back {'what is left' if self.plan.total else 'everything'} of plan"
            f" {self.plan.id}, so nothing was carried out. {what}{why}"
        )


async def load_held_back(tx: Transaction, tenant: int, plan: StoredPlan) -> Held | None:
    """What of a plan a release would let go; None where there is nothing (any more)."""
    if plan.status not in {PlanStatus.PROPOSED, PlanStatus.APPLIED}:
        return None
    cursor = await load_cursor(tx, tenant, Resource.USERS)
    # Fewer may have been accepted since, with another plan.
    count_waits = cursor.accepted_people > plan.people_now and any(
        refusal.kind in DISBELIEF for refusal in plan.refusals
    )
    return Held(plan, count_waits) if plan.held or count_waits else None
