"""The console on a real socket, in a thread of its own, over a database that a test may change.

Nothing is replaced but the durable runner, which is not started: what a page shows of runs and
plans is written by the test.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import uvicorn

from jackfield.app import App
from jackfield.settings import load_settings
from jackfield.store.transaction import Transaction

T = TypeVar("T")
START_WITHIN_S = 30.0
STOP_WITHIN_S = 10.0


class _Server(uvicorn.Server):
    """Leaves signals to the tests, and says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.up.set()

    def capture_signals(self) -> Any:
        return nullcontext()


class Served:
    """A running console."""

    def __init__(self, folder: Path) -> None:
        self.password = ""
        self.url = ""
        self._settings = load_settings(
            {}, overrides={"data_dir": folder, "listen": "127.0.0.1:0", "log_level": "error"}
        )
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(START_WITHIN_S), "the console did not start"

    def stop(self) -> None:
        """In the order of the product: streams first, then the server."""
        if not self.stopped:
            self._loop.call_soon_threadsafe(self._leave)
        self._thread.join(STOP_WITHIN_S)

    @property
    def stopped(self) -> bool:
        return not self._thread.is_alive()

    @property
    def now(self) -> datetime:
        return self._app.clock.now()

    @property
    def viewers(self) -> int:
        """Open live streams."""
        return self._app.hubs.watching

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the console's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Change the database."""

        async def written() -> T:
            async with self._app.database.write() as tx:
                return await work(tx)

        return self.run(written())

    def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Look into the database."""

        async def done() -> T:
            async with self._app.database.read() as tx:
                return await work(tx)

        return self.run(done())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with App(self._settings) as app:
            self._app = app
            self.password = await app.signin.ensure_owner() or ""
            config = uvicorn.Config(
                app.site,
                host="127.0.0.1",
                port=0,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
                lifespan="on",
            )
            self._server = _Server(config)
            serving = asyncio.create_task(self._server.serve())
            await self._server.up.wait()
            port = self._server.servers[0].sockets[0].getsockname()[1]
            self.url = f"http://127.0.0.1:{port}"
            self._ready.set()
            await serving

    def _leave(self) -> None:
        self._app.hubs.stop()
        self._server.should_exit = True


@contextmanager
def serve(folder: Path) -> Iterator[Served]:
    """A console that runs until the block ends."""
    served = Served(folder)
    served.start()
    try:
        yield served
    finally:
        served.stop()
