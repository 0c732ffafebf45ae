"""Killed at any moment: after the restarts everything is as if nothing had happened.

A seeded hand kills the process at step borders, inside calls of the phone system, and now and then
throws the runner's own tables away. SIM_SEEDS=500 tries more hands than CI does.
"""

import os
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from core.sketches import AT_ONCE
from doubles.house import House, open_house
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.extensions import Department, ExtensionKey
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules
from jackfield.durable import Border, Killed, RunId
from jackfield.pbx.port import (
    AvatarWrite,
    Capabilities,
    ExtensionsPage,
    Outcome,
    PhoneSystem,
    Write,
)
from jackfield.store.runs import RunStatus
from m365_emulator.server import Emulator

SEEDS = range(int(os.environ.get("SIM_SEEDS", "20")))
RULES = PeopleRules(
    departments=DepartmentRules(DepartmentSource.ALL),
    on_deleted=LeaverPolicy.REMOVE,
    remove_after=AT_ONCE,
    on_disabled=LeaverPolicy.DISABLE,
)


@dataclass
class Hand:
    """Kills now and then; rests when it has killed often enough."""

    rng: random.Random
    one_in: int
    most: int = 25
    kills: int = 0

    def __call__(self, _border: Border, _run: RunId, _step: str) -> None:
        if self.kills < self.most and self.rng.randrange(self.one_in) == 0:
            self.kills += 1
            raise Killed


@dataclass
class MortalPhones:
    """A phone system in whose calls the process may die: before, or with everything done."""

    inner: PhoneSystem
    hand: Hand | None = None
    written: list[Write] = field(default_factory=list)

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    def _die(self) -> None:
        if self.hand is not None:
            self.hand(Border.EXECUTED, RunId(""), "")

    async def read_identity(self) -> str:
        return await self.inner.read_identity()

    async def read_extensions(self, cursor: str | None = None) -> AsyncIterator[ExtensionsPage]:
        async for page in self.inner.read_extensions(cursor):
            self._die()
            yield page

    async def read_departments(self) -> tuple[Department, ...]:
        self._die()
        return await self.inner.read_departments()

    async def read_used_numbers(self) -> frozenset[str]:
        return await self.inner.read_used_numbers()

    async def read_avatars(self, keys: Sequence[ExtensionKey]) -> Mapping[ExtensionKey, str]:
        return await self.inner.read_avatars(keys)

    async def write_avatars(self, writes: Sequence[AvatarWrite]) -> list[Outcome]:
        self._die()
        outcomes = await self.inner.write_avatars(writes)
        self._die()
        return outcomes

    async def write(self, writes: Sequence[Write]) -> list[Outcome]:
        self._die()
        outcomes = await self.inner.write(writes)
        self.written += writes
        self._die()
        return outcomes


def live(stage: Emulator, rng: random.Random) -> None:
    """A day in the tenant; the same for the same seed."""
    tenant = stage.tenant
    staff = sorted(one.id for one in tenant.people() if one.account_enabled and one.given_name)
    rng.shuffle(staff)
    for person in staff[:2]:
        tenant.delete(person)
    for person in staff[2:4]:
        tenant.disable(person)
    for person in staff[4:7]:
        tenant.rename(person, display_name=f"Renamed {rng.randrange(100)}")
    groups = sorted(one.id for one in tenant.groups() if not one.is_dynamic)
    for person in staff[7:12]:
        tenant.add_member(rng.choice(groups), person)
    for at in range(4):
        tenant.hire(f"Newcomer {at}")


async def whole_story(house: House, stage: Emulator, hand: Hand | None) -> None:
    """A first sync, a day, the deltas after it and a night, whatever the hand does."""
    await carried_through(house, hand)
    live(stage, random.Random(7))
    await carried_through(house, hand)
    house.clock.advance(24 * 3600.0)
    await carried_through(house, hand)


async def carried_through(house: House, hand: Hand | None) -> None:
    """Sweep until nothing is due any more, with a new process after each death."""
    quiet = 0
    while quiet < 3:
        house.clock.advance(61)
        try:
            await house.people.sweep()
            await house.runner.idle()
            (run, *_) = await house.runs()
            quiet = quiet + 1 if run.text.startswith("Nothing to do") else 0
        except Killed:
            quiet = 0
            await started_again(house, hand)


async def started_again(house: House, hand: Hand | None) -> None:
    """A start may be a process's last moment, too."""
    assert hand is not None
    while True:
        try:
            await house.restart(hand, forget_work=hand.rng.randrange(4) == 0)
        except Killed:
            continue
        return


@asynccontextmanager
async def open_story(
    folder: Path, seed: int, hand: Hand | None = None
) -> AsyncIterator[tuple[House, Emulator]]:
    async with open_house(f"sqlite:///{folder / 'jackfield.db'}", folder, seed=seed) as house:
        house.chunk = 7
        house.phones[1] = MortalPhones(house.phone(1), hand)
        stage = house.raise_stage(people=60)
        await house.connect(stage)
        await house.choose(RULES, enabled=True)
        await house.restart(hand)
        yield house, stage


async def outcome(house: House) -> dict[str, Any]:
    """What is left in the end, without what names a moment or a process."""
    links = await house.links()
    return {
        "extensions": {
            one.number: (one.fields, one.enabled, one.external_key)
            for one in await house.extensions()
        },
        "departments": await house.departments(),
        "links": {person: (link.number, link.left) for person, link in sorted(links.items())},
    }


async def told(folder: Path, seed: int, hand: Hand | None) -> tuple[dict[str, Any], list[Any]]:
    """The story's outcome, and the product's journal word by word."""
    async with open_story(folder, seed, hand) as (house, stage):
        await whole_story(house, stage, hand)
        runs = await house.runs()
        assert RunStatus.RUNNING not in {run.status for run in runs}
        assert [one.kind for one in await house.alarms()] == []
        assert len({link.key for link in (await house.links()).values()}) == len(
            await house.links()
        )
        assert await house.pictured() == await house.extensions()
        return await outcome(house), [repr(line) for line in await house.lines(limit=5000)]


_undisturbed: dict[str, Any] = {}


@pytest.mark.sim
@pytest.mark.parametrize("seed", SEEDS)
async def test_killed_again_and_again(tmp_path: Path, seed: int) -> None:
    """Nothing lost, nothing twice: the same numbers, links and memberships as without a death."""
    if not _undisturbed:
        (tmp_path / "calm").mkdir()
        _undisturbed.update((await told(tmp_path / "calm", 1, None))[0])
    hand = Hand(random.Random(seed), one_in=random.Random(seed).choice((4, 12, 40)))

    got, _ = await told(tmp_path, seed, hand)

    assert hand.kills > 0
    assert got == _undisturbed, f"seed {seed}"


@pytest.mark.sim
async def test_the_same_seed_is_the_same_history(tmp_path: Path) -> None:
    """Byte for byte: what a seed has shown once can be looked at again."""
    journals = []
    for name in ("once", "again"):
        hand = Hand(random.Random(3), one_in=12)
        (tmp_path / name).mkdir()
        journals.append((await told(tmp_path / name, 3, hand))[1])

    assert len(journals[0]) > 50
    assert journals[0] == journals[1]


@pytest.mark.sim
@pytest.mark.parametrize(
    "border", [Border.BEFORE, Border.EXECUTED, Border.RECORDED, Border.RETURNED]
)
@pytest.mark.parametrize("forget_work", [False, True], ids=["goes_on", "tables_thrown_away"])
async def test_killed_at_every_kind_of_border(
    house: House, border: Border, forget_work: bool
) -> None:
    """A short sync, killed once at each of its steps, on both databases."""
    stage = house.raise_stage(people=0)
    for name in ("Ada One", "Ben Two"):
        stage.tenant.hire(name)
    await house.connect(stage)
    await house.choose(enabled=True)
    deaths: list[str] = []

    def reap(at: Border, _run: RunId, step: str) -> None:
        if at is border and step not in deaths:
            deaths.append(step)
            raise Killed

    await house.restart(reap)
    dead, calm = False, 0
    while calm < 2:
        try:
            if dead:
                await house.restart(reap, forget_work=forget_work)
            dead = False
            await house.sweep(after_s=61)
            calm += 1
        except Killed:
            dead, calm = True, 0

    assert len(deaths) == 1 if border is Border.RETURNED else len(deaths) > 7
    assert await house.numbers() == {"Ada One": "100", "Ben Two": "101"}
    assert len(await house.links()) == 2
    assert await house.alarms() == ()


async def test_what_was_thrown_away_is_said_in_the_run(house: House) -> None:
    """A run that nobody carries any more does not seem to be under way for ever."""
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Ada One")
    await house.connect(stage)
    await house.choose(enabled=True)

    def reap(at: Border, _run: RunId, step: str) -> None:
        if step == "plan" and at is Border.RECORDED:
            raise Killed

    await house.restart(reap)
    with pytest.raises(Killed):
        await house.sweep()
    await house.restart(forget_work=True)
    (buried,) = await house.runs()
    await house.sweep()

    assert buried.status is RunStatus.FAILED
    assert buried.text.startswith("Interrupted when the process ended")
    assert (await house.runs())[0].status is RunStatus.DONE
    assert len(await house.extensions()) == 1
