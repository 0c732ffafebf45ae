"""The plan that takes back what an earlier one has done, as far as it still stands.

What changed since is left alone and said so; nothing else is decided here. Departments that were
created stay, since they may have members by now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
    Notice,
    Plan,
    RemoveExtension,
    RenameDepartment,
    UnlinkExtension,
    UpdateExtension,
    about,
)
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionKey,
    FormerExtension,
    Link,
)
from jackfield.core.fields import LABELS
from jackfield.core.people import GroupId, ObjectId

DepartmentUndo = RenameDepartment | FlagDepartment


@dataclass(frozen=True, slots=True)
class Stands:
    """What stands now of all that the plan was about."""

    links: Mapping[ObjectId, Link] = field(default_factory=dict)
    extensions: Mapping[ExtensionKey, Extension] = field(default_factory=dict)
    former: Mapping[ObjectId, FormerExtension] = field(default_factory=dict)
    departments: Mapping[DepartmentKey, Department] = field(default_factory=dict)
    department_links: Mapping[GroupId, DepartmentLink] = field(default_factory=dict)
    used_numbers: frozenset[str] = frozenset()


def undo(done: Sequence[Action], standing: Stands, plan: int) -> Plan:
    """What would take back these actions of plan number `plan`, which were all carried out."""
    return _Undoing(standing, f"Takes back what plan {plan} did.").plan(done)


class _Left(Exception):
    """Why something is left as it is."""


class _Undoing:
    def __init__(self, standing: Stands, because: str) -> None:
        self._standing = standing
        self._because = because
        self._groups = {link.key: group for group, link in standing.department_links.items()}
        self._notices: list[Notice] = []

    def plan(self, done: Sequence[Action]) -> Plan:
        departments: list[Action] = []
        extensions: list[Action] = []
        for action in reversed(done):
            try:
                undone = self._undone(action)
            except _Left as left:
                self._remark(action, str(left))
                continue
            if undone is not None:
                (departments if isinstance(undone, DepartmentUndo) else extensions).append(undone)
        return Plan((*departments, *extensions), notices=tuple(self._notices))

    def _undone(self, action: Action) -> Action | None:
        match action:
            case CreateDepartment():
                raise _Left(
                    "The department stays; remove it by hand once it has no members.",
                )
            case RenameDepartment():
                return self._renamed_back(action)
            case FlagDepartment():
                return self._unflagged(action)
            case CreateExtension():
                return self._removed(action)
            case AdoptExtension():
                return self._unlinked(action)
            case UpdateExtension():
                return self._updated_back(action)
            case DisableExtension():
                return self._enabled(action)
            case RemoveExtension():
                return self._made_again(action)
            case UnlinkExtension():
                raise _Left(
                    "What was undone once is not redone here; the next plan of a sync proposes it.",
                )
            case KeepLeaver():
                return None

    def _remark(self, action: Action, text: str) -> None:
        whom = about(action)
        self._notices.append(Notice(whom.subject, whom.name, text))

    def _renamed_back(self, action: RenameDepartment) -> Action | None:
        now = self._standing.departments.get(action.key)
        if now is None or now.name != action.after:
            raise _Left(
                "The department has another name by now, or is gone; it is left as it is.",
            )
        if any(
            one.name.casefold() == action.before.casefold() and one.key != action.key
            for one in self._standing.departments.values()
        ):
            raise _Left(
                f"Another department is called “{action.before}” by now; it is left as it is.",
            )
        return replace(action, before=action.after, after=action.before, because=self._because)

    def _unflagged(self, action: FlagDepartment) -> Action | None:
        link = self._standing.department_links.get(action.group)
        if action.flag is None or link is None or link.flag is not action.flag:
            return None
        return replace(action, flag=None, because=self._because)

    def _held(self, person: ObjectId, key: ExtensionKey) -> Extension:
        """The extension, while it is still the person's."""
        link = self._standing.links.get(person)
        extension = self._standing.extensions.get(key)
        if link is None or link.key != key or extension is None:
            raise _Left(
                "The extension is gone, or no longer this person's; it is left as it is.",
            )
        return extension

    def _removed(self, action: CreateExtension) -> Action | None:
        link = self._standing.links.get(action.person)
        key = link.key if link is not None else ExtensionKey("")
        extension = self._held(action.person, key)
        if extension.number != action.number:
            raise _Left(
                f"The extension has number {extension.number} by now; it is left as it is.",
            )
        return RemoveExtension(
            action.person,
            action.name,
            key,
            extension.number,
            None,
            f"{self._because} The extension was created by it.",
        )

    def _unlinked(self, action: AdoptExtension) -> Action | None:
        extension = self._held(action.person, action.key)
        return UnlinkExtension(
            action.person,
            action.name,
            action.key,
            extension.number,
            self._swapped(action, extension),
            self._moved_back(action, extension),
            f"{self._because} The extension was taken over by it; it is nobody's of Microsoft 365"
            " again.",
            stays_theirs=action.again,
        )

    def _updated_back(self, action: UpdateExtension) -> Action | None:
        extension = self._held(action.person, action.key)
        changes = self._swapped(action, extension)
        departments = self._moved_back(action, extension)
        if changes or departments is not None:
            if action.enables:
                self._remark(action, "The extension stays enabled.")
            return UpdateExtension(
                action.person,
                action.name,
                action.key,
                extension.number,
                changes,
                departments,
                self._because,
            )
        if action.enables and extension.enabled:
            return DisableExtension(
                action.person, action.name, action.key, extension.number, None, self._because
            )
        return None

    def _enabled(self, action: DisableExtension) -> Action | None:
        extension = self._held(action.person, action.key)
        if extension.enabled:
            return None
        return UpdateExtension(
            action.person,
            action.name,
            action.key,
            extension.number,
            (),
            None,
            f"{self._because} The extension is enabled again.",
            returns=True,
            enables=True,
        )

    def _made_again(self, action: RemoveExtension) -> Action | None:
        former = self._standing.former.get(action.person)
        if action.person in self._standing.links:
            raise _Left("The person has an extension again.")
        if former is None or former.number != action.number:
            raise _Left(
                "What the extension was is not known any more; sync the person to make a new one.",
            )
        if former.number in self._standing.used_numbers:
            raise _Left(
                f"The number {former.number} is taken by"
                " now; sync the person to make a new extension.",
            )
        kept = tuple(key for key in former.by_hand if key in self._standing.departments)
        groups = tuple(self._groups[key] for key in former.given if key in self._groups)
        return CreateExtension(
            action.person,
            action.name,
            former.number,
            former.fields,
            groups,
            self._groups.get(former.primary) if former.primary is not None else None,
            f"{self._because} The extension is made again as it was.",
            former_number=former.number,
            kept_departments=kept,
            kept_primary=former.primary if former.primary in kept else None,
            kept_caller_id=former.own_fields.caller_id,
            enabled=former.enabled,
        )

    def _swapped(
        self, action: AdoptExtension | UpdateExtension, extension: Extension
    ) -> tuple[FieldChange, ...]:
        back: list[FieldChange] = []
        for change in action.changes:
            now = getattr(extension.fields, change.field)
            if now == change.after:
                back.append(replace(change, before=now, after=change.before, because=self._because))
            elif now != change.before:
                self._remark(
                    action,
                    f"{LABELS[change.field]} is “{now}” by now; it is left as it is.",
                )
        return tuple(back)

    def _moved_back(
        self, action: AdoptExtension | UpdateExtension, extension: Extension
    ) -> DepartmentsChange | None:
        """Memberships given are taken and the other way round, as far as they stand."""
        change = action.departments
        if change is None:
            return None
        links = self._standing.department_links
        given = tuple(
            links[group].key
            for group in change.add
            if group in links
            and links[group].key in extension.departments
            and links[group].key not in change.before
        )
        taken = tuple(
            self._groups[key]
            for key in change.remove
            if key in self._groups
            and key in self._standing.departments
            and key not in extension.departments
        )
        primary = self._primary_back(action, change, extension, given, taken)
        if not given and not taken and primary is None:
            return None
        return DepartmentsChange(
            taken, given, primary, extension.departments, extension.primary, self._because
        )

    def _primary_back(
        self,
        action: AdoptExtension | UpdateExtension,
        change: DepartmentsChange,
        extension: Extension,
        taken_away: Collection[DepartmentKey],
        given_back: Collection[GroupId],
    ) -> GroupId | None:
        """The primary department of before, unless somebody has chosen another one since."""
        links = self._standing.department_links
        before = self._groups.get(change.before_primary) if change.before_primary else None
        if change.primary is None or before is None or extension.primary == change.before_primary:
            return None
        chosen = links.get(change.primary)
        if chosen is None or extension.primary != chosen.key:
            self._remark(action, "The primary department is another one by now; it stays.")
            return None
        stays = change.before_primary in extension.departments
        if before in given_back or (stays and change.before_primary not in taken_away):
            return before
        self._remark(
            action, "The primary department of before is no longer theirs; it is not given back."
        )
        return None
