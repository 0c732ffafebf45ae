"""Durable work on DBOS: the only importer of dbos, and of it only inside `start`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from jackfield.durable.run import Flow, GivenUp, Json, Lane, Report, RunId


class Durable:
    """Runs flows on DBOS, in this process's loop; one per process.

    `database_url` is the product's own: on SQLite the runner keeps `work.db` beside that file, on
    PostgreSQL the schema `dbos` in that database. Both are disposable while nothing runs.
    `executor_id` names this process: stable over its restarts, never used by two at once.
    `given_up` hears of each run that was abandoned after too many crashes, once.
    """

    def __init__(
        self,
        database_url: str,
        executor_id: str,
        lanes: Sequence[Lane],
        *,
        report: Report | None = None,
        given_up: Callable[[GivenUp], Awaitable[None]] | None = None,
    ) -> None: ...

    def define(self, name: str, lane: Lane, flow: Flow) -> None:
        raise NotImplementedError

    def every(self, cron: str, name: str) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        raise NotImplementedError

    async def enqueue(self, name: str, *args: Json, key: str | None = None) -> RunId:
        raise NotImplementedError

    async def cancel(self, name: str, key: str) -> bool:
        raise NotImplementedError

    async def wait(self, run_id: RunId, timeout_s: float | None = None) -> Json:
        raise NotImplementedError

    async def adopt(self, executor_id: str) -> list[RunId]:
        raise NotImplementedError

    async def purge(self, older_than: timedelta) -> int:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError
