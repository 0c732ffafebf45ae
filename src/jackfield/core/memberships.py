"""Who is in which group, nested membership resolved.

Microsoft 365 tells direct members only (Graph docs, "groups: delta", read 2026-11); a group may be
a member of others, also in a circle. What a membership leads to is decided in
`jackfield.core.people` and `jackfield.core.departments`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from jackfield.core.people import GroupId, ObjectId


def resolve_memberships(
    people: Mapping[GroupId, Iterable[ObjectId]],
    nested: Mapping[GroupId, Iterable[GroupId]],
    interest: AbstractSet[GroupId],
) -> dict[ObjectId, frozenset[GroupId]]:
    """For each person in any group of interest, all of those groups they are in.

    `people` and `nested` hold the direct members of each group; groups that are not of interest
    count as steps in between. People in none are left out. Equal sets are one object, so that
    100,000 people cost little memory and what is decided for a set can be remembered by it.
    """
    masks = _masks(people.keys() | nested.keys(), nested, interest)
    direct: dict[ObjectId, int] = {}
    known = direct.get
    for group, members in people.items():
        mask = masks.get(group, 0)
        if mask:
            for person in members:
                before = known(person, 0)
                if before | mask != before:
                    direct[person] = before | mask
    by_bit = sorted(interest)
    decoded: dict[int, frozenset[GroupId]] = {}
    resolved: dict[ObjectId, frozenset[GroupId]] = {}
    for person, mask in direct.items():
        groups = decoded.get(mask)
        if groups is None:
            groups = decoded[mask] = frozenset(by_bit[bit] for bit in _bits(mask))
        resolved[person] = groups
    return resolved


def chains(
    direct: Iterable[GroupId], nested: Mapping[GroupId, Iterable[GroupId]]
) -> dict[GroupId, tuple[GroupId, ...]]:
    """Each group that somebody is in, with the groups that lead to it, the nearest to them first.

    Of several ways the shortest; nothing leads to those they are in directly. Circles do no harm.
    """
    outer: dict[GroupId, list[GroupId]] = {}
    for group, members in nested.items():
        for member in members:
            outer.setdefault(member, []).append(group)
    found: dict[GroupId, tuple[GroupId, ...]] = dict.fromkeys(direct, ())
    waiting = deque(found)
    while waiting:
        group = waiting.popleft()
        for around in outer.get(group, ()):
            if around not in found:
                found[around] = (*found[group], group)
                waiting.append(around)
    return found


def _masks(
    groups: AbstractSet[GroupId],
    nested: Mapping[GroupId, Iterable[GroupId]],
    interest: AbstractSet[GroupId],
) -> dict[GroupId, int]:
    """For each group, as bits, the groups of interest that contain it (itself included)."""
    masks = dict.fromkeys(groups, 0)
    for bit, group in enumerate(sorted(interest)):
        masks[group] = 1 << bit
    inside = {group: tuple(members) for group, members in nested.items()}
    order = _outer_first(inside)
    # Without circles one pass is enough and the second finds nothing to do.
    changed = True
    while changed:
        changed = False
        for group in order:
            mask = masks[group]
            for member in inside[group]:
                before = masks.get(member, 0)
                if before | mask != before:
                    masks[member] = before | mask
                    changed = True
    return masks


def _outer_first(inside: Mapping[GroupId, tuple[GroupId, ...]]) -> list[GroupId]:
    """Groups with nested ones, each before those it contains, as far as circles allow."""
    done: set[GroupId] = set()
    order: list[GroupId] = []
    for root in inside:
        if root in done:
            continue
        done.add(root)
        path = [(root, iter(inside[root]))]
        while path:
            group, members = path[-1]
            for member in members:
                if member in inside and member not in done:
                    done.add(member)
                    path.append((member, iter(inside[member])))
                    break
            else:
                order.append(group)
                path.pop()
    order.reverse()
    return order


def _bits(mask: int) -> Iterable[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
