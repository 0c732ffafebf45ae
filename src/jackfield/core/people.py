"""A person of Microsoft 365 as the rules see them, and whom the administrator's scope takes in.

Decided here: who is in scope and why (U-13, U-14, U-15, U-17). Not decided here: what becomes of
somebody who holds an extension and is no longer in scope (`jackfield.core.leavers`), numbers,
departments, what is written where.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, assert_never

from jackfield.core.records import record

ObjectId = NewType("ObjectId", str)
"""Entra's stable key of a user or group (a GUID in lower case). UPN and mail are attributes."""

GroupId = NewType("GroupId", str)
"""The object ID of a group."""

MOST_CHOSEN_PEOPLE = 100_000
"""People that one choice may name; more are better named by a group."""
MOST_CHOSEN_GROUPS = 5_000

_OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_object_id(text: str) -> bool:
    """Whether a text is an object ID as it is stored: a GUID in lower case."""
    return _OBJECT_ID.fullmatch(text) is not None


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
    DELETED_BY_HAND = "deleted_by_hand"
    """In scope, but the extension was deleted in the phone system and is not to be made again."""


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


@record
class Person:
    """One user of the directory, text as it came. None and "" both mean "not set"."""

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
    extension_attributes: tuple[str, ...] | None = None
    """`extensionAttribute1` and so on, up to the last one that is set; None = not read, because no
    rule follows one."""


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
    """Why a person is in scope or not; `explain` makes the sentence of it."""

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


_IN_SCOPE = frozenset({ScopeReason.IN_ALL, ScopeReason.IN_SELECTED, ScopeReason.IN_GROUP})
_VERDICTS: Mapping[ScopeReason, ScopeVerdict] = {
    reason: ScopeVerdict(reason in _IN_SCOPE, reason) for reason in ScopeReason
}


class ScopeJudge:
    """Judges many people by the same rules.

    The guests switch counts in every scope (U-15). "All", "all except selected" and "selected
    groups" never take in by themselves: Teams resource accounts, accounts that were disabled when
    first seen and, with `mailbox_licence_only`, people without a mailbox (U-17). Under "selected"
    the administrator has named the very person, so licence, disabled mark and resource account do
    not count; that is also the way to give an extension to one of those.
    """

    __slots__ = ("_by_memberships", "_rank", "_rules")

    def __init__(self, rules: ScopeRules) -> None:
        self._rules = rules
        self._rank = {group: rank for rank, group in reversed([*enumerate(rules.selected_groups)])}
        self._by_memberships: dict[frozenset[GroupId], ScopeVerdict] = {}

    def __call__(self, person: Person, groups: frozenset[GroupId] = frozenset()) -> ScopeVerdict:
        """The verdict on one person, who is in `groups` (nested membership resolved)."""
        rules = self._rules
        if person.standing is not Standing.PRESENT:
            return _VERDICTS[ScopeReason.NOT_PRESENT]
        match rules.scope:
            case Scope.ALL:
                verdict = _VERDICTS[ScopeReason.IN_ALL]
            case Scope.ALL_EXCEPT_SELECTED:
                if person.id in rules.selected_users:
                    return _VERDICTS[ScopeReason.EXCLUDED]
                verdict = _VERDICTS[ScopeReason.IN_ALL]
            case Scope.SELECTED:
                if person.id not in rules.selected_users:
                    return _VERDICTS[ScopeReason.NOT_SELECTED]
                verdict = _VERDICTS[ScopeReason.IN_SELECTED]
            case Scope.SELECTED_GROUPS:
                verdict = self._by_group(groups)
                if not verdict.in_scope:
                    return verdict
            case unknown:
                assert_never(unknown)
        if person.user_type is UserType.GUEST and not rules.guests:
            return _VERDICTS[ScopeReason.GUEST]
        if rules.scope is Scope.SELECTED:
            return verdict
        if person.is_resource_account:
            return _VERDICTS[ScopeReason.RESOURCE_ACCOUNT]
        if rules.mailbox_licence_only and not person.has_mailbox:
            return _VERDICTS[ScopeReason.NO_MAILBOX_LICENCE]
        if person.disabled_when_first_seen and not person.enabled:
            return _VERDICTS[ScopeReason.DISABLED_WHEN_FIRST_SEEN]
        return verdict

    def _by_group(self, groups: frozenset[GroupId]) -> ScopeVerdict:
        verdict = self._by_memberships.get(groups)
        if verdict is None:
            selected = [group for group in groups if group in self._rank]
            verdict = (
                ScopeVerdict(True, ScopeReason.IN_GROUP, min(selected, key=self._rank.__getitem__))
                if selected
                else _VERDICTS[ScopeReason.NOT_IN_GROUPS]
            )
            self._by_memberships[groups] = verdict
        return verdict


def judge(person: Person, groups: frozenset[GroupId], rules: ScopeRules) -> ScopeVerdict:
    """Whether the person is in scope, and why; for many people use one `ScopeJudge`."""
    return ScopeJudge(rules)(person, groups)


def explain(verdict: ScopeVerdict, group_name: str = "") -> str:
    """The verdict as a sentence for an administrator; `group_name` names `verdict.group`."""
    match verdict.reason:
        case ScopeReason.IN_ALL:
            return "In scope: everyone is selected."
        case ScopeReason.IN_SELECTED:
            return "In scope: selected by name."
        case ScopeReason.IN_GROUP:
            return f"In scope: a member of the selected group “{group_name or verdict.group}”."
        case ScopeReason.EXCLUDED:
            return "Not in scope: on the list of people to leave out."
        case ScopeReason.NOT_SELECTED:
            return "Not in scope: only selected people are, and this person is not selected."
        case ScopeReason.NOT_IN_GROUPS:
            return "Not in scope: not a member of any selected group."
        case ScopeReason.GUEST:
            return "Not in scope: a guest, and guests are not included."
        case ScopeReason.RESOURCE_ACCOUNT:
            return "Not in scope: a resource account of Teams (auto attendant or call queue)."
        case ScopeReason.NO_MAILBOX_LICENCE:
            return "Not in scope: no licence with a mailbox, and only people with one are included."
        case ScopeReason.DISABLED_WHEN_FIRST_SEEN:
            return "Not in scope: the account has been disabled ever since it was first seen."
        case ScopeReason.NOT_PRESENT:
            return "Not in scope: deleted in Microsoft 365."
        case unknown:
            assert_never(unknown)
