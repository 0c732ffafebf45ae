"""What only the rehearsal can show: death at every border, the same history for the same seed."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jackfield.durable import Border, Journal, Killed, Lane, Rehearsal, Run, RunId

LANE = Lane("lane", poll=0.5, concurrency=3)


class StillClock:
    """Time does not matter here: every wait is over at once."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 23, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=max(0.0, seconds))
        await asyncio.sleep(0)


class Ledger:
    """A world that steps act upon: it outlives each process, and counts what was really done."""

    def __init__(self) -> None:
        self.done: Counter[tuple[str, int]] = Counter()
        self.order: list[tuple[str, int]] = []

    async def post(self, account: str, number: int) -> int:
        await asyncio.sleep(0)
        self.done[account, number] += 1
        self.order.append((account, number))
        return number * 10

    async def book(self, run: Run, account: str) -> int:
        total = 0
        for number in range(4):
            total += await run.step("post", self.post, account, number)
        await run.sleep(60)
        return total


class Reaper:
    """Kills at the nth border it is asked about."""

    def __init__(self, fatal: int) -> None:
        self.fatal = fatal
        self.borders: list[tuple[Border, RunId, str]] = []

    def __call__(self, border: Border, run: RunId, step: str) -> None:
        self.borders.append((border, run, step))
        if len(self.borders) == self.fatal:
            raise Killed


async def _life(
    journal: Journal, ledger: Ledger, reaper: Reaper, seed: int, accounts: list[str]
) -> list[Any]:
    runner = Rehearsal(journal, (LANE,), clock=StillClock(), rng=random.Random(seed), hook=reaper)
    runner.define("book", LANE, ledger.book)
    await runner.start()
    if not journal.runs:
        for account in accounts:
            await runner.enqueue("book", account, key=account)
    runs = list(journal.runs)
    await runner.idle()
    results = [await runner.wait(run) for run in runs]
    await runner.stop()
    return results


# Three runs of four posts and a sleep have 3 borders a step, and one where the flow has returned.
BORDERS = 3 * (5 * 3 + 1)


@pytest.mark.parametrize("fatal", range(1, BORDERS + 1))
async def test_death_at_any_border_costs_at_most_that_step_again(fatal):
    """This is the whole promise: nothing lost, at most the step in flight repeated."""
    journal, ledger = Journal(), Ledger()
    accounts = ["a", "b", "c"]
    reaper = Reaper(fatal)

    with pytest.raises(Killed):
        await _life(journal, ledger, reaper, fatal, accounts)
    results = await _life(journal, ledger, Reaper(0), fatal + 1, accounts)

    border, run, step = reaper.borders[-1]
    # Whoever was between its deed and its record, the one killed or another, repeats that deed.
    repeated = [deed for deed, count in ledger.done.items() if count > 1]
    assert results == [60, 60, 60]
    assert set(ledger.done) == {(account, n) for account in accounts for n in range(4)}
    assert max(ledger.done.values()) <= 2
    assert len({account for account, _n in repeated}) == len(repeated), "one step a run at most"
    if border is Border.EXECUTED and step == "post":
        assert run.split(":")[1] in {account for account, _n in repeated}


async def test_a_life_without_death_meets_every_border():
    """Were a border not asked about, the sweep above would skip it."""
    reaper = Reaper(0)
    await _life(Journal(), Ledger(), reaper, 7, ["a", "b", "c"])

    met = Counter(border for border, _run, _step in reaper.borders)

    assert met == {
        Border.BEFORE: 15,
        Border.EXECUTED: 15,
        Border.RECORDED: 15,
        Border.RETURNED: 3,
    }


async def test_the_same_seed_gives_the_same_history_byte_for_byte():
    """A failing seed that cannot be replayed is worth nothing."""

    async def history(seed: int) -> tuple[bytes, list[tuple[str, int]]]:
        journal, ledger = Journal(), Ledger()
        with pytest.raises(Killed):
            await _life(journal, ledger, Reaper(17), seed, ["a", "b", "c"])
        await _life(journal, ledger, Reaper(0), seed, ["a", "b", "c"])
        return journal.as_json(), ledger.order

    first, again = await history(5), await history(5)
    orders = {tuple((await history(seed))[1]) for seed in range(8)}

    assert first == again
    assert len(orders) > 1, "seeds should interleave the runs in different ways"


async def test_a_killed_rehearsal_is_dead_for_everyone():
    """After its death a process answers nobody, and no flow does another step."""
    ledger = Ledger()
    journal = Journal()
    tidied = []

    async def stubborn(run: Run) -> None:
        try:
            await run.step("post", ledger.post, "a", 1)
        finally:
            tidied.append(run.id)
            await run.step("tidy", ledger.post, "a", 2)

    runner = Rehearsal(journal, (LANE,), clock=StillClock(), rng=random.Random(1), hook=Reaper(2))
    runner.define("stubborn", LANE, stubborn)
    await runner.start()
    run = await runner.enqueue("stubborn")

    with pytest.raises(Killed):
        await runner.idle()
    with pytest.raises(Killed):
        await runner.enqueue("stubborn")
    with pytest.raises(Killed):
        await runner.wait(run)
    assert tidied == [run]
    assert ledger.done == {("a", 1): 1}
    assert journal.runs[run].steps == []


async def test_a_step_may_die_half_way_through():
    """The world rig kills inside a transaction too, not only between steps."""
    ledger, journal = Ledger(), Journal()
    lives = iter([True, False])

    async def post_and_die() -> int:
        await ledger.post("a", 1)
        if next(lives):
            raise Killed
        return 1

    async def flow(run: Run) -> int:
        return await run.step("post", post_and_die)

    async def life() -> Any:
        runner = Rehearsal(journal, (LANE,), clock=StillClock(), rng=random.Random(1))
        runner.define("flow", LANE, flow)
        await runner.start()
        run = await runner.enqueue("flow", key="k")
        await runner.idle()
        return await runner.wait(run)

    with pytest.raises(Killed):
        await life()
    result = await life()

    assert result == 1
    assert ledger.done == {("a", 1): 2}
    assert len(journal.runs) == 1


async def test_two_rehearsals_over_one_journal_are_two_processes():
    """The world rig kills one of two processes and lets the other adopt its runs."""
    journal, ledger = Journal(), Ledger()
    clock = StillClock()
    dead = Rehearsal(
        journal,
        (LANE,),
        clock=clock,
        rng=random.Random(1),
        executor_id="slot-1",
        hook=Reaper(8),
    )
    heir = Rehearsal(journal, (LANE,), clock=clock, rng=random.Random(2), executor_id="slot-2")
    for runner in (dead, heir):
        runner.define("book", LANE, ledger.book)
        await runner.start()
    run = await dead.enqueue("book", "a", key="a")
    with pytest.raises(Killed):
        await dead.idle()

    same = await heir.enqueue("book", "a", key="a")
    adopted = await heir.adopt("slot-1")
    result = await heir.wait(run)

    assert (same, adopted, result) == (run, [run], 60)
    assert sum(ledger.done.values()) <= 5
