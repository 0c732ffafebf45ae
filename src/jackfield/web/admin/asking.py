"""What the address of a page may ask, checked before anything is read.

A place that no page has given, or a filter that does not exist, is refused by its name: leaving it
out would show the first page, or everything, as if that had been asked for. A page passes over
what it does not know (mail programs and proxies add to addresses), for it shows which filters are
set; a file shows none, so that it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from litestar import Request
from litestar.exceptions import ClientException, HTTPException
from litestar.params import PathParameter, QueryParameter
from litestar.typing import FieldDefinition

from jackfield.store.search import is_place
from jackfield.web.errors import NO_NUMBER

MOST = 2**53 - 1
"""No number of ours grows larger; the API takes none either."""
Position = Annotated[int, QueryParameter(ge=0, le=MOST)]
"""Where a list goes on; 0 = at its beginning."""
PageNumber = Annotated[int, QueryParameter(ge=1, le=MOST)]
"""A page of a list that is in memory."""
Number = Annotated[int, PathParameter(ge=0, le=MOST)]
"""The number of a plan or run, as part of an address."""

# Controls and halves of characters: no name, key or word to search for has one. Tabs and line feeds
# come along with what somebody copies out of a table.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
LONGEST = 200
"""Characters of a search; a page cuts what is more and shows what it asked for."""
_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
_WHOLE = re.compile("[0-9]+")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NO_DAY = "“{name}” in the address is “{shown}”; it takes a day like 2026-11-23."


class Unaskable(HTTPException):
    """An address that asks for what there is not; the text names the part."""

    status_code = 400


class NoForm(HTTPException):
    """A page was sent something else than a form."""

    status_code = 415


async def check_question(request: Request[Any, Any, Any]) -> None:
    """Refuse an address or a form that cannot be meant, before anything is read."""
    _check_address(request)
    if request.method == "POST":
        await _check_form(request)


def _check_address(request: Request[Any, Any, Any]) -> None:
    """Refuse text that is none, and numbers that are none, in any part of the address."""
    fields = request.route_handler.parsed_fn_signature.parameters
    given = list(request.query_params.multi_items())
    if request.scope["path"].endswith(".csv"):
        _check_filters(given, fields)
    for name, value in given:
        if _NO_TEXT.search(value):
            raise Unaskable(f"“{name[:100]}” in the address holds characters that are no text.")
        # The framework would take 1e3 and other spellings.
        if name in fields and fields[name].annotation is int and not _WHOLE.fullmatch(value):
            raise Unaskable(NO_NUMBER.format(name=name))
    if _NO_TEXT.search(request.scope["path"]):
        raise Unaskable("The address holds characters that are no text.")


def _check_filters(given: Sequence[tuple[str, str]], fields: Mapping[str, FieldDefinition]) -> None:
    """Refuse a file with a filter that it does not have, is given twice or would be cut."""
    known = sorted(
        name
        for name, field in fields.items()
        if any(isinstance(mark, QueryParameter) for mark in field.metadata)
        or isinstance(field.kwarg_definition, QueryParameter)
    )
    names = [name for name, _ in given]
    for name, value in given:
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise Unaskable(f"This file has no filter “{name[:100]}”; {takes}.")
        if names.count(name) > 1:
            raise Unaskable(f"“{name}” stands in the address more than once.")
        if len(value) > LONGEST:
            raise Unaskable(
                f"“{name}” in the address has {len(value):,} characters; at most {LONGEST}."
            )


async def _check_form(request: Request[Any, Any, Any]) -> None:
    """Refuse bodies that are no form, and text that is none, in any of its fields."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FORMS and await request.body():
        shown = f"“{kind[:100]}”" if kind else "something without a content type"
        raise NoForm(f"This page takes a form; what came is {shown}. The JSON API is under /api/.")
    try:
        form = await request.form()
    except ClientException as error:
        raise Unaskable("The form cannot be read: it is cut off or malformed.") from error
    for name, value in form.multi_items():
        if isinstance(value, str) and _NO_TEXT.search(value):
            raise Unaskable(f"“{name[:100]}” in the form holds characters that are no text.")


def check_places(after: str, before: str) -> None:
    """Refuse a place that no page of a list has given, and two places at once."""
    for name, place in (("after", after), ("before", before)):
        if place and not is_place(place):
            raise Unaskable(f"“{name}” in the address is no place that this list has given.")
    if after and before:
        raise Unaskable(
            "The address says both “after” and “before”; a page goes on from one place."
        )


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the calendar that a list is about, both included, as the address has them."""

    since: str
    until: str
    zone: str
    """The time zone whose days are meant, by its IANA name; "" = UTC."""

    @property
    def begin(self) -> datetime | None:
        """Their first moment; None = from the beginning."""
        day = _day("since", self.since)
        return None if day is None else self._midnight(day)

    @property
    def end(self) -> datetime | None:
        """The first moment behind them; None = until now."""
        day = _day("until", self.until)
        return None if day is None else self._midnight(day + timedelta(days=1))

    def _midnight(self, day: date) -> datetime:
        try:
            zone = ZoneInfo(self.zone) if self.zone else UTC
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Unaskable(
                f"“zone” in the address is “{self.zone[:50]}”, which is no time zone; give one like"
                " Europe/Berlin, or none for UTC."
            ) from None
        return datetime.combine(day, time(), zone).astimezone(UTC)


def _day(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        # Of the forms of ISO 8601 only this one is what a browser sends.
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    # Nobody means them, and no time zone can be added to the very first and last.
    if day is None or not 1900 <= day.year <= 9000:
        raise Unaskable(_NO_DAY.format(name=name, shown=text[:50]))
    return day


def check_choice(name: str, value: str, known: Collection[str], where: str = "address") -> None:
    """Refuse a filter's value that is none of those offered; empty = not filtered."""
    if value and value not in known:
        shown = value if len(value) <= 50 else f"{value[:50]}…"
        offered = ", ".join(one for one in known if one)
        raise Unaskable(f"“{name}” in the {where} is “{shown}”; it takes {offered}.")
