"""Why is this department so? Told from what was agreed on about it; nothing is decided here."""

from __future__ import annotations

from jackfield.core.departments import DepartmentRules, DepartmentSource, Group
from jackfield.core.extensions import Department, DepartmentFlag, DepartmentLink
from jackfield.core.people import GroupId, ScopeRules


def explain_department(
    department: Department,
    link: DepartmentLink | None,
    group: Group | None,
    rules: DepartmentRules,
    scope: ScopeRules,
) -> tuple[str, ...]:
    """Where it comes from, whose name it has and who its members are, in sentences.

    `group` is the one it follows, as last seen; None where that is forgotten.
    """
    if link is None:
        return (
            "Made in the phone system by hand: no group of Microsoft 365 stands behind it.",
            "A sync never renames or removes it, and neither gives nor takes its members.",
        )
    name = group.name if group is not None and group.name else link.group_name
    match link.flag:
        case DepartmentFlag.VANISHED:
            follows = (
                f"It followed the group “{name}”, which is no longer in Microsoft 365.",
                "It is left standing with its members, and follows nothing any more.",
            )
        case DepartmentFlag.DESELECTED:
            follows = (
                f"It followed the group “{name}”, which is not chosen for departments any more.",
                "It is left standing with its members; choose the group again and it follows it.",
            )
        case _:
            kind = "dynamic group" if group is not None and group.dynamic else "group"
            because = _chosen(link.group, rules, scope)
            members = (
                "Whoever is in that group, or in a group inside it, and has an extension is a"
                " member; whom somebody made a member in the phone system stays one."
            )
            follows = (f"It follows the {kind} “{name}” of Microsoft 365: {because}.", members)
    return (*follows, _name(department, link, name))


def _chosen(group: GroupId, rules: DepartmentRules, scope: ScopeRules) -> str:
    """By which choice a group becomes a department, as the rest of a sentence."""
    match rules.source:
        case DepartmentSource.ALL:
            return "every group with a member who is synchronised becomes a department"
        case DepartmentSource.CHOSEN if group in rules.groups:
            return "it is one of the groups chosen to become departments"
        case DepartmentSource.SCOPE if group in scope.selected_groups:
            return "it is one of the groups that decide who gets an extension"
        case _:
            return "it was chosen when this was made, and is no longer; the next sync says so"


def _name(department: Department, link: DepartmentLink, group_name: str) -> str:
    if department.name != link.agreed_name:
        return (
            "Its name was given in the phone system, so a new name of the group does not change"
            f" it; Jackfield had called it “{link.agreed_name}”."
        )
    if link.group_name != group_name:
        return f"Its group was called “{link.group_name}”; the next sync renames the department."
    if department.name != group_name:
        return (
            f"It is called “{department.name}”, because “{group_name}” was taken in the phone"
            " system, or is more than it takes."
        )
    return "It has the group's name, and is renamed with it."
