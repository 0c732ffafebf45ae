"""The number that an extension shows to those it calls: read from Microsoft 365, and whose it is.

Decided here: how the text of an attribute becomes a number in E.164, with the country of the
person's usage location (rule U-11), and when a number that stands in the phone system was set
there by hand and is therefore left alone.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from jackfield.core.attributes import AttributeRules, NumberForm, text_of
from jackfield.core.people import Person
from jackfield.core.records import record
from jackfield.core.text import clean_address

_REMEMBERED = 65_536
"""Numbers kept as read: a nightly round reads a text again only where somebody changed it."""


@record
class Reading:
    """What an attribute says as a number; "" where it says none, with the trouble if it tried to.

    `trouble` ends a sentence that begins with the text: "... is too short for a phone number".
    """

    number: str = ""
    trouble: str = ""


class CountryError(ValueError):
    """The text is no country; says what to give instead."""


class Claim(Enum):
    """Whose the number is that stands in the phone system."""

    OURS = "ours"
    """Jackfield set it, or nothing stands there: it follows Microsoft 365."""
    AGREED = "agreed"
    """It stands there without Jackfield having set it, and is what Microsoft 365 says."""
    BY_HAND = "by hand"
    """Somebody set it in the phone system: never overwritten, never cleared."""


def read_caller_id(person: Person, rules: AttributeRules) -> Reading:
    """The number that the person's extension should show, as far as Microsoft 365 says one."""
    text = clean_address(text_of(person, rules.caller_id))
    if not text:
        return Reading()
    match rules.caller_id_form:
        case NumberForm.AS_IT_CAME:
            if any(map(str.isdigit, text)):
                return Reading(text)
            return Reading(trouble="is not a phone number")
        case NumberForm.E164:
            return parse_number(text, country_of(person, rules))


def country_of(person: Person, rules: AttributeRules) -> str:
    """The country in which the person's numbers are read, two letters; "" where none is known."""
    location = person.usage_location or ""
    return location if is_country(location) else rules.default_country


def parse_country(text: str) -> str:
    """A default country as an administrator types it, in upper case; "" for the organisation's.

    Raises `CountryError`.
    """
    country = text.strip().upper()
    if country and not is_country(country):
        raise CountryError(
            f"“{text.strip()[:20]}” is no country: give its two letters, such as GB or DE, or"
            " nothing for the organisation's own."
        )
    return country


def is_country(text: str) -> bool:
    """Whether these two letters (upper case) are a country with a numbering plan of its own."""
    return text in phonenumbers.SUPPORTED_REGIONS


@lru_cache(_REMEMBERED)
def parse_number(text: str, country: str) -> Reading:
    """A number as people write it, in E.164; `country` is two letters or "".

    An extension behind the number ("x12") is left out. Numbers count by their length only: the
    ranges that are in use change faster than any library knows them.
    """
    try:
        number = phonenumbers.parse(text, country or None)
    except NumberParseException as error:
        return Reading(trouble=_trouble(error, text, country))
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.IS_POSSIBLE:
            return Reading(phonenumbers.format_number(number, PhoneNumberFormat.E164))
        case ValidationResult.TOO_SHORT:
            return Reading(trouble="is too short for a phone number")
        case ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            return Reading(trouble="has no area code")
        case ValidationResult.TOO_LONG:
            return Reading(trouble="is too long for a phone number")
        case _:
            return Reading(trouble="has a length that no phone number has")


def claim(standing: str, given: str, wanted: str) -> Claim:
    """Whose the number `standing` is, if Jackfield last gave `given` and would give `wanted`.

    Equal numbers count as agreed: so an answer that was lost on its way to us does not turn our
    own number into somebody's for ever.
    """
    if standing in {"", given}:
        return Claim.OURS
    return Claim.AGREED if standing == wanted else Claim.BY_HAND


def _trouble(error: NumberParseException, text: str, country: str) -> str:
    match error.error_type:
        case NumberParseException.INVALID_COUNTRY_CODE if not country and not text.startswith("+"):
            return (
                "has no country code, and neither the person's usage location nor the default"
                " country says one"
            )
        case NumberParseException.INVALID_COUNTRY_CODE:
            return "begins with a country code that does not exist"
        case NumberParseException.TOO_LONG:
            return "is too long for a phone number"
        case NumberParseException.TOO_SHORT_AFTER_IDD | NumberParseException.TOO_SHORT_NSN:
            return "is too short for a phone number"
        case _:
            return "is not a phone number"
