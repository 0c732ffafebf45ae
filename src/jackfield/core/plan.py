"""The plan of a people sync: a view of the three pictures in, actions, refusals and reasons out.

The one place that decides what is written to the phone system. Preview, command line, approval and apply all
use the `Plan` made here; nothing else computes differences. Pure: the same view and rules give the same plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from jackfield.core.departments import DepartmentRules, Group
from jackfield.core.extensions import (
    Department,
    DepartmentFlag,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
    Link,
)
from jackfield.core.numbering import NumberRange, NumberRules
from jackfield.core.people import (
    GroupId,
    LeaverCause,
    LeaverPolicy,
    ObjectId,
    Person,
    ScopeRules,
)


class ActionKind(StrEnum):
    """What an action does; also the tag under which a stored action is found again."""

    CREATE_DEPARTMENT = "create_department"
    RENAME_DEPARTMENT = "rename_department"
    FLAG_DEPARTMENT = "flag_department"
    CREATE_EXTENSION = "create_extension"
    ADOPT_EXTENSION = "adopt_extension"
    UPDATE_EXTENSION = "update_extension"
    KEEP_LEAVER = "keep_leaver"
    DISABLE_EXTENSION = "disable_extension"
    REMOVE_EXTENSION = "remove_extension"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one extension: what stands there, what shall, and why."""

    field: Field
    before: str
    after: str
    because: str


@dataclass(frozen=True, slots=True)
class DepartmentsChange:
    """Memberships to give and to take. Groups stand for the departments linked to them (perhaps by this plan)."""

    add: tuple[GroupId, ...] = ()
    remove: tuple[DepartmentKey, ...] = ()
    primary: GroupId | None = None
    """The group whose department becomes the primary one; None leaves the primary department alone."""
    before: tuple[DepartmentKey, ...] = ()
    before_primary: DepartmentKey | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class CreateDepartment:
    """A department for a group; bound by the group's id."""

    kind: ClassVar = ActionKind.CREATE_DEPARTMENT
    group: GroupId
    group_name: str
    name: str
    because: str


@dataclass(frozen=True, slots=True)
class RenameDepartment:
    """The linked group was renamed, and nobody renamed the department by hand."""

    kind: ClassVar = ActionKind.RENAME_DEPARTMENT
    group: GroupId
    group_name: str
    key: DepartmentKey
    before: str
    after: str
    because: str


@dataclass(frozen=True, slots=True)
class FlagDepartment:
    """Marks (or, with None, unmarks) a department whose group vanished or was deselected. Nothing is written
    to the phone system."""

    kind: ClassVar = ActionKind.FLAG_DEPARTMENT
    group: GroupId
    key: DepartmentKey
    name: str
    flag: DepartmentFlag | None
    because: str


@dataclass(frozen=True, slots=True)
class CreateExtension:
    """An extension for a person who has none."""

    kind: ClassVar = ActionKind.CREATE_EXTENSION
    person: ObjectId
    name: str
    number: ExtensionNumber
    fields: ExtensionFields
    groups: tuple[GroupId, ...]
    primary: GroupId | None
    because: str
    previous_number: ExtensionNumber | None = None
    """Set when the person held an extension that was deleted in the phone system."""


@dataclass(frozen=True, slots=True)
class AdoptExtension:
    """An extension that stands already and is the person's by mail or UPN becomes theirs, number and all."""

    kind: ClassVar = ActionKind.ADOPT_EXTENSION
    person: ObjectId
    name: str
    key: ExtensionKey
    number: ExtensionNumber
    changes: tuple[FieldChange, ...]
    departments: DepartmentsChange | None
    because: str


@dataclass(frozen=True, slots=True)
class UpdateExtension:
    """Fields and memberships of a linked extension that differ from what Microsoft 365 has."""

    kind: ClassVar = ActionKind.UPDATE_EXTENSION
    person: ObjectId
    name: str
    key: ExtensionKey
    number: ExtensionNumber
    changes: tuple[FieldChange, ...]
    departments: DepartmentsChange | None
    because: str
    returns: bool = False
    """The person was a leaver and is back: the extension is enabled again where Jackfield had disabled it."""


@dataclass(frozen=True, slots=True)
class KeepLeaver:
    """A leaver whose extension stays as it is. Nothing is written to the phone system."""

    kind: ClassVar = ActionKind.KEEP_LEAVER
    person: ObjectId
    name: str
    key: ExtensionKey
    number: ExtensionNumber
    cause: LeaverCause
    because: str


@dataclass(frozen=True, slots=True)
class DisableExtension:
    """A leaver whose extension is disabled."""

    kind: ClassVar = ActionKind.DISABLE_EXTENSION
    person: ObjectId
    name: str
    key: ExtensionKey
    number: ExtensionNumber
    cause: LeaverCause
    because: str


@dataclass(frozen=True, slots=True)
class RemoveExtension:
    """A leaver whose extension is removed."""

    kind: ClassVar = ActionKind.REMOVE_EXTENSION
    person: ObjectId
    name: str
    key: ExtensionKey
    number: ExtensionNumber
    cause: LeaverCause
    because: str


type_of_action: dict[ActionKind, type] = {}
Action = (
    CreateDepartment
    | RenameDepartment
    | FlagDepartment
    | CreateExtension
    | AdoptExtension
    | UpdateExtension
    | KeepLeaver
    | DisableExtension
    | RemoveExtension
)
for _action in (
    CreateDepartment,
    RenameDepartment,
    FlagDepartment,
    CreateExtension,
    AdoptExtension,
    UpdateExtension,
    KeepLeaver,
    DisableExtension,
    RemoveExtension,
):
    type_of_action[_action.kind] = _action


class RefusalKind(StrEnum):
    """What the planner would not do, and what it held back."""

    EMPTY_ANSWER = "empty_answer"
    SHRUNK_ANSWER = "shrunk_answer"
    UNFINISHED_ROUND = "unfinished_round"
    TOO_MANY_REMOVALS = "too_many_removals"
    TOO_MANY_DISABLES = "too_many_disables"
    TOO_MANY_RENUMBERINGS = "too_many_renumberings"
    RANGE_EXHAUSTED = "range_exhausted"
    DOUBTFUL_MATCH = "doubtful_match"
    UNUSABLE_PERSON = "unusable_person"


GUARDS = frozenset(
    {
        RefusalKind.EMPTY_ANSWER,
        RefusalKind.SHRUNK_ANSWER,
        RefusalKind.UNFINISHED_ROUND,
        RefusalKind.TOO_MANY_REMOVALS,
        RefusalKind.TOO_MANY_DISABLES,
        RefusalKind.TOO_MANY_RENUMBERINGS,
    }
)
"""Refusals that concern the whole plan: their actions are held until an administrator releases them."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something the planner refused: what, to whom (object ID, or "" for the whole plan), why, and the next step."""

    kind: RefusalKind
    subject: str
    name: str
    because: str
    next_step: str
    held: int = 0
    """How many actions are held back by it (guards only)."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something done differently than the data asked for, e.g. a name cut to what the phone system takes."""

    subject: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A guard trips when more than `number` *and* more than `percent` of the linked people are concerned."""

    number: int = 5
    percent: float = 10.0


@dataclass(frozen=True, slots=True)
class GuardRules:
    """When a plan is too dangerous to be carried out unseen."""

    removals: Threshold = Threshold()
    disables: Threshold = Threshold()
    renumberings: Threshold = Threshold()
    shrink_percent: float = 30.0
    """A full round with this much fewer people than the last accepted one is not believed."""


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


@dataclass(frozen=True, slots=True)
class PhoneLimits:
    """What the phone system can take."""

    ranges: tuple[NumberRange, ...]
    """User ranges in the phone system's order; the first one serves when no starting number is set."""
    name_length: int = 256
    """Characters of each text field."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures about the whole of the pictures, so that a slice can be planned like everything."""

    linked: int = 0
    """Links in all (leavers included)."""
    round_finished: bool = True
    """The last full round of the tenant came to its end."""
    people_now: int = 0
    """People present in the picture after the last finished full round."""
    people_accepted: int = 0
    """The same figure when a plan last accepted it; 0 = never."""
    groups_readable: bool = True
    """False while the permission to read groups is missing: department actions are left out, nobody leaves
    for want of a group."""


@dataclass(frozen=True, slots=True)
class View:
    """A slice of the pictures plus what the whole contributes. Planning the touched people equals planning
    everyone, restricted to them, as long as the slice holds everyone who waits for an extension."""

    people: Mapping[ObjectId, Person]
    links: Mapping[ObjectId, Link]
    """Links of the slice."""
    extensions: Mapping[ExtensionKey, Extension]
    """The extensions of those links, and every unlinked one that bears a mail or UPN of the slice."""
    memberships: Mapping[ObjectId, frozenset[GroupId]] = field(default_factory=dict)
    """For each person of the slice the groups of interest they are in, nested membership resolved."""
    same_address: Mapping[str, int] = field(default_factory=dict)
    """How many people of the whole tenant bear an address (mail or UPN, casefolded); absent = one."""
    groups: Mapping[GroupId, Group] = field(default_factory=dict)
    departments: Mapping[DepartmentKey, Department] = field(default_factory=dict)
    """All departments of the phone system."""
    department_links: Mapping[GroupId, DepartmentLink] = field(default_factory=dict)
    """All of them."""
    used_numbers: AbstractSet[str] = frozenset()
    """Every number that is taken in the phone system, by whatever it is."""
    summary: Summary = Summary()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, in the order in which it is done; what is held back by a guard; what was refused."""

    actions: tuple[Action, ...] = ()
    held: tuple[Action, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notices: tuple[Notice, ...] = ()
