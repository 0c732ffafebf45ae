"""Somebody works in the phone system at the very moment at which a plan is carried out there."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import pytest

from doubles.house import House
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.extensions import (
    Department,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
)
from jackfield.core.people import GroupId, ObjectId
from jackfield.core.rules import PeopleRules
from jackfield.flows.phones import PhoneReading
from jackfield.pbx.port import (
    AvatarWrite,
    Capabilities,
    CreateExtensionWrite,
    ExtensionsPage,
    Outcome,
    PhoneSystem,
    RemoveExtensionWrite,
    UpdateExtensionWrite,
    Write,
)
from jackfield.store.links import load_links_of_extensions, save_links
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanStatus
from jackfield.store.runs import RunStatus
from m365_emulator.server import Emulator

# On PostgreSQL another process waits until the writes are saved: `test_turns.py`.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


class Interrupted:
    """`PhoneSystem` around another one; somebody does something right after the next write."""

    def __init__(self, inner: PhoneSystem) -> None:
        self._inner = inner
        self.then: Callable[[], Awaitable[object]] | None = None

    @property
    def capabilities(self) -> Capabilities:
        return self._inner.capabilities

    async def read_identity(self) -> str:
        return await self._inner.read_identity()

    def read_extensions(self, cursor: str | None = None) -> AsyncIterator[ExtensionsPage]:
        return self._inner.read_extensions(cursor)

    async def read_departments(self) -> tuple[Department, ...]:
        return await self._inner.read_departments()

    async def read_used_numbers(self) -> frozenset[str]:
        return await self._inner.read_used_numbers()

    async def read_avatars(self, keys: Sequence[ExtensionKey]) -> Mapping[ExtensionKey, str]:
        return await self._inner.read_avatars(keys)

    async def write_avatars(self, writes: Sequence[AvatarWrite]) -> list[Outcome]:
        return await self._inner.write_avatars(writes)

    async def write(self, writes: Sequence[Write]) -> list[Outcome]:
        outcomes = await self._inner.write(writes)
        if writes and self.then is not None:
            then, self.then = self.then, None
            await then()
        return outcomes


async def office(house: House) -> tuple[Emulator, dict[str, str], Interrupted, PhoneSystem]:
    """Two people with extensions, in a phone system that others use too."""
    stage = house.raise_stage(people=0)
    ids = {name: str(stage.tenant.hire(name).id) for name in ("Ada One", "Ben Two")}
    inner = house.phone(1)
    house.phones[1] = phone = Interrupted(inner)
    await house.connect(stage)
    await house.sync(full=True)
    return stage, ids, phone, inner


async def test_a_change_by_hand_right_after_a_write_is_not_forgotten(house: House) -> None:
    """Who read it has moved the cursor past it: nothing older may be saved over it."""
    stage, ids, phone, inner = await office(house)
    stage.tenant.update(ids["Ada One"], jobTitle="From Microsoft")
    ada = (await house.by_name())["Ada One"]

    async def change_it() -> None:
        by_hand = UpdateExtensionWrite(ada.key, {Field.JOB_TITLE: "By hand"})
        await inner.write([by_hand])
        await PhoneReading(house.database, house.phone, house.clock).read(1, everything=False)

    phone.then = change_it

    await house.sync()
    seen = await house.pictured()
    await house.sync()

    assert {one.fields.job_title for one in seen if one.key == ada.key} == {"By hand"}
    assert (await house.by_name())["Ada One"].fields.job_title == "From Microsoft"
    assert await house.pictured() == await house.extensions()


async def test_an_extension_removed_right_after_it_was_made_stays_gone(house: House) -> None:
    """It is no ghost in the picture; the next look makes it anew."""
    stage, _, phone, inner = await office(house)
    nina = stage.tenant.hire("Nina Newcomer").id

    async def remove_it() -> None:
        made = (await house.by_name())["Nina Newcomer"]
        await inner.write([RemoveExtensionWrite(made.key, made.number)])
        await PhoneReading(house.database, house.phone, house.clock).read(1, everything=False)

    phone.then = remove_it

    await house.sync()
    seen = await house.pictured()
    await house.sync()

    assert len(seen) == 2
    assert await house.number_of(nina) == "102"
    assert await house.pictured() == await house.extensions()


async def test_a_reading_that_overtook_a_chunk_leaves_the_picture_whole(house: House) -> None:
    """What was read just before the writes misses them; they are read again at once."""
    stage, _, phone, _ = await office(house)
    stage.tenant.hire("Nina Newcomer")

    async def look() -> None:
        await PhoneReading(house.database, house.phone, house.clock).read(1, everything=False)

    phone.then = look

    run = await house.sync()

    assert run.status is RunStatus.DONE
    assert await house.pictured() == await house.extensions()
    assert len(await house.pictured()) == 3


async def test_an_extension_that_became_somebody_elses_stops_nobody(house: House) -> None:
    """That one action goes stale; the others of its chunk are done and the plan ends."""
    stage, ids, phone, _ = await office(house)
    stage.tenant.hire("Nina Newcomer")
    stage.tenant.hire("Olaf Other")

    async def give_it_away() -> None:
        made = (await house.by_name())["Nina Newcomer"].key
        async with house.database.write() as tx:
            theirs = (await house.links())[ids["Ada One"]]
            taken = type(theirs)(ids["Ada One"], made, "102", theirs.agreed)
            await save_links(tx, 1, [taken], now=house.clock.now())

    phone.then = give_it_away

    run = await house.sync()

    outcomes = {one.name: one.status for one in await house.actions((await house.plans())[0].id)}
    assert outcomes == {"Nina Newcomer": ActionStatus.STALE, "Olaf Other": ActionStatus.DONE}
    assert run.text.startswith("1 extension created. 1 of 2 actions did not come through")
    assert (await house.plans())[0].status is PlanStatus.APPLIED
    async with house.database.read() as tx:
        key = ExtensionKey((await house.by_name())["Olaf Other"].key)
        assert key in await load_links_of_extensions(tx, 1, [key])


async def test_an_extension_that_stood_already_is_given_its_departments(house: House) -> None:
    """Of a lost answer it is not taken for granted that what was asked for still stands."""
    stage, _, phone, inner = await office(house)
    nina = stage.tenant.hire("Nina Newcomer").id
    sales = stage.tenant.create_group("Sales", members=[nina]).id
    await house.choose(
        PeopleRules(departments=DepartmentRules(DepartmentSource.CHOSEN, (GroupId(sales),)))
    )

    async def make_it() -> None:
        name = ExtensionFields(first_name="Nina", last_name="Newcomer")
        await inner.write([CreateExtensionWrite(ObjectId(nina), ExtensionNumber("102"), name)])

    phone.then = make_it

    await house.sync(full=True)
    linked = (await house.links())[ObjectId(nina)]
    await house.sync()

    assert linked.departments == ()
    assert await house.departments() == {"Sales": ["Nina Newcomer"]}
