"""Planning the touched people equals planning everyone, restricted to them.

This is what lets a change in Microsoft 365 reach one phone within seconds without looking at
100,000 others.
"""

import random

import pytest

from core.rehearsal import SEEDS, Rehearsal
from jackfield.core.actions import (
    AdoptExtension,
    CreateDepartment,
    CreateExtension,
    DisableExtension,
    FlagDepartment,
    RemoveExtension,
    RenameDepartment,
    UpdateExtension,
)
from jackfield.core.departments import DepartmentSource
from jackfield.core.plan import plan

DEPARTMENT_ACTIONS = CreateDepartment | RenameDepartment | FlagDepartment


def of_people(actions, ids):
    return [
        action
        for action in actions
        if not isinstance(action, DEPARTMENT_ACTIONS) and action.person in ids
    ]


def count_elsewhere(made, ids):
    """What the store counts for the guards: wanted for people outside the slice."""
    outside = [
        action
        for action in made.actions + made.held
        if not isinstance(action, DEPARTMENT_ACTIONS) and action.person not in ids
    ]
    return {
        "removals_elsewhere": sum(isinstance(action, RemoveExtension) for action in outside),
        "disables_elsewhere": sum(isinstance(action, DisableExtension) for action in outside),
        "memberships_elsewhere": sum(
            isinstance(action, UpdateExtension)
            and action.departments is not None
            and bool(action.departments.remove)
            for action in outside
        ),
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_a_slice_is_planned_as_in_the_whole(seed):
    """Same actions, same numbers, same reasons, same things held."""
    rng = random.Random(seed)
    world = Rehearsal(rng)
    whole = plan(world.view(), world.rules, world.limits)
    waiting = {
        action.person
        for action in whole.actions + whole.held
        if isinstance(action, CreateExtension | AdoptExtension)
    } | {refusal.subject for refusal in whole.refusals if refusal.subject}
    everybody = sorted({*world.people, *world.links})
    ids = waiting | set(rng.sample(everybody, rng.randrange(len(everybody) + 1)))

    part = plan(world.slice_of(ids, **count_elsewhere(whole, ids)), world.rules, world.limits)

    assert of_people(part.actions, ids) == of_people(whole.actions, ids)
    assert of_people(part.held, ids) == of_people(whole.held, ids)
    assert [one for one in part.refusals if one.subject] == [
        one for one in whole.refusals if one.subject in ids
    ]
    assert list(part.notices) == [one for one in whole.notices if one.subject in ids]
    if world.rules.departments.source is not DepartmentSource.ALL:
        for mine, all_of_it in ((part.actions, whole.actions), (part.held, whole.held)):
            assert [one for one in mine if isinstance(one, DEPARTMENT_ACTIONS)] == [
                one for one in all_of_it if isinstance(one, DEPARTMENT_ACTIONS)
            ]


@pytest.mark.parametrize("seed", SEEDS[:40])
def test_a_plan_depends_on_nothing_but_the_pictures(seed):
    """Two processes, two orders of rows: one plan, byte for byte."""
    world = Rehearsal(random.Random(seed))
    first = plan(world.view(), world.rules, world.limits)
    for picture in (world.people, world.links, world.extensions, world.groups, world.departments):
        rows = list(picture.items())
        random.Random(seed).shuffle(rows)
        picture.clear()
        picture.update(rows)

    assert repr(plan(world.view(), world.rules, world.limits)) == repr(first)


@pytest.mark.parametrize("seed", SEEDS[:40])
def test_actions_come_in_the_order_in_which_they_are_done(seed):
    """Departments before their members, newcomers before anything that can wait, leavers last."""
    world = Rehearsal(random.Random(seed))
    order = [
        "CreateDepartment",
        "RenameDepartment",
        "FlagDepartment",
        "CreateExtension",
        "AdoptExtension",
        "UpdateExtension",
    ]

    made = plan(world.view(), world.rules, world.limits)

    ranks = [
        order.index(name) if (name := type(action).__name__) in order else len(order)
        for action in made.actions
    ]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("seed", SEEDS[:20])
def test_two_tenants_with_the_same_ids_do_not_colour_each_other(seed):
    """One process plans for many customers; nothing of one may be remembered for the next."""
    one, other = Rehearsal(random.Random(seed)), Rehearsal(random.Random(seed + 1))
    alone = plan(one.view(), one.rules, one.limits)

    between = plan(other.view(), other.rules, other.limits)

    assert one.people.keys() & other.people.keys()
    assert plan(one.view(), one.rules, one.limits) == alone
    assert plan(other.view(), other.rules, other.limits) == between
