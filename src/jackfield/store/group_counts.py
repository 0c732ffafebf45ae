"""How many people a group would give an extension, those of the groups inside it included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, select

from jackfield.core.people import GroupId, ScopeRules, Standing, UserType
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
        people.c.enabled,
        people.c.is_resource_account.is_(False),
    )
)


async def count_people_in(
    tx: Transaction, tenant: int, ids: Sequence[GroupId], rules: ScopeRules
) -> dict[GroupId, int]:
    """Who would be in scope and enabled, were the group selected; each once. One query a group.

    `rules` say whether guests and people without a mailbox count, as `ScopeJudge` takes them.
    """
    nested = (await load_edges(tx, tenant, [])).nested
    statement = _PEOPLE_IN
    if not rules.guests:
        statement = statement.where(people.c.user_type != UserType.GUEST.value)
    if rules.mailbox_licence_only:
        statement = statement.where(people.c.has_mailbox)
    counts: dict[GroupId, int] = {}
    for id_ in ids:
        asked = {"of_tenant": tenant, "groups": sorted(_inside(id_, nested))}
        counts[id_] = await tx.scalar(statement, asked)
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
