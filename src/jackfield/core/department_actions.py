"""What becomes of departments: created, renamed, flagged; never deleted, never taken over.

Rules D-01 to D-04. A department is bound to its group by the group's id. Which groups have one is
decided in `jackfield.core.departments`, who belongs to it in `jackfield.core.assignments`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jackfield.core.actions import CreateDepartment, FlagDepartment, RenameDepartment
from jackfield.core.departments import Group
from jackfield.core.extensions import DepartmentFlag
from jackfield.core.people import GroupId, Standing
from jackfield.core.pictures import View
from jackfield.core.text import clean, clean_address, cut

DepartmentAction = CreateDepartment | RenameDepartment | FlagDepartment


def department_actions(
    selected: Sequence[GroupId], view: View, name_length: int
) -> list[DepartmentAction]:
    """Creations, renamings, then flags; creations and renamings in the order of `selected`."""
    names = _Names(department.name for department in view.departments.values())
    ours = {link.key for link in view.department_links.values()}
    waiting = {
        department.external_key: department
        for department in view.departments.values()
        if department.external_key and department.key not in ours
    }
    # Whose department has the name: groups that are there, and of one name the first that came.
    owners = {
        _folded(link.group_name): group
        for group, link in sorted(view.department_links.items(), reverse=True)
        if group in view.groups
    }
    creations: list[DepartmentAction] = []
    renamings: list[RenameDepartment] = []
    for group_id in selected:
        base = base_name(view.groups[group_id], name_length)
        link = view.department_links.get(group_id)
        standing = view.departments.get(link.key) if link else None
        if link is None or standing is None:
            made_before = waiting.get(group_id)
            name = made_before.name if made_before else names.free(base, name_length)
            if made_before:
                because = "It was made for this group earlier; the link to it is made now."
            elif link is None:
                because = f"The group “{base}” becomes a department."
            else:
                because = (
                    f"The department was deleted in the phone system; the group “{base}” is still"
                    " selected, so it is made again."
                )
            if name != base and not made_before:
                because += _clash(base, group_id, owners.get(_folded(base)))
            owners.setdefault(_folded(base), group_id)
            previous = link.key if link is not None and made_before is None else None
            creations.append(CreateDepartment(group_id, base, name, because, previous))
        elif base != link.group_name and standing.name == link.agreed_name:
            name = names.free(base, name_length, own=standing.name)
            if name != standing.name:
                because = (
                    f"The group was renamed in Microsoft 365: “{link.group_name}” is now “{base}”."
                )
                renamings.append(
                    RenameDepartment(group_id, base, link.key, standing.name, name, because)
                )
    return creations + renamings + _flags(frozenset(selected), view)


def _clash(base: str, group: GroupId, owner: GroupId | None) -> str:
    """Why a department has a number behind its name."""
    if owner is None or owner == group:
        return f" A department “{base}” exists already and is left alone."
    return (
        f" Two groups in Microsoft 365 are called “{base}”: {owner}, whose department has the name,"
        f" and this one, {group}. Rename one of them there to tell them apart."
    )


def base_name(group: Group, length: int) -> str:
    """The name a group gives to its department, before any increment."""
    name = clean(group.name) or clean_address(group.mail).partition("@")[0]
    return cut(name or f"Group {group.id[:8]}", length)


def _flags(selected: frozenset[GroupId], view: View) -> list[FlagDepartment]:
    found: list[FlagDepartment] = []
    for group_id, link in sorted(view.department_links.items()):
        standing = view.departments.get(link.key)
        if standing is None:
            continue
        group = view.groups.get(group_id)
        if group is None or group.standing is not Standing.PRESENT:
            flag, because = (
                DepartmentFlag.VANISHED,
                "Its group was deleted in Microsoft 365. Department and members stay as they are.",
            )
        elif group_id not in selected:
            flag, because = (
                DepartmentFlag.DESELECTED,
                "Its group is no longer selected. Department and members stay as they are.",
            )
        else:
            flag, because = None, "Its group is back; the department follows it again."
        if flag is not link.flag:
            found.append(FlagDepartment(group_id, link.key, standing.name, flag, because))
    return found


class _Names:
    """The names of departments, whatever their case; a clash gets the lowest free number."""

    def __init__(self, names: Iterable[str]) -> None:
        self._taken = {_folded(name) for name in names}

    def free(self, base: str, length: int, own: str | None = None) -> str:
        """`base`, or "base 1", "base 2" ...; from now on it is taken. `own` may be kept."""
        mine = None if own is None else _folded(own)
        name, increment = base, 0
        while (folded := _folded(name)) in self._taken and folded != mine:
            increment += 1
            suffix = f" {increment}"
            name = cut(base, max(length - len(suffix), 0)) + suffix
        self._taken.add(folded)
        return name


def _folded(name: str) -> str:
    return clean(name).casefold()
