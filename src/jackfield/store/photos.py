"""People's photos as Microsoft 365 was last seen to have them, and what came of each.

A row belongs to a person with an extension; what was judged is remembered by its ETag. The pictures
themselves are in `images`. Rules are in `core/photos.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Index,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from jackfield.core.extensions import ExtensionKey
from jackfield.core.people import ObjectId, Standing
from jackfield.core.photos import Kept, PhotoState
from jackfield.store.links import links
from jackfield.store.people import people
from jackfield.store.schema import key, metadata, moment, number, tenant_key, text, to_micros
from jackfield.store.sequences import hold, next_change
from jackfield.store.transaction import AnyRow, Bulk, Transaction, chunks, upsert

photos = Table(
    "photo",
    metadata,
    tenant_key(),
    key("person"),
    text("key"),
    text("state"),
    text("etag"),
    text("digest"),
    text("set_digest"),
    text("mark"),
    text("because"),
    text("next_step"),
    moment("checked_at"),
    number("changed_seq"),
    Index("ix_photo_state", "tenant", "state", "person"),
    Index("ix_photo_digest", "tenant", "digest"),
    Index("ix_photo_changed", "tenant", "changed_seq"),
)

_WRITTEN = (
    "tenant",
    "person",
    "key",
    "state",
    "etag",
    "digest",
    "set_digest",
    "mark",
    "because",
    "next_step",
    "checked_at",
    "changed_seq",
)
_COLUMNS = [photos.c[name] for name in _WRITTEN[1:-1]]
_save = upsert(photos, _WRITTEN)
_see = Bulk(
    ("checked_", "tenant_", "person_"),
    lambda _insert: (
        update(photos)
        .where(photos.c.tenant == bindparam("tenant_"), photos.c.person == bindparam("person_"))
        .values(checked_at=bindparam("checked_"))
    ),
)
_ids: BindParameter[Any] = bindparam("ids", expanding=True)


@dataclass(frozen=True, slots=True)
class Photo:
    """A person's photo: how things stand with it, and on which extension."""

    person: ObjectId
    key: ExtensionKey
    """The extension whose avatar was last looked at; "" where that is still to be done."""
    kept: Kept
    because: str = ""
    """Why it is not shown, a sentence; "" where there is nothing to say."""
    next_step: str = ""
    checked_at: datetime | None = None
    """When Microsoft 365 was last asked."""


@dataclass(frozen=True, slots=True)
class Unlooked:
    """Somebody whose photo is to be looked at."""

    person: ObjectId
    key: ExtensionKey
    """Their extension."""
    name: str
    """Their display name."""


@dataclass(frozen=True, slots=True)
class PhotosPage:
    """Some photos, and where to go on: give `next` as `after`; None at the end."""

    photos: tuple[Photo, ...]
    next: ObjectId | None


async def load_photos(
    tx: Transaction, tenant: int, persons: Sequence[ObjectId]
) -> dict[ObjectId, Photo]:
    """What is known of the photos of these people."""
    statement = select(*_COLUMNS).where(photos.c.tenant == tenant, photos.c.person.in_(_ids))
    found: dict[ObjectId, Photo] = {}
    for chunk in chunks(persons):
        found |= {row[0]: _photo(row) for row in await tx.rows(statement, {"ids": chunk})}
    return found


async def load_digests(
    tx: Transaction, tenant: int, persons: Sequence[ObjectId]
) -> dict[ObjectId, str]:
    """Whose pictures there are, of these people, by their digests (see `images`)."""
    c = photos.c
    statement = select(c.person, c.digest).where(
        c.tenant == tenant, c.person.in_(_ids), c.digest != ""
    )
    found: dict[ObjectId, str] = {}
    for chunk in chunks(persons):
        found |= {row[0]: row[1] for row in await tx.rows(statement, {"ids": chunk})}
    return found


async def list_photos(
    tx: Transaction,
    tenant: int,
    states: Sequence[PhotoState],
    *,
    limit: int = 50,
    after: str | None = None,
) -> PhotosPage:
    """Photos in these states, by person."""
    c = photos.c
    statement = (
        select(*_COLUMNS)
        .where(c.tenant == tenant, c.state.in_([one.value for one in states]))
        .order_by(c.person)
        .limit(limit + 1)
    )
    if after is not None:
        statement = statement.where(c.person > after)
    found = [_photo(row) for row in await tx.rows(statement)]
    more = len(found) > limit
    return PhotosPage(tuple(found[:limit]), found[limit - 1].person if more else None)


async def list_unlooked(
    tx: Transaction,
    tenant: int,
    *,
    since: datetime | None,
    after: str = "",
    limit: int,
) -> list[Unlooked]:
    """People whose photo is to be looked at, by object ID behind `after`.

    Those who hold an extension, are no leavers, and were never asked for with this extension; with
    `since` those too who were last asked for before.
    """
    statement = _unlooked(tenant, since).where(links.c.person > after)
    statement = statement.with_only_columns(links.c.person, links.c.key, people.c.display_name)
    rows = await tx.rows(statement.order_by(links.c.person).limit(limit))
    return [Unlooked(*row) for row in rows]


async def count_unlooked(tx: Transaction, tenant: int, *, since: datetime | None) -> int:
    """How many people `list_unlooked` would give in all."""
    statement = _unlooked(tenant, since).with_only_columns(func.count())
    return int(await tx.scalar(statement))


async def save_photos(
    tx: Transaction, tenant: int, found: Sequence[Photo], *, now: datetime
) -> None:
    """Save what was found out; every one counts as changed, and as looked at now."""
    if not found:
        return
    changed = await next_change(tx, tenant)
    rows = [
        (
            tenant,
            one.person,
            one.key,
            one.kept.state.value,
            one.kept.etag,
            one.kept.digest,
            one.kept.set_digest,
            one.kept.mark,
            one.because,
            one.next_step,
            to_micros(now),
            changed,
        )
        for one in sorted(found, key=lambda photo: photo.person)
    ]
    await _save.run(tx, rows)


async def mark_looked_at(
    tx: Transaction, tenant: int, persons: Sequence[ObjectId], *, now: datetime
) -> None:
    """Note that nothing is new about these people's photos."""
    await hold(tx, tenant)
    await _see.run(tx, [(to_micros(now), tenant, one) for one in sorted(persons)])


async def count_photos(tx: Transaction, tenant: int) -> Mapping[PhotoState, int]:
    """How many photos are in each state."""
    c = photos.c
    rows = await tx.rows(select(c.state, func.count()).where(c.tenant == tenant).group_by(c.state))
    counted = {PhotoState(row[0]): int(row[1]) for row in rows}
    return {state: counted.get(state, 0) for state in PhotoState}


async def forget_photos_of(tx: Transaction, tenant: int, people: Sequence[ObjectId]) -> None:
    """Forget the photos of these, at most some thousand: they hold no extension any more."""
    if people:
        c = photos.c
        await tx.run(delete(photos).where(c.tenant == tenant, c.person.in_(people)))


async def forget_photos(tx: Transaction, tenant: int) -> int:
    """Forget the photos of people who hold no extension any more; returns how many."""
    await next_change(tx, tenant)
    held = select(links.c.person).where(links.c.tenant == tenant, links.c.person == photos.c.person)
    return await tx.run(delete(photos).where(photos.c.tenant == tenant, ~held.exists()))


def _unlooked(tenant: int, since: datetime | None) -> Select[Any]:
    unlooked = [photos.c.person.is_(None), photos.c.key != links.c.key]
    if since is not None:
        unlooked.append(photos.c.checked_at < since)
    return (
        select(links.c.person)
        .select_from(links)
        .join(people, and_(people.c.tenant == tenant, people.c.id == links.c.person))
        .outerjoin(photos, and_(photos.c.tenant == tenant, photos.c.person == links.c.person))
        .where(
            links.c.tenant == tenant,
            links.c.left_cause.is_(None),
            people.c.standing == Standing.PRESENT.value,
            people.c.enabled.is_(True),
            or_(*unlooked),
        )
    )


def _photo(row: AnyRow) -> Photo:
    kept = Kept(PhotoState(row.state), row.etag, row.digest, row.set_digest, row.mark)
    return Photo(row.person, row.key, kept, row.because, row.next_step, row.checked_at)
