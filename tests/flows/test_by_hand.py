"""Handwork is journalled before it is done: no change is ever nobody's."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from doubles.house import House
from jackfield.core.extensions import (
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
    Link,
)
from jackfield.core.people import ObjectId
from jackfield.flows.by_hand import HandRefused, PhonesByHand
from jackfield.flows.made_again import choose_made_again
from jackfield.flows.phones import PhoneReading
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.pbx.port import Outcome, RefusalCode, Refused, Unanswered, Write
from jackfield.store.links import save_links

Deed = Callable[[PhonesByHand, str, str], Awaitable[object]]

DEEDS = [
    pytest.param(
        lambda hand, _key, _unit: hand.create_extension(
            1, "201", ExtensionFields("Ben", "Two"), by="grace"
        ),
        "extension",
        "make extension 201",
        id="making_an_extension",
    ),
    pytest.param(
        lambda hand, key, _unit: hand.update_extension(
            1, key, {Field.JOB_TITLE: "Pilot"}, enabled=False, by="grace"
        ),
        "extension",
        "change extension 200: job title from “” to “Pilot”; disabled",
        id="changing_one",
    ),
    pytest.param(
        lambda hand, key, _unit: hand.remove_extension(1, key, by="grace"),
        "extension",
        "remove extension 200",
        id="removing_one",
    ),
    pytest.param(
        lambda hand, _key, _unit: hand.create_department(1, "Board", by="grace"),
        "department",
        "make department Board",
        id="making_a_department",
    ),
    pytest.param(
        lambda hand, _key, unit: hand.rename_department(1, unit, "Care", by="grace"),
        "department",
        "rename department Sales to Care",
        id="renaming_one",
    ),
    pytest.param(
        lambda hand, _key, unit: hand.remove_department(1, unit, by="grace"),
        "department",
        "remove department Sales",
        id="removing_a_department",
    ),
]


class Phones(BuiltInPhones):
    """Something happens once a write holds: the process dies, or the answer is a refusal."""

    then: Callable[[], Refused | Unanswered] | None = None

    async def write(self, writes: Sequence[Write]) -> list[Outcome]:
        outcomes = await super().write(writes)
        return outcomes if self.then is None else [self.then()]

    async def create_extension(self, *given: Any, **named: Any) -> Any:
        outcome = await super().create_extension(*given, **named)
        return outcome if self.then is None else self.then()

    async def create_department(self, name: str) -> Any:
        outcome = await super().create_department(name)
        return outcome if self.then is None else self.then()

    async def remove_department(self, key: Any) -> Any:
        outcome = await super().remove_department(key)
        return outcome if self.then is None else self.then()


async def standing(house: House) -> tuple[PhonesByHand, Phones, str, str]:
    """Somebody at work where extension 200 and a department stand; their keys."""
    phones = Phones(house.database, 1, house.clock)
    reading = PhoneReading(house.database, lambda _tenant: phones, house.clock)
    hand = PhonesByHand(
        house.database, lambda _tenant: phones, lambda _tenant: phones, reading, house.clock
    )
    ada = await hand.create_extension(1, "200", ExtensionFields("Ada", "One"), by="admin")
    sales = await hand.create_department(1, "Sales", by="admin")
    return hand, phones, ada.extension.key, sales.department.key


@pytest.mark.parametrize(("deed", "kind", "said"), DEEDS)
async def test_a_kill_after_a_change_leaves_who_began_it(
    house: House, deed: Deed, kind: str, said: str
) -> None:
    """Else the phone system has a change that nobody has made."""
    hand, phones, key, unit = await standing(house)

    def die() -> Refused:
        raise asyncio.CancelledError

    phones.then = die
    with pytest.raises(asyncio.CancelledError):
        await deed(hand, key, unit)

    newest = (await house.lines())[0]
    assert (newest.kind, newest.by) == (f"{kind}.begun", "grace")
    assert newest.text == f"Begins by hand to {said}."


@pytest.mark.parametrize(("deed", "kind", "said"), DEEDS)
async def test_what_was_begun_is_followed_by_what_came_of_it(
    house: House, deed: Deed, kind: str, said: str
) -> None:
    """A beginning that stands alone means that it is not known."""
    hand, _, key, unit = await standing(house)
    before = len(await house.lines())

    await deed(hand, key, unit)

    done, begun = (await house.lines())[: len(await house.lines()) - before]
    assert begun.text == f"Begins by hand to {said}."
    assert (done.kind.split(".")[0], done.by) == (kind, "grace")
    assert done.kind not in {f"{kind}.begun", f"{kind}.refused"}


@pytest.mark.parametrize(("deed", "kind", "said"), DEEDS)
async def test_what_the_phone_system_refused_is_said(
    house: House, deed: Deed, kind: str, said: str
) -> None:
    """With its reason, by whom it was tried."""
    hand, phones, key, unit = await standing(house)
    phones.then = lambda: Refused(RefusalCode.OTHER, "The licence is full.")

    with pytest.raises(HandRefused):
        await deed(hand, key, unit)

    newest = (await house.lines())[0]
    assert (newest.kind, newest.by) == (f"{kind}.refused", "grace")
    assert newest.text == f"Not done by hand: to {said}. The licence is full."


@pytest.mark.parametrize(("deed", "kind", "said"), DEEDS)
async def test_what_nobody_answered_is_not_called_undone(
    house: House, deed: Deed, kind: str, said: str
) -> None:
    """It may be done: the journal must not say otherwise for good."""
    hand, phones, key, unit = await standing(house)
    phones.then = lambda: Unanswered("gone")

    with pytest.raises(HandRefused):
        await deed(hand, key, unit)

    newest = (await house.lines())[0]
    assert newest.kind == f"{kind}.unanswered"
    assert newest.text.startswith(f"It is not known whether it was done by hand: to {said}. The")


async def test_what_stands_so_already_is_not_begun(house: House) -> None:
    """Saving a dialog without a change fills no journal."""
    hand, _, key, unit = await standing(house)
    before = await house.lines()

    await hand.update_extension(1, key, {Field.FIRST_NAME: "Ada"}, enabled=True, by="grace")
    await hand.rename_department(1, unit, "Sales", by="grace")

    assert await house.lines() == before


async def theirs(house: House) -> tuple[PhonesByHand, Phones, str, str]:
    """Somebody at work where extension 200 is a person's of Microsoft 365; its key, and who."""
    hand, phones, key, _ = await standing(house)
    person = ObjectId("11111111-1111-1111-1111-111111111111")
    async with house.database.write() as tx:
        link = Link(person, ExtensionKey(key), ExtensionNumber("200"), ExtensionFields(), ())
        await save_links(tx, 1, [link], now=house.clock.now())
    return hand, phones, key, person


async def test_that_it_is_not_made_again_is_chosen_before_it_is_removed(house: House) -> None:
    """A sync, or a crash, between the two would bring it back."""
    hand, phones, key, person = await theirs(house)

    def die() -> Refused:
        raise asyncio.CancelledError

    phones.then = die
    with pytest.raises(asyncio.CancelledError):
        await hand.remove_extension(1, key, by="grace", not_again=True)

    assert (await house.settings()).rules.not_recreated == {person}


async def test_that_choice_is_taken_back_where_nothing_was_removed(house: House) -> None:
    """What was refused changes nothing; what was chosen before stays so."""
    hand, phones, key, person = await theirs(house)
    phones.then = lambda: Refused(RefusalCode.OTHER, "The licence is full.")

    with pytest.raises(HandRefused):
        await hand.remove_extension(1, key, by="grace", not_again=True)
    after = (await house.settings()).rules.not_recreated
    await choose_made_again(
        house.database, house.clock, 1, ObjectId(person), again=False, by="grace"
    )
    with pytest.raises(HandRefused):
        await hand.remove_extension(1, key, by="grace", not_again=True)

    assert after == frozenset()
    assert (await house.settings()).rules.not_recreated == {person}
