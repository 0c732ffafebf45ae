"""The kinds of arguments that commands take, and what none of them may be.

A value that cannot be meant is a usage error here, before a server is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

LARGEST = 2**53 - 1
"""The largest number that the API takes."""
LONGEST = 200


def whole(_type: Any, tokens: Sequence[Any]) -> int:
    """A whole number as everybody writes it; Python's own reading takes other digits too."""
    text = tokens[0].value
    if not re.fullmatch(r"[+-]?[0-9]{1,30}", text):
        raise ValueError(f"“{text[:50]}” is no whole number in the digits 0 to 9.")
    return int(text)


def one_line(_type: Any, value: str | None) -> None:
    """Some text, in one line, without controls."""
    if value is None:
        return
    if not value.strip():
        raise ValueError("It is empty.")
    if not value.isprintable():
        raise ValueError("It holds characters that are no text.")
    if len(value) > LONGEST:
        raise ValueError(f"It has {len(value):,} characters; at most {LONGEST}.")


def numbers(least: int, most: int = LARGEST) -> Parameter:
    """How a whole number from `least` to `most` is read."""
    return Parameter(converter=whole, validator=Number(gte=least, lte=most))


Json = Annotated[
    bool, Parameter(name="--json", negative="", help="Print one JSON document instead of text.")
]
DataDir = Annotated[
    Path | None,
    Parameter(
        name="--data-dir", help="The data folder (else JACKFIELD_DATA_DIR or jackfield.toml)."
    ),
]
TenantName = Annotated[
    str | None,
    Parameter(
        name="--tenant",
        env_var="JACKFIELD_TENANT",
        validator=one_line,
        help="Which tenant, by name or number (else JACKFIELD_TENANT); needless with one.",
    ),
]
Limit = Annotated[int, numbers(1, 500)]
PlanState = Literal[
    "proposed", "approved", "applying", "applied", "refused", "superseded", "failed"
]
PlanNumber = Annotated[int, numbers(1)]
Text = Annotated[str, Parameter(validator=one_line)]
MaybeText = Annotated[str | None, Parameter(validator=one_line)]
