"""Durable work on DBOS: it runs flows on this process's loop and records their steps.

Everything else (queueing, waiting, cancelling, taking over) goes through DBOS's client, which knows
nothing of the flow that it is called from. dbos is imported once the runner starts, not before.
Not here: who may take over from whom (leases), and what is due (the product's tables say it).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import structlog

from jackfield.clock import Clock, SystemClock
from jackfield.durable.carried import Carried, first_line
from jackfield.durable.catalogue import Catalogue, Defined, fruitless_starts, key_of, run_id
from jackfield.durable.dbos_steps import kind_of, run_of_dbos, through_dbos
from jackfield.durable.gate import Gate, current_run
from jackfield.durable.instance import CONTRACT_VERSION, SCHEDULED, DbosInstance
from jackfield.durable.run import (
    Flow,
    GivenUp,
    GivenUpError,
    Json,
    Lane,
    NotRunningError,
    Report,
    RunCancelledError,
    RunFailedError,
    RunId,
    UnknownRunError,
    recordable,
)

if TYPE_CHECKING:
    from dbos import DBOSClient, EnqueueOptions, WorkflowHandleAsync, WorkflowStatus

T = TypeVar("T")

ALIVE = ["ENQUEUED", "DELAYED", "PENDING"]
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
# A flow that does not go when it is cancelled must not hold up the stop.
INTERRUPTED_WITHIN_S = 1.0
START_WAIT_S = 30.0
LOOK_AGAIN_S = 0.1
PURGED_AT_ONCE = 500

_log = structlog.get_logger("jackfield.durable")

_in_this_process: Durable | None = None


class _State(Enum):
    NEW = auto()
    STARTING = auto()
    RUNNING = auto()
    STOPPING = auto()
    STOPPED = auto()


class Durable:
    """Runs flows on DBOS, in this process's loop; one at a time in a process.

    `database_url` is the product's own: on SQLite the runner keeps `work.db` beside that file, on
    PostgreSQL the schema `dbos` in that database. Both may be deleted while nothing runs.
    `executor_id` names this process: stable over its restarts, never used by two at once.
    `given_up` hears of each run that was given up after `give_up_after` starts without a finished
    step. `stop` waits `grace_s` seconds for steps in flight; those it cuts off are done again after
    the next start. After a failed `start`, another may be tried. A database that goes away is
    waited for; runs that lost their footing all the same are found again every `mend_each_s`.
    One that does not `work` only asks: its peers on the same PostgreSQL carry the runs.
    """

    def __init__(
        self,
        database_url: str,
        executor_id: str,
        lanes: Sequence[Lane],
        *,
        report: Report | None = None,
        given_up: Callable[[GivenUp], Awaitable[None]] | None = None,
        give_up_after: int = 100,
        grace_s: float = 1.0,
        mend_each_s: float = 5.0,
        work: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self._executor_id = executor_id
        self._work = work
        self._catalogue = Catalogue(lanes)
        self._report = report
        self._given_up = given_up
        self._give_up_after = give_up_after
        self._grace_s = grace_s
        self._mend_each_s = mend_each_s
        self._clock = clock or SystemClock()
        self._instance = DbosInstance(
            database_url, executor_id, self._catalogue, self._clock, work=work
        )
        self._state = _State.NEW
        self._failure: Exception | None = None
        self._changed = asyncio.Event()
        self._gate = Gate()
        self._runs: dict[asyncio.Task[object], RunId] = {}
        self._mending: asyncio.Task[None] | None = None

    # --- before the start ---------------------------------------------------------------------

    def define(self, name: str, lane: Lane, flow: Flow) -> None:
        self._before_start()
        self._catalogue.define(name, lane, flow)

    def every(self, cron: str, name: str) -> None:
        self._before_start()
        self._catalogue.every(cron, name)

    def _before_start(self) -> None:
        if self._state is not _State.NEW:
            raise RuntimeError("flows and schedules are defined before the runner starts")

    # --- start and stop -----------------------------------------------------------------------

    async def start(self) -> None:
        global _in_this_process  # noqa: PLW0603  # DBOS is one per process, so its holder is too
        if self._state is not _State.NEW:
            raise RuntimeError(f"the runner cannot start: it is {self._state.name.lower()}")
        if _in_this_process is not None:
            raise RuntimeError("another runner is at work in this process")
        _in_this_process = self
        self._turn(_State.STARTING)
        try:
            # Importing and migrating take most of a second: not on the loop.
            await _in_plain_thread(self._instance.open)
            self._instance.launch(self._carry)
        except BaseException as error:
            self._failure = error if isinstance(error, Exception) else None
            await self._shut_down(_State.NEW)
            raise
        self._failure = None
        if self._work:
            self._mending = asyncio.create_task(self._mend(), context=Context())
        self._turn(_State.RUNNING)

    async def stop(self) -> None:
        while self._state in {_State.STARTING, _State.STOPPING}:
            await self._changed.wait()
        if self._state is not _State.RUNNING:
            self._turn(_State.STOPPED)
            return
        self._turn(_State.STOPPING)
        if self._mending is not None:
            self._mending.cancel()
        self._instance.hush.stopping = True
        self._gate.shut()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._grace_s):
                await self._gate.empty()
        await self._interrupt()
        await self._shut_down(_State.STOPPED)

    async def _shut_down(self, then: _State) -> None:
        global _in_this_process  # noqa: PLW0603  # see start
        try:
            await _in_plain_thread(self._instance.close)
            await self._interrupt()
        finally:
            # DBOS made its own pool, now shut, the loop's default.
            asyncio.get_running_loop().set_default_executor(
                ThreadPoolExecutor(thread_name_prefix="asyncio")
            )
            _in_this_process = None
            self._turn(then)

    def _turn(self, state: _State) -> None:
        self._state = state
        self._changed.set()
        self._changed = asyncio.Event()

    async def _interrupt(self) -> None:
        for task in self._runs:
            task.cancel()
        if self._runs:
            await asyncio.wait(self._runs, timeout=INTERRUPTED_WITHIN_S)

    # --- what others ask for ------------------------------------------------------------------

    @asynccontextmanager
    async def _open_client(self) -> AsyncIterator[DBOSClient]:
        with suppress(TimeoutError):
            async with asyncio.timeout(START_WAIT_S):
                while self._state in {_State.NEW, _State.STARTING} and self._failure is None:
                    await self._changed.wait()
        # A flow is turned away at the gate instead, where it cannot take this for a failure.
        inside = self._state is _State.STOPPING and current_run.get() is not None
        client = self._instance.client
        if client is None or not (self._state is _State.RUNNING or inside):
            state = self._state.name.lower()
            raise NotRunningError(f"the runner is not at work: {state}") from self._failure
        with self._gate.entered():
            yield client

    async def enqueue(self, name: str, *args: Json, key: str | None = None) -> RunId:
        defined, recorded = self._catalogue.call(name, args)
        run = run_id(name, key, uuid4().hex)
        async with self._open_client() as client:
            # A run that was taken over has lost its deduplication id.
            if key is not None and (holder := await self._alive(client, name, key)):
                return holder[0]
            options: EnqueueOptions = {
                "workflow_name": name,
                "queue_name": defined.lane.name,
                "workflow_id": run,
                "app_version": CONTRACT_VERSION,
            }
            if key is not None:
                options["deduplication_id"] = f"{name}:{key}"
                options["duplication_policy"] = "return-existing"
            handle: WorkflowHandleAsync[Json] = await client.enqueue_async(options, *recorded)
        return RunId(handle.workflow_id)

    async def cancel(self, name: str, key: str) -> bool:
        self._catalogue.named(name)
        async with self._open_client() as client:
            runs = await self._alive(client, name, key)
            if runs:
                await client.cancel_workflows_async(list(runs))
        return bool(runs)

    async def _alive(self, client: DBOSClient, name: str, key: str) -> list[RunId]:
        found = await client.list_workflows_async(
            workflow_id_prefix=run_id(name, key, ""),
            name=name,
            status=ALIVE,
            load_input=False,
            load_output=False,
        )
        # A key may contain colons, so the prefix also finds longer keys.
        return [
            RunId(row.workflow_id) for row in found if key_of(RunId(row.workflow_id), name) == key
        ]

    async def wait(self, run_id: RunId, timeout_s: float | None = None) -> Json:
        async with asyncio.timeout(timeout_s):
            while (row := await self._status(run_id, load_output=True)).status in ALIVE:
                await self._clock.sleep(LOOK_AGAIN_S)
        match row.status:
            case "SUCCESS":
                return recordable(row.output, f"the result of {run_id}")
            case "CANCELLED":
                raise RunCancelledError(f"{run_id} was cancelled")
            case _:
                raise RunFailedError(str(row.error), kind_of(row.error))

    async def is_alive(self, run_id: RunId) -> bool:
        try:
            return (await self._status(run_id)).status in ALIVE
        except UnknownRunError:
            return False

    async def _status(self, run: RunId, *, load_output: bool = False) -> WorkflowStatus:
        async with self._open_client() as client:
            rows = await client.list_workflows_async(
                workflow_ids=[run], load_input=False, load_output=load_output
            )
        if not rows:
            raise UnknownRunError(f"no run is recorded as {run}")
        return rows[0]

    async def adopt(self, executor_id: str) -> list[RunId]:
        if executor_id == self._executor_id:
            raise ValueError("a process takes up its own runs when it starts")
        async with self._open_client() as client:
            left = await client.list_workflows_async(
                status="PENDING", executor_id=executor_id, load_input=False, load_output=False
            )
            await self._queue_again(client, left)
        return [RunId(row.workflow_id) for row in left]

    async def _queue_again(self, client: DBOSClient, left: list[WorkflowStatus]) -> None:
        by_lane: dict[str, list[str]] = defaultdict(list)
        for row in left:
            # Resuming sets DBOS's count of starts to 0: this keeps the run known as one begun.
            await client.update_workflow_attributes_async(
                row.workflow_id, {"left_by": row.executor_id}, merge=True
            )
            by_lane[row.queue_name or self._lane_of(row.name)].append(row.workflow_id)
        for lane, runs in by_lane.items():
            await client.resume_workflows_async(runs, queue_name=lane)

    def _lane_of(self, workflow: str) -> str:
        return self._catalogue.flows[workflow.removeprefix(SCHEDULED)].lane.name

    async def carriers(self) -> set[str]:
        async with self._open_client() as client:
            rows = await client.list_workflows_async(
                status="PENDING", load_input=False, load_output=False
            )
        return {row.executor_id for row in rows if row.executor_id}

    async def purge(self, older_than: timedelta) -> int:
        before = (self._clock.now() - older_than).isoformat()
        purged = 0
        async with self._open_client() as client:
            while ended := await client.list_workflows_async(
                status=ENDED,
                completed_before=before,
                limit=PURGED_AT_ONCE,
                load_input=False,
                load_output=False,
            ):
                await client.delete_workflows_async([row.workflow_id for row in ended])
                purged += len(ended)
        return purged

    # --- one run ------------------------------------------------------------------------------

    async def _carry(self, defined: Defined, args: tuple[Json, ...]) -> Json:
        """The whole of one run on DBOS: called again from the start after each restart."""
        task = _this_task()
        run = Carried(run_of_dbos(), defined, through_dbos, self._gate, self._report, self._clock)
        current_run.set(run.whereabouts)
        self._runs[task] = run.id
        task.add_done_callback(self._runs.pop)
        with self._gate.entered():
            run.whereabouts.in_step = True
            recorded = await self._take_up(run.id, defined, args)
            run.whereabouts.in_step = False
        try:
            result = await run.through(args, recorded)
        except Exception:
            self._ended(task, run)
            raise
        self._ended(task, run)
        return result

    def _ended(self, task: asyncio.Task[object], run: Carried) -> None:
        # A flow that was cut off has not ended, whatever it made of its CancelledError.
        if run.whereabouts.interrupted or (self._gate.is_shut and task.cancelling()):
            raise asyncio.CancelledError("the run was cut off")
        # The outcome is still to be recorded: a stop waits for that too.
        self._gate.keep_until_done(task)

    async def _mend(self) -> None:
        """Look for runs that are recorded as running here and are not: queue them again.

        An outage of the database leaves such: nobody else would take them, and their keys are held.
        """
        suspected: set[str] = set()
        away = False
        while True:
            await self._clock.sleep(self._mend_each_s)
            try:
                suspected = await self._queue_stranded(suspected)
                away = False
            except Exception as error:  # the database is still away: look again
                if not away:
                    _log.warning("durable.not_mended", error=first_line(error))
                away = True

    async def _queue_stranded(self, suspected: set[str]) -> set[str]:
        async with self._open_client() as client:
            pending = await client.list_workflows_async(
                name=[*self._catalogue.flows, *map(SCHEDULED.__add__, self._catalogue.flows)],
                status="PENDING",
                executor_id=self._executor_id,
                load_input=False,
                load_output=False,
            )
            carried = set(self._runs.values())
            stranded = [row for row in pending if row.workflow_id not in carried]
            # One that was claimed a moment ago is not carried yet: only the second look counts.
            certain = [row for row in stranded if row.workflow_id in suspected]
            await self._queue_again(client, certain)
        for row in certain:
            _log.warning("durable.mended", run=row.workflow_id)
        return {row.workflow_id for row in stranded} - {row.workflow_id for row in certain}

    async def _take_up(self, run: RunId, defined: Defined, args: tuple[Json, ...]) -> int:
        """How many steps the run has behind it; `GivenUpError` when it came here too often."""
        try:
            return await self._count_start(run, defined, args)
        except GivenUpError:
            raise
        except Exception as error:
            _log.warning("durable.not_taken_up", run=run, error=first_line(error))
            raise asyncio.CancelledError("the run's record could not be read") from error

    async def _count_start(self, run: RunId, defined: Defined, args: tuple[Json, ...]) -> int:
        row = await self._status(run)
        noted: dict[str, Any] = row.attributes or {}
        if not noted and (row.recovery_attempts or 0) <= 1:
            return 0
        async with self._open_client() as client:
            recorded = len(await client.list_workflow_steps_async(run, load_output=False))
            before = (noted.get("steps", 0), noted.get("starts", 1))
            steps, starts = fruitless_starts(before, recorded)
            if starts > self._give_up_after:
                name = defined.name
                if self._given_up is not None:
                    await self._given_up(GivenUp(run, name, key_of(run, name), args))
                raise GivenUpError(
                    f"{name} was given up: {starts - 1} starts ended without a finished step"
                )
            await client.update_workflow_attributes_async(
                run, {"steps": steps, "starts": starts}, merge=True
            )
        return recorded


def _this_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a run needs a task of its own")
    return task


async def _in_plain_thread(work: Callable[[], T]) -> T:
    with ThreadPoolExecutor(1, thread_name_prefix="durable") as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, work)
