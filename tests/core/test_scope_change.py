"""Whom another scope would make leavers, and whether that is many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.sketches import person
from jackfield.core.people import (
    GroupId,
    LeaverPolicy,
    Scope,
    ScopeRules,
    Standing,
    UserType,
)
from jackfield.core.rules import GuardRules, PeopleRules, RemoveAfter, Threshold
from jackfield.core.scope_change import becomes, is_many, new_leavers

ANN, BOB, CLEO = person("Ann"), person("Bob"), person("Cleo")
SALES = GroupId("sales")
IN_SALES = {ANN.id: frozenset({SALES})}
ALL = ScopeRules()
HELD = "a guard holds that back until you release it"


@pytest.mark.parametrize(
    ("after", "leavers"),
    [
        pytest.param(ALL, (), id="the_same_scope"),
        pytest.param(
            ScopeRules(Scope.SELECTED, frozenset({ANN.id})), (BOB.id, CLEO.id), id="only_ann"
        ),
        pytest.param(
            ScopeRules(Scope.ALL_EXCEPT_SELECTED, frozenset({ANN.id})), (ANN.id,), id="all_but_ann"
        ),
        pytest.param(
            ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES,)),
            (BOB.id, CLEO.id),
            id="only_sales",
        ),
    ],
)
def test_who_loses_their_place_is_named(after: ScopeRules, leavers: tuple[str, ...]) -> None:
    """By the very judge that the sync asks."""
    assert new_leavers([ANN, BOB, CLEO], IN_SALES, ALL, after) == leavers


def test_who_is_a_leaver_already_is_none_of_them() -> None:
    """Saving makes nothing of somebody who was deleted, disabled or a guest before."""
    gone = replace(ANN, standing=Standing.GONE)
    off = replace(BOB, enabled=False)
    guest = replace(CLEO, user_type=UserType.GUEST)

    assert new_leavers([gone, off, guest], {}, ALL, ScopeRules(Scope.SELECTED)) == ()


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (PeopleRules(), "they keep their extensions, and are not synchronised any more"),
        (
            PeopleRules(on_out_of_scope=LeaverPolicy.DISABLE),
            f"their extensions are disabled; {HELD}",
        ),
        (
            PeopleRules(on_out_of_scope=LeaverPolicy.REMOVE),
            f"their extensions are disabled, and removed after 30 days; {HELD}",
        ),
        (
            PeopleRules(
                on_out_of_scope=LeaverPolicy.REMOVE, remove_after=RemoveAfter(out_of_scope=0)
            ),
            f"their extensions are removed; {HELD}",
        ),
    ],
)
def test_what_becomes_of_them_is_said(rules: PeopleRules, said: str) -> None:
    assert becomes(rules) == said


@pytest.mark.parametrize(
    ("count", "linked", "many"),
    [
        pytest.param(5, 10, False, id="not_more_than_the_number"),
        pytest.param(6, 60, False, id="not_more_than_the_percentage"),
        pytest.param(6, 59, True, id="more_than_both"),
        pytest.param(0, 0, False, id="nobody"),
    ],
)
def test_many_is_what_a_guard_would_hold(count: int, linked: int, many: bool) -> None:
    """The figures are the administrator's own."""
    assert is_many(count, linked, PeopleRules()) is many


def test_a_removal_at_once_counts_by_the_figures_of_removals() -> None:
    """Who allows many disablings has not allowed as many removals."""
    guards = GuardRules(removals=Threshold(0, 0), disables=Threshold(100, 0))
    removing = PeopleRules(
        on_out_of_scope=LeaverPolicy.REMOVE,
        remove_after=RemoveAfter(out_of_scope=0),
        guards=guards,
    )

    assert is_many(1, 50, removing)
    assert not is_many(1, 50, replace(removing, remove_after=RemoveAfter(out_of_scope=7)))
