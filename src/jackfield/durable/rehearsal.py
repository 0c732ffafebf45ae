"""The second runner: deterministic, in memory, on the caller's loop and a virtual clock.

For rehearsals of the whole product and for tests of flows. It keeps the promises of `run.py` with
the same step borders, and may be killed at any of them.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextvars import Context
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial

from jackfield.clock import Clock
from jackfield.durable.carried import Carried, Work, as_replayed
from jackfield.durable.catalogue import Catalogue, fruitless_starts, key_of, run_id
from jackfield.durable.gate import Gate, current_run
from jackfield.durable.journal import Ending, Journal, RunRecord, RunState, StepRecord
from jackfield.durable.run import (
    Flow,
    GivenUp,
    GivenUpError,
    Json,
    Lane,
    NotJsonError,
    NotRunningError,
    Report,
    RunCancelledError,
    RunFailedError,
    RunId,
    StepFailedError,
    StepsChangedError,
    UnknownRunError,
)

# A stop lets the steps in flight go on for so many turns of the loop: there is no real time here.
GRACE_TURNS = 200
MOST_PAUSES = 3


class Killed(BaseException):
    """The process has died here. A hook raises it; no flow may catch it."""


class Border(StrEnum):
    """Where a hook is asked."""

    BEFORE = "before"
    """a step, nothing of it done"""
    EXECUTED = "executed"
    """a step, and nothing of it recorded: it will be done again"""
    RECORDED = "recorded"
    """a step"""
    RETURNED = "returned"
    """the flow, its ending not recorded: the step's name is then empty"""


Hook = Callable[[Border, RunId, str], None]
"""Called with (border, run, step's name) at each border but a replay's; may raise `Killed`."""


class Rehearsal:
    """The face of `Durable`, without a database, real time or luck.

    Runs begin at once, in order, as wide as their lane; `rng` names them and shuffles how they
    interleave. `clock` moves schedules, sleeps and timeouts. When the hook raises `Killed`, every
    run stops where it stands and every later call raises it: go on with a new Rehearsal over the
    same journal. Two at once over one journal are two processes on one database.
    """

    def __init__(
        self,
        journal: Journal,
        lanes: Sequence[Lane],
        *,
        clock: Clock,
        rng: random.Random,
        executor_id: str = "slot-1",
        hook: Hook | None = None,
        report: Report | None = None,
        given_up: Callable[[GivenUp], Awaitable[None]] | None = None,
        give_up_after: int = 100,
    ) -> None:
        self._journal = journal
        self._catalogue = Catalogue(lanes)
        self._clock = clock
        self._rng = rng
        self._executor_id = executor_id
        self._hook = hook
        self._report = report
        self._given_up = given_up
        self._give_up_after = give_up_after
        self._gate = Gate()
        self._begun = False
        self._ready = False
        self._killed: BaseException | None = None
        self._changed = asyncio.Event()
        self._runs: set[asyncio.Task[None]] = set()
        self._ticking: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()

    # --- before the start ---------------------------------------------------------------------

    def define(self, name: str, lane: Lane, flow: Flow) -> None:
        self._before_start()
        self._catalogue.define(name, lane, flow)

    def every(self, cron: str, name: str) -> None:
        self._before_start()
        self._catalogue.every(cron, name)

    def _before_start(self) -> None:
        if self._begun:
            raise RuntimeError("flows and schedules are defined before the runner starts")

    # --- start, stop, death -------------------------------------------------------------------

    async def start(self) -> None:
        if self._begun:
            raise RuntimeError("the runner has been started before")
        self._begun = self._ready = True
        self._requeue(self._executor_id)
        for name, cron in self._catalogue.schedules.items():
            ticking = asyncio.create_task(self._tick(name, cron), context=Context())
            self._ticking.add(ticking)
            ticking.add_done_callback(self._stopped_ticking)
        self._pump()
        self._tell()

    async def stop(self) -> None:
        self._begun = True
        self._ready = False
        self._gate.shut()
        for _turn in range(GRACE_TURNS):
            if self._gate.is_empty:
                break
            await asyncio.sleep(0)
        await self._end_tasks()
        self._tell()

    async def idle(self) -> None:
        """Return once nothing is queued or running; raise `Killed` if the hook has."""
        while True:
            if self._killed is not None:
                await self._end_tasks()
                raise self._killed
            if not self._runs and not (self._ready and self._ready_to_run()):
                return
            await self._changed.wait()

    async def _end_tasks(self) -> None:
        tasks = self._runs | self._ticking
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _die(self, killed: BaseException) -> None:
        if self._killed is None:
            self._killed = killed
            for task in self._runs | self._ticking:
                if task is not asyncio.current_task():
                    task.cancel()
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # --- what others ask for ------------------------------------------------------------------

    async def _open(self) -> None:
        while not self._begun and self._killed is None:
            await self._changed.wait()
        if self._killed is not None:
            raise self._killed
        run = current_run.get()
        if not self._ready and not (run and run.in_step):
            if run:
                with self._gate.entered():  # turns the flow away
                    pass
            raise NotRunningError("the runner is not at work: stopped")

    async def enqueue(self, name: str, *args: Json, key: str | None = None) -> RunId:
        defined, recorded = self._catalogue.call(name, args)
        await self._open()
        if key is not None and (holder := self._alive(name, key)):
            return holder[0].id
        run = self._unused_id(name, key)
        self._journal.queue(RunRecord(run, name, defined.lane.name, recorded))
        self._pump()
        return run

    def _unused_id(self, name: str, key: str | None) -> RunId:
        # A new Rehearsal with the same seed would give the same ids again.
        while (run := run_id(name, key, f"{self._rng.getrandbits(64):016x}")) in self._journal.runs:
            pass
        return run

    async def cancel(self, name: str, key: str) -> bool:
        self._catalogue.named(name)
        await self._open()
        runs = self._alive(name, key)
        for record in runs:
            self._end(record, Ending(RunState.CANCELLED))
        return bool(runs)

    def _alive(self, name: str, key: str) -> list[RunRecord]:
        return [
            record
            for record in self._journal.alive.values()
            if record.flow == name and key_of(record.id, name) == key
        ]

    async def wait(self, run_id: RunId, timeout_s: float | None = None) -> Json:
        ended = asyncio.ensure_future(self._ended(run_id))
        if timeout_s is None:
            return await ended
        limit = asyncio.ensure_future(self._clock.sleep(timeout_s))
        try:
            await asyncio.wait({ended, limit}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                raise TimeoutError(f"{run_id} has not ended within {timeout_s} s")
            return ended.result()
        finally:
            ended.cancel()
            limit.cancel()

    async def is_alive(self, run_id: RunId) -> bool:
        await self._open()
        return run_id in self._journal.alive

    async def _ended(self, run: RunId) -> Json:
        while (record := await self._record(run)).id in self._journal.alive:
            await self._changed.wait()
        match record.state:
            case RunState.CANCELLED:
                raise RunCancelledError(f"{run} was cancelled")
            case RunState.FAILED:
                raise RunFailedError(record.message, record.kind)
            case _:
                return copy.deepcopy(record.result)

    async def _record(self, run: RunId) -> RunRecord:
        await self._open()
        try:
            return self._journal.runs[run]
        except KeyError:
            raise UnknownRunError(f"no run is recorded as {run}") from None

    async def adopt(self, executor_id: str) -> list[RunId]:
        if executor_id == self._executor_id:
            raise ValueError("a process takes up its own runs when it starts")
        await self._open()
        runs = self._requeue(executor_id)
        self._pump()
        return runs

    def _requeue(self, executor_id: str) -> list[RunId]:
        left = [
            record
            for record in self._journal.alive.values()
            if record.state is RunState.RUNNING and record.executor == executor_id
        ]
        for record in left:
            record.state = RunState.QUEUED
        return [record.id for record in left]

    async def carriers(self) -> set[str]:
        await self._open()
        alive = self._journal.alive.values()
        return {record.executor for record in alive if record.state is RunState.RUNNING}

    async def purge(self, older_than: timedelta) -> int:
        await self._open()
        return self._journal.purge(self._now() - older_than.total_seconds())

    def _now(self) -> float:
        return self._clock.now().timestamp()

    # --- schedules ----------------------------------------------------------------------------

    async def _tick(self, name: str, cron: str) -> None:
        from croniter import croniter  # type: ignore[import-untyped]  # ships no types

        ticks = croniter(cron, self._clock.now(), second_at_beginning=True)
        while True:
            at: datetime = ticks.get_next(datetime).astimezone(UTC)
            await self._clock.sleep((at - self._clock.now()).total_seconds())
            run = RunId(f"sched-{name}-{at.isoformat()}")
            if run not in self._journal.runs:
                lane = self._catalogue.flows[name].lane
                self._journal.queue(RunRecord(run, name, lane.name, ()))
                self._pump()

    def _stopped_ticking(self, ticking: asyncio.Task[None]) -> None:
        if not ticking.cancelled() and (error := ticking.exception()):
            self._die(error)

    # --- one run ------------------------------------------------------------------------------

    def _ready_to_run(self) -> list[RunRecord]:
        room = {
            lane.name: lane.concurrency - self._busy[lane.name] for lane in self._catalogue.lanes
        }
        ready: list[RunRecord] = []
        for record in self._journal.alive.values():
            known = record.flow in self._catalogue.flows
            if record.state is RunState.QUEUED and known and room.get(record.lane, 0) > 0:
                room[record.lane] -= 1
                ready.append(record)
        return ready

    def _pump(self) -> None:
        if not self._ready or self._killed is not None:
            return
        for record in self._ready_to_run():
            record.state, record.executor = RunState.RUNNING, self._executor_id
            self._busy[record.lane] += 1
            task = asyncio.create_task(self._carry(record), context=Context())
            self._runs.add(task)
            task.add_done_callback(partial(self._left, record.lane))

    def _left(self, lane: str, task: asyncio.Task[None]) -> None:
        self._runs.discard(task)
        self._busy[lane] -= 1
        self._pump()
        self._tell()

    async def _carry(self, record: RunRecord) -> None:
        defined = self._catalogue.flows[record.flow]
        perform = partial(self._perform, record, itertools.count())
        run = Carried(record.id, defined, perform, self._gate, self._report, self._clock)
        current_run.set(run.whereabouts)
        try:
            ending = await self._ending(run, record)
            if not self._is_cut_off(run):
                await self._border(Border.RETURNED, record, "")
                self._end(record, ending)
        except _Cancelled:
            pass
        except asyncio.CancelledError:
            raise
        except BaseException as fatal:
            self._die(fatal)

    async def _ending(self, run: Carried, record: RunRecord) -> Ending:
        try:
            with self._gate.entered():
                await self._take_up(record)
            result = await run.through(copy.deepcopy(record.args), len(record.steps))
        except RunFailedError as error:
            return Ending(RunState.FAILED, kind=error.kind, message=str(error))
        except Exception as error:
            return Ending(RunState.FAILED, kind=type(error).__name__, message=str(error))
        else:
            return Ending(RunState.DONE, result)

    def _is_cut_off(self, run: Carried) -> bool:
        """A flow cut off by a stop has not ended, whatever it made of its CancelledError."""
        task = asyncio.current_task()
        cancelled = task is not None and task.cancelling() > 0
        return self._killed is not None or run.whereabouts.interrupted or cancelled

    async def _take_up(self, record: RunRecord) -> None:
        if record.starts:
            record.noted_steps, record.starts = fruitless_starts(
                (record.noted_steps, record.starts), len(record.steps)
            )
        else:
            record.starts = 1
        if record.starts > self._give_up_after:
            name = record.flow
            if self._given_up is not None:
                await self._given_up(GivenUp(record.id, name, key_of(record.id, name), record.args))
            raise GivenUpError(
                f"{name} was given up: {record.starts - 1} starts ended without a finished step"
            )

    def _end(self, record: RunRecord, ending: Ending) -> None:
        self._journal.end(record, ending, self._now())
        self._tell()

    async def _perform(
        self, record: RunRecord, places: Iterator[int], name: str, work: Work
    ) -> Json:
        """`Perform`: the record is the journal."""
        place = next(places)
        if place < len(record.steps):
            return await self._replay(record, record.steps[place], name)
        await self._border(Border.BEFORE, record, name)
        failure: StepFailedError | NotJsonError | None = None
        done = StepRecord(name)
        try:
            done.result = copy.deepcopy(await work())
        except (StepFailedError, NotJsonError) as error:
            failure = error
            done.kind = error.kind if isinstance(error, StepFailedError) else type(error).__name__
            done.message = str(error)
        except Killed as killed:
            self._die(killed)
            raise
        await self._border(Border.EXECUTED, record, name)
        record.steps.append(done)
        await self._border(Border.RECORDED, record, name)
        if failure is not None:
            raise failure
        return copy.deepcopy(done.result)

    async def _replay(self, record: RunRecord, step: StepRecord, name: str) -> Json:
        await asyncio.sleep(0)
        if record.state is RunState.CANCELLED:
            raise _Cancelled
        if step.name != name:
            raise StepsChangedError(
                f"{record.id}: the record has step {step.name} where the flow asks for {name}"
            )
        if step.kind:
            raise as_replayed(step.kind, step.message)
        return copy.deepcopy(step.result)

    async def _border(self, border: Border, record: RunRecord, step: str) -> None:
        if border is Border.BEFORE:
            for _pause in range(self._rng.randint(1, MOST_PAUSES)):
                await asyncio.sleep(0)
        if self._killed is not None:
            raise asyncio.CancelledError("the process has died")
        if record.state is RunState.CANCELLED:
            raise _Cancelled
        if self._hook is not None:
            try:
                self._hook(border, record.id, step)
            except Killed as killed:
                self._die(killed)
                raise


class _Cancelled(BaseException):
    """The run was cancelled: leave the flow at this border."""
