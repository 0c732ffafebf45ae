"""What a caller of the API may give beside a body: the kinds of parameters, and what none may hold.

A misspelt parameter is refused, because leaving it out would answer another question.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation
from litestar.typing import FieldDefinition

from jackfield.flows.signin import Viewer
from jackfield.store.search import is_place
from jackfield.web.api.refusals import Unreadable, in_place

LARGEST = 2**53 - 1
"""The largest whole number that every JSON reader keeps as it is."""

Caller = NamedDependency[SkipValidation[Viewer]]
"""Who asks."""

Limit = Annotated[int, QueryParameter(ge=1, le=500, description="How many at most, 1 to 500.")]
Search = Annotated[
    str,
    QueryParameter(
        max_length=200,
        description="Words in any order, each from its start; a whole address; the last digits of"
        " a number.",
    ),
]
After = Annotated[
    str | None,
    QueryParameter(max_length=2000, description="The `next` of the page before; none: begin."),
]
Before = Annotated[
    int,
    QueryParameter(
        ge=0, le=LARGEST, description="The `next` of the page before; 0: begin with the newest."
    ),
]
Number = Annotated[int, PathParameter(ge=0, le=LARGEST)]
Key = Annotated[str, PathParameter(min_length=1, max_length=200)]

NO_PLACE = (
    "The parameter 'after' takes the `next` of the page before, as it is; leave it out to begin."
)

# Controls and halves of characters: no name, key or word to search for has one.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NO_TEXT = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffd]")
# What some clients send where there is nothing to say.
_NOTHING = {b"", b"{}", b"null"}
_LARGE = 65_536
"""Bytes of a body that are looked through beside everything else that goes on."""


async def check_question(request: Request[Any, Any, Any]) -> None:
    """Refuse unknown and repeated parameters, and text that is none, before anything is read."""
    fields = _parameters(request)
    known = list(fields)
    for name, value in request.query_params.multi_items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            takes = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            raise Unreadable(f"This call has no parameter {name[:100]!r}; {takes}.{meant}")
        if len(request.query_params.getall(name)) > 1:
            raise Unreadable(f"The parameter {name!r} is given more than once.")
        if _NO_TEXT.search(value):
            raise Unreadable(f"The parameter {name!r} holds characters that are no text.")
        # The decoder would take 1e3 and other spellings.
        if fields[name].annotation is int and not is_whole(value):
            raise Unreadable(f"The parameter {name!r} takes a whole number, not {value[:50]!r}.")
    if _NO_TEXT.search(request.scope["path"]):
        raise Unreadable("The address holds characters that are no text.")
    body = await request.body()
    if body.strip() not in _NOTHING and "data" not in _fields(request):
        takes = ", ".join(f"?{name}=..." for name in sorted(known))
        instead = f"what it takes stands in the address: {takes}" if takes else "leave it out"
        raise Unreadable(f"This call takes no body; {instead}.")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"The body is not UTF-8 from byte {error.start} on: send one JSON document in UTF-8."
        ) from error
    if body.strip() in _NOTHING:
        return
    shape = _fields(request)["data"].annotation
    if len(body) > _LARGE:
        await asyncio.to_thread(_check_body, body, shape)
    else:
        _check_body(body, shape)


def _check_body(body: bytes, shape: Any) -> None:
    """Refuse what a decoder would take in silence; what is no document it refuses itself."""
    place = _place_of_no_text(body)
    if place is not None:
        raise Unreadable(f"The body's `{place[:200]}` holds characters that are no text.")
    place = _place_named_twice(body)
    if place is not None:
        raise Unreadable(f"The body's `{place[:200]}` is given more than once.")
    if bent := _bent(body, shape):
        raise Unreadable(bent)


def _bent(body: bytes, shape: Any) -> str:
    """What is wrong with a body that only a lenient decoder takes, as the framework's is: 1 as yes.

    What no decoder takes is left to the framework, which says it better.
    """
    try:
        msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        try:
            msgspec.json.decode(body, type=shape, strict=False)
        except msgspec.DecodeError:
            return ""
        return in_place(str(error))
    except (msgspec.DecodeError, RecursionError):
        pass
    return ""


class _Twice(dict[str, Any]):
    """An object of a document in which a name stands more than once."""

    name = ""


def _place_named_twice(body: bytes) -> str | None:
    """Where a document gives the same name twice: readers differ in which of the values counts."""
    found = False

    def read(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        one = dict(pairs)
        if len(one) == len(pairs):
            return one
        found, twice = True, _Twice(one)
        names = [name for name, _ in pairs]
        twice.name = next(name for at, name in enumerate(names) if name in names[:at])
        return twice

    try:
        document = json.loads(body, object_pairs_hook=read)
    except (ValueError, RecursionError):
        return None
    if not found:
        return None
    left: list[tuple[str, Any]] = [("", document)]
    while left:
        place, part = left.pop()
        if isinstance(part, _Twice):
            return f"{place}.{part.name}" if place else part.name
        if isinstance(part, dict):
            left += [(f"{place}.{name}" if place else name, one) for name, one in part.items()]
        elif isinstance(part, list):
            left += [(f"{place}[{at}]", one) for at, one in enumerate(part)]
    return None


def _place_of_no_text(body: bytes) -> str | None:
    """Where a document holds a control character; a certificate has line feeds, and only those.

    What is no document is refused by whoever reads it.
    """
    # JSON has them escaped, or not at all.
    if b"\\" not in body:
        return None
    try:
        left: list[tuple[str, Any]] = [("", msgspec.json.decode(body))]
    except (msgspec.DecodeError, RecursionError):
        return None
    while left:
        place, part = left.pop()
        if isinstance(part, str):
            if _CONTROLS.search(part):
                return place
        elif isinstance(part, dict):
            for name, value in part.items():
                inside = f"{place}.{name}" if place else name
                left += [(inside, name), (inside, value)]
        elif isinstance(part, list):
            left += [(f"{place}[{at}]", value) for at, value in enumerate(part)]
    return None


def moment_of(name: str, text: str) -> datetime | None:
    """A moment given as a parameter; None for none. Raises `Unreadable`.

    ISO 8601, also a date alone; without an offset it is in UTC.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        # Nobody means the first years there are and the last, with which one cannot reckon.
        if 1900 <= moment.year <= 9000:
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        pass
    raise Unreadable(
        f"The parameter {name!r} takes a moment such as 2026-11-28T08:00:00Z, or a day, not"
        f" {text[:50]!r}."
    )


def check_place(after: str | None) -> str | None:
    """The place where a list goes on. Raises `Unreadable` for one that no page has given."""
    if after and not is_place(after):
        raise Unreadable(NO_PLACE)
    return after or None


def place_behind(after: str | None, keys: Sequence[str]) -> int:
    """The same for a list that is in memory, as an index."""
    if not after:
        return 0
    if after not in keys:
        raise Unreadable(NO_PLACE)
    return keys.index(after) + 1


def is_one_line(text: str) -> bool:
    """Whether a text has nothing that ends a line, turns what is around it or steers a terminal."""
    return text.isprintable() and not _NO_TEXT.search(text)


def is_whole(text: str) -> bool:
    """Whether a text is a whole number, spelled as everybody spells it."""
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit()


def _parameters(request: Request[Any, Any, Any]) -> dict[str, FieldDefinition]:
    """The query parameters that the route takes."""
    return {
        field.name: field
        for field in _fields(request).values()
        if any(isinstance(mark, QueryParameter) for mark in field.metadata)
        or isinstance(field.kwarg_definition, QueryParameter)
    }


def _fields(request: Request[Any, Any, Any]) -> dict[str, FieldDefinition]:
    return request.route_handler.parsed_fn_signature.parameters
