"""What becomes of the extension of somebody who was deleted, disabled, or fell out of scope.

Rules U-04, U-05, U-14. One policy per cause. Whether so many may leave at once is decided in
`jackfield.core.guards`.
"""

from __future__ import annotations

from typing import assert_never

from jackfield.core.actions import DisableExtension, KeepLeaver, RemoveExtension
from jackfield.core.extensions import Extension, Link
from jackfield.core.people import (
    LeaverCause,
    LeaverPolicy,
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


def leaver_action(
    name: str,
    cause: LeaverCause,
    verdict: ScopeVerdict | None,
    link: Link,
    extension: Extension | None,
    rules: PeopleRules,
) -> LeaverAction | None:
    """The policy's action; None where the extension is already as the policy wants it."""
    number = extension.number if extension is not None else link.number
    match policy(cause, rules):
        case LeaverPolicy.REMOVE:
            because = f"{_reason(cause, verdict)} The extension is removed."
            return RemoveExtension(link.person, name, link.key, number, cause, because)
        case LeaverPolicy.DISABLE if extension is not None and extension.enabled:
            because = f"{_reason(cause, verdict)} The extension is disabled."
            return DisableExtension(link.person, name, link.key, number, cause, because)
        case LeaverPolicy.DISABLE | LeaverPolicy.KEEP as chosen:
            if link.left is cause:
                return None
            if extension is None:
                outcome = "The extension was deleted in the phone system already."
            elif chosen is LeaverPolicy.DISABLE:
                outcome = "The extension is disabled already."
            else:
                outcome = "The extension stays as it is."
            because = f"{_reason(cause, verdict)} {outcome}"
            return KeepLeaver(link.person, name, link.key, number, cause, because)
        case unknown:
            assert_never(unknown)


def policy(cause: LeaverCause, rules: PeopleRules) -> LeaverPolicy:
    """What the administrator wants to happen for this cause."""
    match cause:
        case LeaverCause.DELETED:
            return rules.on_deleted
        case LeaverCause.DISABLED:
            return rules.on_disabled
        case LeaverCause.OUT_OF_SCOPE:
            return rules.on_out_of_scope
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
        case unknown:
            assert_never(unknown)
