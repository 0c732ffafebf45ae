"""The three pictures of a plan: tenant and phone system as last seen, what both agreed on.

A view is a slice of them plus figures about the whole, so that planning the touched people is
planning everyone, restricted to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jackfield.core.dangers import Danger
from jackfield.core.departments import Group
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionKey,
    ExtensionNumber,
    FormerExtension,
    Link,
    Verdict,
)
from jackfield.core.number_pools import Released
from jackfield.core.people import GroupId, ObjectId, Person


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures about the whole of the pictures, so that a slice can be planned like everything."""

    linked: int = 0
    """Links in all (leavers included)."""
    round_finished: bool = True
    """The last full round of the tenant came to its end."""
    people_now: int = 0
    """People present in the picture after the last finished full round."""
    people_accepted: int = 0
    """The same figure when a plan last accepted it; 0 = never."""
    groups_readable: bool = True
    """False while the permission to read groups is missing: department actions are left out, nobody
    leaves for want of a group."""
    removals_elsewhere: int = 0
    """Removals wanted (held, or done a short while ago) for people outside the slice: the guards
    count them in, or many small slices would slip through where one big plan is stopped."""
    disables_elsewhere: int = 0
    renumberings_elsewhere: int = 0
    lost_elsewhere: int = 0
    """The same for people whose extension is gone and would be made again."""
    memberships_elsewhere: int = 0
    """The same for people who would lose a department."""
    departments_elsewhere: int = 0
    """Departments that were gone and were made again a short while ago; every slice has all others
    in its own plan."""


@dataclass(frozen=True, slots=True)
class View:
    """A slice of the pictures plus what the whole contributes.

    Planning the touched people equals planning everyone, restricted to them, as long as the slice
    holds everyone who waits for an extension: people in scope without a link, and linked people
    whose extension is gone.
    """

    people: Mapping[ObjectId, Person]
    links: Mapping[ObjectId, Link]
    """Links of the slice. One whose person is not in `people` belongs to somebody who is gone."""
    extensions: Mapping[ExtensionKey, Extension]
    """The extensions of those links, and every unlinked one that bears a mail, a UPN or (as its
    external key) an object ID of the slice, or is decided to be a
    person's of the slice."""
    memberships: Mapping[ObjectId, frozenset[GroupId]] = field(default_factory=dict)
    """For each person of the slice the groups of interest they are in, nested membership resolved
    (`jackfield.core.memberships`)."""
    same_address: Mapping[str, int] = field(default_factory=dict)
    """How many people present in the whole tenant bear an address (mail or UPN, casefolded); absent
    = one."""
    groups: Mapping[GroupId, Group] = field(default_factory=dict)
    """All groups of interest, linked ones included. One that is missing here counts as gone."""
    departments: Mapping[DepartmentKey, Department] = field(default_factory=dict)
    """All departments of the phone system."""
    department_links: Mapping[GroupId, DepartmentLink] = field(default_factory=dict)
    """All of them."""
    used_numbers: AbstractSet[str] = frozenset()
    """Every number that is taken in the phone system, by whatever it is."""
    released: Mapping[ExtensionNumber, Released] = field(default_factory=dict)
    """Numbers of the whole phone system that were given up and are perhaps still held."""
    former: Mapping[ObjectId, FormerExtension] = field(default_factory=dict)
    """What people of the slice who have no link once had."""
    decisions: Mapping[ObjectId, Mapping[ExtensionKey, Verdict]] = field(default_factory=dict)
    """All decisions about doubtful matches."""
    unreleased: Mapping[tuple[Danger, ObjectId], int] = field(default_factory=dict)
    """What guards have held back from whom, or an administrator has turned down of that, and nobody
    has released since, and how many it was when it was first held."""
    summary: Summary = Summary()
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """When the view was taken: how long somebody has been gone is counted up to here."""
