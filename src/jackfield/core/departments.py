"""Which groups become departments, under which name, and who belongs to them.

Groups come as Microsoft 365 has them, with direct members only; nesting is resolved here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from jackfield.core.people import GroupId, Standing


class GroupKind(StrEnum):
    """The kinds of group an administrator knows. Source: Graph docs, concepts/groups-overview, read 2026-11."""

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
    """Which groups become departments. A person's primary department is the first group of this order they are
    in; groups not listed follow by name (casefolded), then id."""

    source: DepartmentSource = DepartmentSource.SCOPE
    groups: tuple[GroupId, ...] = ()
