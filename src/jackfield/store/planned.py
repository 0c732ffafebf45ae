"""Up to which state of the pictures people have been planned, and who must be looked at again.

What changed after these marks is the slice of the next plan. Forgetting them costs a plan for
everyone, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Table, select

from jackfield.core.people import ObjectId
from jackfield.store.schema import metadata, number, tenant_key, text
from jackfield.store.transaction import Transaction

planned = Table(
    "planned",
    metadata,
    tenant_key(),
    number("people_seq"),
    number("phones_version"),
    number("settings_version"),
    text("unsettled", "[]"),
)

UNSETTLED_LIMIT = 5_000
"""More people than this are not listed one by one: everyone is planned again."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The marks of the last plan that was made for all who were touched."""

    people_seq: int = 0
    phones_version: int = 0
    settings_version: int = 0
    unsettled: tuple[ObjectId, ...] | None = ()
    """People for whom the last plan did not come through; None = plan everyone."""


_decode = msgspec.json.Decoder(tuple[ObjectId, ...] | None).decode


async def load_planned(tx: Transaction, tenant: int) -> Planned | None:
    """The marks; None before the first plan."""
    row = await tx.row(select(planned).where(planned.c.tenant == tenant))
    if row is None:
        return None
    return Planned(row.people_seq, row.phones_version, row.settings_version, _decode(row.unsettled))


async def save_planned(tx: Transaction, tenant: int, marks: Planned) -> None:
    """Set the marks; too many unsettled people become "everyone"."""
    listed = marks.unsettled
    if listed is not None and len(listed) > UNSETTLED_LIMIT:
        listed = None
    values = {
        "people_seq": marks.people_seq,
        "phones_version": marks.phones_version,
        "settings_version": marks.settings_version,
        "unsettled": msgspec.json.encode(listed).decode(),
    }
    await tx.run(
        tx.insert(planned)
        .values(tenant=tenant, **values)
        .on_conflict_do_update(index_elements=["tenant"], set_=values)
    )


async def add_unsettled(tx: Transaction, tenant: int, people: Sequence[ObjectId] | None) -> None:
    """People to look at again whatever changes; None = everyone, if it reaches that far."""
    marks = await load_planned(tx, tenant)
    if marks is None or marks.unsettled is None or (people is not None and not people):
        return
    joined = None if people is None else tuple(sorted({*marks.unsettled, *people}))
    await save_planned(
        tx,
        tenant,
        Planned(marks.people_seq, marks.phones_version, marks.settings_version, joined),
    )
