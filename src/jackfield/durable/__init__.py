"""The clockwork: queues, schedules and recovery of flows, behind one small face with two runners.

`Durable` runs them for real on DBOS (`engine.py`), `Rehearsal` deterministically for the rigs
(`rehearsal.py`); `run.py` has the words that both share. Flows import `Run` from here, never dbos.
"""

from jackfield.durable.engine import Durable
from jackfield.durable.journal import Journal
from jackfield.durable.rehearsal import Border, Hook, Killed, Rehearsal
from jackfield.durable.run import (
    DurableError,
    Flow,
    GivenUp,
    GivenUpError,
    Json,
    Lane,
    NotJsonError,
    NotRunningError,
    Report,
    Run,
    RunCancelledError,
    RunFailedError,
    RunId,
    Runner,
    StepFailedError,
    StepsChangedError,
    UnknownFlowError,
    UnknownRunError,
)

__all__ = [
    "Border",
    "Durable",
    "DurableError",
    "Flow",
    "GivenUp",
    "GivenUpError",
    "Hook",
    "Journal",
    "Json",
    "Killed",
    "Lane",
    "NotJsonError",
    "NotRunningError",
    "Rehearsal",
    "Report",
    "Run",
    "RunCancelledError",
    "RunFailedError",
    "RunId",
    "Runner",
    "StepFailedError",
    "StepsChangedError",
    "UnknownFlowError",
    "UnknownRunError",
]
