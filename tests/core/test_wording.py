"""How an action reads, wherever it is shown: one title, and a line for each difference."""

from typing import get_args

import pytest

from jackfield.core.actions import (
    Action,
    ActionKind,
    AdoptExtension,
    CreateDepartment,
    CreateExtension,
    DepartmentsChange,
    DisableExtension,
    FieldChange,
    FlagDepartment,
    KeepLeaver,
    RemoveExtension,
    RenameDepartment,
    UnlinkExtension,
    UpdateExtension,
    type_of_action,
)
from jackfield.core.extensions import (
    DepartmentFlag,
    DepartmentKey,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
)
from jackfield.core.people import GroupId, LeaverCause, ObjectId
from jackfield.core.wording import KIND_LABELS, Difference, counted_done, differences, title, told

ADA = ObjectId("ada")
KEY = ExtensionKey("x1")
NUMBER = ExtensionNumber("0207")
SALES, SUPPORT = GroupId("g-sales"), GroupId("g-support")
D_HOUSE, D_SALES, D_OLD = DepartmentKey("d-house"), DepartmentKey("d-sales"), DepartmentKey("d-old")
DEPARTMENTS = {D_HOUSE: "House", D_SALES: "Sales"}
GROUPS = {SALES: "Sales", SUPPORT: "Support"}

MOVE = DepartmentsChange(
    add=(SUPPORT,),
    remove=(D_SALES,),
    primary=SUPPORT,
    before=(D_HOUSE, D_SALES),
    before_primary=D_SALES,
    because="Member in Microsoft 365: “Support”.",
)
TITLE = FieldChange(Field.JOB_TITLE, "Countess", "Programmer", "Changed in Microsoft 365.")
NEW = ExtensionFields("Ada", "Lovelace", "ada@example.org")

ACTIONS: list[tuple[Action, str, tuple[Difference, ...]]] = [
    (
        CreateDepartment(SALES, "Sales", "Sales 1", "because"),
        "Create department Sales 1",
        (Difference("Name", "", "Sales 1"),),
    ),
    (
        RenameDepartment(SALES, "Sellers", D_SALES, "Sales", "Sellers", "because"),
        "Rename department Sales to Sellers",
        (Difference("Name", "Sales", "Sellers"),),
    ),
    (
        FlagDepartment(SALES, D_SALES, "Sales", DepartmentFlag.VANISHED, "because"),
        "Flag department Sales as vanished",
        (Difference("Flag", "", "vanished"),),
    ),
    (
        FlagDepartment(SALES, D_SALES, "Sales", None, "because"),
        "Department Sales follows its group again",
        (Difference("Flag", "", "none"),),
    ),
    (
        CreateExtension(ADA, "Ada Lovelace", NUMBER, NEW, (SUPPORT, SALES), SUPPORT, "because"),
        "Create extension 0207 for Ada Lovelace",
        (
            Difference("Number", "", "0207"),
            Difference("First name", "", "Ada"),
            Difference("Last name", "", "Lovelace"),
            Difference("E-mail", "", "ada@example.org"),
            Difference("Departments", "", "Support, Sales"),
        ),
    ),
    (
        CreateExtension(
            ADA, "Ada", NUMBER, ExtensionFields(), (), None, "because", ExtensionNumber("0100")
        ),
        "Create extension 0207 for Ada",
        (Difference("Number", "0100", "0207"),),
    ),
    (
        AdoptExtension(ADA, "Ada Lovelace", KEY, NUMBER, (TITLE,), None, "because"),
        "Adopt extension 0207 for Ada Lovelace",
        (Difference("Job title", "Countess", "Programmer", "Changed in Microsoft 365."),),
    ),
    (
        UpdateExtension(ADA, "Ada Lovelace", KEY, NUMBER, (TITLE,), MOVE, "because"),
        "Update extension 0207 of Ada Lovelace",
        (
            Difference("Job title", "Countess", "Programmer", "Changed in Microsoft 365."),
            Difference("Departments", "House, Sales", "House, Support", MOVE.because),
            Difference("Primary department", "Sales", "Support", MOVE.because),
        ),
    ),
    (
        UpdateExtension(ADA, "Ada Lovelace", KEY, NUMBER, (), None, "back", returns=True),
        "Update extension 0207 of Ada Lovelace",
        (),
    ),
    (
        KeepLeaver(ADA, "Ada Lovelace", KEY, NUMBER, LeaverCause.DELETED, "because"),
        "Keep extension 0207 of Ada Lovelace, who has left",
        (),
    ),
    (
        KeepLeaver(ADA, "Ada Lovelace", KEY, NUMBER, LeaverCause.DELETED_BY_HAND, "because"),
        "Do not make extension 0207 of Ada Lovelace again",
        (),
    ),
    (
        DisableExtension(ADA, "Ada Lovelace", KEY, NUMBER, LeaverCause.DISABLED, "because"),
        "Disable extension 0207 of Ada Lovelace",
        (),
    ),
    (
        RemoveExtension(ADA, "Ada Lovelace", KEY, NUMBER, LeaverCause.OUT_OF_SCOPE, "because"),
        "Remove extension 0207 of Ada Lovelace",
        (),
    ),
    (
        UnlinkExtension(ADA, "Ada Lovelace", KEY, NUMBER, (), None, "because"),
        "Let extension 0207 of Ada Lovelace go",
        (),
    ),
]


@pytest.mark.parametrize(("action", "said", "_shown"), ACTIONS)
def test_the_title_says_what_and_to_whom(action: Action, said: str, _shown: object) -> None:
    """One line, the same in console, command line, API and journal."""
    assert title(action) == said


@pytest.mark.parametrize(("action", "_said", "shown"), ACTIONS)
def test_the_differences_name_what_stands_and_what_shall(
    action: Action, _said: str, shown: tuple[Difference, ...]
) -> None:
    """Names instead of keys; what was not set is left out."""
    assert differences(action, DEPARTMENTS, GROUPS) == shown


DONE = [
    "Department Sales 1 created",
    "Department Sales renamed to Sellers",
    "Department Sales flagged as vanished",
    "Department Sales follows its group again",
    "Extension 0207 created for Ada Lovelace",
    "Extension 0207 created for Ada",
    "Extension 0207 adopted for Ada Lovelace",
    "Extension 0207 of Ada Lovelace updated",
    "Extension 0207 of Ada Lovelace updated",
    "Extension 0207 of Ada Lovelace, who has left, kept",
    "Extension 0207 of Ada Lovelace is not made again",
    "Extension 0207 of Ada Lovelace disabled",
    "Extension 0207 of Ada Lovelace removed",
    "Extension 0207 of Ada Lovelace let go",
]


def test_what_was_done_is_told_as_done() -> None:
    """A run of one action says this one line: no order for something that is still to come."""
    assert [told(action) for action, _, _ in ACTIONS] == DONE


def test_what_was_done_is_counted_by_kind() -> None:
    """The noun is said once while it stays the same, and in the singular where one will do."""
    few = {ActionKind.UPDATE_EXTENSION: 3, ActionKind.CREATE_EXTENSION: 2}
    many = dict.fromkeys(ActionKind, 1) | {ActionKind.CREATE_EXTENSION: 1_200}

    assert counted_done(few) == "2 extensions created, 3 updated"
    assert counted_done(many) == (
        "1 department created, 1 renamed, 1 flagged, 1,200 extensions created, 1 adopted,"
        " 1 updated, 1 leaver kept, 1 extension disabled, 1 removed, 1 let go"
    )
    assert counted_done({ActionKind.REMOVE_EXTENSION: 0}) == ""


def test_what_has_no_name_any_more_is_shown_by_its_key() -> None:
    """A plan of last month names groups and departments that are gone."""
    gone = DepartmentsChange((SUPPORT,), (D_OLD,), SUPPORT, (D_OLD,), D_OLD, "because")
    action = UpdateExtension(ADA, "Ada", KEY, NUMBER, (), gone, "because")

    shown = differences(action, {}, {})

    assert shown == (
        Difference("Departments", "d-old", "g-support", "because"),
        Difference("Primary department", "d-old", "g-support", "because"),
    )


def test_a_first_primary_department_takes_nobodys_place() -> None:
    """Where there was none, none is named."""
    change = DepartmentsChange(primary=SALES, before=(D_SALES,), because="because")
    action = UpdateExtension(ADA, "Ada", KEY, NUMBER, (), change, "because")

    shown = differences(action, DEPARTMENTS, GROUPS)

    assert shown == (Difference("Primary department", "", "Sales", "because"),)


def test_every_kind_of_action_has_its_words() -> None:
    """A new kind without a title, a label or a row here would be shown as nothing."""
    assert {type(action) for action, _, _ in ACTIONS} == set(get_args(Action))
    assert KIND_LABELS.keys() == set(ActionKind) == set(type_of_action)
    assert len(set(KIND_LABELS.values())) == len(KIND_LABELS)
