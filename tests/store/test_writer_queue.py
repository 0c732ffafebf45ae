"""Whose turn it is at the one connection that writes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from jackfield.store.database import Database
from jackfield.store.sequences import next_change, take
from jackfield.store.transaction import Transaction
from jackfield.store.writer_queue import PASSED_AT_MOST, SHORT, SHORT_STRETCHES, WriterQueue


class Line:
    """People at a writer: each notes its name when it has its turn, and keeps it until told."""

    def __init__(self) -> None:
        self.queue = WriterQueue(patience_s=60)
        self.had_turns: list[str] = []
        self._done: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def comes(self, name: str, *, large: bool = False) -> None:
        self._done[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._turn(name, large=large))
        await settled()

    async def ends(self, name: str) -> None:
        self._done[name].set()
        await self._tasks[name]
        await settled()

    async def gives_up(self, name: str) -> None:
        self._tasks[name].cancel()
        await settled()

    async def _turn(self, name: str, *, large: bool) -> None:
        async with self.queue.turn(large=large):
            self.had_turns.append(name)
            await self._done[name].wait()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_small_writes_go_before_large_ones_in_their_order() -> None:
    """A notification waits for one stretch of a sync, not for all that is queued behind it."""
    line = Line()
    await line.comes("sync", large=True)
    await line.comes("another sync", large=True)
    await line.comes("notification")
    await line.comes("form")

    for name in ("sync", "notification", "form"):
        await line.ends(name)

    assert line.had_turns == ["sync", "notification", "form", "another sync"]


async def test_whoever_waits_is_handed_the_turn_directly() -> None:
    """A sync that ends a transaction and begins the next at once does not overtake anybody."""
    line = Line()
    async with line.queue.turn(large=False):
        await line.comes("notification")
    await line.comes("sync")

    assert line.had_turns == ["notification"]
    await line.ends("notification")
    assert line.had_turns == ["notification", "sync"]


async def test_a_large_write_is_not_passed_for_ever() -> None:
    """Calls of the API without end do not keep a sync from getting on."""
    line = Line()
    names = [f"call {number}" for number in range(PASSED_AT_MOST + 2)]
    await line.comes(names[0])
    await line.comes("sync", large=True)
    for before, name in pairwise(names):
        await line.comes(name)
        await line.ends(before)

    assert line.had_turns == [*names[:-1], "sync"]


@pytest.mark.parametrize("at_the_last_moment", [False, True])
async def test_a_turn_that_nobody_wants_any_more_goes_to_the_next(
    at_the_last_moment: bool,
) -> None:
    """A browser that closes its connection while it waits leaves the writer free."""
    line = Line()
    await line.comes("first")
    await line.comes("leaves")
    await line.comes("next")

    if at_the_last_moment:
        # It has been handed the turn, and has not run since.
        line._done["first"].set()
        await asyncio.sleep(0)
    await line.gives_up("leaves")
    if not at_the_last_moment:
        await line.ends("first")

    assert line.had_turns == ["first", "next"]


async def test_waiting_has_an_end() -> None:
    """Where the writer never comes free it is said, as with any other database trouble."""
    queue = WriterQueue(patience_s=0)

    async with queue.turn(large=True):
        with pytest.raises(PoolTimeoutError):
            async with queue.turn(large=False):
                pass
        assert not queue.is_waited_for


async def test_stretches_are_short_for_a_while_after_somebody_has_waited() -> None:
    """Only where others write too does a sync pay for looking often."""
    line = Line()
    undisturbed = line.queue.stretch()
    await line.comes("sync", large=True)
    await line.comes("notification")

    stretches = [line.queue.stretch() for _ in range(SHORT_STRETCHES + 1)]

    assert stretches == [*[SHORT] * SHORT_STRETCHES, undisturbed]


async def save(tx: Transaction, rows: Sequence[int]) -> None:
    await take(tx, 1, "journal", len(rows))


async def end(tx: Transaction) -> int:
    return await next_change(tx, 1)


async def test_undisturbed_much_is_written_in_one_transaction(database: Database) -> None:
    """Each further commit would cost a sync of 100,000 people."""
    began: list[Transaction] = []

    async def begin(tx: Transaction) -> None:
        began.append(tx)

    answer = await database.write_much(range(1200), save, end, begin=begin)

    assert (answer, len(began)) == (1, 1)
    async with database.write() as tx:
        assert await take(tx, 1, "journal") == 1201


async def test_who_waits_comes_between_two_stretches(database: Database) -> None:
    """A small write is answered while much is written, and finds what was saved before."""
    if not database.sqlite:
        pytest.skip("not on PostgreSQL: its writers work side by side")
    seen: list[int] = []
    waiting: list[asyncio.Task[None]] = []
    stretches: list[int] = []

    async def notify() -> None:
        async with database.write() as tx:
            seen.append(await take(tx, 1, "journal"))

    async def begin(_: Transaction) -> None:
        stretches.append(0)

    async def save_and_be_disturbed(tx: Transaction, rows: Sequence[int]) -> None:
        await save(tx, rows)
        stretches[-1] += len(rows)
        if not waiting:
            waiting.append(asyncio.create_task(notify()))
            await settled()

    await database.write_much(range(1200), save_and_be_disturbed, end, begin=begin)
    await waiting[0]

    assert stretches == [500, 700]
    assert seen == [501]


@pytest.mark.parametrize("large", [False, True])
async def test_whoever_gives_up_in_the_moment_of_the_turn_is_passed_over(large: bool) -> None:
    """A browser that goes away must not fail the write before its own, nor block the one after."""
    line = Line()
    await line.comes("first")
    await line.comes("gone", large=large)
    await line.comes("next", large=large)

    line._done["first"].set()
    line._tasks["gone"].cancel()
    await line.ends("first")
    await line.ends("next")
    await line.comes("later")

    assert line.had_turns == ["first", "next", "later"]
    await line.ends("later")
