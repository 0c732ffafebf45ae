"""The part of people sync's form that says which attribute each field follows.

What may be chosen is in `jackfield.core.attributes`, its words in `jackfield.core.choice_words`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jackfield.core.attributes import (
    CHOICES,
    AttributeRules,
    AttributesError,
    NumberForm,
    Source,
    check_attributes,
)
from jackfield.core.callerid import CountryError, parse_country
from jackfield.core.choice_words import ATTRIBUTES, FED_FIELDS
from jackfield.web.admin.form_fields import Typed

FIELDS: Sequence[str] = (
    "follow_details",
    *(f"follows_{rule}" for rule in FED_FIELDS),
    "caller_id_form",
    "country",
)
"""The fields of this part of the form; what a field follows is in `follows_` and its name."""


def options(rule: str) -> Mapping[str, str]:
    """What a rule may follow, with the words for it."""
    return {source.value: ATTRIBUTES[source] for source in CHOICES[rule]}


def attributes_of(typed: Mapping[str, Typed], errors: dict[str, str]) -> AttributeRules:
    """The rules that a form asks for, by what stands in its `FIELDS`.

    The defaults in place of what is wrong, which is said in `errors` by the form's fields.
    """
    usual = AttributeRules()
    chosen: dict[str, Any] = {}
    for rule in FED_FIELDS:
        name = f"follows_{rule}"
        try:
            chosen[rule] = Source(str(typed[name]))
            check_attributes(AttributeRules(**{rule: chosen[rule]}))
        except (AttributesError, ValueError):
            errors[name] = "Choose one of these."
            chosen[rule] = getattr(usual, rule)
    number_form = usual.caller_id_form
    try:
        number_form = NumberForm(str(typed["caller_id_form"]))
    except ValueError:
        errors["caller_id_form"] = "Choose one of these."
    default_country = ""
    try:
        default_country = parse_country(str(typed["country"]))
    except CountryError as error:
        errors["country"] = str(error)
    return AttributeRules(
        bool(typed["follow_details"]),
        **chosen,
        caller_id_form=number_form,
        default_country=default_country,
    )
