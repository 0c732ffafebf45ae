"""What many tenants in one installation cost: all synced at once, then looked at again.

Several tenants share an emulated organisation, each with a phone system of its own.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers import PATIENCE_S, Product, connect, product, stage

TENANTS = 20
PEOPLE = 500
ORGANISATIONS = 4
PAGES = 30


@dataclass
class Cost:
    """One figure."""

    what: str
    value: float
    unit: str
    note: str = ""


def measure(folder: Path) -> list[Cost]:
    """One tenant alone, then all the others at once, then nothing new in any."""
    with ExitStack() as open_until_end:
        told = [
            open_until_end.enter_context(stage(PEOPLE, folder, seed=number + 1))
            for number in range(ORGANISATIONS)
        ]
        server, _ = open_until_end.enter_context(product(folder / "tenants"))
        for number in range(1, TENANTS + 2):
            if number > 1:
                server.ask("POST", "/tenants", {"name": f"Customer {number}"})
            connect(server, told[number % ORGANISATIONS], number)
        return [*_synced(server), *_looked_at(server)]


def _synced(server: Product) -> Iterator[Cost]:
    of_each = f"{PEOPLE:,} people"
    alone, wall, cpu, _ = _run(server, [1], full=True)
    yield Cost(f"first sync of one tenant of {of_each}, CPU", cpu, "s", f"wall {wall:.1f} s")
    resting = server.watched.memory_info().rss / 1e6
    others = range(2, TENANTS + 2)
    runs, wall, each_cpu, peak = _run(server, others, full=True)
    made, made_alone = (
        sum(one["counts"].get("create_extension", 0) for one in some) for some in (runs, alone)
    )
    what = f"first sync of {TENANTS} tenants of {of_each} at once"
    yield Cost(f"{what}, CPU", each_cpu, "s", f"{made:,} extensions; wall {wall:.1f} s")
    ratio = (each_cpu / made) / (cpu / made_alone)
    yield Cost("CPU of an extension, to that of one tenant alone", ratio, "x")
    yield Cost("peak memory of the server", peak, "MB", f"{resting:.0f} MB before")
    _run(server, others, full=False)
    _, wall, cpu, peak = _run(server, others, full=False)
    what = f"delta rounds of {TENANTS} tenants at once, nothing changed"
    yield Cost(f"{what}, CPU", cpu, "s", f"wall {wall:.1f} s; peak memory {peak:.0f} MB")


def _looked_at(server: Product) -> Iterator[Cost]:
    browser = server.caller()
    given = server.ask("POST", "/accounts/reset-password", {"name": "admin"})
    browser.sign_in(given["name"], given["password"])
    for path in ("/tenants", "/t/2/", "/t/2/users"):
        took_ms = [browser.page(path) for _ in range(PAGES)]
        yield Cost(f"page {path}, median", statistics.median(took_ms), "ms")


def _run(
    server: Product, tenants: range | list[int], *, full: bool
) -> tuple[list[Any], float, float, float]:
    """A run of each tenant, all at once: the runs, wall and CPU seconds, peak memory in MB."""
    cpu, wall, peak = server.cpu_s(), time.perf_counter(), 0.0
    begun = [(one, server.ask("POST", "/people/sync", {"full": full}, one)) for one in tenants]
    ended = []
    until = time.monotonic() + PATIENCE_S
    for tenant, begun_run in begun:
        run = begun_run
        while run["status"] in {"queued", "running"}:
            if time.monotonic() > until:
                raise TimeoutError(f"the run of tenant {tenant} has not ended: {run}")
            peak = max(peak, server.watched.memory_info().rss / 1e6)
            time.sleep(0.2)
            run = server.ask("GET", f"/runs/{run['id']}", None, tenant)
        if run["status"] != "done":
            raise RuntimeError(f"the run of tenant {tenant} came to nothing: {run['text']}")
        ended.append(run)
    return ended, time.perf_counter() - wall, server.cpu_s() - cpu, peak
