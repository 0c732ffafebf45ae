"""Watching a run from the terminal: a bar where somebody looks, silence where a script does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

LOOK_S = 0.2
ENDED = frozenset({"done", "waiting", "refused", "failed", "cancelled"})


async def follow(look: Callable[[], Awaitable[Any]], *, quiet: bool = False) -> Any:
    """Ask for the run until it has ended; returns its last state."""
    if quiet or not sys.stderr.isatty():
        while True:
            run = await look()
            if run["status"] in ENDED:
                return run
            await asyncio.sleep(LOOK_S)
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
            await asyncio.sleep(LOOK_S)
