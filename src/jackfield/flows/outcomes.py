"""How a run ended, in figures and in a sentence for the administrator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jackfield.store.outcomes import Progress
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanStatus, StoredPlan
from jackfield.store.runs import RunStatus

STANDS: Mapping[PlanStatus, str] = {
    PlanStatus.PROPOSED: "waits for a decision",
    PlanStatus.APPROVED: "is approved already",
    PlanStatus.APPLYING: "is being carried out",
    PlanStatus.APPLIED: "has been carried out",
    PlanStatus.REFUSED: "was turned down",
    PlanStatus.SUPERSEDED: "was replaced by a newer plan",
    PlanStatus.FAILED: "failed",
}
"""Where a plan stands, in a sentence about it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the row of a run keeps."""

    status: RunStatus
    text: str
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started:
    """What a plan had behind it when a run began to carry it out."""

    ended: int = 0
    done: int = 0


def nothing_planned(people: int, *, guarded: bool) -> Outcome:
    """A run that stored no plan."""
    if guarded:
        text = "A guard still holds actions of an earlier plan back."
        return Outcome(RunStatus.REFUSED, text, {"people": people})
    return Outcome(RunStatus.DONE, f"Nothing to do for {_people(people)}.", {"people": people})


def planned(plan: StoredPlan, people: int, *, guarded: bool) -> Outcome:
    """A run that stops with its plan."""
    text = "Nothing would be done."
    if plan.total:
        text = f"Plan {plan.id} with {_actions(plan.total)} waits for approval."
    text += _refused(plan)
    if plan.held:
        text += f" A guard holds {plan.held:,} back."
    status = RunStatus.REFUSED if guarded else RunStatus.DONE
    return Outcome(status, text, {"people": people, "changes": 0, **plan.counts})


def applied(
    plan: StoredPlan, progress: Progress, began: Started, people: int, *, guarded: bool
) -> Outcome:
    """A run that carried a plan, or the rest of one, out."""
    total = progress.total - began.ended
    done = progress.by_status.get(ActionStatus.DONE, 0) - began.done
    text = f"Nothing to do for {_people(people)}."
    if total:
        text = f"{done:,} of {_actions(total)} done for {_people(people)}."
    if total > done:
        text += f" {total - done:,} did not come through; see plan {plan.id}."
    text += _refused(plan)
    if progress.held:
        text += f" A guard holds {progress.held:,} back until an administrator releases them."
    counts = {"people": people, "changes": done, **(plan.counts if not began.ended else {})}
    status = RunStatus.REFUSED if guarded else RunStatus.DONE
    if total and not done:
        status = RunStatus.FAILED
    return Outcome(status, text, counts)


def closed(plan: StoredPlan, people: int) -> Outcome:
    """A run that found its plan decided on elsewhere."""
    text = f"Plan {plan.id} {STANDS[plan.status]}; this run had nothing to carry out."
    return Outcome(RunStatus.DONE, text, {"people": people})


def _actions(count: int) -> str:
    return f"{count:,} action{'' if count == 1 else 's'}"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def _refused(plan: StoredPlan) -> str:
    people = {refusal.subject for refusal in plan.refusals if refusal.subject}
    if not people:
        return ""
    return f" For {_people(len(people))} nothing can be done as things stand; see plan {plan.id}."
