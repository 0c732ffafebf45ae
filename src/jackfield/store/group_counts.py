"""How many people a group would give an extension, those of the groups inside it included."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from jackfield.core.people import GroupId, ScopeRules, Standing, UserType
from jackfield.store.group_trees import PEOPLE_INSIDE
from jackfield.store.people import people
from jackfield.store.schema import OF_TENANT
from jackfield.store.transaction import Transaction

_PEOPLE_IN = (
    select(func.count())
    .select_from(people)
    .where(
        people.c.tenant == OF_TENANT,
        people.c.id.in_(PEOPLE_INSIDE),
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
    statement = _PEOPLE_IN
    if not rules.guests:
        statement = statement.where(people.c.user_type != UserType.GUEST.value)
    if rules.mailbox_licence_only:
        statement = statement.where(people.c.has_mailbox)
    return {id_: await tx.scalar(statement, {"of_tenant": tenant, "roots": [id_]}) for id_ in ids}
