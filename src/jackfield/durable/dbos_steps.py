"""One step on DBOS: recorded, answered from its record, and what the record says of failures."""

from __future__ import annotations

from jackfield.durable.carried import Work, as_replayed
from jackfield.durable.run import Json, RunId, StepsChangedError


async def through_dbos(name: str, work: Work) -> Json:
    """`Perform`: the record is DBOS's table of steps."""
    from dbos import DBOS, PortableWorkflowError
    from dbos import error as dbos_error

    async def coroutine_function() -> Json:
        return await work()

    try:
        return await DBOS.run_step_async({"name": name}, coroutine_function)
    except PortableWorkflowError as replayed:
        raise as_replayed(kind_of(replayed), replayed.message) from None
    except dbos_error.DBOSUnexpectedStepError as error:
        raise StepsChangedError(str(error)) from None


def kind_of(recorded: Exception | None) -> str:
    """The class name of what was raised, from how DBOS keeps it."""
    from dbos import PortableWorkflowError

    match recorded:
        case PortableWorkflowError(code=str() as kind):
            return kind
        case PortableWorkflowError(name=kind):
            return kind
        case _:
            return type(recorded).__name__


def run_of_dbos() -> RunId:
    """The run whose DBOS workflow this task is in."""
    from dbos import DBOS

    if DBOS.workflow_id is None:
        raise RuntimeError("a run is only carried inside its DBOS workflow")
    return RunId(DBOS.workflow_id)
