"""Forgetting everything that is about one phone system: its picture, and what is linked to it."""

from __future__ import annotations

from sqlalchemy import delete, func, select, update

from jackfield.store.links import department_links, links
from jackfield.store.matches import doubtful_people, match_decisions
from jackfield.store.phone_departments import phone_departments
from jackfield.store.phone_numbers import phone_numbers
from jackfield.store.phone_state import phone_states, touch_picture
from jackfield.store.phones import phone_extensions, phone_memberships
from jackfield.store.photos import photos
from jackfield.store.pieces import delete_piece
from jackfield.store.planned import add_unsettled
from jackfield.store.released import former_extensions
from jackfield.store.sequences import hold, next_change
from jackfield.store.transaction import Transaction

_PICTURE = (phone_memberships, phone_extensions, phone_departments, phone_numbers)


async def forget_picture(tx: Transaction, tenant: int) -> int:
    """Drop a piece of the picture, which is read from its beginning again; returns how many rows.

    Links stay. Where nobody goes on with `forget_phones`, the next reading makes the picture anew.
    """
    await hold(tx, tenant)
    await tx.run(update(phone_states).where(phone_states.c.tenant == tenant).values(cursor=None))
    for table in _PICTURE:
        if dropped := await delete_piece(tx, tenant, table):
            return dropped
    return 0


async def forget_phones(tx: Transaction, tenant: int) -> int:
    """Drop picture, links, decisions about matches and marks of avatars; everyone is planned anew.

    Returns how many people were linked. Numbers of former extensions stay reserved for who had
    them.
    """
    changed = await next_change(tx, tenant)
    linked: int = await tx.scalar(
        select(func.count()).select_from(links).where(links.c.tenant == tenant)
    )
    for table in (
        phone_memberships,
        phone_extensions,
        phone_departments,
        phone_numbers,
        links,
        department_links,
        match_decisions,
        doubtful_people,
    ):
        await tx.run(delete(table).where(table.c.tenant == tenant))
    await tx.run(
        update(former_extensions)
        .where(former_extensions.c.tenant == tenant)
        .values(departments="[]", given_departments="[]", primary_department=None)
    )
    await tx.run(
        update(photos)
        .where(photos.c.tenant == tenant)
        .values(key="", state="", etag="", digest="", set_digest="", mark="", changed_seq=changed)
    )
    await tx.run(update(phone_states).where(phone_states.c.tenant == tenant).values(cursor=None))
    await touch_picture(tx, tenant)
    await add_unsettled(tx, tenant, None)
    return linked
