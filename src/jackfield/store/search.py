"""Searching names and numbers, one page of results in order.

A record (person, extension, group) keeps its folded words in its own row and in the index of its
list, which is walked in order until a page is full. An index of words would answer the rare ones
ten times as fast (of 100,000 people in 2 ms instead of 20), but cost a first sync an eighth of its
CPU. How text becomes words: `words`; whose an address is: `addresses`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Table,
    func,
    or_,
    select,
    tuple_,
)

from jackfield.store.contains import contains
from jackfield.store.schema import storable
from jackfield.store.transaction import AnyRow, Transaction
from jackfield.store.words import (
    LONGEST_WORD,
    MOST_WORDS,
    digits_of,
    fold,
    fold_address,
)

COUNT_LIMIT = 1000
"""Totals are counted up to here; beyond it is "1,000+"."""
_NUMBER = re.compile(r"[+(]?[\d()/.\-\s]*\d[\d()/.\-\s]*")


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a list.

    The keys of its records in order, how many there are, and where to go on.
    """

    refs: tuple[str, ...]
    total: int
    more: bool
    """There may be more than the total: "1,000+"."""
    previous: str | None = None
    """Give it as `before` for the page before this one; None on the first page."""
    next: str | None = None
    """Give it as `after` for the page after this one; None on the last page."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A table that can be listed and searched: which columns hold keys and words."""

    table: Table
    ref: Column[str]
    words: Column[str]
    always: tuple[ColumnElement[bool], ...] = ()
    """What every record of the list fits; in the table's index between tenant and order."""
    stretch: int = 5000
    """Records walked over before what was found so far is looked at."""


Term = tuple[str, ...]
"""Beginnings of words of which one must fit: digits may begin a number or end one."""

_Place = tuple[str, str]
"""Order column and key of a record: where it stands in a list."""


class _Mark(msgspec.Struct, array_like=True):
    """What `Found.next` and `previous` carry: a place, and what the first page counted."""

    order: str
    ref: str
    total: int
    more: bool


class Paging(TypedDict, total=False):
    """Which page of a list; `after` and `before` are `Found.next` and `Found.previous` of another.

    An unreadable place means the first page.
    """

    limit: int
    after: str | None
    before: str | None


def terms_of(text: str) -> tuple[Term, ...]:
    """What somebody typed, as terms that all must fit."""
    text = text.strip()
    if len(text) > 2 and _NUMBER.fullmatch(text):
        bare = digits_of(text)
        return (("".join(filter(str.isdecimal, text)), "#" + bare[::-1]),) if bare else ()
    terms: dict[Term, None] = {}
    for piece in text.split()[:MOST_WORDS]:
        if "@" in piece:
            terms[(fold_address(piece),)] = None
        else:
            for word in fold(piece).split():
                terms[(word[:LONGEST_WORD],)] = None
    return tuple(terms)


async def find(
    tx: Transaction,
    tenant: int,
    listing: Listing,
    text: str,
    *,
    order: Column[str],
    where: Sequence[ColumnElement[bool]] = (),
    **page: Unpack[Paging],
) -> Found:
    """One page of the records that fit every word typed, in the order of a column; "" fits all."""
    terms = terms_of(text)
    if text.strip() and not terms:
        return Found((), 0, more=False)
    # `contains` compares bytes; LIKE would fold case and read % and _.
    words = [or_(*(contains(listing.words, " " + start) for start in term)) for term in terms]
    conditions = [listing.table.c.tenant == tenant, *listing.always, *words, *where]
    limit, before = page.get("limit", 50), _read(page.get("before"))
    mark = before or _read(page.get("after"))
    search = _Search(listing, order, conditions, limit, backwards=before is not None)
    rows, total, more = await search.run(tx, tenant, mark)
    further = len(rows) > limit
    rows = rows[:limit]
    if search.backwards:
        rows.reverse()
    has_previous = further if search.backwards else mark is not None
    has_next = search.backwards or further
    return Found(
        tuple(ref for _, ref in rows),
        total,
        more,
        previous=_write(_Mark(*rows[0], total, more)) if rows and has_previous else None,
        next=_write(_Mark(*rows[-1], total, more)) if rows and has_next else None,
    )


@dataclass(frozen=True, slots=True)
class _Search:
    listing: Listing
    order: Column[str]
    conditions: Sequence[ColumnElement[bool]]
    limit: int
    backwards: bool

    async def run(
        self, tx: Transaction, tenant: int, mark: _Mark | None
    ) -> tuple[list[_Place], int, bool]:
        """Rows from a place on, one more than fits the page if there is one; total, and "or more".

        Most pages are full after the first stretch of the list; the total is what that held then.
        """
        rows: list[_Place] = []
        total, more = (mark.total, mark.more) if mark else (0, False)
        place = (mark.order, mark.ref) if mark else None
        for edge in (await self._edge(tx, tenant, place), None):
            fitting = self._fitting(place, edge)
            need = self.limit + 1 - len(rows)
            if mark is None:
                found, counted = await self._counted(tx, fitting, need)
                total += counted
                more = edge is not None or total > COUNT_LIMIT
            else:
                found = await tx.rows(fitting.limit(need))
            rows += [(row[0], row[1]) for row in found]
            if edge is None or len(rows) > self.limit:
                break
            place = edge
        return rows, min(total, COUNT_LIMIT), more

    async def _edge(self, tx: Transaction, tenant: int, place: _Place | None) -> _Place | None:
        """The place where the first stretch ends; None where the list ends sooner."""
        statement = select(self.order, self.listing.ref).where(
            self.listing.table.c.tenant == tenant, *self.listing.always, *self._beyond(place)
        )
        walked = statement.order_by(*self._sorting()).offset(self.listing.stretch - 1).limit(1)
        row = await tx.row(walked)
        return None if row is None else (row[0], row[1])

    def _fitting(self, place: _Place | None, edge: _Place | None) -> Select[str, str]:
        return (
            select(self.order.label("place"), self.listing.ref.label("ref"))
            .where(*self.conditions, *self._beyond(place), *self._until(edge))
            .order_by(*self._sorting())
        )

    async def _counted(
        self, tx: Transaction, fitting: Select[str, str], need: int
    ) -> tuple[Sequence[AnyRow], int]:
        counted = fitting.limit(COUNT_LIMIT + 1).cte("fitting")
        columns = (counted.c.place, counted.c.ref)
        sorting = [column.desc() for column in columns] if self.backwards else columns
        number = select(func.count()).select_from(counted).scalar_subquery()
        rows = await tx.rows(select(*columns, number).order_by(*sorting).limit(need))
        return rows, rows[0][2] if rows else 0

    def _sorting(self) -> tuple[ColumnElement[str], ...]:
        columns = (self.order, self.listing.ref)
        return tuple(column.desc() for column in columns) if self.backwards else columns

    def _beyond(self, place: _Place | None) -> tuple[ColumnElement[bool], ...]:
        if place is None:
            return ()
        here = tuple_(self.order, self.listing.ref)
        return (here < tuple_(*place),) if self.backwards else (here > tuple_(*place),)

    def _until(self, edge: _Place | None) -> tuple[ColumnElement[bool], ...]:
        if edge is None:
            return ()
        here = tuple_(self.order, self.listing.ref)
        return (here >= tuple_(*edge),) if self.backwards else (here <= tuple_(*edge),)


def is_place(cursor: str) -> bool:
    """Whether a page of a list can have given this as the place where to go on."""
    mark = _read(cursor)
    return mark is not None and all(storable(text) == text for text in (mark.order, mark.ref))


def _write(mark: _Mark) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(mark)).decode().rstrip("=")


def _read(cursor: str | None) -> _Mark | None:
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=_Mark)
    except (ValueError, msgspec.DecodeError):
        return None
