"""Watching a run: a bar at a terminal, elsewhere a line when it has to wait for something."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from jackfield.cli.telling import printable

LOOK_S = 0.2
PATIENCE_S = 3.0
"""After so long a wait is said where no bar shows it."""
ENDED = frozenset({"done", "waiting", "refused", "failed", "cancelled"})


async def follow(
    look: Callable[[], Awaitable[Any]],
    *,
    quiet: bool = False,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Any:
    """Ask for the run until it has ended; returns its last state."""
    if quiet or not sys.stderr.isatty():
        waits, looks = "", 0
        while True:
            run = await look()
            if run["status"] in ENDED:
                return run
            if _waits(run) != waits:
                waits, looks = _waits(run), 0
            looks += 1
            if waits and not quiet and looks == round(PATIENCE_S / LOOK_S):
                print(printable(run["text"]), file=sys.stderr)
            await sleep(LOOK_S)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("Starting", total=None)
        while True:
            run = await look()
            bars.update(
                bar, description=run["text"], completed=run["done"], total=run["total"] or None
            )
            if run["status"] in ENDED:
                return run
            await sleep(LOOK_S)


def _waits(run: Any) -> str:
    """What a run waits for; empty while it works."""
    if run["waits"] is not None:
        return str(run["waits"]["because"])
    return str(run["text"]) if run["status"] == "queued" else ""
