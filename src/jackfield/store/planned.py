"""Up to which state of the pictures people have been planned, and who must be looked at again.

What changed after these marks is the slice of the next plan. Forgetting them costs a plan for
everyone, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import Table, select

from jackfield.core.people import ObjectId
from jackfield.store.schema import OF_TENANT, metadata, number, tenant_key, text
from jackfield.store.sequences import hold
from jackfield.store.transaction import Transaction, upsert

planned = Table(
    "planned",
    metadata,
    tenant_key(),
    number("people_seq"),
    number("phones_version"),
    number("settings_version"),
    text("unsettled", "[]"),
    number("added"),
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
    added: int = 0
    """Grows with every `add_unsettled`, so that `save_planned` knows of those since the load."""


_save_marks = upsert(
    planned,
    ("tenant", "people_seq", "phones_version", "settings_version", "unsettled", "added"),
)
_MARKS = select(planned).where(planned.c.tenant == OF_TENANT)
_decode = msgspec.json.Decoder(tuple[ObjectId, ...] | None).decode


async def load_planned(tx: Transaction, tenant: int) -> Planned | None:
    """The marks; None before the first plan."""
    row = await tx.row(_MARKS, {"of_tenant": tenant})
    if row is None:
        return None
    return Planned(
        row.people_seq,
        row.phones_version,
        row.settings_version,
        _decode(row.unsettled),
        row.added,
    )


async def save_planned(tx: Transaction, tenant: int, marks: Planned) -> None:
    """Set the marks that a plan was made up to.

    Where somebody was added after `marks.added` was loaded, whoever is unsettled stays so.
    """
    await hold(tx, tenant)
    current = await load_planned(tx, tenant)
    unsettled = marks.unsettled
    if current is not None and current.added != marks.added:
        unsettled = _joined(current.unsettled, unsettled)
        marks = replace(marks, added=current.added)
    await _save(tx, tenant, replace(marks, unsettled=unsettled))


async def _save(tx: Transaction, tenant: int, marks: Planned) -> None:
    listed = marks.unsettled
    if listed is not None and len(listed) > UNSETTLED_LIMIT:
        listed = None
    await _save_marks.run(
        tx,
        [
            (
                tenant,
                marks.people_seq,
                marks.phones_version,
                marks.settings_version,
                msgspec.json.encode(listed).decode(),
                marks.added,
            )
        ],
    )


async def add_unsettled(tx: Transaction, tenant: int, people: Sequence[ObjectId] | None) -> None:
    """People to look at again whatever changes; None = everyone, if it reaches that far."""
    if people is not None and not people:
        return
    await hold(tx, tenant)
    # Before the first plan everyone is unsettled; a plan may be in the making all the same.
    marks = await load_planned(tx, tenant) or Planned(unsettled=None)
    joined = _joined(marks.unsettled, people)
    await _save(tx, tenant, replace(marks, unsettled=joined, added=marks.added + 1))


def _joined(
    some: Sequence[ObjectId] | None, others: Sequence[ObjectId] | None
) -> tuple[ObjectId, ...] | None:
    if some is None or others is None:
        return None
    return tuple(sorted({*some, *others}))
