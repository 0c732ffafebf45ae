"""When a plan is too dangerous to be carried out unseen: what is dangerous is held.

A guard never forbids, and never stops the rest, not even of the same person. What it holds waits
until an administrator has looked at it and released it. It goes on waiting when so little of it is
left that no guard would hold so little, or whoever sets an accident right in parts would lose the
rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeVar

from jackfield.core.actions import (
    Action,
    CreateDepartment,
    CreateExtension,
    DisableExtension,
    FlagDepartment,
    Refusal,
    RefusalKind,
    RemoveExtension,
    UpdateExtension,
)
from jackfield.core.dangers import Danger, renumbers
from jackfield.core.department_actions import DepartmentAction
from jackfield.core.extensions import DepartmentFlag
from jackfield.core.leavers import LeaverAction
from jackfield.core.people import GroupId, LeaverCause, ObjectId
from jackfield.core.pictures import Summary
from jackfield.core.rules import GuardRules, Threshold

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class Parted:
    """An update that takes memberships away, as two: without the taking, and nothing else."""

    rest: UpdateExtension | None
    taking: UpdateExtension


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the plan would do, were there no guards."""

    departments: Sequence[DepartmentAction] = ()
    creations: Sequence[CreateExtension] = ()
    updates: Sequence[UpdateExtension] = ()
    leavers: Sequence[LeaverAction] = ()
    takings: Mapping[ObjectId, Parted] | None = None
    """Those of the updates that take memberships away, in parts."""
    linked: int = 0
    """Linked people, of which thresholds are percentages."""
    linked_departments: int = 0
    lost_departments: AbstractSet[GroupId] = frozenset()
    """Groups whose department is not to be made again unseen (`lost_departments`)."""
    unreleased: Mapping[tuple[Danger, ObjectId], int] = field(default_factory=dict)
    """What was held back from whom until now (`View.unreleased`)."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """What may be carried out, what is held, and what to tell the administrator."""

    departments: list[DepartmentAction]
    creations: list[CreateExtension]
    updates: list[UpdateExtension]
    leavers: list[LeaverAction]
    held: list[Action]
    refusals: list[Refusal]


def guard(wanted: Wanted, summary: Summary, rules: GuardRules) -> Guarded:
    """Sort actions into free and held ones."""
    return _Guarding(wanted, summary, rules).guarded()


def lost_departments(
    actions: Sequence[DepartmentAction], summary: Summary, threshold: Threshold, linked: int
) -> frozenset[GroupId]:
    """Groups whose department is gone, where too many are for one to be made again unseen.

    Asked before anybody is given a department; `guard` then holds what makes them.
    """
    lost = frozenset(action.group for action in actions if _rebuilds(action))
    trips = _trips(threshold, len(lost) + summary.departments_elsewhere, linked)
    return lost if trips else frozenset()


@dataclass(frozen=True, slots=True)
class _Left:
    """Who is left of something that was held when it was more."""

    people: AbstractSet[ObjectId]
    of: int

    def __bool__(self) -> bool:
        return bool(self.people)

    def told(self, what: str) -> str:
        """Why less is held than a guard would hold."""
        return f"{len(self.people):,} {what} are left of {self.of:,} that nobody has released."


class _Guarding:
    """One plan before its guards; each takes what it holds out of what is free."""

    def __init__(self, wanted: Wanted, summary: Summary, rules: GuardRules) -> None:
        self._wanted = wanted
        self._summary = summary
        self._rules = rules
        self._departments = list(wanted.departments)
        self._creations = list(wanted.creations)
        self._updates = list(wanted.updates)
        self._leavers = list(wanted.leavers)
        self._held_departments: list[DepartmentAction] = []
        self._held_flags: list[DepartmentAction] = []
        self._held_creations: list[CreateExtension] = []
        self._held_takings: list[UpdateExtension] = []
        self._held_leavers: list[LeaverAction] = []
        self._refusals: list[Refusal] = []

    def guarded(self) -> Guarded:
        """Ask every guard; what one holds the next ones no longer see."""
        self._disbelieved()
        self._unfinished()
        self._losses()
        self._rebuildings()
        self._memberships()
        self._removals()
        self._disables()
        self._renumberings()
        return Guarded(
            self._departments,
            self._creations,
            self._updates,
            self._leavers,
            [
                *self._held_departments,
                *self._held_flags,
                *self._held_creations,
                *self._held_takings,
                *self._held_leavers,
            ],
            self._refusals,
        )

    def _disbelieved(self) -> None:
        if doubt := _disbelief(self._summary, self._rules):
            kind, because, look = doubt
            stopped = self._hold_leavers(lambda _action: True)
            release = "release the held actions" if stopped else "accept the new count by a release"
            self._refuse(kind, because, f"{look}, {release}.", stopped)

    def _unfinished(self) -> None:
        if self._summary.round_finished:
            return
        if stopped := self._hold_leavers(lambda action: action.cause is LeaverCause.DELETED):
            self._refuse(
                RefusalKind.UNFINISHED_ROUND,
                "The last full reading of Microsoft 365 did not come to its end, so nobody is"
                " taken for deleted.",
                "Nothing, as a rule: the next finished reading settles it. If it does not come,"
                " look at the connection to Microsoft 365.",
                stopped,
            )

    def _losses(self) -> None:
        """Made again beside extensions that only were not found, people would have two."""
        threshold = self._rules.losses
        made_again = [one for one in self._creations if one.previous_number is not None]
        count = len(made_again) + self._summary.lost_elsewhere
        left = self._left(Danger.MADE_AGAIN, threshold, [one.person for one in made_again])
        held: AbstractSet[ObjectId] = {one.person for one in made_again}
        if self._trips(threshold, count):
            because = self._many("linked people have no extension any more", count, threshold)
        elif left:
            held, count = left.people, left.of
            because = left.told("linked people without an extension")
        else:
            return
        lost, self._creations = _split(self._creations, lambda one: one.person in held)
        self._held_creations = lost
        self._refuse(
            RefusalKind.EXTENSIONS_LOST,
            f"{because} {self._numbers_of(lost)}",
            "Look whether the phone system is the right one and complete. When the extensions are"
            " there again, the next sync finds them; if they are really gone, release the held"
            " actions and they are made again.",
            len(lost),
            count,
        )

    def _numbers_of(self, lost: Sequence[CreateExtension]) -> str:
        others = sum(renumbers(action) for action in lost)
        if not others:
            return "Made again, all of them keep their numbers."
        return f"Made again, {others:,} would get another number, because the old one is taken."

    def _rebuildings(self) -> None:
        """Made again beside departments that only were not found, everybody would be in two."""
        lost = self._wanted.lost_departments
        if not lost:
            return
        self._held_departments, self._departments = _split(
            self._departments, lambda action: _rebuilds(action) and action.group in lost
        )
        count = len(self._held_departments) + self._summary.departments_elsewhere
        self._refuse(
            RefusalKind.DEPARTMENTS_LOST,
            f"{count:,} departments are gone from the phone system, out of"
            f" {self._wanted.linked_departments:,} linked departments;"
            f" {_limits(self._rules.departments)}. Nobody is given one of them meanwhile.",
            "Look whether the phone system is the right one and complete. When the departments are"
            " there again, the next sync finds them; if they are really gone, release the held"
            " actions: they are made again, and the next sync gives them to their members.",
            len(self._held_departments),
        )

    def _memberships(self) -> None:
        """Groups that suddenly have no members look like everybody leaving their departments."""
        threshold = self._rules.memberships
        takings = self._wanted.takings or {}
        vanished, others = _split(self._departments, _vanishes)
        linked = self._wanted.linked_departments
        count = len(takings) + self._summary.memberships_elsewhere
        many_vanish = _trips(threshold, len(vanished), linked)
        reasons: list[str] = []
        if takings and self._trips(threshold, count):
            reasons.append(self._many("people would lose a department", count, threshold))
        elif takings and many_vanish:
            reasons.append(f"{count:,} people would lose a department.")
        else:
            left = self._left(Danger.LEAVES, threshold, takings)
            takings = {person: takings[person] for person in takings if person in left.people}
            if left:
                count = left.of
                reasons.append(left.told("people who would lose a department"))
        if many_vanish:
            reasons.append(
                f"{len(vanished):,} departments have lost their group, out of {linked:,} linked"
                f" departments; {_limits(threshold)}."
            )
            self._departments, self._held_flags = others, vanished
        if not reasons:
            return
        stopped = len(self._held_flags)
        if takings:
            stopped += len(takings)
            self._held_takings = [
                takings[one.person].taking for one in self._updates if one.person in takings
            ]
            self._updates = [
                rest
                for one in self._updates
                if (rest := takings[one.person].rest if one.person in takings else one) is not None
            ]
        self._refuse(
            RefusalKind.MEMBERSHIPS_LOST,
            " ".join(reasons),
            "Look in Microsoft 365 whether the groups and their members are really gone. If they"
            " are not, the next full sync settles it; if they are, release the held actions.",
            stopped,
            count,
        )

    def _removals(self) -> None:
        self._stop(
            RemoveExtension,
            Danger.REMOVES,
            self._rules.removals,
            self._summary.removals_elsewhere,
            RefusalKind.TOO_MANY_REMOVALS,
            "remove",
        )

    def _disables(self) -> None:
        self._stop(
            DisableExtension,
            Danger.DISABLES,
            self._rules.disables,
            self._summary.disables_elsewhere,
            RefusalKind.TOO_MANY_DISABLES,
            "disable",
        )

    def _stop(
        self,
        type_: type[LeaverAction],
        danger: Danger,
        threshold: Threshold,
        elsewhere: int,
        kind: RefusalKind,
        verb: str,
    ) -> None:
        """Hold one kind of what becomes of leavers: all of it, or what is left of an accident."""
        count = _count(self._wanted.leavers, type_) + elsewhere
        theirs = [one.person for one in self._leavers if isinstance(one, type_)]
        left = self._left(danger, threshold, theirs)
        held: AbstractSet[ObjectId] = set(theirs)
        if self._trips(threshold, count):
            because = self._many(f"extensions would be {verb}d", count, threshold)
        else:
            held, count, because = left.people, left.of, left.told(f"extensions to {verb}")
        if stopped := self._hold_leavers(
            lambda action: isinstance(action, type_) and action.person in held
        ):
            self._refuse(kind, because, _LOOK_WHO_LEFT, stopped, count)

    def _renumberings(self) -> None:
        threshold = self._rules.renumberings
        renumbered = [one.person for one in self._creations if renumbers(one)]
        count = len(renumbered) + self._summary.renumberings_elsewhere
        left = self._left(Danger.RENUMBERS, threshold, renumbered)
        held: AbstractSet[ObjectId] = set(renumbered)
        if renumbered and self._trips(threshold, count):
            because = self._many("people would get another number", count, threshold)
        elif left:
            held, count = left.people, left.of
            because = left.told("people who would get another number")
        else:
            return
        stopped, self._creations = _split(self._creations, lambda one: one.person in held)
        self._held_creations += stopped
        self._refuse(
            RefusalKind.TOO_MANY_RENUMBERINGS,
            f"{because} Their extensions are gone and their old numbers are taken.",
            _LOOK,
            len(stopped),
            count,
        )

    def _left(self, danger: Danger, threshold: Threshold, people: Iterable[ObjectId]) -> _Left:
        """Who of these people is left of something that a guard has held and would hold today."""
        known = self._wanted.unreleased
        sizes = {person: known.get((danger, person), 0) for person in people}
        left = {person for person, of in sizes.items() if of and self._trips(threshold, of)}
        return _Left(left, max((sizes[person] for person in left), default=0))

    def _hold_leavers(self, dangerous: Callable[[LeaverAction], bool]) -> int:
        stopped, self._leavers = _split(self._leavers, dangerous)
        self._held_leavers += stopped
        return len(stopped)

    def _trips(self, threshold: Threshold, count: int) -> bool:
        return _trips(threshold, count, self._wanted.linked)

    def _many(self, what: str, count: int, threshold: Threshold) -> str:
        return (
            f"{count:,} {what}, out of {self._wanted.linked:,} linked people; {_limits(threshold)}."
        )

    def _refuse(
        self, kind: RefusalKind, because: str, next_step: str, held: int, of: int = 0
    ) -> None:
        self._refusals.append(Refusal(kind, "", "", because, next_step, held, max(held, of)))


_LOOK = "Look at the held actions; when they are right, release them."
_LOOK_WHO_LEFT = (
    f"{_LOOK} If these people have not left, put them right in Microsoft 365: the next sync finds"
    " them back and holds nothing of them any more."
)


def _disbelief(summary: Summary, rules: GuardRules) -> tuple[RefusalKind, str, str] | None:
    now, accepted = summary.people_now, summary.people_accepted
    if accepted and not now:
        because = (
            f"Microsoft 365 answered that there is nobody, where there were {accepted:,} people."
            " No leaver is touched."
        )
        next_step = (
            "Look whether the tenant and the permissions are still the right ones. If there really"
            " is nobody any more"
        )
        return RefusalKind.EMPTY_ANSWER, because, next_step
    missing = accepted - now
    if missing > rules.shrink_number and missing * 100 >= rules.shrink_percent * accepted:
        because = (
            f"Microsoft 365 answered with {now:,} people, where there were {accepted:,}."
            " No leaver is touched."
        )
        next_step = "Look in Microsoft 365 whether so many people were really deleted; if so"
        return RefusalKind.SHRUNK_ANSWER, because, next_step
    return None


def told_of_many_kept(count: int, linked: int, rules: GuardRules) -> str:
    """That more leave at once than would be disabled unseen; "" where it is no more than usual.

    To keep an extension does no harm, so that no guard holds it; but a directory that loses its
    people by accident is not to pass in silence.
    """
    if not _trips(rules.disables, count, linked):
        return ""
    return (
        f"{count:,} leavers at once, out of {linked:,} linked people: as chosen, their extensions"
        " are kept. If they have not really left, put them right in Microsoft 365."
    )


def _trips(threshold: Threshold, count: int, of: int) -> bool:
    return count > threshold.number and count * 100 > threshold.percent * of


def _limits(threshold: Threshold) -> str:
    return f"more than {threshold.number:,} and more than {threshold.percent:g} % are held"


def _count(leavers: Sequence[LeaverAction], kind: type[LeaverAction]) -> int:
    """How many are wanted, those held for another reason included."""
    return sum(isinstance(action, kind) for action in leavers)


def _rebuilds(action: DepartmentAction) -> bool:
    return isinstance(action, CreateDepartment) and action.previous is not None


def _vanishes(action: DepartmentAction) -> bool:
    return isinstance(action, FlagDepartment) and action.flag is DepartmentFlag.VANISHED


def _split(
    actions: Sequence[_Kind], dangerous: Callable[[_Kind], bool]
) -> tuple[list[_Kind], list[_Kind]]:
    """The dangerous ones, and the others."""
    stopped: list[_Kind] = []
    free: list[_Kind] = []
    for action in actions:
        (stopped if dangerous(action) else free).append(action)
    return stopped, free
