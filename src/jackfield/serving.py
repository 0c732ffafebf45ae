"""The server: it listens, starts the work, and stops everything in order at a signal."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
from contextlib import nullcontext, suppress
from importlib.metadata import version
from typing import Any

import structlog

from jackfield.app import App
from jackfield.logs import configure_logs
from jackfield.settings import Role, Settings

STOP_WITHIN_S = 1.0
GONE_WITHIN_S = 1.7
START_AGAIN_S = 5.0
THREADS_TURN_S = 0.0005
"""How long a thread that computes keeps Python for itself while others wait for it.

A page goes to a thread of the database a dozen times and back. While a plan is made in another one,
each of these ways waits so long; with Python's 5 ms it is a tenth of a second.
"""

_log = structlog.get_logger("jackfield.serving")


class CannotListen(Exception):
    """The address of the console cannot be had."""

    def __init__(self, listen: str, error: OSError) -> None:
        self.next_step = "Stop what listens there, or give this one another address: --listen."
        why = error.strerror or str(error)
        self.what = f"Jackfield cannot listen on {listen}: {why}."
        super().__init__(f"{self.what} {self.next_step}")


def serve(settings: Settings) -> int:
    """Run the server until SIGINT or SIGTERM; returns the exit code."""
    configure_logs(settings.log_level)
    _search_for_cycles_less()
    sys.setswitchinterval(THREADS_TURN_S)
    # Imported here: a command that only asks the server does without.
    import uvloop

    # Measured on 20,000 people: a first sync costs 6 % less CPU than on asyncio's own loop, a full
    # round with nothing changed 15 %.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run_server(settings, asyncio.Event()))


def _search_for_cycles_less() -> None:
    """Let Python look for garbage in cycles after more new objects than its 700.

    A large sync holds a million records that are in no cycle. Measured on 100,000 people: the
    searches cost 3 seconds of CPU of the first sync before, and 0.4 so. Everybody waits for each:
    so the first two generations are small, and everything is searched as rarely as before.
    """
    gc.freeze()
    gc.set_threshold(5_000, 20, 80)


def listen(settings: Settings) -> socket.socket:
    """The console's socket. Raises `CannotListen`."""
    host = settings.listen_host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers at once only where it is told that this is TCP: else the second
    # half of an answer waits for the client to acknowledge the first, 40 ms on Linux.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # [::] means every address, those of IPv4 too, whatever a machine has as its default.
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind((host, settings.listen_port))
        # Two may bind an address that nobody listens on yet; of them one may listen.
        bound.listen()
    except OSError as error:
        bound.close()
        raise CannotListen(settings.listen, error) from error
    return bound


async def run_server(
    settings: Settings,
    stop: asyncio.Event,
    ready: asyncio.Future[App] | None = None,
    bound: socket.socket | None = None,
) -> int:
    """The server inside a running loop, until `stop` is set.

    `ready` is told when pages are answered; `bound` is the console's socket where it is held
    already. Raises `InUse` and `CannotListen`.
    """
    import uvicorn

    class Server(uvicorn.Server):
        """uvicorn without its own idea of signals: we stop it in our order."""

        def capture_signals(self) -> Any:
            return nullcontext()

    loop = asyncio.get_running_loop()

    def asked_to_stop() -> None:
        stop.set()
        _leave_in_any_case()

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, asked_to_stop)
    async with App(settings) as app:
        if bound is None:
            bound = listen(settings)
        app.port = bound.getsockname()[1]
        has_console = Role.WEB in settings.roles
        if has_console:
            # Made by a server, never by a command: here it is shown.
            app.new_password = await app.signin.ensure_owner()
        config = uvicorn.Config(
            app.site if has_console else app.health_site,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            lifespan="on",
            timeout_graceful_shutdown=1,
            proxy_headers=False,
        )
        server = Server(config)
        serving = asyncio.create_task(server.serve(sockets=[bound]), name="web")
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event
            await asyncio.sleep(0.01)
        if serving.done():
            _log.error("web.not_started", listen=settings.listen)
            return 1
        await app.announce()
        if ready is None:
            _say_where(app, console=has_console)
        _log.info("server.ready", url=app.url, version=version("jackfield"))
        working = asyncio.create_task(_work(app), name="work")
        if ready is not None:
            ready.set_result(app)
        stopping = asyncio.create_task(stop.wait())
        lost = asyncio.create_task(app.lost())
        await asyncio.wait({stopping, serving, lost}, return_when=asyncio.FIRST_COMPLETED)
        _log.info("server.stopping")
        app.hubs.stop()
        server.should_exit = True
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(serving), STOP_WITHIN_S)
        for task in (working, stopping, lost):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        # Whoever watches over the process is to start it again where nobody asked it to end.
        return 0 if stop.is_set() else 1


def _leave_in_any_case() -> None:
    """End the process soon, also where the database or a thread never answers again.

    What is cut off goes on at the next start, as after a kill -9: whatever counts is written down
    before it counts.
    """

    def leave() -> None:
        _log.warning("server.left_in_any_case", after_s=GONE_WITHIN_S)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    # A daemon: it does not hold up the exit itself, and outlives the event loop.
    timer = threading.Timer(GONE_WITHIN_S, leave)
    timer.daemon = True
    timer.start()


async def _work(app: App) -> None:
    """Begin the work, however often the durable runner needs to start."""
    while True:
        try:
            await app.start_work()
        except Exception as error:
            _log.exception("work.not_started", error=str(error))
            await app.clock.sleep(START_AGAIN_S)
        else:
            return


def _say_where(app: App, *, console: bool) -> None:
    """What somebody at the terminal wants to know; the log has a line of its own, beside it."""
    if console:
        sys.stdout.write(f"Jackfield answers at {app.url}\n")
    if app.new_password is not None:
        sys.stdout.write(
            f"Sign in as admin with the password {app.new_password}\n"
            "It is shown this once; jackfield admin reset-password makes another.\n"
        )
    sys.stdout.flush()
