"""Faults come as they were ordered, by seed, and what did not arrive did not happen."""

from collections import Counter
from datetime import timedelta

import pytest

from contract.phone_system.builtin_house import StandingClock
from contract.phone_system.places import NOW
from doubles.faulty_phones import Faults, FaultyPhones
from doubles.threecx_habits import Notes, ThreeCxHabits
from doubles.threecx_pbx import Line, ThreeCx
from jackfield.core.extensions import ExtensionFields, ExtensionNumber
from jackfield.pbx.port import (
    CreateExtensionWrite,
    Done,
    Outcome,
    PhoneSystemUnreachable,
    RefusalCode,
    Refused,
    Unanswered,
)


def phones_with(faults: Faults, clock: StandingClock | None = None) -> FaultyPhones:
    inner = ThreeCxHabits(Line(ThreeCx(), lost_of=0), Notes())
    return FaultyPhones(inner, faults, clock)


def hires(count: int) -> list[CreateExtensionWrite]:
    return [
        CreateExtensionWrite(f"p{n}", ExtensionNumber(str(1000 + n)), ExtensionFields())
        for n in range(count)
    ]


def kinds(outcomes: list[Outcome]) -> Counter[type[Outcome]]:
    return Counter(type(outcome) for outcome in outcomes)


async def test_without_faults_nothing_differs() -> None:
    """The wrapper itself must not be what a test stumbles over."""
    faults = Faults()

    outcomes = await phones_with(faults).write(hires(20))

    assert kinds(outcomes) == {Done: 20}
    assert faults.arrived == hires(20)


async def test_every_nth_write_is_refused_and_never_arrives() -> None:
    """One refused person must not hold up the other ninety-nine."""
    refusal = Refused(RefusalCode.PROTECTED, "No")
    faults = Faults(refuse_every=5, refusal=refusal)
    phones = phones_with(faults)

    outcomes = await phones.write(hires(20))

    assert [n for n, outcome in enumerate(outcomes, 1) if outcome == refusal] == [5, 10, 15, 20]
    assert len(faults.arrived) == 16
    standing = [e async for page in phones.read_extensions() for e in page.extensions]
    assert len(standing) == 16


async def test_lost_writes_arrived_or_not() -> None:
    """Both must be possible, or a flow could rely on one of them."""
    faults = Faults(lose_one_in=3)

    outcomes = await phones_with(faults).write(hires(90))

    lost = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Unanswered)]
    arrived = {write.external_key for write in faults.arrived}
    assert faults.lost == len(lost) > 15
    assert 0 < sum(f"p{n}" in arrived for n in lost) < len(lost)


async def test_same_seed_same_faults() -> None:
    """A failure that names its seed can be looked at again."""
    runs = [
        kinds_in_order(await phones_with(Faults(seed=seed, lose_one_in=3)).write(hires(50)))
        for seed in (1, 1, 2)
    ]

    assert runs[0] == runs[1] != runs[2]


def kinds_in_order(outcomes: list[Outcome]) -> list[type[Outcome]]:
    return [type(outcome) for outcome in outcomes]


async def test_whole_call_is_lost_after_it_was_carried_out() -> None:
    """The hardest answer to lose: everything is done and nothing is known."""
    faults = Faults(lose_call_one_in=1)
    phones = phones_with(faults)

    with pytest.raises(PhoneSystemUnreachable):
        await phones.write(hires(3))
    faults.lose_call_one_in = 0

    assert [o.created for o in await phones.write(hires(3)) if isinstance(o, Done)] == [False] * 3


async def test_reads_break_between_pages() -> None:
    """Half an answer must never pass for all of it."""
    faults = Faults()
    phones = phones_with(faults)
    await phones.write(hires(250))
    faults.lose_read_one_in = 2
    seen: list[int] = []
    for _ in range(20):
        pages = 0
        try:
            async for _page in phones.read_extensions():
                pages += 1
        except PhoneSystemUnreachable:
            seen.append(pages)

    assert {0, 1} <= set(seen)


async def test_answers_are_late_by_the_clock() -> None:
    """No test has to wait to see a slow phone system."""
    clock = StandingClock()

    await phones_with(Faults(late_s=30), clock).write(hires(1))

    assert clock.now() == NOW + timedelta(seconds=30)


async def test_away_is_away() -> None:
    """Nothing arrives, nothing is answered, and when it is back all is as before."""
    faults = Faults(away=True)
    phones = phones_with(faults)

    with pytest.raises(PhoneSystemUnreachable):
        await phones.write(hires(1))
    with pytest.raises(PhoneSystemUnreachable):
        await phones.read_departments()
    faults.away = False

    assert faults.arrived == []
    assert await phones.read_used_numbers() == {"800", "900"}
