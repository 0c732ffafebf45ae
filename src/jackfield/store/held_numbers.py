"""Released numbers that are still held: listed by number, searched by number or by whose it was.

How long a number is held is the administrator's choice; what was released is in
`jackfield.store.released`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_

from jackfield.core.extensions import ExtensionNumber
from jackfield.core.number_pools import Released
from jackfield.store.contains import contains
from jackfield.store.people import people
from jackfield.store.phone_numbers import phone_numbers
from jackfield.store.released import released_numbers
from jackfield.store.search import COUNT_LIMIT, Found, Term, terms_of
from jackfield.store.transaction import Transaction

_r, _p, _n = released_numbers.c, people.c, phone_numbers.c
_ORDER = (func.length(_r.number), _r.number)


@dataclass(frozen=True, slots=True)
class HeldPage:
    """One page of held numbers, shorter before longer ones; its places are numbers."""

    numbers: tuple[Released, ...]
    found: Found


async def list_held(
    tx: Transaction,
    tenant: int,
    typed: str = "",
    *,
    since: datetime,
    limit: int = 50,
    after: str | None = None,
    before: str | None = None,
) -> HeldPage:
    """Numbers released after a moment that are not in use again.

    `typed`: digits of a number, or the words of a person's name or address.
    """
    terms = terms_of(typed)
    if typed.strip() and not terms:
        return HeldPage((), Found((), 0, more=False))
    conditions = [*_held(tenant, since), *(_fits(term) for term in terms)]
    joined = released_numbers.outerjoin(people, and_(_p.tenant == tenant, _p.id == _r.person))
    bounded = select(_r.number).select_from(joined).where(*conditions).limit(COUNT_LIMIT + 1)
    total = await tx.scalar(select(func.count()).select_from(bounded.subquery()))
    place = before or after
    statement = select(_r.number, _r.released_at, _r.person).select_from(joined).where(*conditions)
    if place:
        here = (len(place), place)
        beyond = tuple_(*_ORDER) < here if before else tuple_(*_ORDER) > here
        statement = statement.where(beyond)
    sorting = [one.desc() for one in _ORDER] if before else _ORDER
    rows = [Released(*row) for row in await tx.rows(statement.order_by(*sorting).limit(limit + 1))]
    further = len(rows) > limit
    rows = rows[:limit]
    if before:
        rows.reverse()
    numbers = tuple(one.number for one in rows)
    has_previous = further if before else bool(after)
    has_next = bool(before) or further
    found = Found(
        numbers,
        min(total, COUNT_LIMIT),
        total > COUNT_LIMIT,
        previous=numbers[0] if numbers and has_previous else None,
        next=numbers[-1] if numbers and has_next else None,
    )
    return HeldPage(tuple(rows), found)


async def load_held_number(
    tx: Transaction, tenant: int, number: str, *, since: datetime
) -> Released | None:
    """Whose a number was, if it was released after a moment and is not in use again."""
    row = await tx.row(
        select(_r.number, _r.released_at, _r.person).where(
            *_held(tenant, since), _r.number == ExtensionNumber(number)
        )
    )
    return None if row is None else Released(*row)


def _held(tenant: int, since: datetime) -> list[ColumnElement[bool]]:
    used = select(_n.number).where(_n.tenant == tenant, _n.number == _r.number)
    return [
        _r.tenant == tenant,
        _r.released_at > since,
        ~used.correlate(released_numbers).exists(),
    ]


def _fits(term: Term) -> ColumnElement[bool]:
    words = func.coalesce(_p.words, "")
    by_name = [contains(words, " " + start) for start in term]
    return or_(*by_name, *(contains(_r.number, start) for start in term if start.isdigit()))
