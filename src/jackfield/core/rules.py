"""What the administrator chose about people sync, and what the phone system can take.

Shapes and defaults only; what they lead to is decided where they are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import assert_never

from jackfield.core.attributes import AttributeRules
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.extensions import Field
from jackfield.core.number_pools import NumberRules
from jackfield.core.numbering import NumberRange
from jackfield.core.people import LeaverCause, LeaverPolicy, ObjectId, Scope, ScopeRules


@dataclass(frozen=True, slots=True)
class Threshold:
    """Trips when more than `number` *and* more than `percent` of the linked are concerned."""

    number: int = 5
    percent: float = 10.0


@dataclass(frozen=True, slots=True)
class GuardRules:
    """When a plan is too dangerous to be carried out unseen."""

    removals: Threshold = Threshold()
    disables: Threshold = Threshold()
    renumberings: Threshold = Threshold()
    losses: Threshold = Threshold()
    """Linked people whose extension is gone from the phone system, and would be made again."""
    departments: Threshold = Threshold()
    """Linked departments that are gone from the phone system, and would be made again."""
    memberships: Threshold = Threshold()
    """People who would lose a department, of the linked people; and departments whose group is
    gone, of the linked departments."""
    shrink_percent: float = 30.0
    """A full round with this much fewer people than the last accepted one is not believed..."""
    shrink_number: int = 3
    """... when more than this many are missing: in a small office three leavers are a third."""


@dataclass(frozen=True, slots=True)
class RemoveAfter:
    """Days from leaving to removal, by cause; counts where the policy is to remove. 0 = at once.

    Until then the extension is disabled and can be had back as it was. Source of 30: as long as
    Microsoft 365 keeps a deleted account restorable.
    """

    deleted: int = 30
    disabled: int = 30
    out_of_scope: int = 30

    def days(self, cause: LeaverCause) -> int:
        """The days that count for a cause."""
        match cause:
            case LeaverCause.DELETED:
                return self.deleted
            case LeaverCause.DISABLED:
                return self.disabled
            case LeaverCause.OUT_OF_SCOPE:
                return self.out_of_scope
            case LeaverCause.DELETED_BY_HAND:
                return 0
            case unknown:
                assert_never(unknown)


MOST_REMOVE_AFTER = 3_650
"""Days; ten years."""


class RulesError(ValueError):
    """A rule that cannot be used; the text says why, `place` which it is (dotted)."""

    def __init__(self, place: str, text: str) -> None:
        super().__init__(text)
        self.place = place


@dataclass(frozen=True, slots=True)
class PeopleRules:
    """Everything the administrator chose about people sync."""

    scope: ScopeRules = ScopeRules()
    numbers: NumberRules = NumberRules()
    departments: DepartmentRules = DepartmentRules()
    on_deleted: LeaverPolicy = LeaverPolicy.KEEP
    on_disabled: LeaverPolicy = LeaverPolicy.KEEP
    on_out_of_scope: LeaverPolicy = LeaverPolicy.KEEP
    guards: GuardRules = GuardRules()
    remove_after: RemoveAfter = RemoveAfter()
    recreate: bool = True
    """An extension that was deleted in the phone system is made again for whoever is in scope."""
    not_recreated: frozenset[ObjectId] = frozenset()
    """People whose extension, once deleted in the phone system, stays so."""
    attributes: AttributeRules = AttributeRules()


def missing_choices(rules: PeopleRules) -> Iterator[RulesError]:
    """What has to be chosen yet: lists that are empty though the rules go by them."""
    scope = rules.scope
    if scope.scope is Scope.SELECTED and not scope.selected_users:
        yield RulesError(
            "scope.selected_users",
            "Nobody is selected, so everybody would leave. Select at least one person, or another"
            " scope.",
        )
    if scope.scope is Scope.SELECTED_GROUPS and not scope.selected_groups:
        yield RulesError(
            "scope.selected_groups",
            "No group is selected, so everybody would leave. Select at least one, or another"
            " scope.",
        )
    if rules.departments.source is DepartmentSource.CHOSEN and not rules.departments.groups:
        yield RulesError(
            "departments.groups",
            "No group is chosen. Choose at least one, or another source.",
        )


def check_remove_after(rules: RemoveAfter) -> None:
    """Raises `RulesError` for days that cannot be waited."""
    for cause in (LeaverCause.DELETED, LeaverCause.DISABLED, LeaverCause.OUT_OF_SCOPE):
        days = rules.days(cause)
        if not 0 <= days <= MOST_REMOVE_AFTER:
            raise RulesError(
                f"remove_after.{cause.value}",
                f"The days until removal are {days}; they take 0 to {MOST_REMOVE_AFTER}.",
            )


def check_guards(rules: GuardRules) -> None:
    """Raises `RulesError` for the first figure that no guard can count by."""
    for one in fields(rules):
        value = getattr(rules, one.name)
        if isinstance(value, Threshold):
            _check_figure(f"guards.{one.name}.number", value.number)
            _check_figure(f"guards.{one.name}.percent", value.percent, 100)
        else:
            most = 100 if one.name.endswith("percent") else None
            _check_figure(f"guards.{one.name}", value, most)


def _check_figure(place: str, value: float, most: int | None = None) -> None:
    if value < 0 or (most is not None and value > most):
        takes = f"0 to {most}" if most is not None else "0 or more"
        raise RulesError(place, f"The figure is {value:g}; it takes {takes}.")


@dataclass(frozen=True, slots=True)
class PhoneLimits:
    """What the phone system can take."""

    ranges: tuple[NumberRange, ...]
    """User ranges in the phone system's order; the first one serves when no starting number is set.
    """
    name_length: int = 256
    """Characters of each text field."""
    writable: frozenset[Field] = frozenset(Field)
    """Fields that can be written; the others are left out of plans."""
