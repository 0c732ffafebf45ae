"""What the fields of a person's extension shall say, and what of Microsoft 365 each one follows.

Decided here: the wanted values, cleaned and cut to what the phone system takes. Not decided here:
whether the person gets an extension, and what becomes of a difference (`jackfield.core.updates`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from jackfield.core.attributes import AttributeRules, CallerIdSource
from jackfield.core.callerid import Claim, caller_id_text, claim, read_caller_id
from jackfield.core.extensions import ExtensionFields, Field
from jackfield.core.people import Person
from jackfield.core.rules import PhoneLimits
from jackfield.core.text import clean, clean_address, cut, is_clean

LABELS: Final[Mapping[Field, str]] = {
    Field.FIRST_NAME: "First name",
    Field.LAST_NAME: "Last name",
    Field.EMAIL: "E-mail",
    Field.MOBILE: "Mobile",
    Field.JOB_TITLE: "Job title",
    Field.COMPANY: "Company",
    Field.CALLER_ID: "Outbound caller ID",
}
"""The fields as an administrator calls them."""

OWNERS: Final[Mapping[Field, str]] = {
    Field.FIRST_NAME: "givenName",
    Field.LAST_NAME: "surname",
    Field.EMAIL: "mail, else the sign-in name",
    Field.MOBILE: "mobilePhone",
    Field.JOB_TITLE: "jobTitle",
    Field.COMPANY: "companyName",
    Field.CALLER_ID: "businessPhones",
}
"""The attribute of Microsoft 365 that each field follows, one way, always (U-01)."""

_EMPTY = ExtensionFields()
_NO_CLAIMS: tuple[Field, ...] = ()
_NONE_KEPT: Mapping[Field, str] = MappingProxyType({})
_GUEST_MARK = "#EXT#"


@dataclass(frozen=True, slots=True)
class WantedFields:
    """The values wanted, and what an administrator should know about how they came about."""

    fields: ExtensionFields
    remarks: tuple[str, ...] = ()
    claims: tuple[Field, ...] = ()
    """Fields that stand as wanted without Jackfield having set them: to be agreed on."""
    kept: Mapping[Field, str] = field(default_factory=dict)
    """Fields that somebody set by hand, which stay, with what Microsoft 365 says instead."""


def wanted_fields(
    person: Person,
    rules: AttributeRules,
    limits: PhoneLimits,
    standing: ExtensionFields = _EMPTY,
    agreed: ExtensionFields | None = None,
) -> WantedFields | None:
    """The fields of the person's extension; None where no name and no sign-in name can be used.

    Fields keep their value in `standing` where the phone system cannot write them, where they are
    not synced, and an outbound caller ID where it was set by hand: it is none that was `agreed` on.
    """
    first, last = person.given_name or "", person.surname or ""
    mail, mobile = person.mail or "", person.mobile_phone or ""
    title, company = person.job_title or "", person.company_name or ""
    # Nearly everybody's text is clean already; one look at all of it tells so six times as fast.
    together = f"{first}|{last}|{mail}|{mobile}|{title}|{company}"
    if not is_clean(together) or " |" in together or "| " in together:
        first, last, title, company = clean(first), clean(last), clean(title), clean(company)
        mail, mobile = clean_address(mail), clean_address(mobile)
    if not first and not last:
        first = clean(person.display_name) or _local_part(person.upn)
        if not first:
            return None
    email = mail if "@" in mail else _sign_in_address(person.upn)

    room = limits.name_length
    remarks: list[str] = []
    if max(len(together), len(first), len(email)) > room:
        first = _cut(Field.FIRST_NAME, first, room, remarks)
        last = _cut(Field.LAST_NAME, last, room, remarks)
        title = _cut(Field.JOB_TITLE, title, room, remarks)
        company = _cut(Field.COMPANY, company, room, remarks)
        # Half an address or half a number reaches somebody else.
        email = _leave_out(Field.EMAIL, email, room, remarks)
        mobile = _leave_out(Field.MOBILE, mobile, room, remarks)
    if mobile and not mobile[-1].isdigit() and not any(map(str.isdigit, mobile)):
        remarks.append(f"Mobile “{mobile}” is not a phone number; it was left out.")
        mobile = ""

    caller_id, claims, kept = standing.caller_id, _NO_CLAIMS, _NONE_KEPT
    if follows(Field.CALLER_ID, rules, limits):
        offered = _caller_id(person, rules, room, remarks)
        match claim(caller_id, agreed.caller_id if agreed else "", offered):
            case Claim.OURS:
                caller_id = offered
            case Claim.AGREED:
                claims = (Field.CALLER_ID,)
            case Claim.BY_HAND:
                kept = {Field.CALLER_ID: offered}

    fields = ExtensionFields(first, last, email, mobile, title, company, caller_id)
    if len(limits.writable) < len(LABELS):
        theirs = {one: getattr(standing, one) for one in Field if one not in limits.writable}
        fields = replace(fields, **theirs)
    return WantedFields(fields, tuple(remarks), claims, kept)


def follows(field: Field, rules: AttributeRules, limits: PhoneLimits) -> bool:
    """Whether the field follows Microsoft 365 at all."""
    if field is Field.CALLER_ID and rules.caller_id is CallerIdSource.NOT_SYNCED:
        return False
    return field in limits.writable


def kept_caller_id(wanted: WantedFields, rules: AttributeRules, limits: PhoneLimits) -> str:
    """The outbound caller ID that an extension has without Microsoft 365's doing; "" for ours."""
    one = Field.CALLER_ID
    theirs = one in wanted.kept or not follows(one, rules, limits)
    return wanted.fields.caller_id if theirs else ""


def attribute(field: Field, rules: AttributeRules) -> str:
    """What of Microsoft 365 the field follows, as an administrator of Entra calls it."""
    return rules.caller_id.value if field is Field.CALLER_ID else OWNERS[field]


def shown_name(person: Person) -> str:
    """The person's name as pages and sentences show it: never empty."""
    return (
        clean(person.display_name)
        or f"{clean(person.given_name)} {clean(person.surname)}".strip()
        or clean_address(person.upn)
        or person.id
    )


def addresses(person: Person) -> tuple[str, ...]:
    """Mail and UPN, casefolded, each once, to compare an existing extension's address with."""
    mail = clean_address(person.mail).casefold()
    upn = clean_address(person.upn).casefold()
    if not mail or mail == upn:
        return (upn,) if upn else ()
    return (mail, upn) if upn else (mail,)


def _caller_id(person: Person, rules: AttributeRules, room: int, remarks: list[str]) -> str:
    reading = read_caller_id(person, rules)
    if reading.trouble:
        remarks.append(
            f"{LABELS[Field.CALLER_ID]}: “{clean(caller_id_text(person, rules))}”"
            f" ({attribute(Field.CALLER_ID, rules)}) {reading.trouble}; it was left out."
        )
    return _leave_out(Field.CALLER_ID, reading.number, room, remarks)


def _sign_in_address(upn: str) -> str:
    cleaned = clean_address(upn)
    return cleaned if "@" in cleaned and _GUEST_MARK not in cleaned.upper() else ""


def _local_part(upn: str) -> str:
    local = clean(upn).rpartition("@")[0] or clean(upn)
    mark = local.upper().find(_GUEST_MARK)
    return local if mark < 0 else local[:mark]


def _cut(field: Field, text: str, room: int, remarks: list[str]) -> str:
    if len(text) <= room:
        return text
    remarks.append(
        f"{LABELS[field]} has {len(text)} characters; the phone system takes {room}, so it was cut."
    )
    return cut(text, room)


def _leave_out(field: Field, text: str, room: int, remarks: list[str]) -> str:
    if len(text) <= room:
        return text
    remarks.append(
        f"{LABELS[field]} has {len(text)} characters; the phone system takes {room}, so it was left"
        " out."
    )
    return ""
