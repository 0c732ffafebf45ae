"""People of Microsoft 365 who have no extension, searched and paged. Why is for `core` to say."""

from __future__ import annotations

from sqlalchemy import select

from jackfield.store.links import links
from jackfield.store.people import PRESENT_PEOPLE, people
from jackfield.store.search import Found, find
from jackfield.store.transaction import Transaction


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
        PRESENT_PEOPLE,
        typed,
        order=people.c.sort,
        limit=limit,
        after=after,
        before=before,
        where=(~linked.correlate(people).exists(),),
    )
