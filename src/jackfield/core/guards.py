"""When a plan is too dangerous to be carried out unseen: what is dangerous is held.

A guard never forbids, and never stops the rest. What it holds waits until an administrator has
looked at it and released it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jackfield.core.actions import (
    CreateExtension,
    DisableExtension,
    Refusal,
    RefusalKind,
    RemoveExtension,
)
from jackfield.core.leavers import LeaverAction
from jackfield.core.people import LeaverCause
from jackfield.core.pictures import Summary
from jackfield.core.rules import GuardRules, Threshold


@dataclass(frozen=True, slots=True)
class Guarded:
    """What may be carried out, what is held, and what to tell the administrator."""

    creations: list[CreateExtension]
    leavers: list[LeaverAction]
    held: list[CreateExtension | LeaverAction]
    refusals: list[Refusal]


def guard(
    creations: Sequence[CreateExtension],
    leavers: Sequence[LeaverAction],
    summary: Summary,
    linked: int,
    rules: GuardRules,
) -> Guarded:
    """Sort actions into free and held ones; percentages are of the `linked` people."""
    refusals: list[Refusal] = []
    free_creations, free_leavers = list(creations), list(leavers)
    held: list[CreateExtension | LeaverAction] = []

    if doubt := _disbelief(summary, rules):
        kind, because, next_step = doubt
        held += free_leavers
        refusals.append(_refusal(kind, because, next_step, len(free_leavers)))
        free_leavers = []
    if not summary.round_finished:
        stopped = [action for action in free_leavers if action.cause is LeaverCause.DELETED]
        if stopped:
            held += stopped
            free_leavers = [
                action for action in free_leavers if action.cause is not LeaverCause.DELETED
            ]
            refusals.append(
                _refusal(
                    RefusalKind.UNFINISHED_ROUND,
                    "The last full reading of Microsoft 365 did not come to its end, so nobody is"
                    " taken for deleted.",
                    "Nothing, as a rule: the next finished reading settles it. If it does not come,"
                    " look at the connection to Microsoft 365.",
                    len(stopped),
                )
            )

    removals = [action for action in free_leavers if isinstance(action, RemoveExtension)]
    count = _count(leavers, RemoveExtension) + summary.removals_elsewhere
    if removals and _trips(rules.removals, count, linked):
        held += removals
        free_leavers = [a for a in free_leavers if not isinstance(a, RemoveExtension)]
        refusals.append(
            _refusal(
                RefusalKind.TOO_MANY_REMOVALS,
                _many("extensions would be removed", count, rules.removals, linked),
                _LOOK,
                len(removals),
            )
        )
    disables = [action for action in free_leavers if isinstance(action, DisableExtension)]
    count = _count(leavers, DisableExtension) + summary.disables_elsewhere
    if disables and _trips(rules.disables, count, linked):
        held += disables
        free_leavers = [a for a in free_leavers if not isinstance(a, DisableExtension)]
        refusals.append(
            _refusal(
                RefusalKind.TOO_MANY_DISABLES,
                _many("extensions would be disabled", count, rules.disables, linked),
                _LOOK,
                len(disables),
            )
        )
    renumbered = [action for action in free_creations if _renumbers(action)]
    count = len(renumbered) + summary.renumberings_elsewhere
    if renumbered and _trips(rules.renumberings, count, linked):
        held = [*renumbered, *held]
        free_creations = [action for action in free_creations if not _renumbers(action)]
        refusals.append(
            _refusal(
                RefusalKind.TOO_MANY_RENUMBERINGS,
                _many("people would get another number", count, rules.renumberings, linked)
                + " Their extensions are gone and their old numbers are taken.",
                _LOOK,
                len(renumbered),
            )
        )
    return Guarded(free_creations, free_leavers, held, refusals)


_LOOK = "Look at the held actions; when they are right, release them."


def _disbelief(summary: Summary, rules: GuardRules) -> tuple[RefusalKind, str, str] | None:
    now, accepted = summary.people_now, summary.people_accepted
    if accepted and not now:
        because = (
            f"Microsoft 365 answered that there is nobody, where there were {accepted} people."
            " No leaver is touched."
        )
        next_step = (
            "Look whether the tenant and the permissions are still the right ones. If there really"
            " is nobody any more, accept the new count."
        )
        return RefusalKind.EMPTY_ANSWER, because, next_step
    missing = accepted - now
    if missing > rules.shrink_number and missing * 100 >= rules.shrink_percent * accepted:
        because = (
            f"Microsoft 365 answered with {now} people, where there were {accepted}."
            " No leaver is touched."
        )
        next_step = (
            "Look in Microsoft 365 whether so many people were really deleted; if so, accept the"
            " new count."
        )
        return RefusalKind.SHRUNK_ANSWER, because, next_step
    return None


def _trips(threshold: Threshold, count: int, linked: int) -> bool:
    return count > threshold.number and count * 100 > threshold.percent * linked


def _count(leavers: Sequence[LeaverAction], kind: type[LeaverAction]) -> int:
    """How many are wanted, those held for another reason included."""
    return sum(isinstance(action, kind) for action in leavers)


def _renumbers(action: CreateExtension) -> bool:
    return action.previous_number is not None and action.previous_number != action.number


def _many(what: str, count: int, threshold: Threshold, linked: int) -> str:
    return (
        f"{count} {what}, out of {linked} linked people; more than {threshold.number} and more than"
        f" {threshold.percent:g} % are held."
    )


def _refusal(kind: RefusalKind, because: str, next_step: str, held: int) -> Refusal:
    return Refusal(kind, "", "", because, next_step, held)
