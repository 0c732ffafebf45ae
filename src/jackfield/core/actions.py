"""What a plan consists of: actions with their differences and reasons, refusals, notices.

Shapes only; `jackfield.core.plan` makes them. Every action carries the values it was made from, so
that apply can refuse one whose before-values no longer hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, get_args

from jackfield.core.extensions import (
    DepartmentFlag,
    DepartmentKey,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
)
from jackfield.core.people import GroupId, LeaverCause, ObjectId
from jackfield.core.records import record


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
    UNLINK_EXTENSION = "unlink_extension"


@record
class FieldChange:
    """One field of one extension: what stands there, what shall, and why."""

    field: Field
    before: str
    after: str
    because: str


@dataclass(frozen=True, slots=True)
class DepartmentsChange:
    """Memberships to give and to take; a group stands for its department.

    That department may be one that the same plan creates.
    """

    add: tuple[GroupId, ...] = ()
    remove: tuple[DepartmentKey, ...] = ()
    primary: GroupId | None = None
    """The group whose department becomes the primary one; None leaves the primary department alone.
    """
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
    previous: DepartmentKey | None = None
    """Set when the department that the group had is gone from the phone system."""


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
    """Marks (with None: unmarks) a department whose group vanished or was deselected.

    Nothing is written to the phone system.
    """

    kind: ClassVar = ActionKind.FLAG_DEPARTMENT
    group: GroupId
    key: DepartmentKey
    name: str
    flag: DepartmentFlag | None
    because: str


@record
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
    former_number: ExtensionNumber | None = None
    """Set when Jackfield had removed the person's extension, and they are back."""
    kept_departments: tuple[DepartmentKey, ...] = ()
    """Departments beside those of the groups: once given in the phone system."""
    kept_primary: DepartmentKey | None = None
    """The one of those that was the primary department."""
    kept_caller_id: str = ""
    """The outbound caller ID, where it was once set in the phone system and is none of ours."""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class AdoptExtension:
    """An extension that stands already and is the person's becomes linked, number and all."""

    kind: ClassVar = ActionKind.ADOPT_EXTENSION
    person: ObjectId
    name: str
    key: ExtensionKey
    number: ExtensionNumber
    changes: tuple[FieldChange, ...]
    departments: DepartmentsChange | None
    because: str
    replaces: ExtensionKey | None = None
    """The key in the person's link so far, whose extension is gone from the phone system."""
    again: bool = False
    """It was made for the person, or taken over for them before: it bears their key already."""


@record
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
    """The person was a leaver and is none any more."""
    enables: bool = False
    """Jackfield had disabled it; it is enabled again."""


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
    """A leaver whose extension is disabled, or one that is undone."""

    kind: ClassVar = ActionKind.DISABLE_EXTENSION
    person: ObjectId
    name: str
    key: ExtensionKey
    number: ExtensionNumber
    cause: LeaverCause | None
    """None where an administrator undoes what a plan has done."""
    because: str


@dataclass(frozen=True, slots=True)
class RemoveExtension:
    """A leaver whose extension is removed, or one that is undone."""

    kind: ClassVar = ActionKind.REMOVE_EXTENSION
    person: ObjectId
    name: str
    key: ExtensionKey
    number: ExtensionNumber
    cause: LeaverCause | None
    """None where an administrator undoes what a plan has done."""
    because: str


@dataclass(frozen=True, slots=True)
class UnlinkExtension:
    """An extension that was adopted is let go again: fields and memberships go back, it stays."""

    kind: ClassVar = ActionKind.UNLINK_EXTENSION
    person: ObjectId
    name: str
    key: ExtensionKey
    number: ExtensionNumber
    changes: tuple[FieldChange, ...]
    departments: DepartmentsChange | None
    because: str
    stays_theirs: bool = False
    """It bore the person's key before it was adopted, and goes on bearing it."""


DepartmentAction = CreateDepartment | RenameDepartment | FlagDepartment
"""What is done about a group's department."""
PersonAction = (
    CreateExtension
    | AdoptExtension
    | UpdateExtension
    | KeepLeaver
    | DisableExtension
    | RemoveExtension
    | UnlinkExtension
)
"""What is done about a person's extension."""
Action = DepartmentAction | PersonAction

type_of_action: dict[ActionKind, type[Action]] = {one.kind: one for one in get_args(Action)}
DEPARTMENT_KINDS = frozenset(ActionKind(one.kind) for one in get_args(DepartmentAction))


@record
class About:
    """Whom or what an action is about: the object ID of the person or group, and its names."""

    subject: ObjectId | GroupId
    name: str
    number: str = ""
    """The extension number; "" where it is about a department."""


def about(action: Action) -> About:
    """Whom or what the action is about; a department has its group's id and its own new name."""
    match action:
        case RenameDepartment():
            return About(action.group, action.after)
        case CreateDepartment() | FlagDepartment():
            return About(action.group, action.name)
        case _:
            return About(action.person, action.name, action.number)


def memberships_of(action: Action) -> DepartmentsChange | None:
    """The memberships that the action gives or takes; None where it changes none."""
    match action:
        case CreateExtension():
            return DepartmentsChange(action.groups, primary=action.primary)
        case AdoptExtension() | UpdateExtension() | UnlinkExtension():
            return action.departments
        case _:
            return None


def groups_of(actions: Iterable[Action]) -> list[GroupId]:
    """The groups whose departments the actions give to their people."""
    groups: set[GroupId] = set()
    for action in actions:
        if (change := memberships_of(action)) is not None:
            groups.update(change.add, (change.primary,) if change.primary else ())
    return sorted(groups)


class RefusalKind(StrEnum):
    """What the planner would not do, and what it held back."""

    EMPTY_ANSWER = "empty_answer"
    SHRUNK_ANSWER = "shrunk_answer"
    UNFINISHED_ROUND = "unfinished_round"
    EXTENSIONS_LOST = "extensions_lost"
    DEPARTMENTS_LOST = "departments_lost"
    MEMBERSHIPS_LOST = "memberships_lost"
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
        RefusalKind.EXTENSIONS_LOST,
        RefusalKind.DEPARTMENTS_LOST,
        RefusalKind.MEMBERSHIPS_LOST,
        RefusalKind.TOO_MANY_REMOVALS,
        RefusalKind.TOO_MANY_DISABLES,
        RefusalKind.TOO_MANY_RENUMBERINGS,
    }
)
"""Refusals that concern the whole plan: their actions are held until an administrator releases
them."""


DISBELIEF = frozenset({RefusalKind.EMPTY_ANSWER, RefusalKind.SHRUNK_ANSWER})
"""Guards that do not believe how many people Microsoft 365 answered with; a release accepts the new
count."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something the planner refused: what, to whom, why, and the next step.

    `subject` is an object ID, or "" for the whole plan.
    """

    kind: RefusalKind
    subject: str
    name: str
    because: str
    next_step: str
    held: int = 0
    """How many actions are held back by it (guards only)."""
    of: int = 0
    """How many it was about when it first held them, of which these are left (guards only)."""
    candidates: tuple[ExtensionKey, ...] = ()
    """The extensions that a doubtful match is about."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something done differently than the data asked for, e.g. a name that was cut."""

    subject: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, in this order; what a guard holds back; what was refused."""

    actions: tuple[Action, ...] = ()
    held: tuple[Action, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notices: tuple[Notice, ...] = ()
