"""What is kept of a plan that was made, and what of the world moved on meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from doubles.house import House
from doubles.inline_sqlite import InlineExecutor
from jackfield.core.people import ObjectId
from jackfield.flows.planning import Loaded, Planning
from jackfield.store.planned import add_unsettled, load_planned
from jackfield.store.runs import RunStatus, Trigger, begin_run, end_run


class Interrupted(Planning):
    """Planning in the middle of which somebody is named who has to be looked at again."""

    async def load(
        self,
        tenant: int,
        *,
        everything: bool,
        person: ObjectId | None = None,
    ) -> Loaded | None:
        loaded = await super().load(tenant, everything=everything, person=person)
        async with self._database.write() as tx:
            await add_unsettled(tx, tenant, [ObjectId("named-meanwhile")])
        return loaded


async def test_who_is_named_while_a_plan_is_computed_is_not_forgotten(house: House) -> None:
    """The plan was made without them, and settles only those it was made for."""
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Ada One")
    await house.connect(stage)
    await house.sync(full=True)
    now, trigger = house.clock.now(), Trigger.SCHEDULE
    async with house.database.write() as tx:
        run = await begin_run(tx, 1, "flow", kind="people", trigger=trigger, mode="full", now=now)
    planning = Interrupted(house.database, house.phone, house.clock)

    await planning.make(1, run, everything=True)

    async with house.database.write() as tx:
        marks = await load_planned(tx, 1)
        await end_run(tx, 1, run.id, RunStatus.DONE, now=now)
    assert marks is not None
    assert marks.unsettled == ("named-meanwhile",)


class Watched(InlineExecutor):
    """Notes what is asked of a thread."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        self.asked.append(getattr(fn, "args", (fn,))[0].__name__)
        return super().submit(fn, *args, **options)


async def test_the_view_of_everyone_is_put_together_in_a_thread(house: House) -> None:
    """With 50,000 people it takes a second, in which no page and no lease would be served."""
    threads = Watched()
    asyncio.get_running_loop().set_default_executor(threads)
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Ada One")
    await house.connect(stage)

    await house.sync(full=True)

    assert threads.asked.count("put_together") == 1
    assert threads.asked.index("put_together") < threads.asked.index("plan")
