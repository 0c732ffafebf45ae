"""Which attribute of Microsoft 365 each field of an extension follows: the administrator's choices.

Shapes and defaults only; what becomes of a value is decided in `jackfield.core.fields` and
`jackfield.core.callerid`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CallerIdSource(StrEnum):
    """What the outbound caller ID is read from; attributes are spelled as Graph spells them."""

    BUSINESS_PHONES = "businessPhones"
    """The office phone; Graph keeps a list with at most one number."""
    NOT_SYNCED = "not_synced"
    """The outbound caller ID is the phone system's own."""


class NumberForm(StrEnum):
    """How a number of Microsoft 365 is written into the phone system."""

    E164 = "e164"
    """+442079460101. What cannot be read as a number is left out, and said."""
    AS_IT_CAME = "as_it_came"
    """As somebody typed it, spaces and all; this is what 3CX does."""


@dataclass(frozen=True, slots=True)
class AttributeRules:
    """What each field follows. The defaults suit an installation that has chosen nothing yet."""

    caller_id: CallerIdSource = CallerIdSource.BUSINESS_PHONES
    caller_id_form: NumberForm = NumberForm.E164
    default_country: str = ""
    """Two letters: the country in which a number without its country code is read, where the
    person's usage location says none. "" = the organisation's own."""
