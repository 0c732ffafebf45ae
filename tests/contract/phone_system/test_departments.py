"""The phone port's promises about departments."""

import pytest

from contract.phone_system.places import (
    Place,
    code,
    departments,
    founded,
    hired,
    new_extension,
    read,
    settle,
    settle_one,
)
from jackfield.core.extensions import Department, DepartmentKey
from jackfield.pbx.port import (
    CreateDepartmentWrite,
    Done,
    RefusalCode,
    Refused,
    RenameDepartmentWrite,
)


def department(outcome: Done | Refused) -> Department:
    assert isinstance(outcome, Done), outcome
    assert outcome.department is not None
    return outcome.department


async def test_created_department_stands_with_its_key(place: Place) -> None:
    """A department is bound to its group by id, never by name."""
    outcome = await settle_one(place, CreateDepartmentWrite("group 1", "Sales & Søn"))

    made = department(outcome)
    assert (made.name, made.external_key) == ("Sales & Søn", "group 1")
    assert (await departments(place))[made.key] == made


async def test_repeated_creation_finds_the_first_one(place: Place) -> None:
    """A lost answer must not leave "Sales" and "Sales 1"."""
    first = await settle_one(place, CreateDepartmentWrite("group 1", "Sales"))
    standing = await departments(place)

    again = await settle_one(place, CreateDepartmentWrite("group 1", "Sales"))
    renamed_meanwhile = await settle_one(place, CreateDepartmentWrite("group 1", "Vertrieb"))

    assert department(again) == department(first) == department(renamed_meanwhile)
    assert await departments(place) == standing


@pytest.mark.parametrize("name", ["Sales", "SALES", "sales"])
async def test_existing_department_is_never_taken_over(place: Place, name: str) -> None:
    """D-02: the one that stands is neither changed nor used; the plan finds another name."""
    by_hand = await place.department_by_hand("Sales")

    refused, numbered = await settle(
        place,
        [CreateDepartmentWrite("group 1", name), CreateDepartmentWrite("group 1", f"{name} 1")],
    )

    assert code(refused) is RefusalCode.NAME_TAKEN
    assert department(numbered).name == f"{name} 1"
    standing = (await departments(place))[by_hand]
    assert standing == Department(by_hand, "Sales", None)


async def test_names_differ_by_more_than_case(place: Place) -> None:
    """What a person would read as one name is one name, in every script that has cases."""
    outcomes = await settle(
        place,
        [
            CreateDepartmentWrite("1", "Straße"),
            CreateDepartmentWrite("2", "STRASSE"),
            CreateDepartmentWrite("3", "ΟΔΟΣ"),
            CreateDepartmentWrite("4", "οδος"),
            CreateDepartmentWrite("5", "Strasse 1"),
        ],
    )

    taken = RefusalCode.NAME_TAKEN
    assert [code(outcome) for outcome in outcomes] == [None, taken, None, taken, None]


async def test_rename_follows_the_group(place: Place) -> None:
    """D-04; members stay where they are."""
    (sales,) = await founded(place, "Sales")
    (member,) = await hired(place, new_extension(1, None, sales, primary=sales))
    write = RenameDepartmentWrite(sales, "Vertrieb", "Sales")

    outcomes = [await settle_one(place, write) for _ in range(2)]

    assert [department(outcome).name for outcome in outcomes] == ["Vertrieb", "Vertrieb"]
    assert (await departments(place))[sales].name == "Vertrieb"
    assert (await departments(place))[sales].external_key == "group Sales"
    assert (await read(place)).extensions[member.key] == member


async def test_rename_of_a_name_given_by_hand_is_refused(place: Place) -> None:
    """D-04: who renamed it by hand wants it so."""
    (sales,) = await founded(place, "Sales")

    outcome = await settle_one(place, RenameDepartmentWrite(sales, "Vertrieb", "Sales EMEA"))

    assert code(outcome) is RefusalCode.STALE
    assert (await departments(place))[sales].name == "Sales"


async def test_rename_to_a_taken_name_is_refused(place: Place) -> None:
    """Two departments of one name cannot be told apart in a picker."""
    sales, _ = await founded(place, "Sales", "Support")

    outcome = await settle_one(place, RenameDepartmentWrite(sales, "SUPPORT", "Sales"))

    assert code(outcome) is RefusalCode.NAME_TAKEN
    assert (await departments(place))[sales].name == "Sales"


async def test_rename_may_change_the_case_alone(place: Place) -> None:
    """A department is not in its own way."""
    (sales,) = await founded(place, "sales")

    outcome = await settle_one(place, RenameDepartmentWrite(sales, "Sales", "sales"))

    assert department(outcome).name == "Sales"


async def test_names_pass_from_one_to_the_other_in_one_call(place: Place) -> None:
    """Writes are carried out in their order, lost answers or not."""
    sales, support = await founded(place, "Sales", "Support")

    outcomes = await settle(
        place,
        [
            RenameDepartmentWrite(sales, "Support", "Sales"),
            RenameDepartmentWrite(support, "Help", "Support"),
            RenameDepartmentWrite(sales, "Support", "Sales"),
            CreateDepartmentWrite("group 3", "Sales"),
        ],
    )

    assert [code(outcome) for outcome in outcomes] == [RefusalCode.NAME_TAKEN, None, None, None]
    names = {d.name for d in (await departments(place)).values()}
    assert {"Support", "Help", "Sales"} <= names


@pytest.mark.parametrize("key", ["nowhere", "", "-1", "99999999999999999999999"])
async def test_rename_of_an_unknown_department_is_not_found(place: Place, key: str) -> None:
    """It was removed by hand: the plan has to look again."""
    outcome = await settle_one(place, RenameDepartmentWrite(DepartmentKey(key), "A", "B"))

    assert code(outcome) is RefusalCode.NOT_FOUND


async def test_name_of_nothing_or_too_much_is_refused(place: Place) -> None:
    """A department without a name cannot be chosen; a cut name may clash."""
    (sales,) = await founded(place, "Sales")
    too_long = "é" * (place.phones().capabilities.name_length + 1)

    outcomes = await settle(
        place,
        [
            CreateDepartmentWrite("1", ""),
            CreateDepartmentWrite("2", too_long),
            RenameDepartmentWrite(sales, "", "Sales"),
            RenameDepartmentWrite(sales, too_long, "Sales"),
            CreateDepartmentWrite("3", too_long[1:]),
        ],
    )

    assert [code(outcome) for outcome in outcomes] == [RefusalCode.VALUE_INVALID] * 4 + [None]


async def test_department_keys_are_not_extension_keys(place: Place) -> None:
    """Whatever the phone system's keys look like, an extension's is no department's."""
    await founded(place, "Sales", "Support")
    (member,) = await hired(place, new_extension(1))

    outcome = await settle_one(place, new_extension(2, None, DepartmentKey(f"{member.key}0")))

    assert code(outcome) is RefusalCode.NOT_FOUND
