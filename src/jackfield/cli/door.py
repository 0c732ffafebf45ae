"""How a command reaches Jackfield: over the API of the running server, or of one of its own.

Both ways are the same API with the same answers. A running server is found by the token file in the
data folder; with none running there an application lives for the command. On SQLite it holds the
folder's lock, so that no two processes ever work on it; on PostgreSQL it leaves the runs to those
that are at work, and carries them itself where nobody is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote

import msgspec

from jackfield.cli.exits import CommandFailed, Exit, NoAnswer
from jackfield.holding import Place, places
from jackfield.settings import ServerFile, Settings

ANSWER_TIMEOUT_S = 60.0
START_PATIENCE_S = 10.0
LOOK_S = 0.1
OK = 200
TENANT_HEADER = "Jackfield-Tenant"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API."""

    status: int
    body: Any


class Door(Protocol):
    """The API, wherever it runs."""

    async def ask(self, method: str, path: str, body: object = None, *, tenant: str = "") -> Answer:
        """One request to `/api/v1` + `path`, about a tenant by name or number; "" = the only one.

        Raises `CommandFailed` when nothing answers.
        """
        ...


def _plainly(error: Exception, patience_s: float) -> str:
    """Why nothing came back, in words."""
    import aiohttp

    if isinstance(error, TimeoutError):
        return f"it said nothing for {patience_s:,.0f} seconds"
    if isinstance(error, aiohttp.ClientConnectorError | ConnectionRefusedError):
        return "nobody takes calls there"
    return "the connection broke off; it was stopped, or its process has died"


class RunningServer:
    """A server that runs already."""

    def __init__(self, file: ServerFile, patience_s: float = ANSWER_TIMEOUT_S) -> None:
        self._file = file
        self._patience_s = patience_s

    async def ask(self, method: str, path: str, body: object = None, *, tenant: str = "") -> Answer:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=self._patience_s)
        headers = {"Authorization": f"Bearer {self._file.token}"}
        if tenant:
            headers[TENANT_HEADER] = quote(tenant)
        data = None if body is None else msgspec.json.encode(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.request(
                    method, f"{self._file.url}/api/v1{path}", data=data, headers=headers
                ) as answer,
            ):
                return Answer(answer.status, _decoded(await answer.read()))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoAnswer(
                f"The Jackfield server at {self._file.url} does not answer: "
                f"{_plainly(error, self._patience_s)}."
            ) from error


class OwnServer:
    """The application inside this process, asked without a socket."""

    def __init__(self, asgi: Any, token: str) -> None:
        self._asgi = asgi
        self._token = token

    async def ask(self, method: str, path: str, body: object = None, *, tenant: str = "") -> Answer:
        plain, _, query = path.partition("?")
        data = b"" if body is None else msgspec.json.encode(body)
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": f"/api/v1{unquote(plain)}",
            "raw_path": f"/api/v1{plain}".encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [
                (b"host", b"localhost"),
                (b"authorization", f"Bearer {self._token}".encode()),
                (b"content-type", b"application/json"),
                (b"content-length", str(len(data)).encode()),
                *([(TENANT_HEADER.lower().encode(), quote(tenant).encode())] if tenant else []),
            ],
            "client": ("127.0.0.1", 0),
            "server": ("localhost", 80),
        }
        status = 0
        parts: list[bytes] = []
        sent = False

        async def receive() -> Mapping[str, Any]:
            nonlocal sent
            if sent:
                await asyncio.Event().wait()
            sent = True
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._asgi(scope, receive, send)
        return Answer(status, _decoded(b"".join(parts)))


class AboutTenant:
    """A door whose every request is about one tenant."""

    def __init__(self, door: Door, tenant: str) -> None:
        self.door = door
        self._tenant = tenant

    async def ask(self, method: str, path: str, body: object = None, *, tenant: str = "") -> Answer:
        return await self.door.ask(method, path, body, tenant=tenant or self._tenant)


def about(door: Door, tenant: str | None) -> Door:
    """The door for requests about a tenant; None = the only one."""
    return AboutTenant(door, tenant) if tenant else door


async def nobody_works(door: Door) -> bool:
    """Whether no server is running, so that what is under way stands still until the next start."""
    inner = door.door if isinstance(door, AboutTenant) else door
    if not isinstance(inner, OwnServer):
        return False
    # On PostgreSQL they may be on other machines.
    answer = await inner.ask("GET", "/processes")
    return answer.status == OK and not answer.body["processes"]


@asynccontextmanager
async def open_door(
    settings: Settings, *, acts: bool = True, makes: bool = False
) -> AsyncIterator[Door]:
    """The API of the running server, or of an application that is started for this command.

    A command that `acts` asks for runs; for others no work is taken up. Only one that `makes` may
    begin a new installation: a mistyped folder must not become one.
    """
    file = read_server_file(settings.data_dir)
    if file is not None:
        yield RunningServer(file)
        return
    if (
        not makes
        and not settings.database_url
        and not (settings.data_dir / "jackfield.db").exists()
    ):
        raise CommandFailed(
            f"There is no installation in {settings.data_dir}; nothing was made. Name its folder "
            "with --data-dir, or begin one with jackfield serve.",
            Exit.USAGE,
        )
    from jackfield.app import App, For
    from jackfield.holding import InUse
    from jackfield.logs import configure_logs

    # What a command has to say it says itself; a run's troubles stand in its answer.
    configure_logs("error")
    try:
        app = await App(settings, For.ASKING if acts else For.LOOKING).__aenter__()
    except InUse as busy:
        yield RunningServer(await _starting_server(settings.data_dir, busy))
        return
    try:
        if acts:
            # Only what is asked for: a sync that happens to be due is the server's to begin.
            await app.start_runs()
        yield OwnServer(app.site, await app.command_token())
    finally:
        await app.__aexit__(None, None, None)


async def _starting_server(data_dir: Path, busy: Exception) -> ServerFile:
    """The server that holds the data folder but does not answer yet; else raises `busy`."""
    for _ in range(round(START_PATIENCE_S / LOOK_S)):
        file = read_server_file(data_dir)
        if file is not None:
            return file
        if Place(data_dir, 1).holder is None:
            break
        await asyncio.sleep(LOOK_S)
    raise CommandFailed(str(busy)) from busy


def read_server_file(data_dir: Path) -> ServerFile | None:
    """A running server of a data folder; None when none runs.

    The file of a killed one does not count: the lock of its place went with it.
    """
    for place in places(data_dir):
        file = _read_server_file(place.server_file)
        if file is not None and place.holder == file.pid:
            return file
    return None


def _read_server_file(path: Path) -> ServerFile | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=ServerFile)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise CommandFailed(
            f"The file {path} cannot be read: run the command as the user that runs the server.",
            Exit.USAGE,
        ) from None
    except (OSError, msgspec.DecodeError):
        return None


def _decoded(body: bytes) -> Any:
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body.decode(errors="replace")
