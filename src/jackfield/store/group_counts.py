"""How many people are in a group, as a scope or a department counts them: nested ones included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, select

from jackfield.core.people import GroupId, Standing
from jackfield.store.groups import MemberKind, group_members, load_edges
from jackfield.store.people import people
from jackfield.store.schema import OF_TENANT
from jackfield.store.transaction import Transaction

_groups: BindParameter[Any] = bindparam("groups", expanding=True)
_PEOPLE_IN = (
    select(func.count(group_members.c.member.distinct()))
    .join(
        people,
        (people.c.tenant == group_members.c.tenant) & (people.c.id == group_members.c.member),
    )
    .where(
        group_members.c.tenant == OF_TENANT,
        group_members.c.group_id.in_(_groups),
        group_members.c.kind == MemberKind.USER.value,
        people.c.standing == Standing.PRESENT.value,
    )
)


async def count_people_in(
    tx: Transaction, tenant: int, ids: Sequence[GroupId]
) -> dict[GroupId, int]:
    """People present in each group and in the groups inside it, each once. One query a group."""
    nested = (await load_edges(tx, tenant, [])).nested
    counts: dict[GroupId, int] = {}
    for id_ in ids:
        asked = {"of_tenant": tenant, "groups": sorted(_inside(id_, nested))}
        counts[id_] = await tx.scalar(_PEOPLE_IN, asked)
    return counts


def _inside(group: GroupId, nested: Mapping[GroupId, Sequence[GroupId]]) -> set[GroupId]:
    """The group and every group inside it; circles do no harm."""
    found = {group}
    waiting = [group]
    while waiting:
        new = set(nested.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found
