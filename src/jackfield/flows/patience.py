"""How long a run bears with a system that says "later", and what it does meanwhile."""

from __future__ import annotations

from typing import Any

from jackfield.durable import Json, Run
from jackfield.flows.run_rows import RunRows

TRIES = 5
"""How often a step is tried while somebody says "later"; then the run is over, and due again."""
LONGEST_WAIT_S = 900.0
LONGEST_NAP_S = 60.0
"""A waiting run shows that it lives: well within the lease."""


async def patiently(
    run: Run,
    rows: RunRows,
    tenant: int,
    name: str,
    step: Any,
    *args: Json,
) -> dict[str, Any]:
    """A step, again while somebody says "later"; between tries the run sleeps, and says why.

    The step is called with run, tenant and `args`; it answers a document with `later` (seconds),
    `text` and `waits_for` where it wants another try.
    """
    for tries in range(TRIES):
        done: dict[str, Any] = await run.step(name, step, run.id, tenant, *args)
        if not done.get("later") or tries == TRIES - 1:
            return done
        wait = min(LONGEST_WAIT_S, max(float(done["later"]), 2.0**tries))
        because = str(done["text"])
        await run.step("wait", rows.wait, run.id, tenant, str(done["waits_for"]), because, wait)
        while wait > 0:
            await run.sleep(min(wait, LONGEST_NAP_S))
            wait -= LONGEST_NAP_S
            await run.step("keep", rows.keep_lease, str(run.id), tenant)
    raise AssertionError(name)
