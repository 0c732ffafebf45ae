"""How a run ended, in figures and in a sentence for the administrator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from jackfield.core.actions import ActionKind
from jackfield.core.wording import counted_done
from jackfield.flows.held_actions import AllHeld
from jackfield.store.outcomes import Progress
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanOutline, PlanStatus, StoredPlan
from jackfield.store.runs import HELD, RunStatus

_STANDS: Mapping[PlanStatus, str] = {
    PlanStatus.PROPOSED: "waits for a decision",
    PlanStatus.APPROVED: "is approved already",
    PlanStatus.APPLYING: "is being carried out",
    PlanStatus.APPLIED: "has been carried out",
    PlanStatus.REFUSED: "was turned down",
    PlanStatus.SUPERSEDED: "is out of date: a later sync found nothing of it left to do",
    PlanStatus.FAILED: "failed",
}


def stands(plan: PlanOutline) -> str:
    """Where a plan stands, as the rest of a sentence about it: "was replaced by plan 7"."""
    if plan.status is PlanStatus.SUPERSEDED and plan.replaced_by:
        return f"was replaced by plan {plan.replaced_by}"
    return "was withdrawn" if is_withdrawn(plan) else _STANDS[plan.status]


def is_withdrawn(plan: PlanOutline) -> bool:
    """Whether nothing of a plan was carried out: guards held all of it, and it is not meant now."""
    return (
        plan.status is PlanStatus.APPLIED
        and not (plan.total or plan.held)
        and any(one.held for one in plan.guards)
    )


@dataclass(frozen=True, slots=True)
class RunEnd:
    """What the row of a run keeps."""

    status: RunStatus
    text: str
    counts: Mapping[str, int] = field(default_factory=dict)


class Started(msgspec.Struct, frozen=True):
    """What a plan had behind it when a run began to carry it out."""

    closed: bool = False
    """It was decided on elsewhere: there is nothing to carry out any more."""
    ended: int = 0
    done: int = 0
    kinds: dict[ActionKind, int] = {}
    """What was done, by kind."""


@dataclass(frozen=True, slots=True)
class About:
    """Whom a run was about: so many people, or one of a name."""

    people: int
    name: str = ""

    def __str__(self) -> str:
        return self.name or _people(self.people)


def nothing_planned(about: About) -> RunEnd:
    """A run that stored no plan."""
    return RunEnd(RunStatus.DONE, f"Nothing to do for {about}.", {"people": about.people})


def held_back(outcome: RunEnd, held: AllHeld) -> RunEnd:
    """The same, where guards hold something back: named once, whatever else came of the run."""
    if not held:
        return outcome
    status = RunStatus.REFUSED if outcome.status is RunStatus.DONE else outcome.status
    return replace(outcome, status=status, text=f"{outcome.text} {held.text}")


def beside(outcome: RunEnd, text: str) -> RunEnd:
    """The same, with what else is to be known; "" adds nothing."""
    return replace(outcome, text=f"{outcome.text} {text}") if text else outcome


def doubting(outcome: RunEnd, doubtful: int) -> RunEnd:
    """The same, where somebody has to say whose extensions some are."""
    if not doubtful:
        return outcome
    waits = "match waits" if doubtful == 1 else "matches wait"
    text = f"{doubtful:,} doubtful {waits} for a decision under Users > Doubtful matches."
    return replace(outcome, text=f"{outcome.text} {text}")


def planned(plan: StoredPlan, about: About) -> RunEnd:
    """A run that stops with its plan."""
    text = "Nothing would be done."
    if plan.total:
        text = f"Plan {plan.id} with {_actions(plan.total)} waits for approval."
    text += _refused(plan)
    counts = {"people": about.people, "changes": 0, **plan.counts, **_newly_held(plan.held)}
    return RunEnd(RunStatus.DONE, text, counts)


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did."""

    kinds: Mapping[ActionKind, int]
    """By kind, what was done before this run included."""
    only: str = ""
    """What the one action of its plan did, where it has one."""

    def since(self, began: Started) -> dict[ActionKind, int]:
        """By kind, what this run did."""
        counts = {kind: count - began.kinds.get(kind, 0) for kind, count in self.kinds.items()}
        return {kind: count for kind, count in counts.items() if count > 0}


def applied(
    plan: StoredPlan, progress: Progress, began: Started, about: About, what: Done
) -> RunEnd:
    """A run that carried a plan, or the rest of one, out."""
    total = progress.total - began.ended
    done = progress.by_status.get(ActionStatus.DONE, 0) - began.done
    kinds = what.since(began)
    text = f"Nothing to do for {about}."
    if done:
        text = f"{what.only or counted_done(kinds)}."
    elif total or progress.held:
        text = f"Nothing was done for {about}."
    if total > done:
        text += f" {total - done:,} of {_actions(total)} did not come through; see plan {plan.id}."
    text += _refused(plan)
    counts = {"people": about.people, "changes": done}
    counts.update((kind.value, count) for kind, count in kinds.items())
    counts |= _newly_held(progress.held)
    status = RunStatus.FAILED if total and not done else RunStatus.DONE
    return RunEnd(status, text, counts)


def _newly_held(count: int) -> dict[str, int]:
    """What a guard holds of the run's own plan, told apart from what was held before it."""
    return {HELD: count} if count else {}


def closed(plan: StoredPlan, about: About) -> RunEnd:
    """A run that found its plan decided on elsewhere."""
    text = f"Plan {plan.id} {stands(plan)}; this run had nothing to carry out."
    return RunEnd(RunStatus.DONE, text, {"people": about.people})


def _actions(count: int) -> str:
    return f"{count:,} action{'' if count == 1 else 's'}"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def _refused(plan: StoredPlan) -> str:
    people = {refusal.subject for refusal in plan.refusals if refusal.subject}
    if not people:
        return ""
    return f" For {_people(len(people))} nothing can be done as things stand; see plan {plan.id}."
