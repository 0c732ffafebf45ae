"""What an action of a plan asks the phone system for, given what stands now.

An action whose before-values no longer hold is refused as stale. Nothing is read or sent here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from jackfield.core.actions import (
    Action,
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
    about,
)
from jackfield.core.extensions import (
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionKey,
    Link,
)
from jackfield.core.people import GroupId, ObjectId
from jackfield.pbx.port import (
    CreateDepartmentWrite,
    CreateExtensionWrite,
    RemoveExtensionWrite,
    RenameDepartmentWrite,
    UpdateExtensionWrite,
    Write,
)


@dataclass(frozen=True, slots=True)
class ChunkContext:
    """What the actions of a chunk are resolved with."""

    links: Mapping[ObjectId, Link]
    department_links: Mapping[GroupId, DepartmentLink]
    changed_since_plan: frozenset[ObjectId] = frozenset()
    """People of the chunk who changed in Microsoft 365 after the plan was made."""
    standing: Mapping[ObjectId, Extension] = field(default_factory=dict)
    """The extensions of the people of the chunk, as far as they stand."""
    departments: frozenset[DepartmentKey] = frozenset()
    """The departments that stand, loaded where an extension is given its own back."""
    owners: Mapping[ExtensionKey, ObjectId] = field(default_factory=dict)
    """Whose the extensions are that the chunk is to adopt, as far as they are anybody's."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Why an action that was right when it was planned is not right any more."""

    text: str


def prepare(action: Action, context: ChunkContext) -> Write | Stale | None:
    """The write that an action asks for; None where only our own record changes."""
    links, groups = context.links, context.department_links
    if about(action).subject in context.changed_since_plan:
        return Stale("The person has changed in Microsoft 365 since the plan was made.")
    match action:
        case CreateDepartment():
            known = groups.get(action.group)
            if action.previous is not None and known and known.key != action.previous:
                return Stale("The group has got a department since the plan was made.")
            return CreateDepartmentWrite(action.group, action.name)
        case RenameDepartment():
            if action.group not in groups:
                return Stale("The department is no longer linked.")
            return RenameDepartmentWrite(action.key, action.after, action.before)
        case FlagDepartment():
            return None if action.group in groups else Stale("The department is no longer linked.")
        case CreateExtension():
            if action.person in context.standing:
                return Stale("The person has got an extension since the plan was made.")
            return CreateExtensionWrite(
                action.person,
                action.number,
                action.fields,
                tuple(
                    dict.fromkeys(
                        (
                            *(groups[one].key for one in action.groups if one in groups),
                            *(one for one in action.kept_departments if one in context.departments),
                        )
                    )
                ),
                action.kept_primary
                if action.kept_primary in context.departments
                else _key(groups, action.primary),
                action.enabled,
            )
        case AdoptExtension():
            linked = links.get(action.person)
            if linked is not None and linked.key not in {action.key, action.replaces}:
                return Stale("The person has got another extension since the plan was made.")
            if context.owners.get(action.key, action.person) != action.person:
                return Stale("The extension has become another person's since the plan was made.")
            return _update(
                action.key, action.changes, action.departments, groups, adopt=action.person
            )
        case UpdateExtension():
            link = links.get(action.person)
            if link is None or link.key != action.key:
                return Stale("The extension is no longer this person's.")
            write = _update(action.key, action.changes, action.departments, groups)
            return replace(write, enabled=True) if action.enables else write
        case UnlinkExtension():
            link = links.get(action.person)
            if link is None or link.key != action.key:
                return Stale("The extension is no longer this person's.")
            write = _update(action.key, action.changes, action.departments, groups)
            return write if action.stays_theirs else replace(write, release=True)
        case KeepLeaver() | DisableExtension() | RemoveExtension():
            return _leave(action, context)
        case _:
            assert_never(action)


def _leave(
    action: KeepLeaver | DisableExtension | RemoveExtension, context: ChunkContext
) -> Write | Stale | None:
    link = context.links.get(action.person)
    if link is None or link.key != action.key:
        return Stale("The extension is no longer this person's.")
    match action:
        case KeepLeaver():
            return None
        case DisableExtension():
            return UpdateExtensionWrite(action.key, enabled=False)
        case RemoveExtension():
            return RemoveExtensionWrite(action.key, action.number)
        case _:
            assert_never(action)


def _update(
    key: ExtensionKey,
    changes: Sequence[FieldChange],
    departments: DepartmentsChange | None,
    groups: Mapping[GroupId, DepartmentLink],
    *,
    adopt: ObjectId | None = None,
) -> UpdateExtensionWrite:
    add: tuple[DepartmentKey, ...] = ()
    remove: tuple[DepartmentKey, ...] = ()
    primary: DepartmentKey | None = None
    if departments is not None:
        add = tuple(groups[one].key for one in departments.add if one in groups)
        remove = departments.remove
        primary = _key(groups, departments.primary)
    return UpdateExtensionWrite(
        key,
        changes={change.field: change.after for change in changes},
        expected={change.field: change.before for change in changes},
        add_departments=add,
        remove_departments=remove,
        primary=primary,
        external_key=adopt,
    )


def _key(groups: Mapping[GroupId, DepartmentLink], group: GroupId | None) -> DepartmentKey | None:
    return groups[group].key if group is not None and group in groups else None
