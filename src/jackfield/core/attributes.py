"""Which attribute of Microsoft 365 each field of an extension follows: the administrator's choices.

Decided here: what there is to choose from, and how an attribute is read off a person. What becomes
of its text is decided in `jackfield.core.fields` and `jackfield.core.callerid`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from operator import attrgetter
from typing import Final

from jackfield.core.people import Person


class Source(StrEnum):
    """What a field follows; attributes are spelled as Graph spells them."""

    GIVEN_NAME_AND_SURNAME = "givenName_surname"
    """First and last name by themselves; the whole display name where both are empty."""
    DISPLAY_NAME = "displayName"
    """The whole display name as the first name; the last name stays empty."""
    MAIL_ELSE_UPN = "mail_else_userPrincipalName"
    MAIL = "mail"
    USER_PRINCIPAL_NAME = "userPrincipalName"
    MOBILE_PHONE = "mobilePhone"
    BUSINESS_PHONES = "businessPhones"
    """The office phone; Graph keeps a list with at most one number."""
    JOB_TITLE = "jobTitle"
    COMPANY_NAME = "companyName"
    DEPARTMENT = "department"
    """The department attribute: free text."""
    OFFICE_LOCATION = "officeLocation"
    EXTENSION_ATTRIBUTE_1 = "extensionAttribute1"
    EXTENSION_ATTRIBUTE_2 = "extensionAttribute2"
    EXTENSION_ATTRIBUTE_3 = "extensionAttribute3"
    EXTENSION_ATTRIBUTE_4 = "extensionAttribute4"
    EXTENSION_ATTRIBUTE_5 = "extensionAttribute5"
    EXTENSION_ATTRIBUTE_6 = "extensionAttribute6"
    EXTENSION_ATTRIBUTE_7 = "extensionAttribute7"
    EXTENSION_ATTRIBUTE_8 = "extensionAttribute8"
    EXTENSION_ATTRIBUTE_9 = "extensionAttribute9"
    EXTENSION_ATTRIBUTE_10 = "extensionAttribute10"
    EXTENSION_ATTRIBUTE_11 = "extensionAttribute11"
    EXTENSION_ATTRIBUTE_12 = "extensionAttribute12"
    EXTENSION_ATTRIBUTE_13 = "extensionAttribute13"
    EXTENSION_ATTRIBUTE_14 = "extensionAttribute14"
    EXTENSION_ATTRIBUTE_15 = "extensionAttribute15"
    NOT_SYNCED = "not_synced"
    """The field is the phone system's own."""


class NumberForm(StrEnum):
    """How a number of Microsoft 365 is written into the phone system."""

    E164 = "e164"
    """+442079460101. What cannot be read as a number is left out, and said."""
    AS_IT_CAME = "as_it_came"
    """As somebody typed it, spaces and all; this is what 3CX does."""


EXTENSION_ATTRIBUTES: Final = tuple(
    Source(f"extensionAttribute{number}") for number in range(1, 16)
)
"""The fifteen free attributes of the local directory, all of them in one attribute of Graph's."""


@dataclass(frozen=True, slots=True)
class AttributeRules:
    """What each field follows. The defaults suit an installation that has chosen nothing yet."""

    follow_details: bool = True
    """False: all fields but the outbound caller ID are filled when an extension is made, and are
    the phone system's own from then on."""
    name: Source = Source.GIVEN_NAME_AND_SURNAME
    """Not synced, it is still given when an extension is made: nobody finds one without a name."""
    email: Source = Source.MAIL_ELSE_UPN
    mobile: Source = Source.MOBILE_PHONE
    job_title: Source = Source.JOB_TITLE
    company: Source = Source.COMPANY_NAME
    office: Source = Source.OFFICE_LOCATION
    caller_id: Source = Source.BUSINESS_PHONES
    caller_id_form: NumberForm = NumberForm.E164
    default_country: str = ""
    """Two letters: the country in which a number without its country code is read, where the
    person's usage location says none. "" = the organisation's own."""


CHOICES: Final[Mapping[str, tuple[Source, ...]]] = {
    "name": (Source.GIVEN_NAME_AND_SURNAME, Source.DISPLAY_NAME, Source.NOT_SYNCED),
    "email": (
        Source.MAIL_ELSE_UPN,
        Source.MAIL,
        Source.USER_PRINCIPAL_NAME,
        Source.NOT_SYNCED,
    ),
    "mobile": (
        Source.MOBILE_PHONE,
        Source.BUSINESS_PHONES,
        *EXTENSION_ATTRIBUTES,
        Source.NOT_SYNCED,
    ),
    "job_title": (Source.JOB_TITLE, Source.DEPARTMENT, *EXTENSION_ATTRIBUTES, Source.NOT_SYNCED),
    "company": (
        Source.COMPANY_NAME,
        Source.DEPARTMENT,
        Source.OFFICE_LOCATION,
        *EXTENSION_ATTRIBUTES,
        Source.NOT_SYNCED,
    ),
    "office": (Source.OFFICE_LOCATION, Source.DEPARTMENT, *EXTENSION_ATTRIBUTES, Source.NOT_SYNCED),
    "caller_id": (
        Source.BUSINESS_PHONES,
        Source.MOBILE_PHONE,
        *EXTENSION_ATTRIBUTES,
        Source.NOT_SYNCED,
    ),
}
"""What each rule of `AttributeRules` takes, the default first."""

_READ: Final[Mapping[Source, str]] = {
    Source.DISPLAY_NAME: "display_name",
    Source.MAIL: "mail",
    Source.USER_PRINCIPAL_NAME: "upn",
    Source.MOBILE_PHONE: "mobile_phone",
    Source.BUSINESS_PHONES: "business_phone",
    Source.JOB_TITLE: "job_title",
    Source.COMPANY_NAME: "company_name",
    Source.DEPARTMENT: "department",
    Source.OFFICE_LOCATION: "office_location",
}


_EXTENSIONS: Final = frozenset(EXTENSION_ATTRIBUTES)


class AttributesError(ValueError):
    """A field cannot follow what was chosen for it; `rule` names the field's rule."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule


def check_attributes(rules: AttributeRules) -> None:
    """Raises `AttributesError` for a choice that its field does not take."""
    for rule, takes in CHOICES.items():
        chosen = getattr(rules, rule)
        if chosen not in takes:
            raise AttributesError(
                rule, f"This field does not follow “{chosen}”; it takes {', '.join(takes)}."
            )


def extras(rules: AttributeRules) -> tuple[str, ...]:
    """What Graph must be asked for beside the usual attributes, as it spells it."""
    followed = any(getattr(rules, rule) in _EXTENSIONS for rule in CHOICES)
    return ("onPremisesExtensionAttributes",) if followed else ()


def text_of(person: Person, source: Source) -> str:
    """A single attribute of the person, as it came; "" where it is not set."""
    return reader_of(source)(person) or ""


def reader_of(source: Source) -> Callable[[Person], str]:
    """Reads a single attribute off people, as it came; None and "" both mean "not set"."""
    if source in _EXTENSIONS:
        return partial(_extension, EXTENSION_ATTRIBUTES.index(source))
    return _nothing if source is Source.NOT_SYNCED else attrgetter(_READ[source])


def _extension(index: int, person: Person) -> str:
    known = person.extension_attributes or ()
    return known[index] if index < len(known) else ""


def _nothing(_person: Person) -> str:
    return ""
