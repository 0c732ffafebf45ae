"""Which writes wait behind one that was not answered."""

import pytest

from doubles.order import Unsettled
from jackfield.core.extensions import (
    DepartmentKey,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
)
from jackfield.pbx.port import (
    CreateDepartmentWrite,
    CreateExtensionWrite,
    RemoveExtensionWrite,
    RenameDepartmentWrite,
    UpdateExtensionWrite,
    Write,
)


def create(who: str, number: str) -> Write:
    return CreateExtensionWrite(who, ExtensionNumber(number), ExtensionFields())


def update(key: str, external_key: str | None = None) -> Write:
    return UpdateExtensionWrite(ExtensionKey(key), enabled=True, external_key=external_key)


def remove(key: str, number: str) -> Write:
    return RemoveExtensionWrite(ExtensionKey(key), ExtensionNumber(number))


def found(group: str, name: str) -> Write:
    return CreateDepartmentWrite(group, name)


def rename(key: str, name: str, expected: str) -> Write:
    return RenameDepartmentWrite(DepartmentKey(key), name, expected)


@pytest.mark.parametrize(
    ("first", "second", "waits"),
    [
        pytest.param(create("a", "1"), create("b", "2"), False, id="two_newcomers"),
        pytest.param(create("a", "1"), create("b", "1"), True, id="one_number"),
        pytest.param(create("a", "1"), create("a", "2"), True, id="one_person"),
        pytest.param(remove("x", "1"), create("a", "1"), True, id="successor_of_a_number"),
        pytest.param(remove("x", "1"), create("a", "2"), True, id="removed_may_be_that_person"),
        pytest.param(create("a", "2"), remove("x", "1"), True, id="found_one_may_be_removed"),
        pytest.param(remove("x", "1"), update("y", "a"), True, id="adopted_after_a_removal"),
        pytest.param(update("y", "a"), remove("x", "1"), True, id="removed_after_an_adoption"),
        pytest.param(remove("x", "1"), remove("y", "2"), False, id="two_removals"),
        pytest.param(remove("x", "1"), update("y"), False, id="removal_and_another_update"),
        pytest.param(update("x"), update("x"), True, id="two_updates_of_one"),
        pytest.param(update("x"), update("y"), False, id="two_updates"),
        pytest.param(update("x"), create("a", "1"), False, id="update_and_newcomer"),
        pytest.param(update("x", "a"), create("a", "1"), True, id="adopted_or_created"),
        pytest.param(found("g", "Sales"), found("h", "SALES"), True, id="one_name_in_two_cases"),
        pytest.param(found("g", "Sales"), found("g", "Support"), True, id="one_group"),
        pytest.param(found("g", "Sales"), create("a", "1"), False, id="department_and_newcomer"),
        pytest.param(rename("d", "B", "A"), found("g", "a"), True, id="name_that_comes_free"),
        pytest.param(rename("d", "B", "A"), rename("e", "A", "C"), True, id="name_handed_on"),
        pytest.param(rename("d", "B", "A"), rename("d", "D", "C"), True, id="one_department"),
        pytest.param(rename("d", "B", "A"), rename("e", "D", "C"), False, id="two_renames"),
    ],
)
def test_write_waits_for_an_unanswered_one_that_touches_the_same(
    first: Write, second: Write, *, waits: bool
) -> None:
    """Overtaken, the first one would be done or refused differently when it is repeated."""
    unsettled = Unsettled()
    unsettled.note(first)

    assert unsettled.holds_up(second) is waits
