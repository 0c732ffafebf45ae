"""Who belongs to which department: memberships to give and to take, and the primary department.

Memberships that Jackfield gave follow the groups; those given by hand are never taken, and a
department whose group vanished or was deselected is left as it is. Which groups are departments,
and in which order, is decided in `jackfield.core.departments`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from jackfield.core.actions import DepartmentsChange
from jackfield.core.extensions import DepartmentKey, Extension, FormerExtension
from jackfield.core.people import GroupId
from jackfield.core.pictures import View
from jackfield.core.text import clean


class Assignments:
    """Answers for many people by the same departments; equal questions are answered once."""

    __slots__ = (
        "_changes",
        "_departments",
        "_followed",
        "_keys",
        "_missing",
        "_names",
        "_rank",
        "_wanted",
    )

    def __init__(
        self,
        selected: Sequence[GroupId],
        view: View,
        missing: AbstractSet[GroupId] = frozenset(),
    ) -> None:
        """`missing` are groups whose department does not stand and is not made for now."""
        self._departments = view.departments
        self._missing = missing
        self._rank = {group: rank for rank, group in enumerate(selected)}
        self._keys: Mapping[GroupId, DepartmentKey] = {
            group: link.key
            for group in selected
            if (link := view.department_links.get(group)) and link.key in view.departments
        }
        self._followed = {key: group for group, key in self._keys.items()}
        self._names = {group: clean(view.groups[group].name) or group for group in selected}
        self._wanted: dict[frozenset[GroupId], tuple[GroupId, ...]] = {}
        self._changes: dict[object, DepartmentsChange | None] = {}

    def wanted(self, memberships: frozenset[GroupId]) -> tuple[GroupId, ...]:
        """The groups whose departments a member of these groups belongs to, the primary first."""
        found = self._wanted.get(memberships)
        if found is None:
            found = tuple(
                sorted(
                    (group for group in memberships if group in self._rank),
                    key=self._rank.__getitem__,
                )
            )
            self._wanted[memberships] = found
        return found

    def possible(self, wanted: tuple[GroupId, ...]) -> tuple[GroupId, ...]:
        """Those of the groups whose department can be given now."""
        if not self._missing:
            return wanted
        return tuple(group for group in wanted if group not in self._missing)

    def kept(
        self, former: FormerExtension | None, wanted: tuple[GroupId, ...]
    ) -> tuple[DepartmentKey, ...]:
        """Departments given by hand that a removed extension had, and gets back."""
        if former is None:
            return ()
        theirs = {self._keys.get(group) for group in wanted}
        return tuple(
            key for key in former.by_hand if key in self._departments and key not in theirs
        )

    def change(
        self,
        wanted: tuple[GroupId, ...],
        extension: Extension,
        given: tuple[DepartmentKey, ...],
    ) -> DepartmentsChange | None:
        """What has to change so that the extension is right; Jackfield gave it `given`."""
        question = (wanted, extension.departments, extension.primary, given)
        try:
            return self._changes[question]
        except KeyError:
            answer = self._change(self.possible(wanted), extension, given)
            self._changes[question] = answer
            return answer

    def _change(
        self,
        wanted: tuple[GroupId, ...],
        extension: Extension,
        given: tuple[DepartmentKey, ...],
    ) -> DepartmentsChange | None:
        standing = extension.departments
        add = tuple(group for group in wanted if self._keys.get(group) not in standing)
        remove = tuple(
            key
            for key in given
            if key in standing and key in self._followed and self._followed[key] not in wanted
        )
        primary = self._primary(wanted, extension, given, remove)
        if not add and not remove and primary is None:
            return None
        return self._said(
            DepartmentsChange(add, remove, primary, standing, extension.primary), given
        )

    def part(
        self, change: DepartmentsChange, given: tuple[DepartmentKey, ...]
    ) -> tuple[DepartmentsChange | None, DepartmentsChange]:
        """What a change gives (None: nothing) and what it takes; either can be done alone.

        The primary department goes with the taking where it is the one that is taken.
        """
        taken = change.before_primary in change.remove
        giving = replace(change, remove=(), primary=None if taken else change.primary)
        taking = replace(change, add=(), primary=change.primary if taken else None)
        gives = giving.add or giving.primary is not None
        return self._said(giving, given) if gives else None, self._said(taking, given)

    def _said(
        self, change: DepartmentsChange, given: tuple[DepartmentKey, ...]
    ) -> DepartmentsChange:
        """The change with its reasons."""
        reasons = []
        if put_back := [group for group in change.add if self._keys.get(group) in given]:
            reasons.append(
                f"Put back, because it was taken away in the phone system: {self._shown(put_back)}"
            )
        if new := [group for group in change.add if group not in put_back]:
            reasons.append(f"Member in Microsoft 365: {self._shown(new)}")
        if change.remove:
            left = [self._followed[key] for key in change.remove]
            reasons.append(f"No longer a member in Microsoft 365: {self._shown(left)}")
        if change.primary is not None:
            reasons.append(
                f"Primary department: {self._shown([change.primary])}, the first in their order"
            )
        return replace(change, because=". ".join(reasons) + ".")

    def _primary(
        self,
        wanted: tuple[GroupId, ...],
        extension: Extension,
        given: tuple[DepartmentKey, ...],
        remove: tuple[DepartmentKey, ...],
    ) -> GroupId | None:
        if not wanted:
            return None
        first = wanted[0]
        now = extension.primary
        if now is not None and now == self._keys.get(first):
            return None
        # A primary department chosen by hand stays, and so does one that is no longer followed.
        free = now is None or now in remove or now not in self._departments
        return first if free or (now in given and now in self._followed) else None

    def _shown(self, groups: Sequence[GroupId]) -> str:
        return ", ".join(f"“{self._names[group]}”" for group in groups)
