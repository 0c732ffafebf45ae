"""Nested groups, circles, and a directory of the largest kind."""

import random
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.core.memberships import chains, resolve_memberships


def plainly(people, nested, interest):
    """The same by walking down from each group."""
    found = {}
    for root in interest:
        seen, queue = {root}, deque([root])
        while queue:
            group = queue.popleft()
            for member in people.get(group, ()):
                found.setdefault(member, set()).add(root)
            for inner in nested.get(group, ()):
                if inner not in seen:
                    seen.add(inner)
                    queue.append(inner)
    return {member: frozenset(groups) for member, groups in found.items()}


@pytest.mark.parametrize(
    ("people", "nested", "interest", "expected"),
    [
        pytest.param({"a": ["p"]}, {}, {"a"}, {"p": {"a"}}, id="direct"),
        pytest.param(
            {"c": ["p"]}, {"a": ["b"], "b": ["c"]}, {"a"}, {"p": {"a"}}, id="through others"
        ),
        pytest.param(
            {"a": ["p"], "b": ["q"]},
            {"a": ["b"], "b": ["a"]},
            {"a", "b"},
            {"p": {"a", "b"}, "q": {"a", "b"}},
            id="circle",
        ),
        pytest.param({"a": ["p"]}, {"a": ["a"]}, {"a"}, {"p": {"a"}}, id="member of itself"),
        pytest.param({"a": ["p"], "b": ["q"]}, {}, {"b"}, {"q": {"b"}}, id="only of interest"),
        pytest.param({}, {"a": ["gone"]}, {"a", "b"}, {}, id="nobody"),
        pytest.param(
            {"c": ["p", "p"]},
            {"a": ["c"], "b": ["c"]},
            {"a", "b", "c"},
            {"p": {"a", "b", "c"}},
            id="two ways to the same person",
        ),
    ],
)
def test_nested_membership(people, nested, interest, expected):
    """A group's department holds the members of the groups within it, as in Teams and mail."""
    assert resolve_memberships(people, nested, interest) == expected


names = st.integers(0, 9)


@given(
    people=st.dictionaries(names, st.lists(st.integers(100, 120), max_size=4)),
    nested=st.dictionaries(names, st.lists(names, max_size=4)),
    interest=st.sets(names),
)
def test_resolving_agrees_with_walking_down(people, nested, interest):
    """Whatever the nesting, circles included."""
    assert resolve_memberships(people, nested, interest) == plainly(people, nested, interest)


@pytest.mark.sim
def test_a_directory_with_a_million_memberships():
    """5,000 groups, chains and circles among them; equal sets are one object."""
    rng = random.Random(5)
    groups = [f"g{n:04}" for n in range(5_000)]
    crowd = [f"p{n:06}" for n in range(100_000)]
    people = {group: rng.sample(crowd, 200) for group in groups}
    nested = {groups[n]: [groups[n + 1]] for n in range(400)}
    nested[groups[400]] = [groups[0]]
    nested |= {groups[n]: rng.sample(groups, 3) for n in range(4_900, 5_000)}
    interest = set(groups[:50]) | set(groups[4_950:])

    resolved = resolve_memberships(people, nested, interest)

    assert set(groups[:50]) <= resolved[people[groups[400]][0]]
    distinct = {frozenset(found) for found in resolved.values()}
    assert len({id(found) for found in resolved.values()}) == len(distinct)


def test_the_way_into_a_group_is_told() -> None:
    """Somebody in a department asks why, and is in no group of that name."""
    nested = {"all": ["sales", "north"], "sales": ["north"], "world": ["all"]}

    assert chains(["north", "dogs"], nested) == {
        "north": (),
        "dogs": (),
        "all": ("north",),
        "sales": ("north",),
        "world": ("north", "all"),
    }


def test_groups_in_a_circle_end_the_way() -> None:
    """Microsoft 365 allows them."""
    nested = {"a": ["b"], "b": ["a"]}

    assert chains(["a"], nested) == {"a": (), "b": ("a",)}
