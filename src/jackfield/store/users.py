"""The list of users.

Extensions with the person, departments and licences behind each, searched, filtered and paged.

Reads across the pictures (`phones.py`, `links.py`, `people.py`) and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select

from jackfield.core.extensions import DepartmentKey, Extension, ExtensionKey, Link
from jackfield.core.people import LeaverCause, Person, Standing
from jackfield.core.photos import PhotoState
from jackfield.store.contains import contains
from jackfield.store.links import links, load_links_of_extensions
from jackfield.store.people import load_people, people
from jackfield.store.phones import load_extensions, phone_extensions, phone_memberships
from jackfield.store.photos import photos
from jackfield.store.search import Found, Listing, find
from jackfield.store.transaction import Transaction

_ABSENT = [one.value for one in Standing if one is not Standing.PRESENT]
_LISTING = Listing(phone_extensions, phone_extensions.c.key, phone_extensions.c.words)


class Source(StrEnum):
    """Where a user comes from."""

    MICROSOFT_365 = "microsoft365"
    LOCAL = "local"


class Order(StrEnum):
    """What the list is sorted by."""

    NAME = "name"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users to show; everyone by default."""

    text: str = ""
    source: Source | None = None
    department: DepartmentKey | None = None
    sku: str = ""
    enabled: bool | None = None
    leavers: bool | None = None
    photo_amiss: bool = False
    """Only those whose photo cannot be an avatar, or could not be read."""


@dataclass(frozen=True, slots=True)
class User:
    """One row of the list."""

    extension: Extension
    link: Link | None
    person: Person | None

    @property
    def left(self) -> LeaverCause | None:
        """Why a leaver is one; see `has_left`."""
        return has_left(self.link, self.person)

    @property
    def source(self) -> Source:
        """Whether Microsoft 365 feeds it."""
        return Source.LOCAL if self.link is None else Source.MICROSOFT_365


def has_left(link: Link | None, person: Person | None) -> LeaverCause | None:
    """Why somebody who is linked has left; None for the others.

    Told of a deleted account also while a guard holds what comes of it.
    """
    if link is None or link.left is not None:
        return None if link is None else link.left
    gone = person is None or person.standing is not Standing.PRESENT
    return LeaverCause.DELETED if gone else None


@dataclass(frozen=True, slots=True)
class ListedUsers:
    """A page of users, and where to go on (see `search.Found`)."""

    users: tuple[User, ...]
    found: Found


async def list_users(
    tx: Transaction,
    tenant: int,
    filter_: UserFilter = UserFilter(),
    *,
    order: Order = Order.NAME,
    limit: int = 50,
    after: str | None = None,
    before: str | None = None,
) -> ListedUsers:
    """One page of users."""
    column = phone_extensions.c.sort if order is Order.NAME else phone_extensions.c.sort_number
    found = await find(
        tx,
        tenant,
        _LISTING,
        filter_.text,
        order=column,
        limit=limit,
        after=after,
        before=before,
        where=_conditions(tenant, filter_),
    )
    return ListedUsers(await load_users(tx, tenant, found.refs), found)


async def load_users(tx: Transaction, tenant: int, keys: Sequence[str]) -> tuple[User, ...]:
    """Users by the keys of their extensions, in that order; unknown ones are left out."""
    wanted = [ExtensionKey(key) for key in keys]
    extensions = await load_extensions(tx, tenant, wanted)
    of = await load_links_of_extensions(tx, tenant, wanted)
    persons = await load_people(tx, tenant, [link.person for link in of.values()])
    users = []
    for key in wanted:
        if key in extensions:
            link = of.get(key)
            users.append(User(extensions[key], link, persons.get(link.person) if link else None))
    return tuple(users)


async def count_leavers(tx: Transaction, tenant: int) -> int:
    """How many extensions are held by leavers: those that the filter `leavers` lists."""
    c = phone_extensions.c
    counting = select(func.count()).select_from(phone_extensions)
    return int(await tx.scalar(counting.where(c.tenant == tenant, _left(tenant))) or 0)


def _left(tenant: int) -> ColumnElement[bool]:
    """Whose person has left, whether or not a guard still holds what comes of that."""
    noted = select(links.c.key).where(links.c.tenant == tenant, links.c.left_cause.is_not(None))
    # Those who are absent come first, so that nobody else is looked at: not a join, which SQLite
    # would begin with everybody who is linked.
    gone = select(people.c.id).where(people.c.tenant == tenant, people.c.standing.in_(_ABSENT))
    absent = select(links.c.key).where(links.c.tenant == tenant, links.c.person.in_(gone))
    return phone_extensions.c.key.in_(noted.union_all(absent))


def _conditions(tenant: int, filter_: UserFilter) -> list[ColumnElement[bool]]:
    c = phone_extensions.c
    conditions: list[ColumnElement[bool]] = []
    linked_keys = select(links.c.key).where(links.c.tenant == tenant)
    if filter_.source is not None:
        linked = linked_keys.where(links.c.key == c.key).correlate(phone_extensions).exists()
        conditions.append(linked if filter_.source is Source.MICROSOFT_365 else ~linked)
    if filter_.leavers is not None:
        left = _left(tenant)
        conditions.append(left if filter_.leavers else ~left)
    if filter_.photo_amiss:
        p = photos.c
        amiss = select(links.c.key).join(
            photos, (p.tenant == links.c.tenant) & (p.person == links.c.person)
        )
        states = [PhotoState.UNUSABLE.value, PhotoState.UNREAD.value]
        conditions.append(c.key.in_(amiss.where(p.tenant == tenant, p.state.in_(states))))
    if filter_.sku:
        licensed = linked_keys.join(
            people, (people.c.tenant == links.c.tenant) & (people.c.id == links.c.person)
        ).where(links.c.key == c.key, contains(people.c.skus, filter_.sku))
        conditions.append(licensed.correlate(phone_extensions).exists())
    if filter_.department is not None:
        m = phone_memberships.c
        inside = select(m.key).where(m.tenant == tenant, m.department == filter_.department)
        conditions.append(c.key.in_(inside))
    if filter_.enabled is not None:
        conditions.append(c.enabled.is_(filter_.enabled))
    return conditions
