"""What a rehearsed process leaves behind when it dies: the runs and their steps, as JSON values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from jackfield.durable.run import Json, RunId


class RunState(StrEnum):
    """Of a run."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class StepRecord:
    """A finished step: its result, or (with a `kind`) what it raised."""

    name: str
    result: Json = None
    kind: str = ""
    message: str = ""


@dataclass(slots=True)
class RunRecord:
    """A run, as far as it got."""

    id: RunId
    flow: str
    lane: str
    args: tuple[Json, ...]
    state: RunState = RunState.QUEUED
    executor: str = ""
    steps: list[StepRecord] = field(default_factory=list)
    result: Json = None
    kind: str = ""
    message: str = ""
    ended_at: float | None = None
    starts: int = 0
    noted_steps: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended."""

    state: RunState
    result: Json = None
    kind: str = ""
    message: str = ""


@dataclass(slots=True)
class Journal:
    """All runs, in the order in which they were queued. Hand the same one to the next Rehearsal."""

    runs: dict[RunId, RunRecord] = field(default_factory=dict)
    alive: dict[RunId, RunRecord] = field(default_factory=dict)

    def queue(self, record: RunRecord) -> None:
        self.runs[record.id] = self.alive[record.id] = record

    def end(self, record: RunRecord, ending: Ending, at: float) -> None:
        """Record how a run ended; nothing if it has ended already."""
        if self.alive.pop(record.id, None):
            record.state, record.ended_at = ending.state, at
            record.result, record.kind, record.message = (
                ending.result,
                ending.kind,
                ending.message,
            )

    def purge(self, before: float) -> int:
        """Forget the runs that ended earlier."""
        ended = [
            run.id
            for run in self.runs.values()
            if run.ended_at is not None and run.ended_at < before
        ]
        for run in ended:
            del self.runs[run]
        return len(ended)

    def as_json(self) -> bytes:
        """The whole journal: equal bytes mean an equal history."""
        return msgspec.json.encode(list(self.runs.values()))
