"""Which groups become departments, and in which order a person belongs to them.

Not decided here: what departments are called and what becomes of them
(`jackfield.core.department_actions`), and what changes for one person
(`jackfield.core.assignments`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from jackfield.core.people import GroupId, Scope, ScopeRules, Standing
from jackfield.core.text import clean


class GroupKind(StrEnum):
    """The kinds of group an administrator knows.

    Source: Graph docs, concepts/groups-overview, read 2026-11.
    """

    MICROSOFT_365 = "microsoft365"
    SECURITY = "security"
    MAIL_SECURITY = "mail_security"
    DISTRIBUTION = "distribution"


@dataclass(frozen=True, slots=True)
class Group:
    """One group of the directory."""

    id: GroupId
    name: str
    kind: GroupKind = GroupKind.SECURITY
    dynamic: bool = False
    description: str = ""
    mail: str = ""
    standing: Standing = Standing.PRESENT


class DepartmentSource(StrEnum):
    """Where departments come from."""

    NONE = "none"
    SCOPE = "scope"
    """The groups selected as the scope (only under `Scope.SELECTED_GROUPS`)."""
    CHOSEN = "chosen"
    """The groups listed in `DepartmentRules.groups`, under any scope."""
    ALL = "all"
    """Every group with a member who is in scope; those listed in `groups` come first."""


@dataclass(frozen=True, slots=True)
class DepartmentRules:
    """Which groups become departments.

    A person's primary department is the first group of this order they are in; groups not listed
    follow in the order of the selected scope, then by name (casefolded), then by id.
    """

    source: DepartmentSource = DepartmentSource.SCOPE
    groups: tuple[GroupId, ...] = ()


def groups_of_interest(
    rules: DepartmentRules, scope: ScopeRules, groups: Iterable[GroupId]
) -> frozenset[GroupId]:
    """The groups whose members matter, out of all `groups` there are."""
    match rules.source:
        case DepartmentSource.ALL:
            return frozenset(groups) | frozenset(scope.selected_groups)
        case DepartmentSource.CHOSEN:
            return frozenset(rules.groups) | frozenset(scope.selected_groups)
        case DepartmentSource.SCOPE | DepartmentSource.NONE:
            return frozenset(scope.selected_groups)
        case unknown:
            assert_never(unknown)


def department_groups(
    rules: DepartmentRules,
    scope: ScopeRules,
    groups: Mapping[GroupId, Group],
    populated: AbstractSet[GroupId],
) -> tuple[GroupId, ...]:
    """The groups that become (or are) departments, in the order that decides on primary ones.

    `populated` are the groups with a member who is in scope, and those that have a department
    already: a department that ran empty is still followed. Groups that are not there (any more) are
    left out.
    """
    match rules.source:
        case DepartmentSource.NONE:
            chosen: AbstractSet[GroupId] = frozenset()
        case DepartmentSource.SCOPE:
            by_groups = scope.scope is Scope.SELECTED_GROUPS
            chosen = frozenset(scope.selected_groups if by_groups else ())
        case DepartmentSource.CHOSEN:
            chosen = frozenset(rules.groups)
        case DepartmentSource.ALL:
            chosen = populated
        case unknown:
            assert_never(unknown)
    listed = dict.fromkeys((*rules.groups, *scope.selected_groups))
    by_name = sorted(
        (group for group in chosen if group not in listed),
        key=lambda group: (clean(groups[group].name).casefold() if group in groups else "", group),
    )
    return tuple(
        group
        for group in (*listed, *by_name)
        if group in chosen
        and (known := groups.get(group)) is not None
        and known.standing is Standing.PRESENT
    )


_SCOPE_WORDS: Mapping[Scope, str] = {
    Scope.ALL: "everyone",
    Scope.ALL_EXCEPT_SELECTED: "everyone except selected people",
    Scope.SELECTED: "selected people",
    Scope.SELECTED_GROUPS: "members of selected groups",
}


def explain_departments(
    rules: DepartmentRules, scope: ScopeRules, groups: Mapping[GroupId, Group]
) -> tuple[str, ...]:
    """What to know before saving: which groups become departments, and which is primary."""
    sentences: list[str] = []
    named: tuple[GroupId, ...] = ()
    match rules.source:
        case DepartmentSource.NONE:
            return ("No group becomes a department.",)
        case DepartmentSource.SCOPE if scope.scope is not Scope.SELECTED_GROUPS:
            sentence = (
                "No group becomes a department: departments come from the groups selected as the"
                f" scope, and the scope is {_SCOPE_WORDS[scope.scope]}. Choose groups for"
                " departments, or select groups as the scope."
            )
            return (sentence,)
        case DepartmentSource.SCOPE:
            named = department_groups(rules, scope, groups, frozenset())
            sentences.append(
                f"The selected groups become departments: {_listed(named, groups)}."
                if named
                else "No group becomes a department: no group is selected as the scope."
            )
        case DepartmentSource.CHOSEN:
            named = department_groups(rules, scope, groups, frozenset())
            sentences.append(
                f"These groups become departments: {_listed(named, groups)}."
                f" Their members get an extension only when they are in scope"
                f" ({_SCOPE_WORDS[scope.scope]})."
                if named
                else "No group becomes a department: none is chosen yet."
            )
        case DepartmentSource.ALL:
            first = [group for group in dict.fromkeys(rules.groups) if group in groups]
            sentences.append(
                "Every group with at least one member in scope"
                f" ({_SCOPE_WORDS[scope.scope]}) becomes a department."
            )
            sentences.append(
                "The primary department of a person in several is the first "
                + (
                    f"of this order: {_listed(first, groups)}, then all others by name."
                    if first
                    else "of them by name."
                )
            )
        case unknown:
            assert_never(unknown)
    if len(named) > 1:
        sentences.append(
            "The primary department of a person in several is the first of this order."
        )
    asked = dict.fromkeys(
        rules.groups
        if rules.source is not DepartmentSource.SCOPE
        else (*rules.groups, *scope.selected_groups)
    )
    gone = [
        group
        for group in asked
        if group not in groups or groups[group].standing is not Standing.PRESENT
    ]
    if gone:
        sentences.append(
            f"No longer in Microsoft 365, so left out: {_listed(gone, groups)}."
            " A department that was made for one of them stays, flagged."
        )
    return tuple(sentences)


def _listed(ids: Iterable[GroupId], groups: Mapping[GroupId, Group]) -> str:
    return ", ".join(f"“{clean(groups[id_].name) or id_ if id_ in groups else id_}”" for id_ in ids)
