"""The product, its commands and the emulated tenant as real processes, started and ended by a test.

Nothing here looks inside: a test sees exit codes, what is printed, sockets and files. Whatever a
test leaves running is killed with its children, by their own numbers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import msgspec
import psutil
from multidict import CIMultiDictProxy

from doubles.choices import merge
from doubles.warm_starts import WarmProcess
from doubles.warm_starts import start as start_warm

PATIENCE_S = 60.0
"""How long a test waits for what should take seconds: other work may hold the machine."""
LOOK_S = 0.05
APP = "9c1f0000-0000-4000-8000-0000000000e2"
SECRET = "an-e2e-secret"


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that `--json` promises."""
        return msgspec.json.decode(self.out)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with its body decoded where it is JSON."""

    status: int
    headers: CIMultiDictProxy[str]
    text: str

    @property
    def body(self) -> Any:
        return msgspec.json.decode(self.text)


class Process:
    """A started process. What it prints goes to files, so that no full pipe ever holds it up."""

    def __init__(
        self,
        *command: str,
        folder: Path,
        environment: dict[str, str],
        warm: bool = False,
        into: Path | None = None,
    ) -> None:
        """In `folder`, where what it prints is kept unless `into` names another one.

        With `warm`, `command` is a module and its arguments.
        """
        self._out, self._err = (into or folder) / "out.txt", (into or folder) / "err.txt"
        self.popen: subprocess.Popen[bytes] | WarmProcess
        with (
            self._out.open("wb") as out,
            self._err.open("wb") as err,
            Path(os.devnull).open() as nothing,
        ):
            if warm:
                self.popen = start_warm(
                    command[0],
                    command[1:],
                    environment=environment,
                    folder=folder,
                    stdin=nothing.fileno(),
                    stdout=out.fileno(),
                    stderr=err.fileno(),
                )
            else:
                self.popen = subprocess.Popen(
                    command,
                    stdin=nothing,
                    stdout=out,
                    stderr=err,
                    env=environment,
                    cwd=folder,
                    start_new_session=True,
                )
        self.tree: list[psutil.Process] = [psutil.Process(self.popen.pid)]

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def out(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text(encoding="utf-8")

    def log(self, *levels: str) -> list[dict[str, Any]]:
        """The lines of the log, of these levels or all. A line that is no JSON fails the test."""
        lines = [msgspec.json.decode(line) for line in self.err.splitlines() if line.strip()]
        return [line for line in lines if not levels or line["level"] in levels]

    def children(self) -> list[psutil.Process]:
        """Everybody it has started, however deep."""
        with contextlib.suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.pid).children(recursive=True)
            self.tree += [one for one in found if one not in self.tree]
            return found
        return []

    def send(self, number: signal.Signals) -> None:
        self.children()
        self.popen.send_signal(number)

    async def ended(self, within_s: float = PATIENCE_S) -> int:
        """Its exit code, once it has ended."""
        await until(lambda: self.popen.poll() is not None, "the process has ended", within_s)
        return self.popen.returncode

    async def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, float]:
        """Ask it to end; its exit code, and how many seconds that took."""
        self.send(number)
        begun = time.monotonic()
        code = await self.ended()
        return code, time.monotonic() - begun

    async def kill(self) -> None:
        """kill -9: the process alone, as the kernel would."""
        self.send(signal.SIGKILL)
        await self.ended()

    def freeze(self) -> None:
        """Let it hold what it holds and do nothing."""
        self.popen.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.popen.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Leave nobody behind."""
        self.children()
        for one in self.tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(self.tree, timeout=10)
        self.popen.wait(10)


@dataclass(frozen=True, slots=True)
class Stage:
    """An emulated tenant that runs as a process."""

    url: str
    tenant_id: str
    domain: str
    people: int
    https_url: str = ""
    ca_file: str = ""

    async def control(self, method: str, path: str, body: object = None) -> Any:
        """Play the tenant by its control API."""
        answer = await ask(method, f"{self.url}/_emulator{path}", body)
        assert answer.status < 400, answer.text
        return answer.body if answer.text else None

    async def person(self, display_name: str) -> Any:
        """The first person of exactly this name."""
        found = await self.control("GET", f"/people?search={display_name}&limit=50")
        return next(one for one in found["people"] if one["displayName"] == display_name)


@contextmanager
def running_stage(*options: str, people: int = 60, seed: int = 5) -> Iterator[Stage]:
    """The emulated tenant, with one application registered by a secret."""
    arguments = ["--port", "0", "--exit-with-stdin", "--people", str(people), "--seed", str(seed)]
    arguments += ["--register-app", APP, "--client-secret", SECRET, *options]
    their_in, ours_in = os.pipe()
    ours_out, their_out = os.pipe()
    process = start_warm(
        "m365_emulator",
        arguments,
        environment=dict(os.environ),
        folder=Path.cwd(),
        stdin=their_in,
        stdout=their_out,
        stderr=sys.__stderr__.fileno(),
    )
    os.close(their_in)
    os.close(their_out)
    try:
        with open(ours_out, closefd=False) as said:
            word, *facts = said.readline().split()
        assert word == "ready"
        told = dict(fact.split("=", 1) for fact in facts)
        yield Stage(
            told["url"],
            told["tenant_id"],
            told["domain"],
            int(told["people"]),
            told.get("https_url", ""),
            told.get("ca_file", ""),
        )
    finally:
        process.kill()
        process.wait()
        os.close(ours_in)
        os.close(ours_out)


@dataclass(slots=True)
class Installation:
    """A data folder, and the processes that work on it."""

    folder: Path
    database_url: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    """Environment variables of the product, beyond its folder and database."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        """The address of its own database."""
        return self.database_url or f"sqlite:///{self.data / 'jackfield.db'}"

    @property
    def environment(self) -> dict[str, str]:
        ours = {"JACKFIELD_DATA_DIR": str(self.data), **self.settings}
        if self.database_url:
            ours["JACKFIELD_DATABASE_URL"] = self.database_url
        kept = {name: value for name, value in os.environ.items() if not _is_ours(name)}
        return {**kept, **ours}

    @property
    def secret_file(self) -> Path:
        """A file with the right client secret."""
        path = self.folder / "secret.txt"
        path.write_text(f"{SECRET}\n", encoding="utf-8")
        return path

    async def command(self, *arguments: str, **environment: str) -> Said:
        """Run one command of `jackfield` to its end."""
        with tempfile.TemporaryDirectory() as said:
            process = Process(
                *("jackfield", *arguments),
                folder=self.folder,
                environment={**self.environment, **environment},
                warm=True,
                into=Path(said),
            )
            try:
                return Said(await process.ended(), process.out, process.err)
            finally:
                process.close()

    async def connect(self, stage: Stage, *flags: str, **changed: str | None) -> Said:
        """Connect it to a stage as an administrator would; None leaves an option out."""
        options: dict[str, str | None] = {
            "tenant_id": stage.tenant_id,
            "client_id": APP,
            "client_secret_file": str(self.secret_file),
            "login_url": stage.url,
            "graph_url": stage.url,
            **changed,
        }
        given = [
            part
            for name, value in options.items()
            if value is not None
            for part in (f"--{name.replace('_', '-')}", value)
        ]
        return await self.command("connect", *given, *flags)

    def start(self, *arguments: str) -> Process:
        """Start `jackfield` with these arguments; the caller ends it."""
        return Process(
            *("jackfield", *arguments),
            folder=self.folder,
            environment=self.environment,
            warm=True,
        )

    def beside(self, folder: Path, **settings: str) -> Installation:
        """The same database from a folder of its own, with the same key: another machine's."""
        other = Installation(folder, self.database_url, {**self.settings, **settings})
        other.data.mkdir(parents=True)
        if (key := self.data / "jackfield.key").exists():
            shutil.copy(key, other.data / key.name)
        return other

    @contextmanager
    def serving(self) -> Iterator[Server]:
        """A server on a free port, killed at the end if it still runs then."""
        process = self.start("serve", "--listen", "127.0.0.1:0")
        try:
            yield Server.of(process, self.data)
        finally:
            process.close()


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    process: Process
    url: str
    token: str

    @classmethod
    def of(cls, process: Process, data: Path) -> Server:
        """Wait until a started process has said where it answers."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert process.popen.poll() is None, process.err
            # Several that share a folder on PostgreSQL have a file each.
            for path in data.glob("server*.json"):
                file = msgspec.json.decode(path.read_bytes())
                if int(file["pid"]) == process.pid:
                    return cls(process, file["url"], file["token"])
            assert time.monotonic() < deadline, process.err
            time.sleep(LOOK_S)

    async def api(
        self, method: str, path: str, body: object = None, *, tenant: int | None = None
    ) -> Any:
        """Ask its API as the command line does; a refusal fails the test."""
        answer = await self.try_api(method, path, body, tenant=tenant)
        assert answer.status < 400, answer.text
        return answer.body

    async def health(self) -> Answer:
        """What it tells a load balancer."""
        return await ask("GET", f"{self.url}/health")

    async def healthy(self, within_s: float = PATIENCE_S) -> Answer:
        """Wait until it says that it can work."""
        async with asyncio.timeout(within_s):
            while True:
                answer = await self.health()
                if answer.status == 200:
                    return answer
                await asyncio.sleep(LOOK_S)

    async def try_api(
        self, method: str, path: str, body: object = None, *, tenant: int | None = None
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"}
        if tenant is not None:
            headers["Jackfield-Tenant"] = str(tenant)
        return await ask(method, f"{self.url}/api/v1{path}", body, headers)

    async def run_ended(self, run: str, within_s: float = PATIENCE_S) -> Any:
        """A run as it is once it has ended."""
        async with asyncio.timeout(within_s):
            while True:
                told = await self.api("GET", f"/runs/{run}")
                if told["status"] not in {"queued", "running"}:
                    return told
                await asyncio.sleep(LOOK_S)

    async def settle(self, within_s: float = PATIENCE_S) -> Any:
        """The newest run, once runs have happened and none is under way."""
        async with asyncio.timeout(within_s):
            while True:
                runs = (await self.api("GET", "/runs"))["runs"]
                if runs and all(run["status"] != "running" for run in runs):
                    return runs[0]
                await asyncio.sleep(LOOK_S)

    async def choose(self, **changes: Any) -> None:
        """Change choices of people sync; a mapping is merged into what stands, at any depth."""
        stored = await self.api("GET", "/settings/people")
        merge(stored["settings"], changes)
        await self.api("PUT", "/settings/people", stored)


class Browser:
    """Somebody in the console without a screen: cookies are kept, forms carry their token."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Cookies of a bare address are refused by default, as aiohttp reads the standard.
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.session.close()

    async def get(self, path: str) -> Answer:
        async with self.session.get(self.url + path, allow_redirects=False) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def post(self, path: str, form: dict[str, str]) -> Answer:
        async with self.session.post(self.url + path, data=form, allow_redirects=False) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def sign_in(self, name: str, password: str) -> Answer:
        """Fill in and send the form of the sign-in page."""
        page = await self.get("/login")
        form = {"name": name, "password": password, **hidden_fields(page.text)}
        return await self.post("/login", form)


def hidden_fields(page: str) -> dict[str, str]:
    """Names and values of a page's hidden inputs, the form's token among them."""
    found = {}
    for tag in re.findall(r"<input\b[^>]*>", page):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if attributes.get("type") == "hidden":
            found[attributes["name"]] = attributes.get("value", "")
    return found


async def ask(
    method: str, url: str, body: object = None, headers: dict[str, str] | None = None
) -> Answer:
    """One request on a connection of its own."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    data = None if body is None else msgspec.json.encode(body)
    sent = {"Content-Type": "application/json", **(headers or {})}
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.request(method, url, data=data, headers=sent) as answer,
    ):
        return Answer(answer.status, answer.headers, await answer.text())


async def until(true: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
    """Look again and again until it is so; fails the test when it never is."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        await asyncio.sleep(LOOK_S)


async def is_closed(url: str) -> bool:
    """Whether nobody listens at an address any more."""
    parts = urlsplit(url)
    try:
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except OSError:
        return True
    writer.close()
    await writer.wait_closed()
    return False


def _is_ours(name: str) -> bool:
    return name.startswith("JACKFIELD_")
