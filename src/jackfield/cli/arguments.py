"""The kinds of arguments that commands take, and what none of them may be.

A value that cannot be meant is a usage error here, before a server is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import CycloptsError, CycloptsPanel, Parameter, ValidationError
from cyclopts.utils import UNSET
from cyclopts.validators import Number

LARGEST = 2**53 - 1
"""The largest number that the API takes."""
LONGEST = 200
LONGEST_NAME = 100
SHOWN = 60
"""Characters of a wrong value that an error repeats."""


def whole(_type: Any, tokens: Sequence[Any]) -> int:
    """A whole number as everybody writes it; Python's own reading takes other digits too."""
    text = tokens[0].value
    if not re.fullmatch(r"[+-]?[0-9]{1,30}", text):
        raise ValueError(f"“{text[:50]}” is no whole number in the digits 0 to 9.")
    return int(text)


def path_given(_type: Any, tokens: Sequence[Any]) -> Path:
    """A path that somebody has written; none at all would be the current folder."""
    if not tokens[0].value:
        raise ValueError("It is empty; name a file.")
    return Path(tokens[0].value)


def one_line(_type: Any, value: str | None) -> None:
    """Some text, in one line, without controls."""
    _check_line(value, LONGEST)


def name_line(_type: Any, value: str | None) -> None:
    """The same, as long as names may be that somebody gives."""
    _check_line(value, LONGEST_NAME)


def shortened(error: CycloptsError) -> Any:
    """A usage error without all of a value that would fill the screen."""
    if isinstance(error, ValidationError) and error.argument is not None:
        value = str(error.argument.value if error.value is UNSET else error.value)
        if len(value) > SHOWN:
            error.value = f"{value[:SHOWN]}…"
    return CycloptsPanel(error)


def _check_line(value: str | None, most: int) -> None:
    if value is None:
        return
    if not value.strip():
        raise ValueError("It is empty.")
    if not value.isprintable():
        raise ValueError("It holds characters that are no text.")
    if len(value) > most:
        raise ValueError(f"It has {len(value):,} characters; at most {most}.")


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
File = Annotated[Path, Parameter(converter=path_given)]
Name = Annotated[str, Parameter(validator=name_line)]
"""What somebody calls something: a tenant, a token, an account."""
Text = Annotated[str, Parameter(validator=one_line)]
MaybeText = Annotated[str | None, Parameter(validator=one_line)]
