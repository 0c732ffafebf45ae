"""Rules of attributes tried on one person: field by field what they would lead to, and why.

Told by the reading that makes the plan (`jackfield.core.fields`); nothing is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass

from jackfield.core.attributes import AttributeRules, NumberForm, Source, text_of
from jackfield.core.callerid import is_country
from jackfield.core.extensions import ExtensionFields, Field
from jackfield.core.fields import (
    LABELS,
    WantedFields,
    attribute,
    follows,
    is_given,
    source_of,
    wanted_fields,
)
from jackfield.core.people import Person
from jackfield.core.rules import PhoneLimits
from jackfield.core.text import clean


@dataclass(frozen=True, slots=True)
class TriedField:
    """One field of the person's extension under the rules that are tried."""

    field: Field
    label: str
    attribute: str
    """What the field follows, as an administrator of Entra calls it; "" for nothing."""
    given: str
    """What Microsoft 365 has there, as it came."""
    stands: str
    """What stands in the phone system now; "" also where the person has no extension."""
    value: str
    """What the extension would get."""
    because: str


def try_rules(
    person: Person,
    rules: AttributeRules,
    limits: PhoneLimits,
    standing: ExtensionFields | None = None,
    agreed: ExtensionFields | None = None,
) -> tuple[TriedField, ...]:
    """What a plan by these rules would write; `standing` is None where no extension stands."""
    wanted = wanted_fields(person, rules, limits, standing, agreed)
    tried = []
    for field in Field:
        source = source_of(field, rules)
        stands = getattr(standing, field) if standing is not None else ""
        given = _given(person, field, source)
        if wanted is None:
            value, because = stands, "The account has no name and no sign-in name that can be read."
        else:
            value = getattr(wanted.fields, field)
            reason = _why_not(field, rules, limits, wanted, standing)
            because = reason or _why(person, field, rules, given, value)
            if not reason and standing is None and not follows(field, rules, limits):
                because += " From then on it is the phone system's own."
        named = "" if source is Source.NOT_SYNCED else attribute(field, rules)
        tried.append(TriedField(field, LABELS[field], named, given, stands, value, because))
    return tuple(tried)


def _given(person: Person, field: Field, source: Source) -> str:
    match source:
        case Source.GIVEN_NAME_AND_SURNAME:
            return (person.given_name if field is Field.FIRST_NAME else person.surname) or ""
        case Source.DISPLAY_NAME if field is Field.LAST_NAME:
            return ""
        case Source.MAIL_ELSE_UPN:
            return person.mail or person.upn
        case _:
            return text_of(person, source)


def _why_not(
    field: Field,
    rules: AttributeRules,
    limits: PhoneLimits,
    wanted: WantedFields,
    standing: ExtensionFields | None,
) -> str:
    """Why the field does not simply follow; "" where it does."""
    if field not in limits.writable:
        return "The phone system takes none."
    remarks = [remark.text for remark in wanted.remarks if remark.field is field]
    if remarks:
        return " ".join(remarks)
    if field in wanted.kept:
        return "Set in the phone system, so it stays. Clear it there to let it follow again."
    if field in wanted.claims:
        return "Stands so in the phone system already, and follows from now on."
    if standing is None:
        return "" if is_given(field, rules, limits) else "Not synced, so it stays empty."
    if follows(field, rules, limits):
        return ""
    if source_of(field, rules) is Source.NOT_SYNCED:
        return "Not synced: it is the phone system's own."
    return "Filled in when the extension was made, and the phone system's own since."


def _why(person: Person, field: Field, rules: AttributeRules, given: str, value: str) -> str:
    match field:
        case Field.FIRST_NAME | Field.LAST_NAME if not clean(given) and value:
            return _why_that_name(person, rules)
        case Field.LAST_NAME if rules.name is Source.DISPLAY_NAME:
            return "The display name stands whole in the first name."
        case Field.EMAIL if rules.email is Source.MAIL_ELSE_UPN and "@" not in person.mail:
            no = "no address" if not value else "the address"
            return f"There is no mail, and the sign-in name is {no}."
        case Field.CALLER_ID if value and rules.caller_id_form is NumberForm.E164:
            return _why_that_number(person, rules, given)
        case _:
            pass
    if not value:
        return "Not set in Microsoft 365." if not clean(given) else "No text that can be used."
    same = value == given
    return "As in Microsoft 365." if same else "Without what a phone cannot show."


def _why_that_name(person: Person, rules: AttributeRules) -> str:
    if rules.name is Source.DISPLAY_NAME:
        return "There is no display name; another name of the account stands in."
    instead = "the display name" if clean(person.display_name) else "the sign-in name"
    return f"Neither first nor last name is set; {instead} stands in for both."


def _why_that_number(person: Person, rules: AttributeRules, given: str) -> str:
    if given.lstrip().startswith("+"):
        return "Written in international form."
    if is_country(person.usage_location):
        return f"Read as a number of {person.usage_location}, the usage location."
    return f"Read as a number of {rules.default_country}, the default country."
