"""A phone system whose calls are watched: each has an end, and how they fare is known.

Nothing is decided here about what is asked; what a silent phone system means for runs and alarms is
in `outages.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from jackfield.clock import Clock
from jackfield.core.extensions import Department, ExtensionKey
from jackfield.core.reach import Reach
from jackfield.pbx.port import (
    AvatarWrite,
    Capabilities,
    ExtensionsPage,
    Outcome,
    PhoneSystem,
    PhoneSystemForgot,
    PhoneSystemRefusesUs,
    PhoneSystemReplaced,
    PhoneSystemUnreachable,
    Write,
)

ANSWER_WITHIN_S = 60.0
"""A phone system that has not answered a call by then is taken to be away."""
CHECK = "Check that the phone system runs and that Jackfield may use it."

_within_s: ContextVar[float] = ContextVar("answer_within_s", default=ANSWER_WITHIN_S)


@contextmanager
def hurried(within_s: float | None) -> Iterator[None]:
    """For somebody who waits in person: calls inside the block are given up sooner.

    None = nobody waits.
    """
    token = _within_s.set(min(within_s or ANSWER_WITHIN_S, _within_s.get()))
    try:
        yield
    finally:
        _within_s.reset(token)


class WatchedPhones:
    """Obeys `PhoneSystem`; keeps the promises of the one it is given."""

    def __init__(self, phones: PhoneSystem, reach: Reach, clock: Clock) -> None:
        self._phones = phones
        self._reach = reach
        self._clock = clock

    @property
    def capabilities(self) -> Capabilities:
        return self._phones.capabilities

    async def read_identity(self) -> str:
        async with self._call():
            return await self._phones.read_identity()

    async def read_extensions(self, cursor: str | None = None) -> AsyncIterator[ExtensionsPage]:
        pages = aiter(self._phones.read_extensions(cursor))
        while True:
            async with self._call():
                page = await anext(pages, None)
            if page is None:
                return
            yield page

    async def read_departments(self) -> tuple[Department, ...]:
        async with self._call():
            return await self._phones.read_departments()

    async def read_used_numbers(self) -> frozenset[str]:
        async with self._call():
            return await self._phones.read_used_numbers()

    async def write(self, writes: Sequence[Write]) -> list[Outcome]:
        async with self._call():
            return await self._phones.write(writes)

    async def read_avatars(self, keys: Sequence[ExtensionKey]) -> Mapping[ExtensionKey, str]:
        async with self._call():
            return await self._phones.read_avatars(keys)

    async def write_avatars(self, writes: Sequence[AvatarWrite]) -> list[Outcome]:
        async with self._call():
            return await self._phones.write_avatars(writes)

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[None]:
        key, asked_at, within_s = object(), self._clock.now(), _within_s.get()
        name = self._phones.capabilities.name
        self._reach.asking(key, f"The phone system ({name})", asked_at)
        limit = asyncio.timeout(within_s)
        try:
            async with limit:
                yield
        except (PhoneSystemUnreachable, TimeoutError) as error:
            self._reach.returned(key, self._clock.now())
            if not (limit.expired() or isinstance(error, PhoneSystemUnreachable)):
                raise
            why = f"no answer within {within_s:.0f} s" if limit.expired() else str(error)
            what = f"The phone system ({name}) cannot be reached: {why}."
            self._reach.failed(what, CHECK, self._clock.now(), began=asked_at)
            if limit.expired():
                raise PhoneSystemUnreachable(why) from error
            raise
        except (PhoneSystemForgot, PhoneSystemRefusesUs, PhoneSystemReplaced):
            self._answered(key)
            raise
        except BaseException:
            self._reach.returned(key, self._clock.now())
            raise
        self._answered(key)

    def _answered(self, key: object) -> None:
        self._reach.returned(key, self._clock.now())
        self._reach.answered(self._clock.now())
