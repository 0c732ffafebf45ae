"""Why a department is so, for each way in which it may have come to stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jackfield.core.department_reasons import explain_department
from jackfield.core.departments import DepartmentRules, DepartmentSource, Group
from jackfield.core.extensions import Department, DepartmentFlag, DepartmentKey, DepartmentLink
from jackfield.core.people import GroupId, Scope, ScopeRules

SALES = GroupId("sales")
GROUP = Group(SALES, "Sales")
DEPARTMENT = Department(DepartmentKey("d1"), "Sales")
LINK = DepartmentLink(SALES, DEPARTMENT.key, "Sales", "Sales")
ALL = DepartmentRules(DepartmentSource.ALL)


@pytest.mark.parametrize(
    ("link", "rules", "said"),
    [
        pytest.param(None, ALL, "Made in the phone system by hand", id="by_hand"),
        pytest.param(LINK, ALL, "every group with a member", id="every_group"),
        pytest.param(
            LINK,
            DepartmentRules(DepartmentSource.CHOSEN, (SALES,)),
            "one of the groups chosen to become departments",
            id="chosen",
        ),
        pytest.param(
            LINK,
            DepartmentRules(DepartmentSource.SCOPE),
            "one of the groups that decide who gets an extension",
            id="of_the_scope",
        ),
        pytest.param(
            LINK, DepartmentRules(DepartmentSource.NONE), "is no longer", id="not_chosen_any_more"
        ),
        pytest.param(
            replace(LINK, flag=DepartmentFlag.VANISHED),
            ALL,
            "no longer in Microsoft 365",
            id="group_deleted",
        ),
        pytest.param(
            replace(LINK, flag=DepartmentFlag.DESELECTED),
            ALL,
            "not chosen for departments any more",
            id="group_deselected",
        ),
    ],
)
def test_it_is_said_where_it_comes_from(
    link: DepartmentLink | None, rules: DepartmentRules, said: str
) -> None:
    """And what a sync does with it, or does not."""
    scope = ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES,))

    reasons = explain_department(DEPARTMENT, link, GROUP, rules, scope)

    assert said in reasons[0]
    assert len(reasons) > 1


@pytest.mark.parametrize(
    ("name", "agreed", "said"),
    [
        ("Sales", "Sales", "It has the group's name"),
        ("Vertrieb", "Sales", "Its name was given in the phone system"),
        ("Sales 2", "Sales 2", "“Sales” was taken in the phone system"),
    ],
)
def test_it_is_said_whose_its_name_is(name: str, agreed: str, said: str) -> None:
    """A renamed group changes some departments and not others."""
    reasons = explain_department(
        replace(DEPARTMENT, name=name), replace(LINK, agreed_name=agreed), GROUP, ALL, ScopeRules()
    )

    assert said in reasons[-1]


def test_a_group_with_a_new_name_is_told() -> None:
    """Until the next sync the two differ."""
    renamed = replace(GROUP, name="Sales EMEA")

    reasons = explain_department(DEPARTMENT, LINK, renamed, ALL, ScopeRules())

    assert reasons[-1] == "Its group was called “Sales”; the next sync renames the department."
