"""Groups inside groups, resolved by the database: for questions about the people of a few groups.

`jackfield.core.memberships` resolves everybody's at once, for plans; both take the same groups for
present and follow the same memberships.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, select

from jackfield.core.people import Standing
from jackfield.store.groups import MemberKind, group_members, groups
from jackfield.store.schema import OF_TENANT

ROOTS: BindParameter[Any] = bindparam("roots", expanding=True)
"""The groups asked about: at most `schema.CHUNK` at once."""

_PRESENT = (groups.c.tenant == OF_TENANT, groups.c.standing == Standing.PRESENT.value)


def _people() -> Select[Any]:
    inside = (
        select(groups.c.id.label("id"))
        .where(*_PRESENT, groups.c.id.in_(ROOTS))
        .cte("inside", recursive=True)
    )
    # UNION, not UNION ALL: a circle ends where nothing new is found.
    inside = inside.union(
        select(groups.c.id)
        .join(group_members, group_members.c.member == groups.c.id)
        .join(inside, inside.c.id == group_members.c.group_id)
        .where(
            *_PRESENT,
            group_members.c.tenant == OF_TENANT,
            group_members.c.kind == MemberKind.GROUP.value,
        )
    )
    return (
        select(group_members.c.member)
        .join(inside, inside.c.id == group_members.c.group_id)
        .where(
            group_members.c.tenant == OF_TENANT,
            group_members.c.kind == MemberKind.USER.value,
        )
    )


PEOPLE_INSIDE = _people()
"""The object IDs of the members of the groups `ROOTS` and of every group inside them; one who is in
several of them comes several times. Wants `OF_TENANT` too."""
