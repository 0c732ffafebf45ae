"""The picture of the tenant's people as last seen: found, counted, searched.

It is written by the rounds through the directory (`people_rounds`). Groups are in `groups`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Any, Unpack

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Index, Table, bindparam, func, select

from jackfield.core.fields import addresses
from jackfield.core.people import ObjectId, Person, Standing, UserType
from jackfield.store.addresses import Kind, refs_of_addresses
from jackfield.store.schema import (
    OF_TENANT,
    flag,
    key,
    maybe_moment,
    maybe_text,
    metadata,
    moment,
    number,
    storable,
    tenant_key,
    text,
)
from jackfield.store.search import Found, Listing, Paging, find
from jackfield.store.transaction import AnyRow, Transaction, chunks

people = Table(
    "person",
    metadata,
    tenant_key(),
    key("id"),
    text("standing"),
    text("sort"),
    text("words"),
    number("hash"),
    number("seen_round"),
    number("changed_seq"),
    moment("first_seen_at"),
    maybe_moment("removed_at"),
    text("upn"),
    text("display_name"),
    text("given_name"),
    text("surname"),
    text("mail"),
    text("mobile_phone"),
    text("business_phone"),
    text("job_title"),
    text("company_name"),
    text("department"),
    text("office_location"),
    text("usage_location"),
    text("preferred_language"),
    flag("enabled"),
    text("user_type"),
    text("skus"),
    flag("has_mailbox"),
    flag("has_teams"),
    flag("is_resource_account"),
    flag("disabled_when_first_seen"),
    maybe_text("extension_attributes"),
    Index("ix_person_list", "tenant", "standing", "sort", "id", "words"),
    Index("ix_person_changed", "tenant", "changed_seq"),
)
PERSON_FIELDS = tuple(one.name for one in fields(Person))
"""Columns of a person, in the order of `Person`."""
_SHARED = slice(PERSON_FIELDS.index("job_title"), PERSON_FIELDS.index("preferred_language") + 1)
_PERSON_COLUMNS = [people.c[name] for name in PERSON_FIELDS]
PRESENT_PEOPLE = Listing(
    people,
    people.c.id,
    people.c.words,
    (people.c.standing == Standing.PRESENT.value,),
)
"""How people who are there are listed and searched."""
_decode = msgspec.json.Decoder(tuple[str, ...]).decode
_USER_TYPES = {user_type.value: user_type for user_type in UserType}
_STANDINGS = {standing.value: standing for standing in Standing}
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_ALL = select(*_PERSON_COLUMNS).where(people.c.tenant == OF_TENANT)
_SOME = _ALL.where(people.c.id.in_(_ids))
_CHANGED = select(people.c.id).where(
    people.c.tenant == OF_TENANT, people.c.changed_seq > bindparam("since"), people.c.id.in_(_ids)
)


def _number_of(*standings: Standing) -> ColumnElement[int]:
    c = people.c
    of_these = [c.standing.in_([one.value for one in standings])] if standings else []
    return select(func.count()).where(c.tenant == OF_TENANT, *of_these).scalar_subquery()


# Indexes alone answer these, the wide one of lists only as far as somebody is not present.
_COUNTS = select(
    _number_of(), _number_of(Standing.GONE), _number_of(*set(Standing) - {Standing.PRESENT})
)


@dataclass(frozen=True, slots=True)
class PeopleCounts:
    """How many people the picture holds, by standing."""

    present: int = 0
    gone: int = 0


@dataclass(frozen=True, slots=True)
class PersonHistory:
    """When a person came and went."""

    first_seen_at: datetime
    removed_at: datetime | None
    seen_round: int
    changed_seq: int


async def load_people(
    tx: Transaction, tenant: int, ids: Sequence[ObjectId] | None = None
) -> dict[ObjectId, Person]:
    """People by object ID, whatever their standing; those asked for, or everyone.

    Unknown ids are left out.
    """
    found: dict[ObjectId, Person] = {}
    if ids is None:
        async for page in tx.pages(_ALL, {"of_tenant": tenant}):
            found.update((row[0], _person(row)) for row in page)
        return found
    for chunk in chunks(ids):
        rows = await tx.rows(_SOME, {"of_tenant": tenant, "ids": chunk})
        found.update((row[0], _person(row)) for row in rows)
    return found


async def load_person_history(tx: Transaction, tenant: int, id_: ObjectId) -> PersonHistory | None:
    """When a person came and went; None for an unknown one."""
    c = people.c
    row = await tx.row(
        select(c.first_seen_at, c.removed_at, c.seen_round, c.changed_seq).where(
            c.tenant == tenant, c.id == id_
        )
    )
    return None if row is None else PersonHistory(*row)


async def load_touched(tx: Transaction, tenant: int, since: int) -> tuple[list[ObjectId], int]:
    """Whose picture changed after change number `since`, and the number up to which this holds."""
    c = people.c
    rows = await tx.rows(
        select(c.id, c.changed_seq)
        .where(c.tenant == tenant, c.changed_seq > since)
        .order_by(c.changed_seq, c.id)
    )
    return [ObjectId(row[0]) for row in rows], rows[-1][1] if rows else since


async def load_changed(
    tx: Transaction, tenant: int, ids: Sequence[ObjectId], since: int
) -> frozenset[ObjectId]:
    """Those of some people whose picture changed after change number `since`."""
    values = {"of_tenant": tenant, "since": since}
    return frozenset(
        [
            ObjectId(row[0])
            for chunk in chunks(ids)
            for row in await tx.rows(_CHANGED, {**values, "ids": chunk})
        ]
    )


async def find_person(tx: Transaction, tenant: int, typed: str) -> ObjectId | None:
    """Whoever bears an object ID or a sign-in name (UPN), present or not; None if unknown.

    Of several with the same name the one who is present.
    """
    name = typed.strip().casefold()
    ids = sorted(map(ObjectId, await refs_of_addresses(tx, tenant, Kind.PERSON, [name])))
    found = await load_people(tx, tenant, [ObjectId(name), *ids])
    fitting = [one for one in found.values() if name in {one.id, one.upn.casefold()}]
    fitting.sort(key=lambda one: (one.standing is not Standing.PRESENT, one.id))
    return fitting[0].id if fitting else None


async def load_people_of_addresses(
    tx: Transaction, tenant: int, wanted: Sequence[str]
) -> dict[str, list[ObjectId]]:
    """People present who bear an address (mail or UPN, casefolded), by address.

    Nobody's are left out.
    """
    ids = sorted(map(ObjectId, await refs_of_addresses(tx, tenant, Kind.PERSON, wanted)))
    bearers: dict[str, list[ObjectId]] = {}
    asked = set(wanted)
    for id_, person in sorted((await load_people(tx, tenant, ids)).items()):
        if person.standing is Standing.PRESENT:
            for address in addresses(person):
                if address in asked:
                    bearers.setdefault(address, []).append(id_)
    return bearers


async def count_people(tx: Transaction, tenant: int) -> PeopleCounts:
    """The picture in figures."""
    ((everybody, gone, absent),) = await tx.rows(_COUNTS, {"of_tenant": tenant})
    return PeopleCounts(everybody - absent, gone)


async def search_people(tx: Transaction, tenant: int, typed: str, **page: Unpack[Paging]) -> Found:
    """People present who fit what somebody typed, by name.

    `Found.refs` are object IDs for `load_people`.
    """
    return await find(tx, tenant, PRESENT_PEOPLE, typed, order=people.c.sort, **page)


def _person(row: AnyRow) -> Person:
    (*texts, enabled, user_type, skus, mailbox, teams, resource, standing, disabled, free) = row
    # Many people share these: kept once, a picture of 100,000 people takes a third less memory.
    texts[_SHARED] = map(intern, texts[_SHARED])
    return Person(  # type: ignore[call-arg]  # mypy cannot count a row
        *texts,
        enabled,
        _USER_TYPES[user_type],
        _skus(skus),
        mailbox,
        teams,
        resource,
        _STANDINGS[standing],
        disabled,
        None if free is None else _decode(free),
    )


@lru_cache(1024)
def _skus(stored: str) -> tuple[str, ...]:
    return tuple(stored.split())


def encode_attributes(attributes: tuple[str, ...] | None) -> str | None:
    """The extension attributes of a person as they are stored; None where they were not read."""
    if not attributes:
        return None if attributes is None else "[]"
    return msgspec.json.encode(tuple(map(storable, attributes))).decode()
