"""What both runners promise: each test runs on the rehearsal, and on DBOS with either database."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from jackfield.durable import (
    GivenUp,
    NotJsonError,
    NotRunningError,
    Run,
    RunCancelledError,
    RunFailedError,
    RunId,
    StepFailedError,
    UnknownFlowError,
    UnknownRunError,
)


class Chapters:
    """A flow of numbered steps that counts what was really done, and may be held at one of them."""

    def __init__(self, count: int = 6) -> None:
        self.count = count
        self.done: Counter[int] = Counter()
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()
        self.hold_at = -1

    async def read(self, run: Run, *_args: Any) -> int:
        total = 0
        for number in range(self.count):
            total += await run.step("chapter", self._chapter, number)
            await run.progress(number + 1, self.count)
        return total

    async def _chapter(self, number: int) -> int:
        if number == self.hold_at:
            self.reached.set()
            await self.go_on.wait()
        self.done[number] += 1
        return number


async def test_a_finished_step_is_not_done_again_after_a_restart(workshop):
    """A restart in the middle of 100,000 people must go on, not begin again."""
    chapters = Chapters()
    chapters.hold_at = 3
    first = workshop.runner(patient=True)
    first.define("book", workshop.lane, chapters.read)
    await first.start()
    run = await first.enqueue("book")
    await workshop.soon(chapters.reached.wait())
    stopping = asyncio.ensure_future(first.stop())
    chapters.go_on.set()
    await stopping

    second = workshop.runner()
    second.define("book", workshop.lane, chapters.read)
    await second.start()
    total = await workshop.soon(second.wait(run))

    assert total == 15
    assert chapters.done == Counter(range(6))


async def test_a_step_that_a_stop_cuts_off_is_done_again_and_only_that_one(workshop):
    """A step that hangs in a slow answer must not hold up the stop, nor be lost."""
    chapters = Chapters()
    chapters.hold_at = 3
    first = workshop.runner()
    first.define("book", workshop.lane, chapters.read)
    await first.start()
    run = await first.enqueue("book")
    await workshop.soon(chapters.reached.wait())
    await first.stop()
    chapters.go_on.set()

    second = workshop.runner()
    second.define("book", workshop.lane, chapters.read)
    await second.start()
    total = await workshop.soon(second.wait(run))

    assert total == 15
    assert chapters.done == Counter(range(6))  # the one cut off had not come to its count


async def test_a_flow_that_swallows_its_interruption_has_not_ended(workshop):
    """A flow with a careless `except` must not turn a restart into a finished or failed run."""
    chapters = Chapters()
    chapters.hold_at = 1
    interruptions = []

    async def careless(run: Run) -> str:
        try:
            await chapters.read(run)
        except asyncio.CancelledError:
            interruptions.append(run.id)
            return "cut off"
        return "whole"

    first = workshop.runner()
    first.define("careless", workshop.lane, careless)
    await first.start()
    run = await first.enqueue("careless")
    await workshop.soon(chapters.reached.wait())
    await first.stop()
    chapters.go_on.set()

    second = workshop.runner()
    second.define("careless", workshop.lane, careless)
    await second.start()

    assert await workshop.soon(second.wait(run)) == "whole"
    assert interruptions == [run]


async def test_the_same_key_answers_the_same_run_while_it_is_queued_or_running(workshop):
    """Two clicks on Sync now must not sync twice; the next click after the end must."""
    chapters = Chapters()
    chapters.hold_at = 0
    runner = workshop.runner()
    runner.define("book", workshop.lane, chapters.read)
    runner.define("other", workshop.lane, chapters.read)
    await runner.start()

    first = await runner.enqueue("book", key="tenant:1")
    while_queued = await runner.enqueue("book", key="tenant:1")
    await workshop.soon(chapters.reached.wait())
    while_running = await runner.enqueue("book", key="tenant:1")
    other_key = await runner.enqueue("book", key="tenant")
    other_flow = await runner.enqueue("other", key="tenant:1")
    chapters.go_on.set()
    for run in (first, other_key, other_flow):
        await workshop.soon(runner.wait(run))
    afterwards = await runner.enqueue("book", key="tenant:1")

    assert first == while_queued == while_running
    assert len({first, other_key, other_flow, afterwards}) == 4
    await workshop.soon(runner.wait(afterwards))


async def test_a_key_still_holds_after_a_restart(workshop):
    """The tick that comes right after a start must not double the run that is being taken up."""
    chapters = Chapters()
    chapters.hold_at = 2
    first = workshop.runner()
    first.define("book", workshop.lane, chapters.read)
    await first.start()
    before = await first.enqueue("book", key="tenant")
    await workshop.soon(chapters.reached.wait())
    await first.stop()

    second = workshop.runner()
    second.define("book", workshop.lane, chapters.read)
    await second.start()
    after = await second.enqueue("book", key="tenant")
    chapters.go_on.set()
    await workshop.soon(second.wait(after))

    assert before == after


async def test_without_a_key_each_enqueue_is_a_run_of_its_own(workshop):
    """Only who gives a key wants to be coalesced."""
    chapters = Chapters(1)
    runner = workshop.runner()
    runner.define("book", workshop.lane, chapters.read)
    await runner.start()

    runs = {await runner.enqueue("book") for _ in range(4)}
    for run in runs:
        await workshop.soon(runner.wait(run))

    assert len(runs) == 4
    assert chapters.done[0] == 4


async def test_progress_never_goes_down_not_even_through_a_restart(workshop):
    """A bar that jumps back to nothing after a restart makes people click again."""
    told: list[int] = []

    async def report(_run: RunId, done: int, _total: int) -> None:
        told.append(done)

    chapters = Chapters(8)

    async def wobbling(run: Run) -> None:
        await run.progress(0, 8)
        await chapters.read(run)
        await run.progress(3, 8)

    chapters.hold_at = 5
    first = workshop.runner(report=report)
    first.define("book", workshop.lane, wobbling)
    await first.start()
    run = await first.enqueue("book")
    await workshop.soon(chapters.reached.wait())
    await first.stop()
    chapters.go_on.set()

    second = workshop.runner(report=report)
    second.define("book", workshop.lane, wobbling)
    await second.start()
    await workshop.soon(second.wait(run))

    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] == 8


async def test_what_cannot_be_recorded_is_refused_where_it_is_handed_in(workshop):
    """A tuple that comes back as a list after a restart is the worst kind of bug."""

    async def a_set() -> Any:
        return {1, 2}

    async def step_gives_a_set(run: Run, _argument: Any) -> None:
        await run.step("collect", a_set)

    async def gives_a_set(_run: Run) -> Any:
        return await a_set()

    runner = workshop.runner()
    runner.define("step-gives", workshop.lane, step_gives_a_set)
    runner.define("gives", workshop.lane, gives_a_set)
    await runner.start()

    with pytest.raises(NotJsonError, match=r"argument 1 of step-gives\['at'\]: a builtins.tuple"):
        await runner.enqueue("step-gives", {"at": (1, 2)})
    by_step = await runner.enqueue("step-gives", {"at": [1, 2]})
    by_flow = await runner.enqueue("gives")
    with pytest.raises(
        RunFailedError, match=r"the result of step collect of step-gives: a builtins.set"
    ) as step:
        await workshop.soon(runner.wait(by_step))
    with pytest.raises(RunFailedError, match=r"the result of gives: a builtins.set") as flow:
        await workshop.soon(runner.wait(by_flow))
    assert step.value.kind == flow.value.kind == "NotJsonError"


async def test_arguments_and_results_come_back_as_they_went_in(workshop):
    """Ids in every script, and numbers that are nearly others, are what runs are about."""
    value = {"id": "ø漢🙂\x00\u2028", "n": [0, -1, 2**63, 0.1, True, None], "": {}}
    seen = []

    async def echo(argument: Any) -> Any:
        return argument

    async def flow(run: Run, argument: Any) -> Any:
        seen.append(argument)
        return await run.step("echo", echo, argument)

    runner = workshop.runner()
    runner.define("echo", workshop.lane, flow)
    await runner.start()
    result = await workshop.soon(runner.wait(await runner.enqueue("echo", value)))

    assert seen == [value]
    assert result == value


async def test_a_failed_step_fails_alike_in_the_replay(workshop):
    """A flow that sorts failures must take the same way after a restart as before."""

    class ThrottledError(Exception):
        pass

    chapters = Chapters(1)
    chapters.hold_at = 0
    caught = []

    async def refuse() -> None:
        raise ThrottledError("come back in 7 s")

    async def flow(run: Run) -> str:
        try:
            await run.step("refuse", refuse)
        except StepFailedError as error:
            caught.append((error.kind, str(error)))
        await chapters.read(run)
        return caught[-1][0]

    first = workshop.runner()
    first.define("flow", workshop.lane, flow)
    await first.start()
    run = await first.enqueue("flow")
    await workshop.soon(chapters.reached.wait())
    await first.stop()
    chapters.go_on.set()
    second = workshop.runner()
    second.define("flow", workshop.lane, flow)
    await second.start()

    assert await workshop.soon(second.wait(run)) == "ThrottledError"
    assert caught == [("ThrottledError", "come back in 7 s")] * 2


@pytest.mark.parametrize("in_step", [True, False], ids=["from_a_step", "from_the_flow"])
async def test_a_failed_run_says_what_failed(workshop, in_step):
    """The console shows this text; it must not be a traceback of the runner."""

    async def stumble() -> None:
        raise LookupError("no such tenant")

    async def flow(run: Run) -> None:
        if in_step:
            await run.step("stumble", stumble)
        await stumble()

    runner = workshop.runner()
    runner.define("flow", workshop.lane, flow)
    await runner.start()
    run = await runner.enqueue("flow", key="tenant")

    with pytest.raises(RunFailedError, match=r"^no such tenant$") as failed:
        await workshop.soon(runner.wait(run))
    assert failed.value.kind == "LookupError"
    assert await runner.enqueue("flow", key="tenant") != run


async def test_a_changed_order_of_steps_fails_the_run_instead_of_mixing_results(workshop):
    """After an upgrade a recorded page must not be taken for a recorded plan."""
    chapters = Chapters(2)
    chapters.hold_at = 1
    first = workshop.runner()
    first.define("book", workshop.lane, chapters.read)
    await first.start()
    run = await first.enqueue("book")
    await workshop.soon(chapters.reached.wait())
    await first.stop()
    chapters.go_on.set()

    async def rewritten(run: Run) -> None:
        await run.step("verse", chapters._chapter, 0)

    second = workshop.runner()
    second.define("book", workshop.lane, rewritten)
    await second.start()

    with pytest.raises(RunFailedError) as failed:
        await workshop.soon(second.wait(run))
    assert failed.value.kind == "StepsChangedError"


async def test_steps_of_one_run_come_one_at_a_time(workshop):
    """Two at once would be recorded in an order that the replay cannot know."""

    async def nothing() -> None:
        pass

    async def flow(run: Run) -> None:
        async def inner() -> None:
            await run.step("inner", nothing)

        await run.step("outer", inner)

    runner = workshop.runner()
    runner.define("flow", workshop.lane, flow)
    await runner.start()

    with pytest.raises(RunFailedError, match="flow began step inner before another step had ended"):
        await workshop.soon(runner.wait(await runner.enqueue("flow")))


async def test_a_step_may_queue_another_run(workshop):
    """The tick does just this: it reads what is due and nudges."""
    chapters = Chapters(2)
    runner = workshop.runner()

    async def due() -> list[str]:
        return [await runner.enqueue("book", key="tenant") for _ in range(2)]

    async def tick(run: Run) -> list[str]:
        return await run.step("due", due)

    runner.define("tick", workshop.lane, tick)
    runner.define("book", workshop.lane, chapters.read)
    await runner.start()
    queued = await workshop.soon(runner.wait(await runner.enqueue("tick")))
    await workshop.soon(runner.wait(queued[0]))

    assert queued[0] == queued[1]
    assert chapters.done == Counter(range(2))


async def test_a_lane_is_as_wide_as_it_says(workshop):
    """Four syncs at once is a promise to the memory and to Graph's limits."""
    inside = 0
    most = 0

    async def work() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await workshop.clock.sleep(0.02)
        inside -= 1

    async def flow(run: Run) -> None:
        for _ in range(3):
            await run.step("work", work)

    runner = workshop.runner()
    runner.define("flow", workshop.lane, flow)
    await runner.start()
    runs = [await runner.enqueue("flow") for _ in range(8)]
    for run in runs:
        await workshop.soon(runner.wait(run))

    assert most == workshop.lane.concurrency


async def test_a_cancelled_run_ends_at_its_next_border_and_frees_its_key(workshop):
    """A sync started by mistake must be stoppable, and startable again."""
    chapters = Chapters()
    chapters.hold_at = 2
    unwound = asyncio.Event()

    async def flow(run: Run) -> None:
        try:
            await chapters.read(run)
        except Exception:
            chapters.done["caught"] += 1
        finally:
            unwound.set()

    runner = workshop.runner()
    runner.define("book", workshop.lane, flow)
    await runner.start()
    run = await runner.enqueue("book", key="tenant")
    await workshop.soon(chapters.reached.wait())

    cancelled = await runner.cancel("book", "tenant")
    again = await runner.cancel("book", "tenant")
    chapters.go_on.set()
    await workshop.soon(unwound.wait())

    assert (cancelled, again) == (True, False)
    with pytest.raises(RunCancelledError):
        await workshop.soon(runner.wait(run))
    assert chapters.done == Counter(range(3))
    next_run = await runner.enqueue("book", key="tenant")
    assert next_run != run
    await workshop.soon(runner.wait(next_run))


async def test_sleeping_is_recorded_and_not_begun_again(workshop):
    """A run that waits an hour must not wait another hour for every restart."""
    waits = []
    asleep = asyncio.Event()

    async def note() -> float:
        waits.append(workshop.clock.now().timestamp())
        asleep.set()
        return waits[0]

    async def flow(run: Run) -> float:
        began = await run.step("note", note)
        await run.sleep(1.2)
        return workshop.clock.now().timestamp() - began

    first = workshop.runner()
    first.define("flow", workshop.lane, flow)
    await first.start()
    run = await first.enqueue("flow")
    await workshop.soon(asleep.wait())
    await first.stop()
    second = workshop.runner()
    second.define("flow", workshop.lane, flow)
    await second.start()
    lasted = await workshop.soon(second.wait(run))

    assert len(waits) == 1
    assert lasted >= 1.2


async def test_a_schedule_fires_once_a_tick_and_only_when_defined(workshop):
    """The tick is what finds everything that is due."""
    ticks: list[RunId] = []
    enough = asyncio.Event()

    async def tick(run: Run) -> None:
        ticks.append(run.id)
        if len(ticks) >= 2:
            enough.set()

    first = workshop.runner()
    first.define("due", workshop.lane, tick)
    first.every("* * * * * *", "due")
    await first.start()
    await workshop.soon(enough.wait())
    await first.stop()
    fired = list(ticks)

    second = workshop.runner()
    second.define("due", workshop.lane, tick)
    await second.start()
    run = await second.enqueue("due")
    await workshop.soon(second.wait(run))

    assert len(set(fired)) == len(fired) >= 2
    assert all(run.startswith("sched-due-2") for run in fired)
    assert ticks[len(fired) :] == [run]


@pytest.mark.parametrize("cron", ["", "* * *", "61 * * * *", "every minute"])
async def test_a_wrong_cron_line_is_refused_at_once(workshop, cron):
    """It would otherwise be a tick that never comes."""
    runner = workshop.runner()
    runner.define("due", workshop.lane, Chapters().read)

    with pytest.raises(ValueError, match="is not a cron line"):
        runner.every(cron, "due")


async def test_work_may_be_asked_for_before_the_start_has_finished(workshop):
    """The web answers before the runner is up; an early click must not be lost."""
    chapters = Chapters(2)
    runner = workshop.runner()
    runner.define("book", workshop.lane, chapters.read)
    early = asyncio.ensure_future(runner.enqueue("book"))
    await asyncio.sleep(0)

    await runner.start()
    run = await workshop.soon(early)

    assert await workshop.soon(runner.wait(run)) == 1


async def test_after_a_stop_work_is_refused(workshop):
    """Better a clear no than a click that nobody will ever serve."""
    runner = workshop.runner()
    runner.define("book", workshop.lane, Chapters(1).read)
    await runner.start()
    await runner.stop()

    with pytest.raises(NotRunningError):
        await runner.enqueue("book")
    with pytest.raises(NotRunningError):
        await runner.wait(RunId("book:1"))
    await runner.stop()


async def test_a_waiter_is_let_go_when_the_runner_stops(workshop):
    """A request that waits for a run must not hold up the stop."""
    chapters = Chapters()
    chapters.hold_at = 0
    runner = workshop.runner()
    runner.define("book", workshop.lane, chapters.read)
    await runner.start()
    run = await runner.enqueue("book")
    waiting = asyncio.ensure_future(runner.wait(run))
    await workshop.soon(chapters.reached.wait())

    await runner.stop()

    with pytest.raises(NotRunningError):
        await workshop.soon(waiting)


async def test_waiting_has_an_end(workshop):
    """Who waits for a run says how long."""
    chapters = Chapters()
    chapters.hold_at = 0
    runner = workshop.runner()
    runner.define("book", workshop.lane, chapters.read)
    await runner.start()
    run = await runner.enqueue("book")

    with pytest.raises(TimeoutError):
        await workshop.soon(runner.wait(run, 0.05))
    with pytest.raises(UnknownRunError):
        await runner.wait(RunId("book:nobody"))
    chapters.go_on.set()
    await workshop.soon(runner.wait(run))


async def test_whether_a_run_is_alive_is_told_at_once(workshop):
    """After a crash somebody asks this of every run that seemed to be under way."""
    chapters = Chapters()
    chapters.hold_at = 0
    runner = workshop.runner()
    runner.define("book", workshop.lane, chapters.read)
    await runner.start()
    run = await runner.enqueue("book")

    before = await runner.is_alive(run)
    chapters.go_on.set()
    await workshop.soon(runner.wait(run))

    assert before
    assert not await runner.is_alive(run)
    assert not await runner.is_alive(RunId("book:nobody"))


async def test_only_defined_flows_with_fitting_arguments_are_queued(workshop):
    """A wrong call fails at the caller, not in the night."""

    async def flow(_run: Run, _tenant: str) -> None:
        pass

    runner = workshop.runner()
    runner.define("flow", workshop.lane, flow)
    await runner.start()

    with pytest.raises(UnknownFlowError, match="no flow is named 'flaw'"):
        await runner.enqueue("flaw")
    with pytest.raises(UnknownFlowError):
        await runner.cancel("flaw", "tenant")
    with pytest.raises(TypeError, match="missing a required argument"):
        await runner.enqueue("flow")
    with pytest.raises(RuntimeError, match="before the runner starts"):
        runner.define("late", workshop.lane, flow)


async def test_a_dead_process_is_taken_over_where_it_stood(workshop):
    """The surviving process finishes what the dead one had begun, and the key still holds."""
    chapters = Chapters()
    chapters.hold_at = 3
    dead = workshop.runner("slot-1")
    dead.define("book", workshop.lane, chapters.read)
    await dead.start()
    run = await dead.enqueue("book", key="tenant")
    await workshop.soon(chapters.reached.wait())
    await dead.stop()  # what it leaves is what a kill leaves: a run in its name

    heir = workshop.runner("slot-2")
    heir.define("book", workshop.lane, chapters.read)
    await heir.start()
    adopted = await heir.adopt("slot-1")
    same = await heir.enqueue("book", key="tenant")
    chapters.go_on.set()
    total = await workshop.soon(heir.wait(run))
    nothing_left = await heir.adopt("slot-1")

    assert adopted == [run]
    assert same == run
    assert total == 15
    assert chapters.done == Counter(range(6))
    assert nothing_left == []
    with pytest.raises(ValueError, match="takes up its own runs"):
        await heir.adopt("slot-2")


async def test_a_run_that_never_gets_on_is_given_up_aloud(workshop):
    """A run that kills its process each time must end, and somebody must hear of it."""
    given_up: list[GivenUp] = []
    chapters = Chapters(2)
    chapters.hold_at = 0

    async def listen(lost: GivenUp) -> None:
        given_up.append(lost)

    async def one_life(slot: str, adopted_from: str | None) -> Any:
        runner = workshop.runner(slot, given_up=listen, give_up_after=3)
        runner.define("book", workshop.lane, chapters.read)
        await runner.start()
        if adopted_from:
            await runner.adopt(adopted_from)
        return runner

    runner = await one_life("slot-1", None)
    run = await runner.enqueue("book", "argument", key="tenant")
    for slot, adopted_from in [("slot-1", None), ("slot-2", "slot-1"), ("slot-2", None)]:
        await workshop.soon(chapters.reached.wait())
        chapters.reached.clear()
        await runner.stop()
        assert not given_up
        runner = await one_life(slot, adopted_from)

    with pytest.raises(RunFailedError, match="3 starts ended without a finished step") as failed:
        await workshop.soon(runner.wait(run))
    assert failed.value.kind == "GivenUpError"
    assert given_up == [GivenUp(run, "book", "tenant", ("argument",))]
    chapters.go_on.set()
    assert await workshop.soon(runner.wait(await runner.enqueue("book", key="tenant"))) == 1


async def test_a_long_run_is_not_given_up_for_many_restarts(workshop):
    """Only starts without a finished step count: a week of restarts must not lose a first sync."""
    given_up: list[GivenUp] = []
    chapters = Chapters(5)

    async def listen(lost: GivenUp) -> None:
        given_up.append(lost)

    run = None
    for life in range(5):
        chapters.hold_at = life
        chapters.reached.clear()
        chapters.go_on.clear()
        runner = workshop.runner(given_up=listen, give_up_after=2)
        runner.define("book", workshop.lane, chapters.read)
        await runner.start()
        run = run or await runner.enqueue("book")
        await workshop.soon(chapters.reached.wait())
        if life < 4:
            await runner.stop()
    chapters.go_on.set()

    assert await workshop.soon(runner.wait(run)) == 10
    assert given_up == []


async def test_only_runs_that_ended_long_ago_are_purged(workshop):
    """The record of runs must not grow for ever, nor forget what is alive."""
    chapters = Chapters(2)
    runner = workshop.runner()
    runner.define("book", workshop.lane, chapters.read)
    await runner.start()
    ended = [await runner.enqueue("book") for _ in range(3)]
    for run in ended:
        await workshop.soon(runner.wait(run))
    chapters.hold_at = 0
    alive = await runner.enqueue("book")
    await workshop.soon(chapters.reached.wait())

    too_young = await runner.purge(timedelta(days=1))
    purged = await runner.purge(timedelta(seconds=-5))
    chapters.go_on.set()

    assert (too_young, purged) == (0, 3)
    with pytest.raises(UnknownRunError):
        await runner.wait(ended[0])
    assert await workshop.soon(runner.wait(alive)) == 1
