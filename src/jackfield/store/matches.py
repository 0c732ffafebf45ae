"""What administrators decided about extensions that may be a person's: once, and remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, delete, select

from jackfield.core.extensions import ExtensionKey, Verdict
from jackfield.core.people import ObjectId
from jackfield.store.schema import OF_TENANT, key, metadata, moment, tenant_key, text
from jackfield.store.sequences import next_change
from jackfield.store.transaction import Transaction

match_decisions = Table(
    "match_decision",
    metadata,
    tenant_key(),
    key("person"),
    key("extension"),
    text("verdict"),
    text("decided_by"),
    moment("decided_at"),
)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an extension is a person's, by whom decided and when."""

    person: ObjectId
    extension: ExtensionKey
    verdict: Verdict
    by: str
    at: datetime


async def save_decision(tx: Transaction, tenant: int, decision: Decision) -> None:
    """Save it in place of an earlier one about the two.

    An extension is one person's at most: what said so of another person is dropped.
    """
    await next_change(tx, tenant)
    c = match_decisions.c
    if decision.verdict is Verdict.THEIRS:
        await tx.run(
            delete(match_decisions).where(
                c.tenant == tenant,
                c.extension == decision.extension,
                c.verdict == Verdict.THEIRS.value,
            )
        )
    values = {
        "verdict": decision.verdict.value,
        "decided_by": decision.by,
        "decided_at": decision.at,
    }
    await tx.run(
        tx.insert(match_decisions)
        .values(tenant=tenant, person=decision.person, extension=decision.extension, **values)
        .on_conflict_do_update(index_elements=["tenant", "person", "extension"], set_=values)
    )


async def drop_decision(
    tx: Transaction, tenant: int, person: ObjectId, extension: ExtensionKey
) -> bool:
    """Make it undecided again; False where nothing was decided."""
    await next_change(tx, tenant)
    c = match_decisions.c
    dropped = await tx.run(
        delete(match_decisions).where(
            c.tenant == tenant, c.person == person, c.extension == extension
        )
    )
    return dropped > 0


_ALL = (
    select(
        *(
            match_decisions.c[name]
            for name in ("person", "extension", "verdict", "decided_by", "decided_at")
        )
    )
    .where(match_decisions.c.tenant == OF_TENANT)
    .order_by(
        match_decisions.c.decided_at.desc(), match_decisions.c.person, match_decisions.c.extension
    )
)


async def list_decisions(tx: Transaction, tenant: int) -> tuple[Decision, ...]:
    """All of them, the newest first."""
    rows = await tx.rows(_ALL, {"of_tenant": tenant})
    return tuple(Decision(row[0], row[1], Verdict(row[2]), row[3], row[4]) for row in rows)


async def load_decisions(
    tx: Transaction, tenant: int
) -> Mapping[ObjectId, Mapping[ExtensionKey, Verdict]]:
    """All of them as the rules see them."""
    found: dict[ObjectId, dict[ExtensionKey, Verdict]] = {}
    for one in await list_decisions(tx, tenant):
        found.setdefault(one.person, {})[one.extension] = one.verdict
    return found
