"""What waits for an administrator's decision, and what was turned down and is still to be done.

Both leave a phone system as it is although more was planned, so both are named wherever somebody
looks whether all is well: in what a run says, in `status`, by doctor and on Overview.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jackfield.core.people import ObjectId
from jackfield.flows.planning import EVERYONE, TOUCHED
from jackfield.flows.runs import WORK
from jackfield.store.plans import PlanOutline, PlanStatus, list_plans
from jackfield.store.schedule import load_due
from jackfield.store.transaction import Transaction
from jackfield.store.turned_down import count_left_without, find_turned_down

_NAMED = 3
"""Plans that are named one by one."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """Plans that nobody has decided on, and the newest one that was turned down."""

    waiting: tuple[PlanOutline, ...] = ()
    """With actions that an approval would carry out; the newest first."""
    turned_down: int | None = None
    without: int = 0
    """People who have no extension for that."""

    def __bool__(self) -> bool:
        return bool(self.waiting or self.turned_down)

    def but(self, plan: int) -> Undecided:
        """The same without a plan that is told of already."""
        return replace(self, waiting=tuple(one for one in self.waiting if one.id != plan))

    @property
    def text(self) -> str:
        """All of it in sentences; empty where there is nothing of it."""
        return " ".join(filter(None, (self.waits, self.refused)))

    @property
    def waits(self) -> str:
        """Which plans wait, and with how much."""
        if not self.waiting:
            return ""
        if len(self.waiting) == 1:
            (plan,) = self.waiting
            actions = f"{plan.total:,} action{'' if plan.total == 1 else 's'}"
            return f"Plan {plan.id} with {actions} waits for approval."
        newest, *others = (one.id for one in self.waiting)
        if len(others) < _NAMED:
            *some, last = [*reversed(others), newest]
            return f"Plans {', '.join(map(str, some))} and {last} wait for approval."
        return f"Plan {newest} and earlier ones wait for approval."

    @property
    def refused(self) -> str:
        """Who has no extension since a plan was turned down."""
        if not self.turned_down:
            return ""
        one = self.without == 1
        people = "1 person has" if one else f"{self.without:,} people have"
        return (
            f"{people} no extension since plan {self.turned_down} was turned down; the next full"
            f" sync, at the latest, proposes {'it' if one else 'them'} again."
        )

    @property
    def next_step(self) -> str:
        """What an administrator is to do."""
        if self.waiting:
            plan = self.waiting[0].id
            return f"Look at it: jackfield plan show {plan}. Then approve it or turn it down."
        if self.turned_down:
            return "To have it proposed now: jackfield plan people, or Preview in the console."
        return ""


async def load_undecided(tx: Transaction, tenant: int) -> Undecided:
    """What of it there is at this moment."""
    proposed = await list_plans(tx, tenant, status=PlanStatus.PROPOSED, limit=_NAMED + 1)
    waiting = tuple(one for one in proposed if one.total)
    plan = await _find_turned_down(tx, tenant)
    without = 0 if plan is None else await count_left_without(tx, tenant, plan)
    return Undecided(waiting, plan if without else None, without)


async def was_turned_down(tx: Transaction, tenant: int, person: ObjectId) -> int | None:
    """The plan, turned down, that would have given this person an extension."""
    plan = await _find_turned_down(tx, tenant)
    if plan is None or not await count_left_without(tx, tenant, plan, person):
        return None
    return plan


async def _find_turned_down(tx: Transaction, tenant: int) -> int | None:
    since = (await load_due(tx, tenant, WORK)).last_full_at
    return await find_turned_down(tx, tenant, (EVERYONE, TOUCHED), since=since)
