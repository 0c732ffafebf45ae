"""Every `sh` command of the documents, run as a newcomer would: in order, one shell a page.

Addresses that are somebody's own (a tenant, a clone, a port) are put in here, not in the pages.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from doubles.documents import PAGES, ROOT, blocks
from doubles.processes import APP, SECRET, Stage, running_stage

pytestmark = pytest.mark.e2e

PATIENCE_S = 120
ADDRESS = "http://127.0.0.1:8200"
RUN_HERE = {
    "README.md": 2,
    "quickstart.md": 1,
    "connecting.md": 2,
    "api.md": 2,
    "cli.md": 1,
    "running.md": 4,
    "tenants.md": 2,
}
"""Pages whose commands are run below, and how many blocks each has."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """An emulated tenant with one application."""
    with running_stage(people=30) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the commands are given."""
    for tool in ("bash", "curl", "openssl", "git", "make"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}: it is needed to run the documents' commands")
    return tmp_path


def environment(**more: str) -> dict[str, str]:
    """The newcomer's, with the product on the PATH and nothing of ours set."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JACKFIELD_", "MAKE"))}
    path = f"{Path(sys.executable).parent}:{kept['PATH']}"
    return {**kept, "PATH": path, "PYTHONUNBUFFERED": "1", **more}


def shell(script: str, folder: Path, **more: str) -> str:
    """Run a script to its good end; what it printed."""
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == 0, f"{script}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


class Started:
    """A command that goes on until Ctrl-C."""

    def __init__(self, script: str, folder: Path) -> None:
        self._file = folder / f"said-{time.monotonic_ns()}.txt"
        with self._file.open("wb") as out:
            self._process = subprocess.Popen(
                ["bash", "-euc", f"exec {script}"],
                cwd=folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._file.read_text(encoding="utf-8")

    def until(self, words: str) -> None:
        """Wait until it has said this."""
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.said:
            assert self._process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def stop(self) -> int:
        """Ctrl-C, as a terminal sends it to the whole group."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self._process.wait(30)

    def is_gone(self) -> bool:
        """Whether nobody of its group is left, within the time that a page may promise."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                os.killpg(self._process.pid, 0)
            except ProcessLookupError:
                return True
            time.sleep(0.05)
        return False

    def close(self) -> None:
        """Leave nobody behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)


def blocks_of(name: str) -> list[str]:
    (page,) = [page for page in PAGES if page.name == name]
    return [block.text for block in blocks(page, "sh")]


def test_no_command_of_a_page_is_left_out() -> None:
    """A new block needs a test here."""
    there = {page.name: len(blocks(page, "sh")) for page in PAGES}

    assert {name: count for name, count in there.items() if count} == RUN_HERE


def make_by(target: str, *arguments: str) -> str:
    """`make TARGET` of this checkout, in the virtual environment that the tests run in."""
    kept = " ".join(("-o .venv/.dev", "-o .venv/.run", "-C", str(ROOT)))
    return f"make {kept} {target} {' '.join(arguments)}"


@pytest.mark.parametrize("name", ["README.md", "quickstart.md"])
def test_make_demo(folder: Path, name: str) -> None:
    """The one command: it says where to look, and Ctrl-C ends everything."""
    (line,) = [one for one in blocks_of(name)[0].splitlines() if one.startswith("make demo")]
    demo = Started(make_by("demo", f'ARGS="--people 20 --port 0 --data {folder}/data"'), folder)
    try:
        demo.until("Ctrl-C stops everything")
        code = demo.stop()
        gone = demo.is_gone()
    finally:
        demo.close()

    assert gone
    assert code in {-signal.SIGINT, 0, 2, 130}  # of make, which Ctrl-C has ended
    assert line.split("#")[0].strip() == "make demo"
    assert "Console    http://127.0.0.1:" in demo.said
    assert "Password" in demo.said
    assert "Tenant     http://127.0.0.1:" in demo.said


def test_make_test(folder: Path) -> None:
    """The other one is what runs this test; here only that it would."""
    line = blocks_of("README.md")[0].splitlines()[1]

    told = shell(make_by("test", "-n"), folder)

    assert line.split("#")[0].strip() == "make test"
    assert "tools/run_tests.py" in told


def test_install_and_serve(folder: Path) -> None:
    """A clone, one command, and a server that says its password."""
    clone, serve = blocks_of("README.md")[1].strip().splitlines()
    assert clone.endswith("make install")
    if (ROOT / ".git").exists():
        dry = clone.replace("URL", str(ROOT)).replace("make install", "make -n install")
        assert "build_venv.py run" in shell(dry, folder)
    assert serve == ".venv/bin/jackfield serve"

    server = Started("jackfield serve --listen 127.0.0.1:0 --data-dir first", folder)
    try:
        server.until("Sign in as admin with the password")
        server.until("server.ready")
        code = server.stop()
    finally:
        server.close()

    assert code == 0


def test_connecting_a_tenant_by_hand(folder: Path, stage: Stage) -> None:
    """From a certificate of one's own to the first plan, on the page's own lines."""
    certificate, connect = blocks_of("connecting.md")

    shell(certificate, folder)
    assert (folder / "jackfield.pem").stat().st_mode & 0o077 == 0
    upload = {"certificate": {"pem": (folder / "jackfield-cert.pem").read_text()}}
    body = msgspec.json.encode(upload).decode()
    shell(f"curl -sf -X POST -d '{body}' {stage.url}/_emulator/apps/{APP}/credentials", folder)
    own = (
        connect.replace("TENANT-ID", stage.tenant_id)
        .replace("CLIENT-ID", APP)
        .replace("--no-sync", f"--no-sync --login-url {stage.url} --graph-url {stage.url}")
    )
    told = shell(own, folder)

    assert "People sync is off" in told
    assert "Plan 1: " in told
    assert "Create extension 100 for " in told


def test_the_api_from_a_script(folder: Path, stage: Stage) -> None:
    """Token, status, and a sync that is begun and looked at."""
    first, second = blocks_of("api.md")
    (folder / "secret.txt").write_text(SECRET)
    server = Started("jackfield serve --listen 127.0.0.1:0", folder)
    try:
        server.until("server.ready")
        told = msgspec.json.decode((folder / "jackfield-data" / "server.json").read_bytes())
        url: str = told["url"]
        connect = (
            f"jackfield connect --tenant-id {stage.tenant_id}"
            f" --client-id {APP}"
            f" --client-secret-file secret.txt --login-url {stage.url} --graph-url {stage.url}"
        )
        shell(connect, folder)
        script = f"{first}\necho\n{second}".replace(ADDRESS, url)

        out = shell(script, folder).strip().splitlines()

        status, run = map(msgspec.json.decode, out)
        code = server.stop()
    finally:
        server.close()

    assert ADDRESS in first
    assert ADDRESS in second
    assert status["connected"] is True
    assert run["status"] in {"queued", "running", "done"}
    assert run["kind"] == "people"
    assert code == 0


def test_backup_and_restore_on_sqlite(folder: Path, stage: Stage) -> None:
    """While the server runs, and then into an empty folder that starts."""
    backup, restore = (one for one in blocks_of("running.md") if "jackfield " in one)
    (folder / "secret.txt").write_text(SECRET)
    server = Started("jackfield serve --listen 127.0.0.1:0", folder)
    try:
        server.until("server.ready")
        shell(
            f"jackfield connect --tenant-id {stage.tenant_id} --client-id {APP} --no-sync"
            f" --client-secret-file secret.txt --login-url {stage.url} --graph-url {stage.url}",
            folder,
        )
        shell(backup, folder)
        server.stop()
    finally:
        server.close()

    restoring, serving = restore.strip().splitlines()
    told = shell(restoring, folder)
    server = Started(f"{serving} --listen 127.0.0.1:0", folder)
    try:
        server.until("server.ready")
        synced = shell("jackfield sync people --data-dir restored", folder)
        code = server.stop()
    finally:
        server.close()

    assert told.startswith("Restored into ")
    assert " extensions created" in synced
    assert code == 0


@pytest.mark.postgres
def test_backup_and_restore_on_postgresql(
    folder: Path, postgres_server: Callable[[str], str], postgres_tools: Path
) -> None:
    """The server's own tools, with the two things left out that are not to be kept."""
    dump, restore = (one for one in blocks_of("running.md") if "pg_" in one)
    name = f"d{uuid.uuid4().hex}"
    url = postgres_server(name)
    restored = url.replace(name, f"r{name}")
    server = Started(
        f"env JACKFIELD_DATABASE_URL='{url}' jackfield serve --listen 127.0.0.1:0", folder
    )
    try:
        server.until("server.ready")
        shell(f'PATH="{postgres_tools}:$PATH"; {dump}', folder, JACKFIELD_DATABASE_URL=url)
        server.stop()
    finally:
        server.close()

    shell(
        f'PATH="{postgres_tools}:$PATH"; {restore.replace("jackfield_restored", f"r{name}")}',
        folder,
        SERVER=url,
        RESTORED=restored,
    )
    again = Started(
        f"env JACKFIELD_DATABASE_URL='{restored}' jackfield serve --listen 127.0.0.1:0", folder
    )
    try:
        again.until("server.ready")
        # Nobody is shown a first password: the account is there.
        said = again.said
        code = again.stop()
    finally:
        again.close()

    assert "Sign in as admin" in server.said
    assert "Sign in as admin" not in said
    assert code == 0


@pytest.mark.e2e
def test_the_page_for_providers_adds_a_tenant_and_accounts(folder: Path) -> None:
    """A second customer, as the page says; the first one is still called as it was."""
    server = Started("jackfield serve --listen 127.0.0.1:0", folder)
    try:
        server.until("Sign in as admin")
        adds, accounts = blocks_of("tenants.md")

        told = shell(adds, folder)
        made = shell(accounts, folder)
    finally:
        server.close()

    assert "1  Main: not connected" in told
    assert "2  Harbour Dental: not connected" in told
    assert "ann (administrator of tenant 2, “Harbour Dental”) signs in with: " in made
    assert "watch: viewer of the whole installation" in made


@pytest.mark.e2e
def test_the_page_of_the_command_line_shows_and_changes_choices(folder: Path) -> None:
    """By keys as the page has them, at a running server."""
    server = Started("jackfield serve --listen 127.0.0.1:0", folder)
    try:
        server.until("server.ready")

        told = shell("\n".join(blocks_of("cli.md")), folder)
    finally:
        server.close()

    assert "rules.scope.scope" in told
    assert "Include guests from off to on." in told
