"""The part of people sync's form that says which attribute each field follows.

What may be chosen is in `jackfield.core.attributes`; here it gets its words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jackfield.core.attributes import (
    CHOICES,
    EXTENSION_ATTRIBUTES,
    AttributeRules,
    AttributesError,
    NumberForm,
    Source,
    check_attributes,
)
from jackfield.core.callerid import CountryError, parse_country

RULES: Mapping[str, str] = {
    "name": "Name",
    "email": "E-mail",
    "mobile": "Mobile",
    "job_title": "Job title",
    "company": "Company",
    "office": "Office",
    "caller_id": "Outbound caller ID",
}
"""The rules as the form calls them, in its order; their fields are called `follows_` and the rule.
"""
SOURCES: Mapping[Source, str] = {
    Source.GIVEN_NAME_AND_SURNAME: "First and last name (givenName, surname)",
    Source.DISPLAY_NAME: "Display name as one (displayName)",
    Source.MAIL_ELSE_UPN: "Mail, else the sign-in name",
    Source.MAIL: "Mail (mail)",
    Source.USER_PRINCIPAL_NAME: "Sign-in name (userPrincipalName)",
    Source.MOBILE_PHONE: "Mobile phone (mobilePhone)",
    Source.BUSINESS_PHONES: "Office phone (businessPhones)",
    Source.JOB_TITLE: "Job title (jobTitle)",
    Source.COMPANY_NAME: "Company (companyName)",
    Source.DEPARTMENT: "Department attribute (department)",
    Source.OFFICE_LOCATION: "Office (officeLocation)",
    **{
        source: f"Extension attribute {number} ({source})"
        for number, source in enumerate(EXTENSION_ATTRIBUTES, 1)
    },
    Source.NOT_SYNCED: "Not synced",
}
FORMS: Mapping[NumberForm, str] = {
    NumberForm.E164: "International (+442079460101)",
    NumberForm.AS_IT_CAME: "As it stands in Microsoft 365",
}


FIELDS: Sequence[str] = (
    "follow_details",
    *(f"follows_{rule}" for rule in RULES),
    "caller_id_form",
    "country",
)
"""The fields of this part of the form."""


def options(rule: str) -> Mapping[str, str]:
    """What a rule may follow, with the words for it."""
    return {source.value: SOURCES[source] for source in CHOICES[rule]}


def attributes_of(
    typed: Mapping[str, str],
    caller_id_form: str,
    country: str,
    errors: dict[str, str],
    *,
    follow_details: bool,
) -> AttributeRules:
    """The rules that a form asks for; `typed` says what each rule follows.

    The defaults in place of what is wrong, which is said in `errors` by the form's fields.
    """
    usual = AttributeRules()
    chosen: dict[str, Any] = {}
    for rule in RULES:
        name = f"follows_{rule}"
        try:
            chosen[rule] = Source(typed[rule])
            check_attributes(AttributeRules(**{rule: chosen[rule]}))
        except (AttributesError, ValueError):
            errors[name] = "Choose one of these."
            chosen[rule] = getattr(usual, rule)
    number_form = usual.caller_id_form
    try:
        number_form = NumberForm(caller_id_form)
    except ValueError:
        errors["caller_id_form"] = "Choose one of these."
    default_country = ""
    try:
        default_country = parse_country(country)
    except CountryError as error:
        errors["country"] = str(error)
    return AttributeRules(
        follow_details, **chosen, caller_id_form=number_form, default_country=default_country
    )
