"""The whole product offline: the emulated tenant as a process, a real Jackfield connected to it.

Nothing here differs from a real installation but the addresses and two choices that any
administrator could make: the delta interval of 5 seconds, and departments from all groups, so that
a move shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import socket
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from jackfield.cli.exits import CommandFailed, Exit
from jackfield.holding import check_not_foreign, make_folder
from jackfield.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from jackfield.app import App

CONSOLE_PORT = 8200
DELTA_INTERVAL_S = 5
STAGE_WITHIN_S = 120.0
STOP_WITHIN_S = 1.0


class _Stage(msgspec.Struct):
    """What the emulated tenant says of itself when it is ready."""

    url: str
    tenant_id: str
    people: int


def run_demo(*, people: int, data: Path | None, port: int, seed: int) -> int:
    """Run until Ctrl-C; returns the exit code."""
    if data is not None:
        make_folder(data)
        check_not_foreign(data)
        return asyncio.run(_demo(people, data, port, seed))
    with tempfile.TemporaryDirectory(prefix="jackfield-demo-") as folder:
        return asyncio.run(_demo(people, Path(folder), port, seed))


MANY = 5_000
"""People from which on the start takes its time."""


async def _demo(people: int, data: Path, port: int, seed: int) -> int:
    waits = "" if people < MANY else "; with so many people it takes half a minute"
    print(f"Starting an emulated tenant of {people:,} people and Jackfield{waits} ...", flush=True)
    stop = asyncio.Event()
    client_id, certificate = _credential(data)
    pem = certificate.read_text(encoding="utf-8")
    async with _stage(data, people, seed, client_id, certificate, stop) as told:
        # The product is loaded, which takes most of a second, while the tenant starts.
        from jackfield.logs import configure_logs
        from jackfield.serving import run_server

        settings, bound = _listen(data, port)
        configure_logs(settings.log_level)
        ready: asyncio.Future[App] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(run_server(settings, stop, ready, bound))
        showing = asyncio.create_task(_show(ready, told, client_id, pem, stop))
        # The server ends by a signal, by its own trouble, or because showing failed and said stop.
        await asyncio.wait({serving})
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing
        return await serving


@contextlib.asynccontextmanager
async def _stage(
    data: Path, people: int, seed: int, client_id: str, certificate: Path, stop: asyncio.Event
) -> Any:
    """The emulated tenant as a process; gives a task that ends with what it says of itself."""
    ready_file = data / "tenant.json"
    ready_file.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "m365_emulator",
        *("--port", "0", "--people", str(people), "--seed", str(seed)),
        *("--register-app", client_id, "--certificate", str(certificate)),
        *("--ready-file", str(ready_file), "--exit-with-stdin"),
        # It ends with us, however we end: our side of this pipe closes with the process.
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )

    async def told() -> _Stage:
        try:
            async with asyncio.timeout(STAGE_WITHIN_S):
                while not ready_file.exists():
                    if process.returncode is not None:
                        raise CommandFailed(
                            "The emulated tenant did not start; see its words above."
                        )
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise CommandFailed(
                f"The emulated tenant was not ready within {STAGE_WITHIN_S:.0f} seconds."
            ) from None
        return msgspec.json.decode(ready_file.read_bytes(), type=_Stage)

    async def leave_late() -> None:
        """The server may be left in any case, before anybody comes to end the tenant."""
        await stop.wait()
        await asyncio.sleep(STOP_WITHIN_S)
        if process.returncode is None:
            process.kill()

    waiting = asyncio.create_task(told())
    leaving = asyncio.create_task(leave_late())
    try:
        yield waiting
    finally:
        waiting.cancel()
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError, CommandFailed):
            await waiting
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _show(
    ready: asyncio.Future[App],
    told: asyncio.Task[_Stage],
    client_id: str,
    certificate: str,
    stop: asyncio.Event,
) -> None:
    """Connect, watch the first sync, and say where to look."""
    from jackfield.cli.door import RunningServer, about, read_server_file
    from jackfield.cli.progress import follow

    try:
        app = await ready
        stage = await told
        file = read_server_file(app.settings.data_dir)
        if file is None:
            raise CommandFailed("Jackfield did not say where it listens.")
        whole = RunningServer(file)
        # A kept installation may have got more tenants since.
        tenants = (await _asked(whole, "GET", "/tenants?limit=500"))["tenants"]
        door = about(whole, await _own_tenant(whole, tenants, client_id))
        body: dict[str, Any] = {
            "tenant_id": stage.tenant_id,
            "client_id": client_id,
            "certificate": certificate,
            "login_url": stage.url,
            "graph_url": stage.url,
            "sync": False,
        }
        await _asked(door, "POST", "/connection", body)
        stored = await _asked(door, "GET", "/settings/people")
        stored["settings"]["schedule"]["delta_interval_s"] = DELTA_INTERVAL_S
        stored["settings"]["rules"]["departments"]["source"] = "all"
        stored["settings"]["enabled"] = True
        await _asked(door, "PUT", "/settings/people", stored)
        run = await _asked(door, "POST", "/people/sync", {"full": True})
        end = await follow(lambda: _asked(door, "GET", f"/runs/{run['id']}"))
        _say(app, stage, str(end["text"]))
    except BaseException:
        if stop.is_set():  # the server has only left before us
            return
        stop.set()
        raise


async def _own_tenant(door: Any, tenants: Any, client_id: str) -> str:
    """The number of the tenant that is connected to the emulated one; at the first start the first.

    Ends the demo where its tenant was removed and others stand: theirs is left alone.
    """
    from jackfield.cli.door import about

    numbers = [str(one["number"]) for one in tenants]
    for number in numbers:
        connection = await _asked(about(door, number), "GET", "/connection")
        if connection["connected"] and connection["client_id"] == client_id:
            return number
        if not connection["connected"] and len(numbers) == 1:
            return number
    raise CommandFailed(
        "The tenant that this demo is connected to is not in the data folder any more. Name"
        " another folder (--data), or look at this one with jackfield serve."
    )


def _say(app: App, stage: _Stage, outcome: str) -> None:
    sys.stdout.write(
        welcome(
            outcome,
            console=app.url,
            tenant=stage.url,
            password=app.new_password,
            data=app.settings.data_dir,
        )
    )
    sys.stdout.flush()


def welcome(outcome: str, *, console: str, tenant: str, password: str | None, data: Path) -> str:
    """What the demo says once it can be used; without a password the data folder was kept."""
    folder = f"--data-dir {shlex.quote(str(data.resolve()))}"
    shown = password
    kept = ""
    if password is None:
        shown = f"the one you know; another: jackfield admin reset-password {folder}"
        kept = (
            "Jackfield's data was kept; the emulated tenant begins anew, as on its first day: whom"
            " you\nhired there is gone and counts as deleted, and what you changed is as it was.\n"
        )
    return (
        f"\n{outcome}\n\n"
        f"  Console    {console}\n"
        f"  Sign in    admin\n"
        f"  Password   {shown}\n"
        f"  Tenant     {tenant}   hire, rename, move or disable people here\n"
        f"  Commands   .venv/bin/jackfield doctor {folder}\n\n"
        f"{kept}"
        "What changes there shows in the console within 10 seconds. Ctrl-C stops everything.\n"
    )


async def _asked(door: Any, method: str, path: str, body: object = None) -> Any:
    answer = await door.ask(method, path, body)
    if answer.status >= 400:
        detail = answer.body.get("detail") if isinstance(answer.body, dict) else answer.body
        raise CommandFailed(f"{method} {path}: {detail}")
    return answer.body


def _listen(data: Path, port: int) -> tuple[Settings, socket.socket]:
    """The settings, and the console's socket, which is held from now on.

    Where no port is asked for it is the usual one, or a free one where somebody has that. Two demos
    that start at once do not take one port for free.
    """
    from jackfield.serving import CannotListen, listen

    settings = _settings(data, port or CONSOLE_PORT)
    try:
        return settings, listen(settings)
    except CannotListen as error:
        if port:
            raise CommandFailed(
                f"{error.what} Stop what listens there, or name another port: --port."
            ) from error
    settings = _settings(data, 0)
    return settings, listen(settings)


def _settings(data: Path, port: int) -> Settings:
    overrides = {"data_dir": data, "listen": f"127.0.0.1:{port}", "log_level": "warning"}
    try:
        return load_settings({}, overrides=overrides)
    except SettingsError as error:
        raise CommandFailed(str(error), Exit.USAGE) from None


def _credential(data: Path) -> tuple[str, Path]:
    """The client id and certificate of the demo's application, made at the first start."""
    pem, client = data / "demo-application.pem", data / "demo-application.id"
    if pem.exists() and client.exists():
        return client.read_text(encoding="utf-8"), pem
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Jackfield demo")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, SHA256())
    )
    pem.touch(mode=0o600)
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    client_id = str(uuid4())
    client.write_text(client_id, encoding="utf-8")
    return client_id, pem
