"""Storing the actions of a large plan ahead of it, a piece at a time: others write in between.

Who makes the plan ends the draft with it, in the small transaction that makes it visible.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from uuid import uuid4

from jackfield.clock import Clock
from jackfield.core.actions import Plan
from jackfield.flows.run_rows import Fence
from jackfield.store.database import Database
from jackfield.store.drafts import Draft, begin_draft, end_draft, hold_draft, load_drafts
from jackfield.store.pieces import PIECE
from jackfield.store.plan_actions import ActionRow, action_rows, add_actions, drop_actions
from jackfield.store.schema import CHUNK
from jackfield.store.transaction import Transaction

MADE_AT_ONCE = 2_000
"""Actions that are made into rows in one go, some 2 MB of them."""
FORSAKEN = timedelta(days=1)
"""So long after it was begun nobody can be at work on a draft any more."""


async def store_ahead(
    database: Database,
    clock: Clock,
    tenant: int,
    plan: Plan,
    purpose: str,
    fence: Fence | None = None,
) -> Draft | None:
    """Store the actions of a plan; None, and nothing, where they are few enough to go with it.

    `fence` raises inside each transaction where another process works for the tenant by now. Of
    two who make a plan for the same purpose the earlier one is told so by `DraftLost`.
    """
    if len(plan.actions) + len(plan.held) <= CHUNK:
        return None
    async with database.write() as tx:
        if fence is not None:
            await fence(tx)
        begun = await begin_draft(tx, tenant, purpose, uuid4().hex, now=clock.now())

    async def begin(tx: Transaction) -> None:
        if fence is not None:
            await fence(tx)
        await hold_draft(tx, tenant, begun)

    async def end(_: Transaction) -> None:
        pass

    await _clear(database, tenant, begun)
    rows = action_rows(tenant, begun.plan, plan)

    def some() -> Sequence[ActionRow]:
        return list(islice(rows, MADE_AT_ONCE))

    while piece := await asyncio.to_thread(some):
        await database.write_much(piece, add_actions, end, begin=begin)
    return begun


async def drop_forsaken(database: Database, clock: Clock, tenant: int) -> int:
    """Drop what makers of plans who were cut off have left; returns how many plans."""
    before = clock.now() - FORSAKEN
    async with database.read() as tx:
        forsaken = await load_drafts(tx, tenant, before=before)
    for one in forsaken:
        await _clear(database, tenant, one)
        async with database.write() as tx:
            await end_draft(tx, tenant, one)
    return len(forsaken)


async def _clear(database: Database, tenant: int, begun: Draft) -> None:
    """Drop the actions of somebody who was cut off."""
    count = PIECE
    while count >= PIECE:
        async with database.write(large=True) as tx:
            await hold_draft(tx, tenant, begun)
            count = await drop_actions(tx, tenant, [begun.plan])
