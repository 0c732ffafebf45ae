"""The stage over sockets: one or two ports (http, https) served by uvicorn, stopped at once.

The connection's transport is handed to the app, which is what lets a fault cut it.
"""

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from m365_emulator.door import TRANSPORT


class _Connection(HttpToolsProtocol):
    """uvicorn's protocol, with the transport in the scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = self.transport
            try:
                await inner(scope, receive, send)
            except asyncio.CancelledError:
                # The stage ends amid an answer that a fault delays: nobody waits for it any more,
                # and uvicorn would print the place where it was.
                self.transport.abort()
                while (await receive())["type"] != "http.disconnect":
                    continue

        self.app = app


class _Server(uvicorn.Server):
    """A server that leaves signals to us, for there may be two of them in one process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's delay off only where the protocol is named: 40 ms an answer.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(1024)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


def port_of(bound: socket.socket) -> int:
    port: int = bound.getsockname()[1]
    return port


async def serve(
    app: ASGIApp,
    ports: Sequence[tuple[socket.socket, ssl.SSLContext | None]],
    ready: Callable[[], None],
    *,
    with_stdin: bool = False,
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called once every port answers.

    With `with_stdin` also until standard input closes: who started us is gone, however it ended.
    """
    servers = [_server(app, context) for _, context in ports]
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    if with_stdin:
        threading.Thread(target=_outlive_stdin, daemon=True).start()
    async with asyncio.TaskGroup() as group:
        for server, (bound, _) in zip(servers, ports, strict=True):
            group.create_task(server.serve(sockets=[bound]))
        for server in servers:
            await server.up.wait()
        ready()
        await stopping.wait()
        for server in servers:
            server.should_exit = True
            server.force_exit = True


def _outlive_stdin() -> None:
    # By the descriptor: `sys.stdin` has a lock, and Python dies of it when it ends before us.
    while os.read(0, 4096):
        continue
    # Nobody is left whom an answer that is still being made could reach, and nothing is kept.
    os._exit(0)


def _server(app: ASGIApp, context: ssl.SSLContext | None) -> _Server:
    async def entered(scope: Scope, receive: Receive, send: Send) -> None:
        if context is not None:
            scope["scheme"] = "https"
        await app(scope, receive, send)

    config = uvicorn.Config(
        entered,
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    config.ssl = context
    return _Server(config)
