"""Doubtful matches from the question to the phone system: asked once, remembered, carried out."""

import pytest

from doubles.house import House
from jackfield.core.extensions import ExtensionFields, ExtensionKey, Verdict
from jackfield.core.people import ObjectId
from jackfield.flows.doubts import DecisionRefused, Doubts, NothingThere
from jackfield.flows.undo import Undoing
from jackfield.pbx.builtin import BuiltInPhones


async def two_with_one_address(house: House) -> tuple[Doubts, ObjectId, list[ExtensionKey]]:
    """Ada is in Microsoft 365, and two extensions made by hand bear her mail address."""
    stage = house.raise_stage(people=0)
    ada = stage.tenant.hire("Ada One")
    await house.connect(stage)
    phone = house.phone(1)
    assert isinstance(phone, BuiltInPhones)
    keys = []
    for number in ("300", "301"):
        made = await phone.create_extension(number, ExtensionFields("A.", "One", str(ada.mail)))
        keys.append(made.extension.key)
    await house.sync(full=True)
    return Doubts(house.database, house.planning, house.clock), ObjectId(str(ada.id)), keys


async def test_u_16_a_doubt_waits_and_is_shown_with_its_candidates(house: House) -> None:
    """Nothing is made or taken over before somebody has looked."""
    doubts, ada, keys = await two_with_one_address(house)

    (match,) = await doubts.open(1)

    assert match.person.id == ada
    assert [one.extension.key for one in match.candidates] == keys
    assert all(one.free for one in match.candidates)
    assert await house.links() == {}


async def test_u_16_theirs_is_taken_over_by_the_next_sync(house: House) -> None:
    """The number stays, and nobody is asked again."""
    doubts, ada, keys = await two_with_one_address(house)

    await doubts.decide(1, ada, keys[1:], Verdict.THEIRS, by="owner")
    await house.sync()

    assert (await house.links())[ada].number == "301"
    assert await doubts.open(1) == ()
    (decided,) = await doubts.decided(1)
    assert (decided.decision.verdict, decided.decision.by) == (Verdict.THEIRS, "owner")
    line = next(one for one in await house.lines() if one.kind == "match.decided")
    assert line.text == "Decided: extension 301 is the one of Ada One."


async def test_u_16_not_theirs_makes_a_new_one(house: House) -> None:
    """Remembered, so that the next full sync does not ask again."""
    doubts, ada, keys = await two_with_one_address(house)

    await doubts.decide(1, ada, keys, Verdict.NOT_THEIRS, by="owner")
    await house.sync()
    quiet = await house.sync(full=True)

    assert (await house.links())[ada].number == "100"
    assert quiet.text == "Nothing to do for 1 person."


async def test_the_same_decision_again_is_no_other_one(house: House) -> None:
    """A second click is no event; another verdict is."""
    doubts, ada, keys = await two_with_one_address(house)

    for by in ("owner", "deputy"):
        await doubts.decide(1, ada, keys, Verdict.NOT_THEIRS, by=by)
    await doubts.decide(1, ada, keys[:1], Verdict.THEIRS, by="deputy")

    told = [one.by for one in await house.lines() if one.kind == "match.decided"]
    assert sorted(told) == ["deputy", "owner", "owner"]


async def test_a_decision_can_be_forgotten(house: House) -> None:
    """A slip before the next sync has no consequence."""
    doubts, ada, keys = await two_with_one_address(house)
    await doubts.decide(1, ada, keys[:1], Verdict.THEIRS, by="owner")

    await doubts.reopen(1, ada, keys[0], by="owner")
    await house.sync()

    assert len(await doubts.open(1)) == 1
    assert await house.links() == {}


async def test_a_decision_taken_back_and_forgotten_is_a_doubt_again(house: House) -> None:
    """Nothing of the mistake stays behind that would speak for it at the next sync."""
    doubts, ada, keys = await two_with_one_address(house)
    await doubts.decide(1, ada, keys[:1], Verdict.THEIRS, by="owner")
    await house.sync()
    (adoption, *_) = await house.plans()
    undo = await Undoing(house.database, house.clock).propose(1, adoption.id, by="owner")
    await house.approve(undo)

    await doubts.reopen(1, ada, keys[0], by="owner")
    await house.choose(enabled=True)
    await house.sync(full=True)

    assert await house.links() == {}
    (match,) = await doubts.open(1)
    assert [one.extension.key for one in match.candidates] == keys
    assert all(one.external_key is None for one in await house.extensions())


async def test_what_cannot_be_kept_is_refused_with_the_reason(house: House) -> None:
    """Before anything is saved."""
    doubts, ada, keys = await two_with_one_address(house)
    someone = ObjectId("00000000-0000-4000-8000-000000000000")

    with pytest.raises(DecisionRefused, match="exactly one"):
        await doubts.decide(1, ada, keys, Verdict.THEIRS, by="owner")
    with pytest.raises(NothingThere, match="no person"):
        await doubts.decide(1, someone, keys[:1], Verdict.THEIRS, by="owner")
    with pytest.raises(NothingThere, match="no extension nowhere"):
        await doubts.decide(1, ada, [ExtensionKey("nowhere")], Verdict.THEIRS, by="owner")
    with pytest.raises(NothingThere, match="Nothing is decided"):
        await doubts.reopen(1, ada, keys[0], by="owner")

    assert await doubts.decided(1) == ()


async def test_an_extension_that_is_linked_already_is_not_given_away(house: House) -> None:
    """Two administrators, one extension."""
    doubts, ada, keys = await two_with_one_address(house)
    await doubts.decide(1, ada, keys[:1], Verdict.THEIRS, by="owner")
    next(iter(house.stages.values())).tenant.hire("Ben Two")
    await house.sync()
    ben = next(person for person in await house.links() if person != ada)

    with pytest.raises(DecisionRefused, match="linked to another person"):
        await doubts.decide(1, ben, keys[:1], Verdict.THEIRS, by="owner")
