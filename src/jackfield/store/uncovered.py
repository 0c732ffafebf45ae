"""People of Microsoft 365 who have no extension, searched and paged. Why is for `core` to say."""

from __future__ import annotations

from sqlalchemy import select

from jackfield.core.people import Standing
from jackfield.store.links import links
from jackfield.store.people import people
from jackfield.store.search import Found, Kind, Listing, find
from jackfield.store.transaction import Transaction

_LISTING = Listing(Kind.PERSON, people, people.c.id, people.c.words)


async def search_uncovered(
    tx: Transaction,
    tenant: int,
    typed: str,
    *,
    limit: int = 50,
    after: str | None = None,
    before: str | None = None,
) -> Found:
    """People present without a link, by name. `Found.refs` are object IDs for `load_people`."""
    linked = select(links.c.person).where(links.c.tenant == tenant, links.c.person == people.c.id)
    return await find(
        tx,
        tenant,
        _LISTING,
        typed,
        order=people.c.sort,
        limit=limit,
        after=after,
        before=before,
        where=(
            people.c.standing == Standing.PRESENT.value,
            ~linked.correlate(people).exists(),
        ),
    )
