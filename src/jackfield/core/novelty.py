"""Whether a plan without actions says anything that the plan before it did not.

Such a plan is stored only if it does: the same complaint every minute would bury the others.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from jackfield.core.actions import (
    GUARDS,
    Action,
    ActionKind,
    CreateDepartment,
    FlagDepartment,
    Plan,
    Refusal,
    RenameDepartment,
)

Meant = tuple[ActionKind, str]
"""What an action does and to whom: a group for a department, a person for anything else."""


@dataclass(frozen=True, slots=True)
class LastPlan:
    """What matters of the plan before."""

    waits: bool
    """Nobody has decided on it yet."""
    open: bool
    """What it holds back can still be released."""
    total: int
    """Actions it would carry out, or has carried out."""
    refusals: tuple[Refusal, ...]
    held: AbstractSet[Meant]


def meant_by(action: Action) -> Meant:
    """What the action does, and to whom."""
    if isinstance(action, CreateDepartment | RenameDepartment | FlagDepartment):
        return action.kind, action.group
    return action.kind, action.person


def says_nothing_new(plan: Plan, last: LastPlan | None, *, everyone: bool) -> bool:
    """Whether a plan without actions need not be stored.

    Refusals that no guard made are for reading. What a guard made is for deciding on: it is known
    only where the plan before is open, promises nothing else, and holds the same from the same.
    """
    held = {meant_by(action) for action in plan.held}
    if not held and not plan.refusals:
        return True
    if last is None:
        return False
    guards = {one.kind for one in plan.refusals} & GUARDS
    if (held or guards) and not last.open:
        return False
    if held and last.waits and last.total:
        return False
    if not everyone:
        return not held and guards <= {one.kind for one in last.refusals}
    return last.refusals == plan.refusals and last.held == held


def is_repeated(plan: Plan, last: LastPlan | None) -> bool:
    """Whether the plan before says all of this and promises nothing else, so that it may stand."""
    if last is None or last.total or not (plan.held or plan.refusals):
        return False
    return last.held == {meant_by(action) for action in plan.held}
