"""What administrators decided about extensions that may be a person's: once, and remembered.

And how many people wait for such a decision, as the last plan counted them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, delete, func, select

from jackfield.core.extensions import ExtensionKey, Verdict
from jackfield.core.people import ObjectId
from jackfield.store.schema import OF_TENANT, key, metadata, moment, number, tenant_key, text
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

doubtful_people = Table(
    "doubtful_people",
    metadata,
    tenant_key(),
    number("people"),
    moment("counted_at"),
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


async def note_doubtful(tx: Transaction, tenant: int, people: int, *, now: datetime) -> None:
    """How many people a plan found doubtful that looked at all who wait; `now`: when it looked."""
    values = {"people": people, "counted_at": now}
    await tx.run(
        tx.insert(doubtful_people)
        .values(tenant=tenant, **values)
        .on_conflict_do_update(index_elements=["tenant"], set_=values)
    )


async def count_doubtful(tx: Transaction, tenant: int) -> int:
    """How many people wait for a decision: as the last plan counted, without those decided since.

    Whether something decided is still doubtful in another way is found by the next plan.
    """
    c, d = doubtful_people.c, match_decisions.c
    counted = await tx.row(select(c.people, c.counted_at).where(c.tenant == tenant))
    if counted is None or not counted.people:
        return 0
    decided: int = await tx.scalar(
        select(func.count(d.person.distinct())).where(
            d.tenant == tenant, d.decided_at >= counted.counted_at
        )
    )
    people: int = counted.people
    return max(0, people - decided)
