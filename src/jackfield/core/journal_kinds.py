"""What lines of the journal are about: the closed list of their kinds, and how families are called.

A kind is a family and what happened, with a dot between: "extension.removed". The console's filter,
the API's refusal of a misspelt one and the table in its document are made of this list. What an
older or newer version wrote may be none of these; it is shown like any other line.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NewType

from jackfield.core.actions import ActionKind


class LineKind(StrEnum):
    """A kind, but for those of a plan's actions."""

    ACCOUNT_MADE = "account.made"
    ACCOUNT_PASSWORD = "account.password"  # noqa: S105 - a kind
    ACCOUNT_REFUSED = "account.refused"
    ACCOUNT_REMOVED = "account.removed"
    ACCOUNT_SIGNED_IN = "account.signed_in"
    ALARM_BEGUN = "alarm.begun"
    ALARM_ENDED = "alarm.ended"
    DEPARTMENT_BEGUN = "department.begun"
    DEPARTMENT_MADE = "department.made"
    DEPARTMENT_REFUSED = "department.refused"
    DEPARTMENT_REMOVED = "department.removed"
    DEPARTMENT_RENAMED = "department.renamed"
    DEPARTMENT_UNANSWERED = "department.unanswered"
    EXTENSION_BEGUN = "extension.begun"
    EXTENSION_CHANGED = "extension.changed"
    EXTENSION_MADE = "extension.made"
    EXTENSION_REFUSED = "extension.refused"
    EXTENSION_REMOVED = "extension.removed"
    EXTENSION_UNANSWERED = "extension.unanswered"
    EXTENSION_UNCHANGED = "extension.unchanged"
    MATCH_DECIDED = "match.decided"
    MATCH_REOPENED = "match.reopened"
    NUMBER_RELEASED = "number.released"
    PERSON_UNREADABLE = "person.unreadable"
    PHONES_ACCEPTED = "phones.accepted"
    PHOTO_REFUSED = "photo.refused"
    PHOTO_REMOVED = "photo.removed"
    PHOTO_SET = "photo.set"
    PHOTO_UNUSABLE = "photo.unusable"
    PLAN_APPROVED = "plan.approved"
    PLAN_TURNED_DOWN = "plan.turned_down"
    PLAN_UNDO = "plan.undo"
    SETTINGS_CHANGED = "settings.changed"
    TENANT_ADDED = "tenant.added"
    TENANT_CONNECTED = "tenant.connected"
    TENANT_NAMED = "tenant.named"
    TENANT_REMOVED = "tenant.removed"
    TENANT_RENAMED = "tenant.renamed"
    TOKEN_MADE = "token.made"  # noqa: S105 - a kind
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - a kind
    VAULT_KEY = "vault.key"


ActionLineKind = NewType("ActionLineKind", str)
"""An action of a plan and what came of it: "create_extension.done"."""

ENDS = ("done", "failed", "stale", "unanswered", "skipped", "turned_down")
"""What may come of an action."""


def of_action(kind: ActionKind, end: str) -> ActionLineKind:
    """The kind of the line about an action that ended so."""
    return ActionLineKind(f"{kind.value}.{end}")


IN_TENANTS: Mapping[str, str] = {
    ActionKind.CREATE_EXTENSION.value: "Extensions created",
    ActionKind.ADOPT_EXTENSION.value: "Extensions adopted",
    ActionKind.UPDATE_EXTENSION.value: "Extensions updated",
    ActionKind.KEEP_LEAVER.value: "Leavers kept",
    ActionKind.DISABLE_EXTENSION.value: "Extensions disabled",
    ActionKind.REMOVE_EXTENSION.value: "Extensions removed",
    ActionKind.UNLINK_EXTENSION.value: "Extensions let go",
    ActionKind.CREATE_DEPARTMENT.value: "Departments created",
    ActionKind.RENAME_DEPARTMENT.value: "Departments renamed",
    ActionKind.FLAG_DEPARTMENT.value: "Departments flagged",
    "extension": "Extensions changed by hand",
    "department": "Departments changed by hand",
    "match": "Doubtful matches decided",
    "number": "Numbers let go by hand",
    "photo": "Photos",
    "person": "People who could not be read",
    "plan": "Plans approved, turned down or undone",
    "tenant": "Connection, and the name after it",
    "phones": "Another phone system accepted",
    "settings": "Settings",
    "token": "Tokens",
    "alarm": "Alarms",
}
"""Families of the lines about one tenant, with what an administrator reads."""

IN_INSTALLATION: Mapping[str, str] = {
    "tenant": "Tenants",
    "account": "Accounts, and who signed in",
    "token": "Tokens",
    "vault": "Key of the stored secrets",
}
"""Families of the lines about no tenant alone."""

FAMILIES = frozenset({*IN_TENANTS, *IN_INSTALLATION})

_KINDS = (*LineKind, *(of_action(kind, end) for kind in ActionKind for end in ENDS))


def kinds_of(family: str) -> tuple[str, ...]:
    """The kinds of a family, in the order of the list."""
    return tuple(str(kind) for kind in _KINDS if kind.startswith(f"{family}."))


def unknown_kind(text: str) -> str:
    """Why a filter by this kind finds nothing; "" for a kind, or a family with its dot."""
    family, dot, what = text.partition(".")
    if family not in FAMILIES:
        takes = ", ".join(f"{one}." for one in sorted(FAMILIES))
        return f"no kind begins so; they begin with {takes}."
    if not dot or (what and text not in _KINDS):
        takes = ", ".join((f"{family}.", *kinds_of(family)))
        return f"there is no such kind; of this family there are {takes}."
    return ""
