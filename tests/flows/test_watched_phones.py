"""Each call of a phone system has an end, and how it fares is known."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from doubles.house import House
from jackfield.core.reach import OUTAGE_AFTER, Reach
from jackfield.core.waiting import PHONES
from jackfield.flows.watched_phones import ANSWER_WITHIN_S, WatchedPhones, hurried
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.pbx.port import (
    ExtensionsPage,
    Outcome,
    PhoneSystemForgot,
    PhoneSystemRefusesUs,
    PhoneSystemUnreachable,
    Write,
)

# What differs between the databases is tried by the other stories.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)

NOTHING: list[Write] = []


class Slow(BuiltInPhones):
    """Answers each call after so many seconds of the loop's clock; `asked` counts the calls."""

    def __init__(self, house: House, takes_s: float) -> None:
        super().__init__(house.database, 1, house.clock)
        self._clock_of_house = house.clock
        self._takes_s = takes_s
        self.asked = 0

    async def _think(self) -> None:
        self.asked += 1
        self._clock_of_house.advance(self._takes_s)
        await asyncio.sleep(self._takes_s)

    async def write(self, writes: Sequence[Write]) -> list[Outcome]:
        await self._think()
        return await super().write(writes)

    async def read_extensions(self, cursor: str | None = None) -> AsyncIterator[ExtensionsPage]:
        for _ in range(3):
            await self._think()
            yield ExtensionsPage(())
        async for page in super().read_extensions(cursor):
            yield page


class Failing(BuiltInPhones):
    """Answers every write with an error."""

    error: Exception

    async def write(self, writes: Sequence[Write]) -> list[Outcome]:  # noqa: ARG002
        raise self.error


@pytest.fixture(autouse=True)
async def hasty_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timers of the loop fire as soon as nothing else is to be done, in the order of their times.

    Time limits are the loop's own: the clock of the house would run them out while a database
    still works.
    """
    loop = asyncio.get_running_loop()
    ahead = 0.0
    real: Callable[[], float] = loop.time
    select = loop._selector.select  # type: ignore[attr-defined]

    def hurry(timeout: float | None = None) -> object:
        nonlocal ahead
        if timeout:
            ahead += timeout
            timeout = 0.0
        return select(timeout)

    monkeypatch.setattr(loop, "time", lambda: real() + ahead)
    monkeypatch.setattr(loop._selector, "select", hurry)  # type: ignore[attr-defined]


def watched(house: House, phones: BuiltInPhones) -> tuple[WatchedPhones, Reach]:
    reach = Reach(PHONES)
    return WatchedPhones(phones, reach, house.clock), reach


async def test_a_phone_system_that_never_answers_is_given_up(house: House) -> None:
    """However its adapter is made: no run hangs for ever, and the page says since when."""
    began = house.clock.now()
    phones, reach = watched(house, Slow(house, 1e6))

    with pytest.raises(PhoneSystemUnreachable, match="no answer within 60 s"):
        await phones.write(NOTHING)

    trouble = reach.trouble(house.clock.now())
    assert trouble is not None
    assert trouble.what == (
        "The phone system (Built-in phone system) cannot be reached: no answer within 60 s."
    )
    assert trouble.next_step
    assert trouble.since == began
    assert trouble.is_outage(began + OUTAGE_AFTER)


async def test_a_slow_answer_within_the_limit_counts(house: House) -> None:
    """A phone system that takes a minute for 500 extensions is slow, not away."""
    phones, reach = watched(house, Slow(house, ANSWER_WITHIN_S - 1))

    await phones.write(NOTHING)

    assert reach.trouble(house.clock.now()) is None


@pytest.mark.parametrize(
    ("outer_s", "inner_s", "limit"),
    [
        pytest.param(5.0, 500.0, "within 5 s", id="the_hurry_outside_counts"),
        pytest.param(500.0, 5.0, "within 5 s", id="the_hurry_inside_counts"),
        pytest.param(500.0, 400.0, "within 60 s", id="nobody_waits_longer_than_usual"),
    ],
)
async def test_who_waits_in_person_is_answered_sooner(
    house: House, outer_s: float, inner_s: float, limit: str
) -> None:
    """The shortest patience counts, and only inside the block."""
    slow = Slow(house, ANSWER_WITHIN_S + 1)
    phones, _ = watched(house, slow)

    with (
        hurried(outer_s),
        hurried(inner_s),
        pytest.raises(PhoneSystemUnreachable, match=limit),
    ):
        await phones.write(NOTHING)
    with pytest.raises(PhoneSystemUnreachable, match="within 60 s"):
        await phones.write(NOTHING)

    assert slow.asked == 2


async def test_each_page_has_the_whole_limit(house: House) -> None:
    """50,000 extensions take longer than a minute to read, and to save in between."""
    slow = Slow(house, ANSWER_WITHIN_S - 1)
    phones, reach = watched(house, slow)

    pages = 0
    async for _ in phones.read_extensions():
        pages += 1
        await asyncio.sleep(2 * ANSWER_WITHIN_S)

    assert pages == 4
    assert slow.asked == 3
    assert reach.trouble(house.clock.now()) is None


async def test_a_page_that_never_comes_is_given_up(house: House) -> None:
    """In the middle of a reading, too."""
    phones, reach = watched(house, Slow(house, ANSWER_WITHIN_S + 1))

    with pytest.raises(PhoneSystemUnreachable, match="no answer"):
        await anext(phones.read_extensions())

    assert reach.trouble(house.clock.now()) is not None


async def test_an_answer_ends_the_trouble(house: House) -> None:
    """Reading, too, is an answer, to its last page."""
    phones, reach = watched(house, house.phone(1))  # type: ignore[arg-type]
    reach.failed("Away.", "", house.clock.now())

    pages = [page async for page in phones.read_extensions()]
    departments = await phones.read_departments()

    assert pages[-1].cursor is not None
    assert departments == ()
    assert reach.trouble(house.clock.now()) is None


@pytest.mark.parametrize(
    ("error", "away"),
    [
        pytest.param(PhoneSystemUnreachable("no route"), True, id="unreachable"),
        pytest.param(PhoneSystemForgot("the cursor"), False, id="it_forgot_the_cursor"),
        pytest.param(PhoneSystemRefusesUs("no role"), False, id="it_refuses_us"),
    ],
)
async def test_an_error_that_is_an_answer_is_no_outage(
    house: House, error: Exception, away: bool
) -> None:
    """A phone system that says no is there: its alarm must not say it cannot be reached."""
    failing = Failing(house.database, 1, house.clock)
    failing.error = error
    phones, reach = watched(house, failing)

    with pytest.raises(type(error), match=str(error)):
        await phones.write(NOTHING)

    assert (reach.trouble(house.clock.now()) is not None) is away
    assert (reach.good_since is None) is away


async def test_a_mistake_of_ours_says_nothing_about_the_phone_system(house: House) -> None:
    """Neither that it is away nor that it is there again; nor is its time-out ours."""
    failing = Failing(house.database, 1, house.clock)
    failing.error = TimeoutError("something inside")
    phones, reach = watched(house, failing)

    with pytest.raises(TimeoutError, match="something inside"):
        await phones.write(NOTHING)

    assert reach.trouble(house.clock.now()) is None
    assert reach.good_since is None


async def test_a_call_that_is_cut_off_is_not_waited_for(house: House) -> None:
    """A stop of the process leaves no call that seems to be silent for ever."""
    phones, reach = watched(house, Slow(house, 1e6))
    call = asyncio.ensure_future(phones.write(NOTHING))
    await asyncio.sleep(0)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    house.clock.advance(1000)

    assert reach.trouble(house.clock.now()) is None
