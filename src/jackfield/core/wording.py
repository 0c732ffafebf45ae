"""How an action reads: one title and its differences, the same words wherever it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from jackfield.core.actions import (
    Action,
    ActionKind,
    AdoptExtension,
    CreateDepartment,
    CreateExtension,
    DepartmentsChange,
    DisableExtension,
    FieldChange,
    FlagDepartment,
    KeepLeaver,
    RemoveExtension,
    RenameDepartment,
    UnlinkExtension,
    UpdateExtension,
)
from jackfield.core.extensions import DepartmentKey
from jackfield.core.fields import LABELS
from jackfield.core.people import GroupId, LeaverCause

KIND_LABELS: dict[ActionKind, str] = {
    ActionKind.CREATE_DEPARTMENT: "Departments to create",
    ActionKind.RENAME_DEPARTMENT: "Departments to rename",
    ActionKind.FLAG_DEPARTMENT: "Departments to flag",
    ActionKind.CREATE_EXTENSION: "Extensions to create",
    ActionKind.ADOPT_EXTENSION: "Extensions to adopt",
    ActionKind.UPDATE_EXTENSION: "Extensions to update",
    ActionKind.KEEP_LEAVER: "Leavers to keep",
    ActionKind.DISABLE_EXTENSION: "Extensions to disable",
    ActionKind.REMOVE_EXTENSION: "Extensions to remove",
    ActionKind.UNLINK_EXTENSION: "Extensions to let go",
}


_MODES = {
    "full": "Full sync",
    "delta": "Sync",
    "person": "Sync of one person",
    "preview": "Preview",
    "approved": "Approved plan",
    "photos": "Photos",
}


def run_name(mode: str) -> str:
    """What a run is called."""
    return _MODES.get(mode, mode.capitalize())


def counted_kinds(counts: Mapping[ActionKind, int]) -> str:
    """Actions by kind in words: "12 extensions to remove, 1 department to flag"."""
    parts = []
    for kind, label in KIND_LABELS.items():
        if count := counts.get(kind, 0):
            noun, _, verb = label.lower().partition(" ")
            parts.append(f"{count:,} {noun.removesuffix('s') if count == 1 else noun} {verb}")
    return ", ".join(parts)


_PAST = {
    "create": "created",
    "rename": "renamed",
    "flag": "flagged",
    "adopt": "adopted",
    "update": "updated",
    "keep": "kept",
    "disable": "disabled",
    "remove": "removed",
    "let go": "let go",
}


def counted_done(counts: Mapping[ActionKind, int]) -> str:
    """What was done, by kind: "1 department created, 2 extensions created, 3 updated"."""
    parts = []
    before = ""
    for kind, label in KIND_LABELS.items():
        if count := counts.get(kind, 0):
            noun, _, verb = label.lower().partition(" to ")
            named = "" if noun == before else f" {noun.removesuffix('s') if count == 1 else noun}"
            parts.append(f"{count:,}{named} {_PAST[verb]}")
            before = noun
    return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of an action: what stands there, what shall, and why."""

    label: str
    before: str
    after: str
    because: str = ""


def title(action: Action) -> str:
    """What the action does, to whom, in one line."""
    match action:
        case CreateDepartment():
            return f"Create department {action.name}"
        case RenameDepartment():
            return f"Rename department {action.before} to {action.after}"
        case FlagDepartment(flag=None):
            return f"Department {action.name} follows its group again"
        case FlagDepartment():
            return f"Flag department {action.name} as {action.flag}"
        case CreateExtension():
            return f"Create extension {action.number} for {action.name}"
        case AdoptExtension():
            return f"Adopt extension {action.number} for {action.name}"
        case UpdateExtension():
            return f"Update extension {action.number} of {action.name}"
        case KeepLeaver(cause=LeaverCause.DELETED_BY_HAND):
            return f"Do not make extension {action.number} of {action.name} again"
        case KeepLeaver():
            return f"Keep extension {action.number} of {action.name}, who has left"
        case DisableExtension():
            return f"Disable extension {action.number} of {action.name}"
        case RemoveExtension():
            return f"Remove extension {action.number} of {action.name}"
        case UnlinkExtension():
            return f"Let extension {action.number} of {action.name} go"
        case _:
            assert_never(action)


def told(action: Action) -> str:
    """The same once it was done: "Extension 107 of Ava Evans updated"."""
    match action:
        case CreateDepartment():
            return f"Department {action.name} created"
        case RenameDepartment():
            return f"Department {action.before} renamed to {action.after}"
        case FlagDepartment(flag=None):
            return title(action)
        case FlagDepartment():
            return f"Department {action.name} flagged as {action.flag}"
        case CreateExtension():
            return f"Extension {action.number} created for {action.name}"
        case AdoptExtension():
            return f"Extension {action.number} adopted for {action.name}"
        case UpdateExtension():
            return f"Extension {action.number} of {action.name} updated"
        case KeepLeaver(cause=LeaverCause.DELETED_BY_HAND):
            return f"Extension {action.number} of {action.name} is not made again"
        case KeepLeaver():
            return f"Extension {action.number} of {action.name}, who has left, kept"
        case DisableExtension():
            return f"Extension {action.number} of {action.name} disabled"
        case RemoveExtension():
            return f"Extension {action.number} of {action.name} removed"
        case UnlinkExtension():
            return f"Extension {action.number} of {action.name} let go"
        case _:
            assert_never(action)


def differences(
    action: Action, departments: Mapping[DepartmentKey, str], groups: Mapping[GroupId, str]
) -> tuple[Difference, ...]:
    """What the action changes, field by field.

    The mappings name departments by key and groups by id.
    """
    match action:
        case CreateExtension():
            fields = [
                Difference(label, "", value)
                for field, label in LABELS.items()
                if (value := getattr(action.fields, field))
            ]
            names = ", ".join(groups.get(one, one) for one in action.groups)
            member = [Difference("Departments", "", names)] if names else []
            return (
                Difference("Number", action.previous_number or "", action.number),
                *fields,
                *member,
            )
        case AdoptExtension() | UpdateExtension() | UnlinkExtension():
            return (
                *(_field(change) for change in action.changes),
                *_departments(action.departments, departments, groups),
            )
        case RenameDepartment():
            return (Difference("Name", action.before, action.after),)
        case CreateDepartment():
            return (Difference("Name", "", action.name),)
        case FlagDepartment():
            return (Difference("Flag", "", action.flag or "none"),)
        case KeepLeaver() | DisableExtension() | RemoveExtension():
            return ()
        case _:
            assert_never(action)


def _field(change: FieldChange) -> Difference:
    return Difference(LABELS[change.field], change.before, change.after, change.because)


def _departments(
    change: DepartmentsChange | None,
    departments: Mapping[DepartmentKey, str],
    groups: Mapping[GroupId, str],
) -> tuple[Difference, ...]:
    if change is None:
        return ()
    lines: list[Difference] = []
    if change.add or change.remove:
        before = [departments.get(one, one) for one in change.before]
        kept = [departments.get(one, one) for one in change.before if one not in change.remove]
        after = kept + [groups.get(one, one) for one in change.add]
        lines.append(Difference("Departments", ", ".join(before), ", ".join(after), change.because))
    if change.primary is not None:
        before_primary = (
            departments.get(change.before_primary, change.before_primary)
            if change.before_primary
            else ""
        )
        after_primary = groups.get(change.primary, change.primary)
        lines.append(
            Difference("Primary department", before_primary, after_primary, change.because)
        )
    return tuple(lines)
