"""What is to be written to an extension that stands: each field that differs, and who changed it.

Microsoft 365 owns these fields, one way, always (U-01): what was agreed last only tells who changed
a field, never who is right.
"""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.core.actions import FieldChange
from jackfield.core.extensions import ExtensionFields, Field
from jackfield.core.fields import LABELS, OWNERS


def field_changes(
    wanted: ExtensionFields, standing: ExtensionFields, agreed: ExtensionFields | None
) -> tuple[FieldChange, ...]:
    """The fields of `standing` that are not as `wanted`; `agreed` is None before the first link."""
    if wanted == standing:
        return ()
    return tuple(
        FieldChange(
            field,
            before,
            after,
            _reason(field, before, after, getattr(agreed, field) if agreed is not None else None),
        )
        for field in Field
        if (before := getattr(standing, field)) != (after := getattr(wanted, field))
    )


def summary(changes: Sequence[FieldChange]) -> str:
    """The changed fields in a few words, as part of a sentence."""
    return ", ".join(LABELS[change.field].lower() for change in changes)


def _reason(field: Field, before: str, after: str, agreed: str | None) -> str:
    owner = OWNERS[field]
    if agreed is None:
        if not after:
            return f"Not set in Microsoft 365 ({owner}), which this field follows from now on."
        return f"Microsoft 365 says otherwise ({owner}), and this field follows it from now on."
    if agreed == before:
        return f"Changed in Microsoft 365 ({owner})."
    if agreed == after:
        return f"Changed in the phone system; put back, because it follows Microsoft 365 ({owner})."
    return f"Changed on both sides; Microsoft 365 is right ({owner})."
