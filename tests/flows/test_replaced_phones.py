"""Another phone system in the place of the known one: equal keys are not the same extensions."""

from collections.abc import Callable

import pytest

from doubles.faulty_phones import Faults, FaultyPhones
from doubles.house import House
from doubles.threecx_habits import Notes, ThreeCxHabits
from doubles.threecx_pbx import Line, ThreeCx
from jackfield.core.extensions import Extension, ExtensionFields
from jackfield.flows.failures import PHONES_REPLACED
from jackfield.flows.replacing import NotReplaced, PhonesSilent, Replacing
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.pbx.port import Done, PhoneSystem
from jackfield.store.forgetting import forget_picture
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanStatus
from jackfield.store.runs import RunStatus
from jackfield.store.settings import Approval
from m365_emulator.server import Emulator

STRANGERS = ("Max Other", "Zoe Stranger")


async def _by_hand(phones: PhoneSystem, number: str, first: str, last: str, email: str) -> None:
    if isinstance(phones, BuiltInPhones):
        fields = ExtensionFields(first, last, email)
        assert isinstance(await phones.create_extension(number, fields), Done)
        return
    names = {"FirstName": first, "LastName": last, "EmailAddress": email}
    status, _ = PBX[phones].answer("POST", "Users", body={"Number": number, **names})
    assert status == 201


PBX: dict[PhoneSystem, ThreeCx] = {}


def _builtin(house: House, nth: int) -> PhoneSystem:
    """The same tables of another tenant: another directory with the same keys."""
    return BuiltInPhones(house.database, 10 + nth, house.clock)


def _threecx(_: House, nth: int) -> PhoneSystem:
    pbx = ThreeCx(fqdn=f"pbx{nth}.example.org")
    phones = ThreeCxHabits(Line(pbx, lost_of=0), Notes())
    PBX[phones] = pbx
    return phones


MAKES = pytest.mark.parametrize(
    "make", [pytest.param(_builtin, id="builtin"), pytest.param(_threecx, id="threecx_habits")]
)
Make = Callable[[House, int], PhoneSystem]


async def office(house: House, make: Make) -> Emulator:
    """Two linked people, and another phone system whose two extensions bear the same keys."""
    stage = house.raise_stage(people=0)
    for name in ("Ada One", "Ben Two"):
        stage.tenant.hire(name)
    await house.connect(stage)
    house.phones[1] = make(house, 1)
    await house.sync(full=True)
    known = {one.key for one in await house.extensions()}
    house.phones[1] = make(house, 2)
    for number, name in enumerate(STRANGERS, 700):
        await _by_hand(house.phones[1], str(number), *name.split(), "")
    assert {one.key for one in await house.extensions()} == known
    return stage


def replacing(house: House) -> Replacing:
    return Replacing(house.database, house.watched, house.clock)


async def untouched(house: House, before: list[Extension]) -> bool:
    return await house.extensions() == before


@MAKES
async def test_nothing_is_written_to_another_phone_system(house: House, make: Make) -> None:
    """Neither names nor leavers nor newcomers; one alarm says what is to be decided."""
    stage = await office(house, make)
    before = await house.extensions()
    for person in stage.tenant.people():
        stage.tenant.update(person.id, jobTitle="Manager")
    stage.tenant.hire("Cy Three")

    runs = [await house.sync(full=True), await house.sync()]

    assert {one.status for one in runs} == {RunStatus.FAILED}
    assert await untouched(house, before)
    (alarm,) = await house.alarms()
    assert alarm.kind == PHONES_REPLACED
    assert "jackfield phones accept" in alarm.next_step
    assert len(await house.links()) == 2


@MAKES
async def test_a_plan_made_for_the_old_one_is_not_carried_out(house: House, make: Make) -> None:
    """It was approved in between; its keys are other people's there."""
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Ada One")
    await house.connect(stage)
    house.phones[1] = make(house, 1)
    await house.sync(full=True)
    await house.choose(approval=Approval.BY_HAND)
    (ada,) = stage.tenant.people()
    stage.tenant.update(ada.id, jobTitle="Manager", surname="Married")
    await house.sync()
    house.phones[1] = make(house, 2)
    await _by_hand(house.phones[1], "100", "Ada", "One", "")
    before = await house.extensions()

    await house.approve(2)
    dropped = await replacing(house).accept(1, by="admin")

    assert await untouched(house, before)
    (plan, _) = await house.plans()
    assert plan.status is PlanStatus.FAILED
    assert {one.status for one in await house.actions(plan.id)} == {ActionStatus.SKIPPED}
    assert dropped == 1


@MAKES
async def test_an_accepted_one_is_matched_anew(house: House, make: Make) -> None:
    """By the rules for extensions that stand already: strangers stay strangers."""
    stage = await office(house, make)
    (ada, _) = sorted(stage.tenant.people(), key=lambda one: one.display_name)
    await _by_hand(house.phones[1], "750", "A.", "One", str(ada.mail))

    await replacing(house).accept(1, by="admin")
    await house.sweep()

    numbers = await house.numbers()
    assert {name: numbers[name] for name in STRANGERS} == {
        "Max Other": "700",
        "Zoe Stranger": "701",
    }
    assert numbers["Ada One"] == "750"
    assert set(numbers) == {"Ada One", "Ben Two", *STRANGERS}
    assert await house.alarms() == ()
    assert (await house.runs())[0].status is RunStatus.DONE
    lines = [one for one in await house.lines() if one.kind == "phones.accepted"]
    assert [one.by for one in lines] == ["admin"]


async def test_what_was_cut_off_while_it_was_accepted_does_no_harm(house: House) -> None:
    """The process died when most was forgotten, and the known phone system is put back instead."""
    stage = house.raise_stage(people=0)
    for name in ("Ada One", "Ben Two"):
        stage.tenant.hire(name)
    await house.connect(stage)
    known = house.phones[1] = _builtin(house, 1)
    await house.sync(full=True)
    before = await house.extensions()
    house.phones[1] = _builtin(house, 2)
    async with house.database.write() as tx:
        forgotten = await forget_picture(tx, 1)
    house.phones[1] = known

    run = await house.sync()

    assert forgotten == 2
    assert run.status is RunStatus.DONE
    assert await house.extensions() == before
    assert await house.pictured() == before
    assert len(await house.links()) == 2
    assert await house.alarms() == ()


async def test_the_known_one_is_not_accepted_again(house: House) -> None:
    """A slip would cost every link."""
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Ada One")
    await house.connect(stage)
    await house.sync(full=True)

    with pytest.raises(NotReplaced, match="the one that is known"):
        await replacing(house).accept(1, by="admin")

    assert len(await house.links()) == 1


async def test_the_old_one_attached_again_ends_the_alarm(house: House) -> None:
    """A wrong address, corrected: everything goes on as it was."""
    await office(house, _builtin)
    await house.sync(full=True)
    house.phones[1] = _builtin(house, 1)

    run = await house.sync(full=True)

    assert run.status is RunStatus.DONE
    assert await house.alarms() == ()
    assert len(await house.links()) == 2


async def test_one_that_does_not_answer_is_not_accepted(house: House) -> None:
    """Who it is cannot be known."""
    await office(house, _builtin)
    house.phones[1] = FaultyPhones(house.phones[1], Faults(away=True))

    with pytest.raises(PhonesSilent, match="The phone system: "):
        await replacing(house).accept(1, by="admin")

    assert len(await house.links()) == 2
