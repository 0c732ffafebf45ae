"""What the fields of a person's extension shall say, and what of Microsoft 365 each one follows.

Decided here: the wanted values, cleaned and cut to what the phone system takes. Not decided here:
whether the person gets an extension, and what becomes of a difference (`jackfield.core.updates`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from types import MappingProxyType
from typing import Final

from jackfield.core.attributes import (
    EXTENSION_ATTRIBUTES,
    AttributeRules,
    Source,
    reader_of,
    text_of,
)
from jackfield.core.callerid import Claim, claim, read_caller_id
from jackfield.core.extensions import ExtensionFields, Field
from jackfield.core.people import Person
from jackfield.core.records import record
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
    Field.OFFICE: "Office",
}
"""The fields as an administrator calls them."""

_EMPTY = ExtensionFields()
_NO_CLAIMS: tuple[Field, ...] = ()
_NONE_KEPT: Mapping[Field, str] = MappingProxyType({})
_GUEST_MARK = "#EXT#"
_NAMES = (Field.FIRST_NAME, Field.LAST_NAME)


@dataclass(frozen=True, slots=True)
class Remark:
    """Why a field says something else than the attribute it follows."""

    field: Field
    text: str


@record
class WantedFields:
    """The values wanted, and what an administrator should know about how they came about."""

    fields: ExtensionFields
    remarks: tuple[Remark, ...] = ()
    claims: tuple[Field, ...] = ()
    """Fields that stand as wanted without Jackfield having set them: to be agreed on."""
    kept: Mapping[Field, str] = field(default_factory=dict)
    """Fields that somebody set by hand, which stay, with what Microsoft 365 says instead."""


class FieldReader:
    """Reads the wanted fields of many people by the same rules."""

    __slots__ = ("_fresh", "_room", "_rules", "_standing")

    def __init__(self, rules: AttributeRules, limits: PhoneLimits) -> None:
        self._rules = rules
        self._room = limits.name_length
        given = [one for one in Field if is_given(one, rules, limits)]
        followed = [one for one in Field if follows(one, rules, limits)]
        self._fresh, self._standing = _Reading.of(rules, given), _Reading.of(rules, followed)

    def wanted(
        self,
        person: Person,
        standing: ExtensionFields | None = None,
        agreed: ExtensionFields | None = None,
    ) -> WantedFields | None:
        """The fields of the person's extension; None where no name or sign-in name can be used.

        `standing` is None for an extension that is to be made. Of one that stands, fields keep
        their value where the phone system cannot write them, where they are not followed, and an
        outbound caller ID where it was set by hand: it is none that was `agreed` on.
        """
        remarks: list[Remark] = []
        reading = self._fresh if standing is None else self._standing
        if reading.unread is not None and person.extension_attributes is None:
            remarks += reading.unread_remarks
            reading = reading.unread
        first, last = reading.first(person) or "", reading.last(person) or ""
        mail, mobile = person.mail or "", reading.mobile(person) or ""
        title, company = reading.job_title(person) or "", reading.company(person) or ""
        office = reading.office(person) or ""
        # Nearly everybody's text is clean already; one look at all of it tells so at a sixth of
        # the cost.
        together = f"{first}|{last}|{mail}|{mobile}|{title}|{company}|{office}"
        if not is_clean(together) or " |" in together or "| " in together:
            first, last, title, company = clean(first), clean(last), clean(title), clean(company)
            mail, mobile, office = clean_address(mail), clean_address(mobile), clean(office)
        if not first and not last and reading.named:
            first = _any_name(person)
            if not first:
                return None
        email = _address(mail, person, reading.email)

        room = self._room
        if max(len(together), len(first), len(email)) > room:
            first = _cut(Field.FIRST_NAME, first, room, remarks)
            last = _cut(Field.LAST_NAME, last, room, remarks)
            title = _cut(Field.JOB_TITLE, title, room, remarks)
            company = _cut(Field.COMPANY, company, room, remarks)
            office = _cut(Field.OFFICE, office, room, remarks)
            # Half an address or half a number reaches somebody else.
            email = _leave_out(Field.EMAIL, email, room, remarks)
            mobile = _leave_out(Field.MOBILE, mobile, room, remarks)
        if mobile and not mobile[-1].isdigit() and not any(map(str.isdigit, mobile)):
            text = f"Mobile “{mobile}” is not a phone number; it was left out."
            remarks.append(Remark(Field.MOBILE, text))
            mobile = ""

        caller_id, claims, kept = standing.caller_id if standing else "", _NO_CLAIMS, _NONE_KEPT
        if reading.caller_id:
            offered = self._caller_id(person, remarks)
            match claim(caller_id, agreed.caller_id if agreed else "", offered):
                case Claim.OURS:
                    caller_id = offered
                case Claim.AGREED:
                    claims = (Field.CALLER_ID,)
                case Claim.BY_HAND:
                    kept = {Field.CALLER_ID: offered}

        fields = ExtensionFields(first, last, email, mobile, title, company, caller_id, office)
        if reading.theirs:
            stands = standing or _EMPTY
            fields = replace(fields, **{one: getattr(stands, one) for one in reading.theirs})
        return WantedFields(fields, tuple(remarks), claims, kept)

    def _caller_id(self, person: Person, remarks: list[Remark]) -> str:
        found = read_caller_id(person, self._rules)
        if found.trouble:
            text = (
                f"{LABELS[Field.CALLER_ID]}: “{clean(text_of(person, self._rules.caller_id))}”"
                f" ({self._rules.caller_id}) {found.trouble}; it was left out."
            )
            remarks.append(Remark(Field.CALLER_ID, text))
        return _leave_out(Field.CALLER_ID, found.number, self._room, remarks)


def wanted_fields(
    person: Person,
    rules: AttributeRules,
    limits: PhoneLimits,
    standing: ExtensionFields | None = None,
    agreed: ExtensionFields | None = None,
) -> WantedFields | None:
    """As `FieldReader.wanted`, for a single person."""
    return FieldReader(rules, limits).wanted(person, standing, agreed)


def source_of(field: Field, rules: AttributeRules) -> Source:
    """What the field follows by the rules."""
    chosen: Source = rules.name if field in _NAMES else getattr(rules, field)
    return chosen


def follows(field: Field, rules: AttributeRules, limits: PhoneLimits) -> bool:
    """Whether the field of an extension that stands follows Microsoft 365."""
    if not rules.follow_details and field is not Field.CALLER_ID:
        return False
    return field in limits.writable and source_of(field, rules) is not Source.NOT_SYNCED


def is_given(field: Field, rules: AttributeRules, limits: PhoneLimits) -> bool:
    """Whether the field is filled when an extension is made; nobody finds one without a name."""
    synced = field in _NAMES or source_of(field, rules) is not Source.NOT_SYNCED
    return synced and field in limits.writable


def attribute(field: Field, rules: AttributeRules) -> str:
    """What of Microsoft 365 the field follows, as an administrator of Entra calls it."""
    match source_of(field, rules):
        case Source.GIVEN_NAME_AND_SURNAME:
            return "givenName" if field is Field.FIRST_NAME else "surname"
        case Source.MAIL_ELSE_UPN:
            return "mail, else the sign-in name"
        case source:
            return source.value


def kept_caller_id(wanted: WantedFields, rules: AttributeRules, limits: PhoneLimits) -> str:
    """The outbound caller ID that an extension has without Microsoft 365's doing; "" for ours."""
    one = Field.CALLER_ID
    theirs = one in wanted.kept or not follows(one, rules, limits)
    return wanted.fields.caller_id if theirs else ""


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
    return addresses_of(person.mail, person.upn)


def addresses_of(mail: str, upn: str) -> tuple[str, ...]:
    """As `addresses`, of a person's mail and UPN as they came."""
    mail = clean_address(mail).casefold()
    upn = clean_address(upn).casefold()
    if not mail or mail == upn:
        return (upn,) if upn else ()
    return (mail, upn) if upn else (mail,)


_Read = Callable[[Person], str]


@dataclass(frozen=True, slots=True)
class _Reading:
    """How each field is read off a person; what is the phone system's own reads as nothing."""

    first: _Read
    last: _Read
    email: Source
    mobile: _Read
    job_title: _Read
    company: _Read
    office: _Read
    named: bool
    caller_id: bool
    theirs: tuple[Field, ...]
    """To be copied from what stands; an outbound caller ID begins with what stands anyway."""
    unread: _Reading | None = None
    """How those are read whose extension attributes are not known; None where nobody needs them."""
    unread_remarks: tuple[Remark, ...] = ()

    @classmethod
    def of(cls, rules: AttributeRules, ours: Collection[Field]) -> _Reading:
        def reads(one: Field) -> _Read:
            return reader_of(source_of(one, rules) if one in ours else Source.NOT_SYNCED)

        first = last = nothing = reader_of(Source.NOT_SYNCED)
        named = Field.FIRST_NAME in ours or Field.LAST_NAME in ours
        if named and rules.name is Source.DISPLAY_NAME:
            first, last = reader_of(Source.DISPLAY_NAME), nothing
        elif named:
            first, last = attrgetter("given_name"), attrgetter("surname")
        beside = [one for one in ours if source_of(one, rules) in EXTENSION_ATTRIBUTES]
        return cls(
            first,
            last,
            rules.email if Field.EMAIL in ours else Source.NOT_SYNCED,
            reads(Field.MOBILE),
            reads(Field.JOB_TITLE),
            reads(Field.COMPANY),
            reads(Field.OFFICE),
            named=named,
            caller_id=Field.CALLER_ID in ours,
            theirs=tuple(one for one in Field if one not in ours and one is not Field.CALLER_ID),
            unread=cls.of(rules, [one for one in ours if one not in beside]) if beside else None,
            unread_remarks=tuple(
                Remark(
                    one,
                    f"{LABELS[one]}: {attribute(one, rules)} has not been read from Microsoft 365"
                    " yet; the field stays as it is until the next sync has read everyone.",
                )
                for one in beside
            ),
        )


def _any_name(person: Person) -> str:
    """A name for somebody whose name is not where it should be; "" where there is none at all."""
    return (
        clean(person.display_name)
        or f"{clean(person.given_name)} {clean(person.surname)}".strip()
        or _local_part(person.upn)
    )


def _address(mail: str, person: Person, source: Source) -> str:
    match source:
        case Source.MAIL_ELSE_UPN if "@" in mail:
            return mail
        case Source.MAIL_ELSE_UPN | Source.USER_PRINCIPAL_NAME:
            return _sign_in_address(person.upn)
        case Source.MAIL:
            return mail if "@" in mail else ""
        case _:
            return ""


def _sign_in_address(upn: str) -> str:
    cleaned = clean_address(upn)
    return cleaned if "@" in cleaned and _GUEST_MARK not in cleaned.upper() else ""


def _local_part(upn: str) -> str:
    local = clean(upn).rpartition("@")[0] or clean(upn)
    mark = local.upper().find(_GUEST_MARK)
    return local if mark < 0 else local[:mark]


def _cut(field: Field, text: str, room: int, remarks: list[Remark]) -> str:
    if len(text) <= room:
        return text
    remarks.append(Remark(field, f"{_too_long(field, text, room)} cut."))
    return cut(text, room)


def _leave_out(field: Field, text: str, room: int, remarks: list[Remark]) -> str:
    if len(text) <= room:
        return text
    remarks.append(Remark(field, f"{_too_long(field, text, room)} left out."))
    return ""


def _too_long(field: Field, text: str, room: int) -> str:
    return f"{LABELS[field]} has {len(text)} characters; the phone system takes {room}, so it was"
