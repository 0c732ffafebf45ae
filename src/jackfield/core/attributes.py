"""Which attribute of Microsoft 365 each field of an extension follows: the administrator's choices.

Decided here: what there is to choose from, and how an attribute is read off a person. What becomes
of its text is decided in `jackfield.core.fields` and `jackfield.core.callerid`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
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
    NOT_SYNCED = "not_synced"
    """The field is the phone system's own."""


class NumberForm(StrEnum):
    """How a number of Microsoft 365 is written into the phone system."""

    E164 = "e164"
    """+442079460101. What cannot be read as a number is left out, and said."""
    AS_IT_CAME = "as_it_came"
    """As somebody typed it, spaces and all; this is what 3CX does."""


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
    "mobile": (Source.MOBILE_PHONE, Source.BUSINESS_PHONES, Source.NOT_SYNCED),
    "job_title": (Source.JOB_TITLE, Source.DEPARTMENT, Source.NOT_SYNCED),
    "company": (
        Source.COMPANY_NAME,
        Source.DEPARTMENT,
        Source.OFFICE_LOCATION,
        Source.NOT_SYNCED,
    ),
    "office": (Source.OFFICE_LOCATION, Source.DEPARTMENT, Source.NOT_SYNCED),
    "caller_id": (Source.BUSINESS_PHONES, Source.MOBILE_PHONE, Source.NOT_SYNCED),
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


def text_of(person: Person, source: Source) -> str:
    """A single attribute of the person, as it came; "" where it is not set."""
    return reader_of(source)(person) or ""


def reader_of(source: Source) -> Callable[[Person], str]:
    """Reads a single attribute off people, as it came; None and "" both mean "not set"."""
    return _nothing if source is Source.NOT_SYNCED else attrgetter(_READ[source])


def _nothing(_person: Person) -> str:
    return ""
