"""How long a run bears with a system that says "later", and what it does meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from jackfield.durable import Run, RunId
from jackfield.flows.failures import Failed
from jackfield.flows.run_rows import RunRows
from jackfield.flows.steps import A, Ts, tried

TRIES = 5
"""How often a step is tried while somebody says "later"; then the run is over, and due again."""
LONGEST_WAIT_S = 900.0
LONGEST_NAP_S = 60.0
"""A waiting run shows that it lives: well within the lease."""


async def patiently(
    run: Run,
    rows: RunRows,
    tenant: int,
    kind: type[A],
    name: str,
    step: Callable[[RunId, int, *Ts], Awaitable[A | Failed]],
    *args: *Ts,
) -> A | Failed:
    """A step, again while somebody says "later"; between tries the run sleeps, and says why.

    The step is called with run, tenant and `args`.
    """
    for tries in range(TRIES):
        done = await tried(run, kind, name, step, run.id, tenant, *args)
        if not isinstance(done, Failed) or not done.later or tries == TRIES - 1:
            return done
        wait = min(LONGEST_WAIT_S, max(done.later, 2.0**tries))
        await run.step("wait", rows.wait, run.id, tenant, done.waits_for, done.text, wait)
        while wait > 0:
            await run.sleep(min(wait, LONGEST_NAP_S))
            wait -= LONGEST_NAP_S
            await run.step("keep", rows.keep_lease, run.id, tenant)
    raise AssertionError(name)
