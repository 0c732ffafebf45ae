"""What is to be written to an extension that stands: each field that differs, and who changed it.

Microsoft 365 owns these fields, one way, always (U-01): what was agreed last only tells who changed
a field, never who is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jackfield.core.actions import CreateExtension, FieldChange
from jackfield.core.attributes import AttributeRules
from jackfield.core.extensions import ExtensionFields, Field
from jackfield.core.fields import LABELS, WantedFields, attribute


def field_changes(
    wanted: WantedFields,
    rules: AttributeRules,
    standing: ExtensionFields,
    agreed: ExtensionFields | None,
) -> tuple[FieldChange, ...]:
    """The fields of `standing` that are not as `wanted`, and those that are to be agreed on.

    `agreed` is None before the first link. A field that is only to be agreed on has the same value
    before and after.
    """
    fields, claims = wanted.fields, wanted.claims
    if fields == standing and not claims:
        return ()
    return tuple(
        FieldChange(
            field,
            before,
            after,
            _reason(
                attribute(field, rules),
                before,
                after,
                getattr(agreed, field) if agreed is not None else None,
            ),
        )
        for field in Field
        if (before := getattr(standing, field)) != (after := getattr(fields, field))
        or field in claims
    )


def agreed_fields(
    before: ExtensionFields | None, standing: ExtensionFields, changes: Sequence[FieldChange]
) -> ExtensionFields:
    """What both sides agree on once an extension has been changed and stands as `standing`.

    `before` is what was agreed on until now; None where the extension has just been adopted: what
    stands there and was not changed is as Microsoft 365 has it. An outbound caller ID is the
    exception, since one that was set by hand stays without anybody agreeing.
    """
    agreed = before if before is not None else replace(standing, caller_id="")
    return replace(agreed, **{change.field.value: change.after for change in changes})


def agreed_on_creation(creation: CreateExtension, found: ExtensionFields) -> ExtensionFields:
    """What both sides agree on once an extension has been created and stands as `found`.

    Where it stood already, perhaps otherwise than asked for, its outbound caller ID is ours if it
    is the one that was asked for.
    """
    ours = found.caller_id == creation.fields.caller_id != creation.kept_caller_id
    return found if ours else replace(found, caller_id="")


def summary(changes: Sequence[FieldChange]) -> str:
    """What the changes are about, as one or two sentences."""
    differing = [change.field for change in changes if change.before != change.after]
    agreeing = [change.field for change in changes if change.before == change.after]
    sentences = []
    if differing:
        sentences.append(f"Differs from Microsoft 365: {_named(differing)}.")
    if agreeing:
        sentences.append(f"Follows Microsoft 365 from now on: {_named(agreeing)}.")
    return " ".join(sentences)


def _named(fields: Sequence[Field]) -> str:
    return ", ".join(LABELS[field][0].lower() + LABELS[field][1:] for field in fields)


def _reason(owner: str, before: str, after: str, agreed: str | None) -> str:
    if before == after:
        return f"As Microsoft 365 says ({owner}), and this field follows it from now on."
    if agreed is None:
        if not after:
            return f"Not set in Microsoft 365 ({owner}), which this field follows from now on."
        return f"Microsoft 365 says otherwise ({owner}), and this field follows it from now on."
    if agreed == before:
        return f"Changed in Microsoft 365 ({owner})."
    if agreed == after:
        return f"Changed in the phone system; put back, because it follows Microsoft 365 ({owner})."
    return f"Changed on both sides; Microsoft 365 is right ({owner})."
