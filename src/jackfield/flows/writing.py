"""Handing writes to a phone system: cleared just before each call, unanswered ones repeated.

A process may be stopped at any line and wake up when a peer has long taken its work over. Here that
is noticed as late as it can be: with the fence in the database, and then by a clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from jackfield.clock import Clock
from jackfield.flows.run_rows import Fence
from jackfield.pbx.port import Outcome, Unanswered
from jackfield.store.database import Database

TRIES = 3
"""How often an unanswered write is repeated at once."""
CLEAR_FOR_S = 3.0
"""How long after the leases were renewed a call may still begin: half of the shorter lease."""

W = TypeVar("W")


async def cleared(database: Database, clock: Clock, fence: Fence) -> None:
    """Return when a call that writes may begin at once: nobody can have taken the work over.

    The leases of the run and of the process are renewed; where that or waking up again took so
    long that they may have run out since, once more. Raises what `fence` raises.
    """
    while True:
        asked_at = clock.monotonic()
        async with database.write() as tx:
            await fence(tx)
            await database.keep_slot(tx, clock.now())
        if clock.monotonic() - asked_at < CLEAR_FOR_S:
            return


async def write_all(
    writes: Sequence[W],
    call: Callable[[list[W]], Awaitable[list[Outcome]]],
    clear: Callable[[], Awaitable[None]],
) -> list[Outcome]:
    """The outcomes in the order of the writes; unanswered ones are repeated, in order.

    `clear` is awaited directly before each `call`.
    """
    outcomes: list[Outcome] = [Unanswered("not tried")] * len(writes)
    left = list(range(len(writes)))
    for _ in range(TRIES):
        if not left:
            break
        asked = [writes[at] for at in left]
        await clear()
        answers = await call(asked)
        for at, answer in zip(left, answers, strict=True):
            outcomes[at] = answer
        left = [at for at in left if isinstance(outcomes[at], Unanswered)]
    return outcomes
