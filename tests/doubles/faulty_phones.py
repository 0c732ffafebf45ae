"""Faults around any phone system: what a flow must survive, whichever phone system it is.

Refuses every n-th write, loses one write or answer in n by seed, answers late by the clock it is
given, and is away altogether while `away` is set. The same seed gives the same faults.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from doubles.order import Unsettled
from jackfield.clock import Clock
from jackfield.core.extensions import Department, ExtensionKey
from jackfield.pbx.port import (
    WRITE_LIMIT,
    AvatarWrite,
    Capabilities,
    ExtensionsPage,
    Outcome,
    PhoneSystem,
    PhoneSystemUnreachable,
    RefusalCode,
    Refused,
    Unanswered,
    Write,
)


@dataclass
class Faults:
    """Which faults, and what came of them. One object may serve several `FaultyPhones`, as across
    restarts; change it while it is running.
    """

    seed: int = 0
    refuse_every: int = 0
    """Every n-th write is refused and never arrives; 0 = none."""
    refusal: Refused = field(default=Refused(RefusalCode.LIMIT, "Refused for the test"))
    lose_one_in: int = 0
    """One write in n is not answered: every other time it never arrived; 0 = none."""
    lose_call_one_in: int = 0
    """One call of `write` in n raises `PhoneSystemUnreachable` after it was carried out."""
    lose_read_one_in: int = 0
    """One page of a read in n is `PhoneSystemUnreachable`."""
    late_s: float = 0.0
    """Seconds, by the clock, until a call is answered."""
    away: bool = False
    """Nothing arrives and every call raises `PhoneSystemUnreachable`."""

    seen: int = 0
    refused: int = 0
    lost: int = 0
    arrived: list[Write] = field(default_factory=list)
    """Every write that reached the phone system, in order, repeats included."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)


class FaultyPhones:
    """`PhoneSystem` around another one, with faults."""

    def __init__(self, inner: PhoneSystem, faults: Faults, clock: Clock | None = None) -> None:
        self._inner = inner
        self._faults = faults
        self._clock = clock

    @property
    def capabilities(self) -> Capabilities:
        return self._inner.capabilities

    async def read_identity(self) -> str:
        await self._come_through(self._faults.lose_read_one_in)
        return await self._inner.read_identity()

    async def read_extensions(self, cursor: str | None = None) -> AsyncIterator[ExtensionsPage]:
        async for page in self._inner.read_extensions(cursor):
            await self._come_through(self._faults.lose_read_one_in)
            yield page

    async def read_departments(self) -> tuple[Department, ...]:
        await self._come_through(self._faults.lose_read_one_in)
        return await self._inner.read_departments()

    async def read_used_numbers(self) -> frozenset[str]:
        await self._come_through(self._faults.lose_read_one_in)
        return await self._inner.read_used_numbers()

    async def read_avatars(self, keys: Sequence[ExtensionKey]) -> Mapping[ExtensionKey, str]:
        await self._come_through(self._faults.lose_read_one_in)
        return await self._inner.read_avatars(keys)

    async def write_avatars(self, writes: Sequence[AvatarWrite]) -> list[Outcome]:
        if self._faults.away:
            raise PhoneSystemUnreachable("It is away for the test")
        if len(writes) > WRITE_LIMIT:
            raise ValueError(f"{len(writes)} writes in one call, at most {WRITE_LIMIT}")
        fates: list[tuple[bool, Outcome | None]] = []
        unsettled: set[ExtensionKey] = set()
        for write in writes:
            self._faults.seen += 1
            if write.key in unsettled:
                fates.append((False, Unanswered("waits for one before it that was not answered")))
            elif self._faults.refuse_every and self._faults.seen % self._faults.refuse_every == 0:
                fates.append((False, self._faults.refusal))
            elif self._strikes(self._faults.lose_one_in):
                unsettled.add(write.key)
                fates.append((self._faults.rng.random() < 0.5, Unanswered("Lost for the test")))
            else:
                fates.append((True, None))
        passed = [write for write, (passes, _) in zip(writes, fates, strict=True) if passes]
        answers = iter(await self._inner.write_avatars(passed))
        outcomes = []
        for passes, instead in fates:
            answer = next(answers) if passes else None
            outcome = instead or answer
            assert outcome is not None
            outcomes.append(outcome)
        await self._come_through(self._faults.lose_call_one_in)
        return outcomes

    async def write(self, writes: Sequence[Write]) -> list[Outcome]:
        if self._faults.away:
            raise PhoneSystemUnreachable("It is away for the test")
        if len(writes) > WRITE_LIMIT:
            raise ValueError(f"{len(writes)} writes in one call, at most {WRITE_LIMIT}")
        fates = self._fates(writes)
        passed = [write for write, (passes, _) in zip(writes, fates, strict=True) if passes]
        self._faults.arrived += passed
        answers = iter(await self._inner.write(passed))
        outcomes: list[Outcome] = []
        for passes, instead in fates:
            answer = next(answers) if passes else None
            outcome = instead or answer
            assert outcome is not None
            outcomes.append(outcome)
        await self._come_through(self._faults.lose_call_one_in)
        return outcomes

    def _fates(self, writes: Sequence[Write]) -> list[tuple[bool, Outcome | None]]:
        """For each write whether it arrives, and what is answered in place of the true answer."""
        faults = self._faults
        unsettled = Unsettled()
        fates: list[tuple[bool, Outcome | None]] = []
        for write in writes:
            if unsettled.holds_up(write):
                unsettled.note(write)
                fates.append((False, Unanswered("waits for one before it that was not answered")))
                continue
            faults.seen += 1
            if faults.refuse_every and faults.seen % faults.refuse_every == 0:
                faults.refused += 1
                fates.append((False, faults.refusal))
            elif self._strikes(faults.lose_one_in):
                faults.lost += 1
                unsettled.note(write)
                fates.append((faults.rng.random() < 0.5, Unanswered("Lost for the test")))
            else:
                fates.append((True, None))
        return fates

    async def _come_through(self, lose_one_in: int) -> None:
        if self._clock is not None and self._faults.late_s:
            await self._clock.sleep(self._faults.late_s)
        if self._faults.away or self._strikes(lose_one_in):
            raise PhoneSystemUnreachable("Lost for the test")

    def _strikes(self, one_in: int) -> bool:
        return bool(one_in) and self._faults.rng.randrange(one_in) == 0
