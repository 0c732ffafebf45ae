"""What a round through the directory writes: people as read, met, removed or gone.

A round is one full walk through Graph; delta pages are saved under the number of the last one.
Whoever a finished full round did not meet is gone. Decided here is only the memory of who was
disabled when first seen (rule in `core/people.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, literal, select, update

from jackfield.core.fields import addresses, addresses_of, shown_name
from jackfield.core.people import ObjectId, Person, Standing
from jackfield.store.addresses import Kind, save_addresses
from jackfield.store.people import PERSON_FIELDS, encode_attributes, people
from jackfield.store.schema import OF_TENANT, Moment, storable, to_micros
from jackfield.store.sequences import hold, next_change
from jackfield.store.transaction import Bulk, Transaction, chunks, upsert
from jackfield.store.words import sort_key, words_of

_WRITTEN = (
    "tenant",
    "sort",
    "words",
    "hash",
    "seen_round",
    "changed_seq",
    "first_seen_at",
    "removed_at",
    *PERSON_FIELDS,
)
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_save = upsert(people, _WRITTEN, keep=("first_seen_at",))
_see = Bulk(
    ("round_", "tenant_", "id_"),
    lambda _insert: (
        update(people)
        .where(people.c.tenant == bindparam("tenant_"), people.c.id == bindparam("id_"))
        .values(seen_round=bindparam("round_"))
    ),
)
_KNOWN = select(people.c.id, people.c.mail, people.c.upn, people.c.disabled_when_first_seen).where(
    people.c.tenant == OF_TENANT, people.c.id.in_(_ids)
)


async def load_hashes(
    tx: Transaction, tenant: int, ids: Sequence[ObjectId] | None = None
) -> dict[ObjectId, int]:
    """The hash of every person present, or of those asked for.

    One who is not present has none here, so that a return is saved again.
    """
    statement = select(people.c.id, people.c.hash).where(
        people.c.tenant == tenant, people.c.standing == Standing.PRESENT.value
    )
    found: dict[ObjectId, int] = {}
    if ids is None:
        async for page in tx.pages(statement):
            found.update((row[0], row[1]) for row in page)
        return found
    statement = statement.where(people.c.id.in_(_ids))
    for chunk in chunks(ids):
        found |= {row[0]: row[1] for row in await tx.rows(statement, {"ids": chunk})}
    return found


async def save_people(
    tx: Transaction,
    tenant: int,
    persons: Sequence[Person],
    hashes: Mapping[ObjectId, int],
    round_number: int,
    *,
    now: datetime,
) -> int:
    """Save people as read, with the hash (signed 64 bits) of what was read; returns how many.

    `disabled_when_first_seen` is kept by its rule, whatever the given value says. The last of
    doubles counts.
    """
    if not persons:
        return 0
    changed = await next_change(tx, tenant)
    moment_now = to_micros(now)
    by_id = {person.id: person for person in persons}
    for ids in chunks(sorted(by_id)):
        known = await _known(tx, tenant, ids)
        rows = []
        bears: dict[str, tuple[str, ...]] = {}
        for id_ in ids:
            person = by_id[id_]
            _, was_disabled = known.get(id_, ((), True))
            values = _values(person, disabled=was_disabled and not person.enabled)
            bears[id_] = addresses(person)
            words = words_of(
                _names(person), bears[id_], (person.mobile_phone, person.business_phone)
            )
            removed = None if person.standing is Standing.PRESENT else moment_now
            rows.append(
                (
                    tenant,
                    sort_key(shown_name(person)),
                    words,
                    hashes[id_],
                    round_number,
                    changed,
                    moment_now,
                    removed,
                    *values,
                )
            )
        await _save.run(tx, rows)
        stood = {id_: bore for id_, (bore, _) in known.items()}
        await save_addresses(tx, tenant, Kind.PERSON, stood, bears)
    return len(by_id)


async def mark_seen(
    tx: Transaction, tenant: int, ids: Sequence[ObjectId], round_number: int
) -> None:
    """Note that unchanged people were met in a round."""
    await hold(tx, tenant)
    await _see.run(tx, [(round_number, tenant, id_) for id_ in sorted(ids)])


async def mark_removed(
    tx: Transaction, tenant: int, ids: Sequence[ObjectId], standing: Standing, *, now: datetime
) -> int:
    """Note that Graph reported people as deleted (recycled or gone).

    Returns how many stood otherwise before.
    """
    if not ids:
        return 0
    changed = await next_change(tx, tenant)
    statement = (
        update(people)
        .where(
            people.c.tenant == tenant, people.c.id.in_(_ids), people.c.standing != standing.value
        )
        .values(
            standing=standing.value,
            removed_at=func.coalesce(people.c.removed_at, literal(now, Moment)),
            changed_seq=changed,
        )
    )
    return sum([await tx.run(statement, {"ids": chunk}) for chunk in chunks(sorted(ids))])


async def touch_people(tx: Transaction, tenant: int, ids: Sequence[ObjectId]) -> None:
    """Let people count as changed, because something else about them did (a membership)."""
    if not ids:
        return
    changed = await next_change(tx, tenant)
    statement = (
        update(people)
        .where(people.c.tenant == tenant, people.c.id.in_(_ids))
        .values(changed_seq=changed)
    )
    for chunk in chunks(sorted(ids)):
        await tx.run(statement, {"ids": chunk})


async def finish_round(tx: Transaction, tenant: int, round_number: int, *, now: datetime) -> int:
    """A full round came to its end: people present whom it did not meet are gone.

    Returns how many.
    """
    changed = await next_change(tx, tenant)
    return await tx.run(
        update(people)
        .where(
            people.c.tenant == tenant,
            people.c.standing == Standing.PRESENT.value,
            people.c.seen_round < round_number,
        )
        .values(standing=Standing.GONE.value, removed_at=now, changed_seq=changed)
    )


async def _known(
    tx: Transaction, tenant: int, ids: Sequence[str]
) -> dict[str, tuple[tuple[str, ...], bool]]:
    """The addresses that stand, and whether the person was disabled when first seen."""
    rows = await tx.rows(_KNOWN, {"of_tenant": tenant, "ids": ids})
    return {id_: (addresses_of(mail, upn), disabled) for id_, mail, upn, disabled in rows}


def _values(person: Person, *, disabled: bool) -> tuple[Any, ...]:
    texts: tuple[str, ...] = (
        person.id,
        person.upn,
        person.display_name,
        person.given_name,
        person.surname,
        person.mail,
        person.mobile_phone,
        person.business_phone,
        person.job_title,
        person.company_name,
        person.department,
        person.office_location,
        person.usage_location,
        person.preferred_language,
    )
    if not "".join(texts).isprintable():
        texts = tuple(map(storable, texts))
    return (
        *texts,
        person.enabled,
        person.user_type.value,
        " ".join(person.skus),
        person.has_mailbox,
        person.has_teams,
        person.is_resource_account,
        person.standing.value,
        disabled,
        encode_attributes(person.extension_attributes),
    )


def _names(person: Person) -> tuple[str, ...]:
    """What a person is found by; who has no name is shown, and found, by the sign-in name."""
    names = (person.display_name, person.given_name, person.surname)
    return names if any(map(str.strip, names)) else (person.upn.partition("@")[0],)
