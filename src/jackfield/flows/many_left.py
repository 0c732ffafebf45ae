"""Many who left at once and keep their extensions: nothing is held, but it is said.

The run in which they left says so, and Overview for a day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from jackfield.core.actions import ActionKind
from jackfield.core.guards import told_of_many_kept
from jackfield.store.links import count_links
from jackfield.store.runs import StoredRun
from jackfield.store.settings import load_people_settings
from jackfield.store.transaction import Transaction

SAID_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ManyLeft:
    """The newest run in which many left."""

    run: int
    told: str


async def told_of_leavers(tx: Transaction, tenant: int, kept: int) -> str:
    """What is to be said of so many leavers of one run; "" where that is no more than usual."""
    if not kept:
        return ""
    rules = (await load_people_settings(tx, tenant)).value.rules.guards
    return told_of_many_kept(kept, (await count_links(tx, tenant)).linked, rules)


async def find_many_left(
    tx: Transaction, tenant: int, runs: Iterable[StoredRun], *, now: datetime
) -> ManyLeft | None:
    """The first of the runs, the newest first, in which many left; None where there is none."""
    for run in runs:
        if now - run.started_at < SAID_FOR:
            kept = run.counts.get(ActionKind.KEEP_LEAVER.value, 0)
            if told := await told_of_leavers(tx, tenant, kept):
                return ManyLeft(run.id, told)
    return None
