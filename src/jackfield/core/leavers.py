"""What becomes of the extension of somebody who was deleted, disabled, or fell out of scope.

Rules U-04, U-05, U-14. One policy per cause. Whether so many may leave at once is decided in
`jackfield.core.guards`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from jackfield.core.actions import DisableExtension, KeepLeaver, RemoveExtension
from jackfield.core.extensions import Extension, Link
from jackfield.core.people import (
    LeaverCause,
    LeaverPolicy,
    ObjectId,
    Person,
    ScopeReason,
    ScopeVerdict,
    Standing,
    explain,
)
from jackfield.core.rules import PeopleRules

LeaverAction = KeepLeaver | DisableExtension | RemoveExtension


def leaver_cause(person: Person | None, verdict: ScopeVerdict | None) -> LeaverCause | None:
    """Why somebody who holds an extension perhaps should not any more; None for the others.

    A disabled account is a leaver in every scope, with one exception: an account that has never
    been enabled since Jackfield knows it is in scope only where the administrator selected it by
    name, disabled as it was.
    """
    if person is None or verdict is None or person.standing is not Standing.PRESENT:
        return LeaverCause.DELETED
    if waits_for_enabling(person, verdict):
        return LeaverCause.DISABLED
    return None if verdict.in_scope else LeaverCause.OUT_OF_SCOPE


def waits_for_enabling(person: Person, verdict: ScopeVerdict) -> bool:
    """Whether the account's being disabled keeps the person from (having) an extension."""
    return not person.enabled and not (person.disabled_when_first_seen and verdict.in_scope)


def unknown_for_want_of_groups(
    person: Person | None, verdict: ScopeVerdict | None, groups_readable: bool
) -> bool:
    """Whether the person counts as out of scope only because the groups cannot be read."""
    return (
        not groups_readable
        and person is not None
        and person.enabled
        and verdict is not None
        and verdict.reason is ScopeReason.NOT_IN_GROUPS
    )


def is_not_made_again(person: ObjectId, rules: PeopleRules) -> bool:
    """Whether an extension of this person, once deleted in the phone system, stays so (U-03)."""
    return not rules.recreate or person in rules.not_recreated


def not_made_again(person: Person, name: str, link: Link, rules: PeopleRules) -> KeepLeaver | None:
    """That somebody in scope stays without an extension; None where it was noted before."""
    cause = LeaverCause.DELETED_BY_HAND
    if link.left is cause:
        return None
    whom = "for this person" if person.id in rules.not_recreated else "for anybody"
    because = f"{_reason(cause, None)} As chosen, it is not made again {whom}."
    return KeepLeaver(person.id, name, link.key, link.number, cause, because)


def leaver_action(
    name: str,
    cause: LeaverCause,
    verdict: ScopeVerdict | None,
    link: Link,
    extension: Extension | None,
    rules: PeopleRules,
    now: datetime,
) -> LeaverAction | None:
    """The policy's action; None where the extension is already as the policy wants it.

    To be removed later means to be disabled until then.
    """
    number = extension.number if extension is not None else link.number
    chosen = policy(cause, rules)
    later = ""
    if chosen is LeaverPolicy.REMOVE:
        days, due = rules.remove_after.days(cause), removal_due(link, cause, rules, now)
        if due <= now:
            because = f"{_reason(cause, verdict)} The extension is removed{_after(days)}."
            return RemoveExtension(link.person, name, link.key, number, cause, because)
        later = f" It is removed from {due:%Y-%m-%d} on."
    if chosen is not LeaverPolicy.KEEP and extension is not None and extension.enabled:
        because = f"{_reason(cause, verdict)} The extension is disabled.{later}"
        return DisableExtension(link.person, name, link.key, number, cause, because)
    if link.left is cause:
        return None
    if extension is None:
        outcome = "The extension was deleted in the phone system already."
    elif chosen is LeaverPolicy.KEEP:
        outcome = "The extension stays as it is."
    else:
        outcome = "The extension is disabled already."
    because = f"{_reason(cause, verdict)} {outcome}{later}"
    return KeepLeaver(link.person, name, link.key, number, cause, because)


def removal_due(link: Link, cause: LeaverCause, rules: PeopleRules, now: datetime) -> datetime:
    """When a leaver's extension is to be removed: so many days from when this cause was noted."""
    since = link.left_at if link.left is cause and link.left_at is not None else now
    return since + timedelta(days=rules.remove_after.days(cause))


def _after(days: int) -> str:
    return f", {days} days after that was noted" if days else ""


def policy(cause: LeaverCause, rules: PeopleRules) -> LeaverPolicy:
    """What the administrator wants to happen for this cause."""
    match cause:
        case LeaverCause.DELETED:
            return rules.on_deleted
        case LeaverCause.DISABLED:
            return rules.on_disabled
        case LeaverCause.OUT_OF_SCOPE:
            return rules.on_out_of_scope
        case LeaverCause.DELETED_BY_HAND:
            return LeaverPolicy.KEEP
        case unknown:
            assert_never(unknown)


def _reason(cause: LeaverCause, verdict: ScopeVerdict | None) -> str:
    match cause:
        case LeaverCause.DELETED:
            return "The account was deleted in Microsoft 365."
        case LeaverCause.DISABLED:
            return "The account was disabled in Microsoft 365."
        case LeaverCause.OUT_OF_SCOPE:
            return explain(verdict) if verdict else "Not in scope any more."
        case LeaverCause.DELETED_BY_HAND:
            return "In scope, but the extension was deleted in the phone system."
        case unknown:
            assert_never(unknown)
