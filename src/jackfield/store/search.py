"""Searching names and numbers.

Folding, tokens with a prefix index, and one page of results in order.

A record (person, extension, group) keeps its folded words in its own row, and each word once more
as a row of `search_token`. A rare word is looked up there; a common one is met soon by walking the
list in order. Which way is cheaper is decided by a bounded count. Numbers are kept reversed behind
"#", for people remember how a number ends.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

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
from jackfield.store.schema import key, metadata, tenant_key
from jackfield.store.transaction import Bulk, Transaction, append, chunks

MOST_TOKENS = 8
LONGEST_TOKEN = 40
LONGEST_ADDRESS = 120
LONGEST_SORT = 64
COUNT_LIMIT = 1000
"""Totals are counted up to here; beyond it is "1,000+"."""
WALK_FROM = 6000
"""A word with more tokens than this is looked for by walking the list in order."""


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
    """The total is only what was counted: "1,000+"."""
    previous: str | None = None
    """Give it as `before` for the page before this one; None on the first page."""
    next: str | None = None
    """Give it as `after` for the page after this one; None on the last page."""


# --- folding ---------------------------------------------------------------------------------

# Letters without a decomposition in Unicode, which people type as others.
_WHOLE = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "æ": "ae",
    "œ": "oe",
    "ı": "i",
    "ð": "d",
    "þ": "th",
    "ŋ": "n",
}


class _Letters(dict[int, str | None]):
    """What becomes of a character: kept, dropped (accents, joiners), or a word's end."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        category = unicodedata.category(character)
        result: str | None
        if unicodedata.combining(character) or category == "Cf":
            result = None
        elif character.isalnum() or category in {"Mn", "Mc"}:
            result = _WHOLE.get(character, character)
        else:
            result = " "
        self[code] = result
        return result


_LETTERS = _Letters()
_ASCII_LETTERS = {code: (chr(code).lower() if chr(code).isalnum() else " ") for code in range(128)}
# Scripts written without spaces between words: a name is found from any character on.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]"
)
_END = "\U0010ffff"
_NUMBER = re.compile(r"[+(]?[\d()/.\-\s]*\d[\d()/.\-\s]*")


def fold(text: str) -> str:
    """Words without case, accents and punctuation, one space between them.

    "O'Néil Ånna" -> "o neil anna".
    """
    if text.isascii():
        return " ".join(text.translate(_ASCII_LETTERS).split())
    loose = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    return " ".join(unicodedata.normalize("NFC", loose).split())


def sort_key(text: str) -> str:
    """What a list is ordered by."""
    return fold(text)[:LONGEST_SORT]


def number_sort_key(number: str) -> str:
    """What extension numbers are ordered by: short before long, then digit by digit."""
    return f"{len(number):02d}{number}"[:LONGEST_SORT]


def words_of(
    names: Iterable[str], addresses: Iterable[str] = (), numbers: Iterable[str] = ()
) -> str:
    """The words under which a record is found, as they are kept in its row.

    Each preceded by a space.
    """
    found: dict[str, None] = {}
    for name in names:
        for word in fold(name).split():
            found[word[:LONGEST_TOKEN]] = None
            if not word.isascii() and _UNSPACED.match(word):
                for start in range(1, min(len(word), 5)):
                    found[word[start : start + LONGEST_TOKEN]] = None
    tokens = list(found)[: MOST_TOKENS - 2]
    tokens += [address_token(address) for address in addresses if address]
    for digits in numbers:
        if len(bare := _digits(digits)) >= 3:
            tokens.append("#" + bare[::-1])
    return "".join(" " + token for token in dict.fromkeys(tokens[:MOST_TOKENS]))


def address_token(address: str) -> str:
    """The token of a mail address or UPN: the whole of it, casefolded."""
    return "".join(address.casefold().split())[:LONGEST_ADDRESS]


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text)).lstrip("0")[-20:]


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
        new_tokens = words.split()
        if old:
            old_tokens = old.split()
            dropped += [
                (tenant, name, token, ref) for token in old_tokens if token not in new_tokens
            ]
            new_tokens = [token for token in new_tokens if token not in old_tokens]
        added += [(tenant, name, token, ref) for token in new_tokens]
    if dropped:
        await _drop_tokens.run(tx, sorted(dropped))
    if added:
        await _add_tokens.run(tx, sorted(added))


async def refs_of(
    tx: Transaction, tenant: int, kind: Kind, tokens: Sequence[str]
) -> dict[str, list[str]]:
    """The records that bear a token exactly, by token; tokens that nobody bears are left out."""
    c = search_tokens.c
    found: dict[str, list[str]] = {}
    statement = select(c.token, c.ref).where(
        c.tenant == tenant, c.kind == kind.value, c.token.in_(bindparam("tokens", expanding=True))
    )
    for chunk in chunks(tokens):
        for token, ref in await tx.rows(statement, {"tokens": chunk}):
            found.setdefault(token, []).append(ref)
    return found


# --- finding ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listing:
    """A table that can be listed and searched: which columns hold key, order and words."""

    kind: Kind
    table: Table
    ref: Column[str]
    words: Column[str]


Term = tuple[str, ...]
"""Beginnings of tokens of which one must fit: a number may be a beginning or an end."""


def terms_of(text: str) -> tuple[Term, ...]:
    """What somebody typed, as terms that all must fit."""
    text = text.strip()
    if len(text) > 2 and _NUMBER.fullmatch(text):
        bare = _digits(text)
        typed = "".join(filter(str.isdecimal, text))
        if bare:
            return ((typed, "#" + bare[::-1]),)
    terms: dict[Term, None] = {}
    for piece in text.split()[:MOST_TOKENS]:
        if "@" in piece:
            terms[(address_token(piece),)] = None
        else:
            for word in fold(piece).split():
                terms[(word[:LONGEST_TOKEN],)] = None
    return tuple(terms)


async def find(
    tx: Transaction,
    tenant: int,
    listing: Listing,
    text: str,
    *,
    order: Column[str],
    limit: int = 50,
    after: str | None = None,
    before: str | None = None,
    where: Sequence[ColumnElement[bool]] = (),
) -> Found:
    """One page of the records that fit every word typed, in the order of a column; "" fits all.

    `after` and `before` are `Found.next` and `Found.previous` of another page; an unreadable one
    means the first page.
    """
    table, ref = listing.table, listing.ref
    conditions = [table.c.tenant == tenant, *where]
    terms = terms_of(text)
    if text.strip() and not terms:
        return Found((), 0, more=False)
    looked_up = await _rarest(tx, tenant, listing.kind, terms)
    for term in terms:
        if term is looked_up:
            conditions.append(ref.in_(_refs_with(tenant, listing.kind, term)))
        else:
            conditions.append(or_(*(_holds(listing.words, start) for start in term)))
    count = select(ref).where(*conditions).limit(COUNT_LIMIT + 1)
    total = await tx.scalar(select(func.count()).select_from(count.subquery())) or 0
    back = _position(before)
    on = None if back is not None else _position(after)
    page = select(ref, order).where(*conditions).limit(limit + 1)
    if back is not None:
        page = page.where(tuple_(order, ref) < tuple_(*back)).order_by(order.desc(), ref.desc())
    else:
        page = page.order_by(order, ref)
        if on is not None:
            page = page.where(tuple_(order, ref) > tuple_(*on))
    rows = [(row[0], row[1]) for row in await tx.rows(page)]
    further = len(rows) > limit
    rows = rows[:limit]
    if back is not None:
        rows.reverse()
    has_before, has_after = (further, True) if back is not None else (on is not None, further)
    return Found(
        tuple(row[0] for row in rows),
        min(total, COUNT_LIMIT),
        more=total > COUNT_LIMIT,
        previous=_cursor(rows[0]) if rows and has_before else None,
        next=_cursor(rows[-1]) if rows and has_after else None,
    )


async def _rarest(tx: Transaction, tenant: int, kind: Kind, terms: Sequence[Term]) -> Term | None:
    """The term with the fewest tokens, if they are few enough to look them up."""
    best, best_count = None, WALK_FROM + 1
    for term in terms:
        bounded = _refs_with(tenant, kind, term).limit(best_count)
        count = await tx.scalar(select(func.count()).select_from(bounded.subquery()))
        if count < best_count:
            best, best_count = term, count
    return best


def _refs_with(tenant: int, kind: Kind, term: Term) -> Select[tuple[str]]:
    c = search_tokens.c
    starts = [and_(c.token >= start, c.token < start + _END) for start in term]
    return select(c.ref).where(c.tenant == tenant, c.kind == kind.value, or_(*starts))


def _holds(words: Column[str], start: str) -> ColumnElement[bool]:
    # instr and strpos compare bytes; LIKE would fold case and read % and _.
    return contains(words, " " + start)


def _cursor(row: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((row[1], row[0]))).decode().rstrip("=")


def _position(cursor: str | None) -> tuple[str, str] | None:
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=tuple[str, str])
    except (ValueError, msgspec.DecodeError):
        return None
