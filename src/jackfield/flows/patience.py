"""How long a run bears with a system that says "later", and what it does meanwhile."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from jackfield.durable import Run, RunId
from jackfield.flows.failures import Failed
from jackfield.flows.run_rows import RunRows
from jackfield.flows.steps import A, Ts, tried

LONGEST_WAIT_S = 900.0
LONGEST_NAP_S = 60.0
"""A waiting run shows that it lives: well within the lease."""


@dataclass(frozen=True, slots=True)
class Patience:
    """What a run bears before it is over, and due again."""

    tries: int = 5
    """How often a step is tried while somebody says "later"."""
    call_s: float | None = None
    """How long one call may take, its repetitions included; None = by its own measure."""
    turn_s: float = math.inf
    """How long it waits behind a run that does not get on."""
    look_again_s: float = 5.0
    """Between two looks at whether it is its turn, at the most."""
    next_step: str = ""
    """What to do when the tries are over, where that is not said by whoever says "later"."""


PATIENT = Patience()
HURRIED = Patience(
    tries=1,
    call_s=3.0,
    turn_s=3.0,
    look_again_s=1.0,
    next_step="Ask again once it works; the regular sync does the same by itself.",
)
"""While a person waits for the run: they are told, and may ask again."""


async def patiently(
    run: Run,
    rows: RunRows,
    tenant: int,
    patience: Patience,
    kind: type[A],
    name: str,
    step: Callable[[RunId, int, *Ts], Awaitable[A | Failed]],
    *args: *Ts,
) -> A | Failed:
    """A step, again while somebody says "later"; between tries the run sleeps, and says why.

    The step is called with run, tenant and `args`.
    """
    for tries in range(patience.tries):
        done = await tried(run, kind, name, step, run.id, tenant, *args)
        if not isinstance(done, Failed) or not done.later:
            return done
        if tries == patience.tries - 1:
            next_step = patience.next_step or done.next_step
            return msgspec.structs.replace(done, next_step=next_step)
        wait = min(LONGEST_WAIT_S, max(done.later, 2.0**tries))
        await run.step("wait", rows.wait, run.id, tenant, done.waits_for, done.text, wait)
        while wait > 0:
            await run.sleep(min(wait, LONGEST_NAP_S))
            wait -= LONGEST_NAP_S
            await run.step("keep", rows.keep_lease, run.id, tenant)
    raise AssertionError(name)
