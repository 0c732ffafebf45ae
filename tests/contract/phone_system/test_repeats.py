"""Lost answers change nothing: whatever is written, repeated and read again between restarts, the
phone system ends where it would have ended on a perfect line.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import assert_never

from hypothesis import given, settings
from hypothesis import strategies as st

from contract.phone_system.builtin_house import BuiltInHouse
from contract.phone_system.places import (
    House,
    LossyHouse,
    Place,
    ThreeCxHouse,
    departments,
    person,
    read,
    settle,
)
from doubles.faulty_phones import Faults
from jackfield.core.extensions import (
    DepartmentKey,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
)
from jackfield.pbx.port import (
    CreateDepartmentWrite,
    CreateExtensionWrite,
    Done,
    RefusalCode,
    Refused,
    RemoveExtensionWrite,
    RenameDepartmentWrite,
    UpdateExtensionWrite,
    Write,
)

EXAMPLES = settings().max_examples  # 100, and more at night; databases take a share of them

# A small world, so that writes meet: few people, fewer numbers, names that differ in case only.
PEOPLE = range(4)
NUMBERS = ["1001", "1002", "1003", "1"]
HAND_MADE = ["1002", "1009"]
GROUPS = ["g0", "g1", "g2"]
NAMES = ["Sales", "sales", "Support", "Straße", "STRASSE", ""]
TEXTS = ["", "Ada", "Øyvind", "李"]
GONE = "gone"


@dataclass(frozen=True)
class Hire:
    who: int
    number: str
    name: str
    groups: tuple[str, ...]
    primary: str | None


@dataclass(frozen=True)
class Change:
    """Of the extension of a person, or of one made by hand (a number)."""

    whose: int | str
    name: str | None
    expected: str | None
    add: tuple[str, ...]
    remove: tuple[str, ...]
    primary: str | None
    enabled: bool | None
    becomes: int | None


@dataclass(frozen=True)
class Fire:
    whose: int | str
    number: str | None
    """None: the number it has."""


@dataclass(frozen=True)
class Found:
    group: str
    name: str


@dataclass(frozen=True)
class Rename:
    group: str
    name: str
    expected: str | None
    """None: the name it has."""


Deed = Hire | Change | Fire | Found | Rename

whose = st.sampled_from([*PEOPLE, *HAND_MADE])
some_groups = st.lists(st.sampled_from(GROUPS), max_size=2, unique=True).map(tuple)
maybe_group = st.none() | st.sampled_from(GROUPS)
deeds: st.SearchStrategy[Deed] = st.one_of(
    st.builds(
        Hire,
        st.sampled_from(PEOPLE),
        st.sampled_from(NUMBERS),
        st.sampled_from(TEXTS),
        some_groups,
        maybe_group,
    ),
    st.builds(
        Change,
        whose,
        st.none() | st.sampled_from(TEXTS),
        st.none() | st.sampled_from(TEXTS),
        some_groups,
        some_groups,
        maybe_group,
        st.none() | st.booleans(),
        st.none() | st.sampled_from(PEOPLE),
    ),
    st.builds(Fire, whose, st.none() | st.sampled_from(NUMBERS)),
    st.builds(Found, st.sampled_from(GROUPS), st.sampled_from(NAMES)),
    st.builds(
        Rename, st.sampled_from(GROUPS), st.sampled_from(NAMES), st.none() | st.sampled_from(NAMES)
    ),
)
seeds = st.integers(0, 2**16)
stories = st.lists(st.lists(deeds, min_size=1, max_size=6), min_size=1, max_size=6)


tenants = itertools.count(1_000_000, 2)


@dataclass
class Seen:
    """What stands there, and the keys by which the deeds' people and groups are known."""

    extensions: dict[ExtensionKey, Extension]
    names: dict[DepartmentKey, str]
    groups: dict[DepartmentKey, str] = field(default_factory=dict)

    def extension(self, one: int | str) -> Extension | None:
        for extension in self.extensions.values():
            mark = extension.number if isinstance(one, str) else extension.external_key
            if mark == (one if isinstance(one, str) else person(one)):
                return extension
        return None

    def department(self, group: str | None) -> DepartmentKey | None:
        if group is None:
            return None
        known = (key for key, external in self.groups.items() if external == group)
        return next(known, DepartmentKey(GONE))

    def told(self) -> set[object]:
        """The state, without the keys, which differ from one phone system to the next."""
        for extension in self.extensions.values():
            assert extension.primary in {None, *extension.departments}
            assert set(extension.departments) <= set(self.names)
        numbers = [extension.number for extension in self.extensions.values()]
        assert len(numbers) == len(set(numbers))
        folded = [name.casefold() for name in self.names.values()]
        assert len(folded) == len(set(folded))
        people = {
            (
                extension.external_key,
                extension.number,
                extension.fields,
                extension.enabled,
                frozenset(self.names[key] for key in extension.departments),
                None if extension.primary is None else self.names[extension.primary],
            )
            for extension in self.extensions.values()
        }
        return people | {(self.groups.get(key), name) for key, name in self.names.items()}


async def look(place: Place) -> Seen:
    standing = (await departments(place)).values()
    return Seen(
        (await read(place)).extensions,
        {department.key: department.name for department in standing},
        {d.key: d.external_key for d in standing if d.external_key is not None},
    )


def as_write(deed: Deed, seen: Seen) -> Write:
    """The deed in the words of the port, with the keys of this phone system."""

    def keys(groups: tuple[str, ...]) -> tuple[DepartmentKey, ...]:
        return tuple([key for group in groups if (key := seen.department(group)) is not None])

    match deed:
        case Hire():
            return CreateExtensionWrite(
                person(deed.who),
                ExtensionNumber(deed.number),
                ExtensionFields(first_name=deed.name, email=f"p{deed.who}@example.com"),
                keys(deed.groups),
                seen.department(deed.primary),
            )
        case Change():
            standing = seen.extension(deed.whose)
            return UpdateExtensionWrite(
                standing.key if standing else ExtensionKey(GONE),
                {} if deed.name is None else {Field.FIRST_NAME: deed.name},
                {} if deed.expected is None else {Field.FIRST_NAME: deed.expected},
                keys(deed.add),
                keys(deed.remove),
                seen.department(deed.primary),
                deed.enabled,
                None if deed.becomes is None else person(deed.becomes),
            )
        case Fire():
            standing = seen.extension(deed.whose)
            number = deed.number or (standing.number if standing else NUMBERS[0])
            return RemoveExtensionWrite(
                standing.key if standing else ExtensionKey(GONE), ExtensionNumber(number)
            )
        case Found():
            return CreateDepartmentWrite(deed.group, deed.name)
        case Rename():
            key = seen.department(deed.group) or DepartmentKey(GONE)
            expected = seen.names.get(key, "") if deed.expected is None else deed.expected
            return RenameDepartmentWrite(key, deed.name, expected)
        case _:
            assert_never(deed)


async def live(place: Place, story: list[list[Deed]]) -> list[tuple[list[str], set[object]]]:
    """Carry out a story; what was answered and what stood there after each of its calls."""
    for number in HAND_MADE:
        await place.extension_by_hand(number, ExtensionFields(first_name="By hand"))
    await place.department_by_hand("Support")
    told: list[tuple[list[str], set[object]]] = []
    mirror = (await read(place)).extensions
    cursor = (await read(place)).cursor
    seen = await look(place)
    for deeds_ in story:
        outcomes = await settle(place, [as_write(deed, seen) for deed in deeds_])
        seen = await look(place)
        told.append(([said(outcome) for outcome in outcomes], seen.told()))
        if cursor is not None:
            changes = await read(place, cursor)
            mirror = {key: e for key, e in mirror.items() if key not in changes.removed}
            mirror |= changes.extensions
            assert mirror == seen.extensions
            cursor = changes.cursor
    return told


def said(outcome: Done | Refused) -> str:
    match outcome:
        case Refused():
            return outcome.code
        case Done(extension=Extension() as extension):
            return extension.number
        case Done():
            return "done"


async def both(perfect: House, lossy: House, story: list[list[Deed]], tenant: int) -> None:
    undisturbed = await live(await perfect.place(tenant), story)
    disturbed = await live(await lossy.place(tenant + 1), story)
    assert disturbed == undisturbed


async def both_built_in(url: str, story: list[list[Deed]], seed: int) -> None:
    async with BuiltInHouse.open(url, first_tenant=next(tenants)) as house:
        lossy = LossyHouse(house, Faults(seed=seed, lose_one_in=3, lose_read_one_in=10))
        await both(house, lossy, story, 0)


@settings(max_examples=2 * EXAMPLES)
@given(story=stories, seed=seeds)
def test_lost_answers_leave_no_trace_in_a_system_like_3cx(
    story: list[list[Deed]], seed: int
) -> None:
    """Half-done creations, missing external keys and replaced lists are the adapter's to mend."""
    asyncio.run(both(ThreeCxHouse(lost_of=0), ThreeCxHouse(lost_of=4, seed=seed), story, 1))


@settings(max_examples=EXAMPLES // 8)
@given(story=stories, seed=seeds)
def test_lost_answers_leave_no_trace_in_the_built_in_system(
    sqlite_url: str, story: list[list[Deed]], seed: int
) -> None:
    """The same promise, kept by other means."""
    asyncio.run(both_built_in(sqlite_url, story, seed))


@settings(max_examples=EXAMPLES // 25)
@given(story=stories, seed=seeds)
def test_lost_answers_leave_no_trace_on_postgresql(
    postgres_url: str, story: list[list[Deed]], seed: int
) -> None:
    """And on another database."""
    asyncio.run(both_built_in(postgres_url, story, seed))


@settings(max_examples=EXAMPLES // 8)
@given(story=stories)
def test_phone_systems_do_and_refuse_the_same(sqlite_url: str, story: list[list[Deed]]) -> None:
    """What a plan may rely on is the port, not the phone system behind it."""

    async def compare() -> None:
        async with BuiltInHouse.open(sqlite_url, first_tenant=next(tenants)) as house:
            ours = await live(await house.place(0), story)
        theirs = await live(await ThreeCxHouse(lost_of=0).place(1), story)
        assert [done(answers) for answers, _ in ours] == [done(answers) for answers, _ in theirs]

    asyncio.run(compare())


def done(answers: list[str]) -> list[str]:
    """Without the reasons: of two good ones each phone system says the one it meets first."""
    return ["refused" if answer in set(RefusalCode) else answer for answer in answers]
