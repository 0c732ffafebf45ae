"""The processes that are measured: the product's server, and the emulated tenant it reads from."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asking
import psutil

CLIENT = "9c1f0000-0000-4000-8000-00000000be9c"
SECRET = "a-benchmark-secret"
PATIENCE_S = 900.0


class Product:
    """A running server, asked over its API."""

    def __init__(self, data: Path, process: subprocess.Popen[bytes]) -> None:
        self.data = data
        self.process = process
        self.watched = psutil.Process(process.pid)
        self.stages: dict[str, float] = {}

    def ask(self, method: str, path: str, body: object = None, tenant: int = 1) -> Any:
        told = json.loads((self.data / "server.json").read_text())
        request = urllib.request.Request(
            f"{told['url']}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {told['token']}",
                "Content-Type": "application/json",
                "Jackfield-Tenant": str(tenant),
            },
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read() or b"null")

    def choose(self, tenant: int = 1, **changes: object) -> None:
        """Change choices about people sync."""
        stored = self.ask("GET", "/settings/people", None, tenant)
        stored["settings"] |= changes
        self.ask("PUT", "/settings/people", stored, tenant)

    def cpu_s(self) -> float:
        times = self.watched.cpu_times()
        return times.user + times.system

    def caller(self) -> asking.Caller:
        """A kept connection, with the right of the command line."""
        told = json.loads((self.data / "server.json").read_text())
        return asking.Caller(told["url"], told["token"])

    def run(self, path: str, body: object = None) -> tuple[Any, float, float, float]:
        """A run to its end: the run, wall seconds, CPU seconds, peak memory in MB.

        Leaves in `stages` the CPU seconds by what the run said it was at, as seen each half second.
        """
        cpu, wall, peak = self.cpu_s(), time.perf_counter(), 0.0
        self.stages, before = {}, cpu
        run = self.ask("POST", path, body)
        at = str(run["text"])
        until = time.monotonic() + PATIENCE_S
        while run["status"] in {"queued", "running"}:
            if time.monotonic() > until:
                raise TimeoutError(f"the run has not ended: {run}")
            peak = max(peak, self.watched.memory_info().rss / 1e6)
            # Asked for more often, the answers alone would cost the server a second of CPU.
            time.sleep(0.5)
            run = self.ask("GET", f"/runs/{run['id']}")
            now = self.cpu_s()
            self.stages[at] = self.stages.get(at, 0.0) + now - before
            at, before = str(run["text"]), now
        return run, time.perf_counter() - wall, self.cpu_s() - cpu, peak


def connect(server: Product, told: dict[str, Any], tenant: int = 1) -> None:
    """Connected, and nothing begins by itself."""
    connection = {
        "tenant_id": told["tenant_id"],
        "client_id": CLIENT,
        "client_secret": SECRET,
        "login_url": told["url"],
        "graph_url": told["url"],
        "sync": False,
    }
    server.ask("POST", "/connection", connection, tenant)
    server.choose(tenant, photos=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def stage(people: int, folder: Path, seed: int = 1) -> Iterator[dict[str, Any]]:
    """The emulated tenant; what it says of itself, and how long it took to be ready."""
    ready = folder / f"tenant-{seed}.json"
    ready.unlink(missing_ok=True)
    begun = time.perf_counter()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "m365_emulator", "--port", "0", "--people", str(people)),
            *("--seed", str(seed)),
            *("--register-app", CLIENT, "--client-secret", SECRET, "--ready-file", str(ready)),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        while not ready.exists():
            if process.poll() is not None:
                raise RuntimeError("the emulated tenant did not start")
            time.sleep(0.01)
        yield {**json.loads(ready.read_text()), "ready_s": time.perf_counter() - begun}
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def product(data: Path, database_url: str = "") -> Iterator[tuple[Product, float]]:
    """A server, and the seconds from the command to its first page."""
    port = free_port()
    environment = os.environ | {
        "JACKFIELD_DATA_DIR": str(data),
        "JACKFIELD_LISTEN": f"127.0.0.1:{port}",
        "JACKFIELD_LOG_LEVEL": "warning",
        "JACKFIELD_DATABASE_URL": database_url,
    }
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "jackfield", "serve"], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        while not _answers(f"http://127.0.0.1:{port}/login"):
            if process.poll() is not None:
                raise RuntimeError("the server did not start")
            time.sleep(0.01)
        first_page_s = time.perf_counter() - begun
        while not (data / "server.json").exists():
            time.sleep(0.01)
        yield Product(data, process), first_page_s
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
