"""The sentences that say why an extension is made or changed; nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.core.actions import DepartmentsChange, FieldChange
from jackfield.core.departments import Group
from jackfield.core.extensions import Extension, FormerExtension, Link
from jackfield.core.people import GroupId, LeaverCause, ScopeVerdict, explain
from jackfield.core.text import clean
from jackfield.core.updates import summary


class Reasons:
    """Reasons for many people; a sentence that many share is made once."""

    __slots__ = ("_groups", "_newcomers", "_scope")

    def __init__(self, groups: Mapping[GroupId, Group]) -> None:
        self._groups = groups
        self._scope: dict[ScopeVerdict, str] = {}
        self._newcomers: dict[tuple[ScopeVerdict, str], str] = {}

    def scope(self, verdict: ScopeVerdict) -> str:
        """Why a person is in scope."""
        reason = self._scope.get(verdict)
        if reason is None:
            group = self._groups.get(verdict.group) if verdict.group else None
            reason = self._scope[verdict] = explain(verdict, clean(group.name) if group else "")
        return reason

    def creation(
        self,
        verdict: ScopeVerdict,
        link: Link | None,
        former: FormerExtension | None,
        source: str,
    ) -> str:
        """Why an extension is made, and why with this number; "" as `source`: it is the old one."""
        if link is not None:
            happened, old = "The extension was deleted in the phone system", link.number
        elif former is not None:
            happened, old = "The person is back after the extension was removed", former.number
        else:
            reason = self._newcomers.get((verdict, source))
            if reason is None:
                reason = f"{self.scope(verdict)} Gets {source}"
                self._newcomers[verdict, source] = reason
            return reason
        if not source:
            return f"{self.scope(verdict)} {happened}; it is made again with its old number."
        return (
            f"{self.scope(verdict)} {happened} and its old number {old} is taken; it is made again"
            f" with {source}"
        )


def update_reason(
    changes: tuple[FieldChange, ...],
    departments: DepartmentsChange | None,
    extension: Extension,
    left: LeaverCause | None,
) -> str:
    """Why an extension is changed; `left` is why its person was a leaver until now."""
    parts: list[str] = []
    if left is LeaverCause.DELETED_BY_HAND:
        parts.append("The extension stands in the phone system again, and is followed again.")
    elif left is not None:
        parts.append(
            "The person is back in scope."
            if extension.enabled
            else "The person is back in scope; the extension is enabled again."
        )
    if changes:
        parts.append(summary(changes))
    if departments is not None:
        parts.append(departments.because)
    return " ".join(parts)
