"""Searching names and numbers: tokens with a prefix index, and one page of results in order.

A record (person, extension, group) keeps its folded words in its own row and each of them once more
as a row of `search_token`. A rare word is looked up there; a common one is met soon by walking the
list in order. A bounded count decides which. How text becomes words: `jackfield.store.words`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import TypedDict, Unpack

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    tuple_,
)

from jackfield.store.contains import contains
from jackfield.store.schema import key, metadata, storable, tenant_key
from jackfield.store.transaction import AnyRow, Bulk, Transaction, append, chunks
from jackfield.store.words import (
    ADDRESS_HEAD,
    LONGEST_WORD,
    MOST_WORDS,
    digits_of,
    fold,
    fold_address,
    token_of,
)

COUNT_LIMIT = 1000
"""Totals are counted up to here; beyond it is "1,000+"."""
_LAST = "\U0010ffff"
_NUMBER = re.compile(r"[+(]?[\d()/.\-\s]*\d[\d()/.\-\s]*")


class Kind(StrEnum):
    """What a token belongs to."""

    PERSON = "p"
    EXTENSION = "e"
    GROUP = "g"


search_tokens = Table(
    "search_token",
    metadata,
    tenant_key(),
    key("kind"),
    key("token"),
    key("ref"),
    sqlite_with_rowid=False,
)


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


# --- tokens ----------------------------------------------------------------------------------

_add_tokens = append(search_tokens, ("tenant", "kind", "token", "ref"))
_drop_tokens = Bulk(
    ("tenant_", "kind_", "token_", "ref_"),
    lambda _insert: delete(search_tokens).where(
        *(
            search_tokens.c[name] == bindparam(name + "_")
            for name in ("tenant", "kind", "token", "ref")
        )
    ),
)


async def save_words(
    tx: Transaction, tenant: int, kind: Kind, before: Mapping[str, str], now: Mapping[str, str]
) -> None:
    """Bring the tokens from `before` (words by record, "" or absent = new) to `now`.

    "" removes a record's tokens.
    """
    name = kind.value
    added: list[tuple[int, str, str, str]] = []
    dropped: list[tuple[int, str, str, str]] = []
    for ref, words in now.items():
        old = before.get(ref, "")
        if old == words:
            continue
        new_tokens = [token_of(word) for word in words.split()]
        if old:
            old_tokens = [token_of(word) for word in old.split()]
            dropped += [
                (tenant, name, token, ref) for token in old_tokens if token not in new_tokens
            ]
            new_tokens = [token for token in new_tokens if token not in old_tokens]
        added += [(tenant, name, token, ref) for token in new_tokens]
    if dropped:
        await _drop_tokens.run(tx, sorted(dropped))
    if added:
        await _add_tokens.run(tx, sorted(added))


async def refs_of_addresses(
    tx: Transaction, tenant: int, kind: Kind, addresses: Sequence[str]
) -> set[str]:
    """The records that bear one of the addresses; now and then one that bears another."""
    c = search_tokens.c
    found: set[str] = set()
    tokens = sorted({token_of(fold_address(address)) for address in addresses})
    statement = select(c.ref).where(
        c.tenant == tenant, c.kind == kind.value, c.token.in_(bindparam("tokens", expanding=True))
    )
    for chunk in chunks(tokens):
        found |= {row[0] for row in await tx.rows(statement, {"tokens": chunk})}
    return found


# --- finding ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listing:
    """A table that can be listed and searched: which columns hold keys and words."""

    kind: Kind
    table: Table
    ref: Column[str]
    words: Column[str]
    always: tuple[ColumnElement[bool], ...] = ()
    """What every record of the list fits; in the table's index between tenant and order."""
    rare: int = 2000
    """A word with no more tokens than this is looked up, not walked for."""
    common: int = 10_000
    """A word with more tokens than this is never looked up."""
    stretch: int = 5000
    """Records walked over before what was found so far is looked at; twice as many each time."""
    stretches: int = 1
    """After so many without a full page a word that is not too common is looked up."""


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
    conditions = [listing.table.c.tenant == tenant, *listing.always, *where]
    # `contains` compares bytes; LIKE would fold case and read % and _.
    conditions += [or_(*(contains(listing.words, " " + start) for start in term)) for term in terms]
    rarest, tokens = await _rarest(tx, tenant, listing, terms)
    limit, before = page.get("limit", 50), _read(page.get("before"))
    mark = before or _read(page.get("after"))
    search = _Search(
        listing,
        order,
        conditions,
        listing.ref.in_(_refs_with(tenant, listing.kind, rarest)) if rarest else None,
        limit,
        backwards=before is not None,
    )
    rows, total, more = await search.run(tx, tenant, mark, rare=tokens <= listing.rare)
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
    look_up: ColumnElement[bool] | None
    """A condition that leads to all candidates at once."""
    limit: int
    backwards: bool

    async def run(
        self, tx: Transaction, tenant: int, mark: _Mark | None, *, rare: bool
    ) -> tuple[list[_Place], int, bool]:
        """Rows from a place on, one more than fits the page if there is one; total, and "or more".

        Walks in stretches, so that common words that never meet in one record do not lead through
        the whole list before the page is shown; the total is what the stretches held.
        """
        rows: list[_Place] = []
        total, more = (mark.total, mark.more) if mark else (0, False)
        place = (mark.order, mark.ref) if mark else None
        for stretch in count():
            at_once = self.look_up is not None and (rare or stretch >= self.listing.stretches)
            length = self.listing.stretch << stretch
            edge = None if at_once else await self._edge(tx, tenant, place, length)
            fitting = self._fitting(place, edge, look_up=at_once)
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

    async def _edge(
        self, tx: Transaction, tenant: int, place: _Place | None, stretch: int
    ) -> _Place | None:
        """The place where a stretch ends; None where the list ends sooner."""
        statement = select(self.order, self.listing.ref).where(
            self.listing.table.c.tenant == tenant, *self.listing.always, *self._beyond(place)
        )
        row = await tx.row(statement.order_by(*self._sorting()).offset(stretch - 1).limit(1))
        return None if row is None else (row[0], row[1])

    def _fitting(
        self, place: _Place | None, edge: _Place | None, *, look_up: bool
    ) -> Select[str, str]:
        conditions = [*self.conditions, *self._beyond(place), *self._until(edge)]
        if look_up and self.look_up is not None:
            conditions.append(self.look_up)
        return (
            select(self.order.label("place"), self.listing.ref.label("ref"))
            .where(*conditions)
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


async def _rarest(
    tx: Transaction, tenant: int, listing: Listing, terms: Sequence[Term]
) -> tuple[Term | None, int]:
    """The term with the fewest tokens and their number, if there are not too many to look up."""
    best, fewest = None, listing.common + 1
    for term in terms:
        bounded = _refs_with(tenant, listing.kind, term).limit(fewest)
        number = await tx.scalar(select(func.count()).select_from(bounded.subquery()))
        if number < fewest:
            best, fewest = term, number
    return best, fewest


def _refs_with(tenant: int, kind: Kind, term: Term) -> Select[str]:
    c = search_tokens.c
    heads = [start[:ADDRESS_HEAD] if "@" in start else start for start in term]
    ranges = [and_(c.token >= head, c.token < head + _LAST) for head in heads]
    return select(c.ref).where(c.tenant == tenant, c.kind == kind.value, or_(*ranges))


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
