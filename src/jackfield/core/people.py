"""A person of Microsoft 365 as the rules see them, and which people the administrator's scope takes in.

Decided here: who is in scope and why. Not decided here: numbers, departments, what is written where.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

ObjectId = NewType("ObjectId", str)
"""Entra's stable key of a user or group (a GUID in lower case). UPN and mail are attributes."""

GroupId = NewType("GroupId", str)
"""The object ID of a group."""


class UserType(StrEnum):
    """Graph's `userType`."""

    MEMBER = "Member"
    GUEST = "Guest"


class Standing(StrEnum):
    """Where an object of the directory stands, as last seen."""

    PRESENT = "present"
    RECYCLED = "recycled"
    """Soft-deleted: restorable for 30 days (`@removed.reason` "changed")."""
    GONE = "gone"
    """Purged, or missing from a finished full round."""


class LeaverCause(StrEnum):
    """Why a person who holds an extension should perhaps no longer do so."""

    DELETED = "deleted"
    DISABLED = "disabled"
    OUT_OF_SCOPE = "out_of_scope"


class LeaverPolicy(StrEnum):
    """What happens to the extension of a leaver."""

    KEEP = "keep"
    DISABLE = "disable"
    REMOVE = "remove"


class Scope(StrEnum):
    """The four selections, by 3CX's own names (XAPI `IntegrationSyncType`, release 20.0.10)."""

    ALL = "SyncAllUsers"
    ALL_EXCEPT_SELECTED = "SyncAllUsersExceptSelected"
    SELECTED = "SyncSelected"
    SELECTED_GROUPS = "SyncSelectedGroups"


@dataclass(frozen=True, slots=True)
class Person:
    """One user of the directory. Text is as Microsoft 365 has it; None and "" both mean "not set"."""

    id: ObjectId
    upn: str
    display_name: str = ""
    given_name: str = ""
    surname: str = ""
    mail: str = ""
    mobile_phone: str = ""
    business_phone: str = ""
    job_title: str = ""
    company_name: str = ""
    department: str = ""
    """The department *attribute*: free text of the person, not a department of the phone system."""
    office_location: str = ""
    usage_location: str = ""
    """Two-letter country, or ""."""
    preferred_language: str = ""
    enabled: bool = True
    user_type: UserType = UserType.MEMBER
    skus: tuple[str, ...] = ()
    """Licences (`skuId`s) in the order Graph gave them."""
    has_mailbox: bool = False
    """Holds a service plan that carries an Exchange mailbox, or one that may (unknown plans)."""
    has_teams: bool = False
    is_resource_account: bool = False
    """Teams auto attendant or call queue (service plan MCOEV_VIRTUALUSER)."""
    standing: Standing = Standing.PRESENT
    disabled_when_first_seen: bool = False
    """The account was disabled when Jackfield saw it first, and has not been enabled since."""


@dataclass(frozen=True, slots=True)
class ScopeRules:
    """Which people get an extension. Defaults suit an installation that has chosen nothing yet."""

    scope: Scope = Scope.ALL
    selected_users: frozenset[ObjectId] = frozenset()
    selected_groups: tuple[GroupId, ...] = ()
    """In the administrator's order."""
    guests: bool = False
    mailbox_licence_only: bool = True


class ScopeReason(StrEnum):
    """Why a person is in scope or not; the text an administrator reads is made from it by `explain`."""

    IN_ALL = "in_all"
    IN_SELECTED = "in_selected"
    IN_GROUP = "in_group"
    EXCLUDED = "excluded"
    NOT_SELECTED = "not_selected"
    NOT_IN_GROUPS = "not_in_groups"
    GUEST = "guest"
    RESOURCE_ACCOUNT = "resource_account"
    NO_MAILBOX_LICENCE = "no_mailbox_licence"
    DISABLED_WHEN_FIRST_SEEN = "disabled_when_first_seen"
    NOT_PRESENT = "not_present"


@dataclass(frozen=True, slots=True)
class ScopeVerdict:
    """Whether a person is in scope, the reason, and the group that brought them in, if one did."""

    in_scope: bool
    reason: ScopeReason
    group: GroupId | None = field(default=None)
