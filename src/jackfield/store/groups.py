"""The picture of the tenant's groups and of who is directly in them, and the names of its licences.

Direct members only; nested membership is resolved by `core/memberships.py`. A finished full round
drops groups and memberships that it did not meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Unpack

from sqlalchemy import (
    BindParameter,
    Index,
    Table,
    bindparam,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy import text as sql_text

from jackfield.core.departments import Group, GroupKind
from jackfield.core.people import GroupId, ObjectId, Standing
from jackfield.core.records import record
from jackfield.store.schema import (
    OF_TENANT,
    flag,
    key,
    maybe_moment,
    metadata,
    number,
    storable,
    tenant_key,
    text,
    to_micros,
)
from jackfield.store.search import Found, Listing, Paging, find
from jackfield.store.sequences import hold, next_change
from jackfield.store.transaction import AnyRow, Bulk, Transaction, chunks, upsert
from jackfield.store.words import sort_key, words_of

groups = Table(
    "directory_group",
    metadata,
    tenant_key(),
    key("id"),
    text("standing"),
    text("sort"),
    text("words"),
    text("name"),
    text("kind"),
    flag("dynamic"),
    text("description"),
    text("mail"),
    number("seen_round"),
    number("changed_seq"),
    maybe_moment("removed_at"),
    Index("ix_directory_group_list", "tenant", "standing", "sort", "id", "words"),
    Index("ix_directory_group_changed", "tenant", "changed_seq"),
)

group_members = Table(
    "group_member",
    metadata,
    tenant_key(),
    key("group_id"),
    key("member"),
    text("kind"),
    number("seen_round"),
    Index("ix_group_member_member", "tenant", "member"),
    Index(
        "ix_group_member_nested",
        "tenant",
        "group_id",
        sqlite_where=sql_text("kind = 'group'"),
        postgresql_where=sql_text("kind = 'group'"),
    ),
    sqlite_with_rowid=False,
)

skus = Table("sku", metadata, tenant_key(), key("id"), text("part_number"), text("name"))


class MemberKind(StrEnum):
    """What a direct member is."""

    USER = "user"
    GROUP = "group"
    OTHER = "other"
    """A device, a contact, a service principal."""


@record
class Member:
    """One direct membership."""

    group: GroupId
    member: str
    kind: MemberKind = MemberKind.USER


@dataclass(frozen=True, slots=True)
class Edges:
    """Direct memberships in the shape that `core.memberships.resolve_memberships` takes."""

    people: dict[GroupId, list[ObjectId]] = field(default_factory=dict)
    nested: dict[GroupId, list[GroupId]] = field(default_factory=dict)


_GROUP_COLUMNS = [
    groups.c[name] for name in ("id", "name", "kind", "dynamic", "description", "mail", "standing")
]
_NAMESAKES = 20
"""Groups that are looked at for one of exactly a name."""
_LISTING = Listing(
    groups,
    groups.c.id,
    groups.c.words,
    (groups.c.standing == Standing.PRESENT.value,),
)
_COUNT = (
    select(func.count())
    .select_from(groups)
    .where(groups.c.tenant == OF_TENANT, groups.c.standing == Standing.PRESENT.value)
)
_save = upsert(
    groups,
    (
        "tenant",
        "id",
        "standing",
        "sort",
        "words",
        "name",
        "kind",
        "dynamic",
        "description",
        "mail",
        "seen_round",
        "changed_seq",
        "removed_at",
    ),
)
_see = Bulk(
    ("round_", "tenant_", "id_"),
    lambda _insert: (
        update(groups)
        .where(groups.c.tenant == bindparam("tenant_"), groups.c.id == bindparam("id_"))
        .values(seen_round=bindparam("round_"))
    ),
)
_add_members = upsert(group_members, ("tenant", "group_id", "member", "kind", "seen_round"))
_drop_members = Bulk(
    ("tenant_", "group_", "member_"),
    lambda _insert: delete(group_members).where(
        group_members.c.tenant == bindparam("tenant_"),
        group_members.c.group_id == bindparam("group_"),
        group_members.c.member == bindparam("member_"),
    ),
)
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_ALL = select(*_GROUP_COLUMNS).where(groups.c.tenant == OF_TENANT)
_SOME = _ALL.where(groups.c.id.in_(_ids))
_EDGES = (
    select(group_members.c.group_id, group_members.c.member)
    .join(
        groups,
        (groups.c.tenant == group_members.c.tenant) & (groups.c.id == group_members.c.group_id),
    )
    .where(group_members.c.tenant == OF_TENANT, groups.c.standing == Standing.PRESENT.value)
    .order_by(group_members.c.group_id, group_members.c.member)
)
# Written out: SQLite takes the index of groups in groups only where it reads which they are.
_NESTED = _EDGES.where(
    group_members.c.kind == literal(MemberKind.GROUP.value, literal_execute=True)
)
_OF_PEOPLE = _EDGES.where(group_members.c.kind == MemberKind.USER.value)
_OF_SOME_PEOPLE = _OF_PEOPLE.where(group_members.c.member.in_(_ids))


async def save_groups(
    tx: Transaction, tenant: int, found: Sequence[Group], round_number: int, *, now: datetime
) -> int:
    """Save groups as read; returns how many. The last of doubles counts."""
    if not found:
        return 0
    changed = await next_change(tx, tenant)
    by_id: dict[str, Group] = {group.id: group for group in found}
    await _save.run(
        tx,
        [
            (
                tenant,
                id_,
                group.standing.value,
                sort_key(group.name),
                words_of((group.name,), (group.mail,)),
                storable(group.name),
                group.kind.value,
                group.dynamic,
                storable(group.description),
                storable(group.mail),
                round_number,
                changed,
                None if group.standing is Standing.PRESENT else to_micros(now),
            )
            for id_, group in sorted(by_id.items())
        ],
    )
    return len(by_id)


async def mark_groups_seen(
    tx: Transaction, tenant: int, ids: Sequence[GroupId], round_number: int
) -> None:
    """Note that unchanged groups were met in a round."""
    await hold(tx, tenant)
    await _see.run(tx, [(round_number, tenant, id_) for id_ in sorted(ids)])


async def mark_groups_removed(
    tx: Transaction, tenant: int, ids: Sequence[GroupId], standing: Standing, *, now: datetime
) -> int:
    """Note that Graph reported groups as deleted; their members are kept for a return.

    Returns how many changed.
    """
    if not ids:
        return 0
    changed = await next_change(tx, tenant)
    statement = (
        update(groups)
        .where(
            groups.c.tenant == tenant, groups.c.id.in_(_ids), groups.c.standing != standing.value
        )
        .values(standing=standing.value, removed_at=now, changed_seq=changed)
    )
    return sum([await tx.run(statement, {"ids": chunk}) for chunk in chunks(sorted(ids))])


async def apply_member_changes(
    tx: Transaction,
    tenant: int,
    added: Iterable[Member],
    removed: Iterable[tuple[GroupId, str]],
    round_number: int,
) -> None:
    """Memberships that Graph reported as given (in a full round: as standing), then as taken."""
    await hold(tx, tenant)
    given = {(one.group, one.member): one.kind.value for one in added}
    await _add_members.run(
        tx, [(tenant, *pair, kind, round_number) for pair, kind in sorted(given.items())]
    )
    await _drop_members.run(tx, [(tenant, *pair) for pair in sorted(set(removed))])


async def finish_groups_round(
    tx: Transaction, tenant: int, round_number: int, *, now: datetime
) -> int:
    """A full round came to its end.

    Groups it did not meet are gone, memberships it did not meet are dropped.

    Returns how many groups are newly gone.
    """
    changed = await next_change(tx, tenant)
    await tx.run(
        delete(group_members).where(
            group_members.c.tenant == tenant, group_members.c.seen_round < round_number
        )
    )
    return await tx.run(
        update(groups)
        .where(
            groups.c.tenant == tenant,
            groups.c.standing == Standing.PRESENT.value,
            groups.c.seen_round < round_number,
        )
        .values(standing=Standing.GONE.value, removed_at=now, changed_seq=changed)
    )


async def load_groups(
    tx: Transaction, tenant: int, ids: Sequence[GroupId] | None = None
) -> dict[GroupId, Group]:
    """Groups by object ID, whatever their standing; those asked for, or all of them."""
    if ids is None:
        rows = await tx.rows(_ALL, {"of_tenant": tenant})
        return {group.id: group for group in map(_group, rows)}
    found: dict[GroupId, Group] = {}
    for chunk in chunks(ids):
        rows = await tx.rows(_SOME, {"of_tenant": tenant, "ids": chunk})
        found |= {group.id: group for group in map(_group, rows)}
    return found


async def load_edges(
    tx: Transaction, tenant: int, persons: Sequence[ObjectId] | None = None
) -> Edges:
    """Direct memberships of groups present: of everyone, or of the given people.

    Groups in groups are always all.
    """
    edges = Edges()
    for group, member in await tx.rows(_NESTED, {"of_tenant": tenant}):
        edges.nested.setdefault(GroupId(group), []).append(GroupId(member))
    if persons is None:
        async for page in tx.pages(_OF_PEOPLE, {"of_tenant": tenant}):
            for group, member in page:
                edges.people.setdefault(GroupId(group), []).append(ObjectId(member))
        return edges
    for chunk in chunks(persons):
        for group, member in await tx.rows(_OF_SOME_PEOPLE, {"of_tenant": tenant, "ids": chunk}):
            edges.people.setdefault(GroupId(group), []).append(ObjectId(member))
    return edges


async def count_groups(tx: Transaction, tenant: int) -> int:
    """How many groups Microsoft 365 has, as last seen."""
    return int(await tx.scalar(_COUNT, {"of_tenant": tenant}) or 0)


async def search_groups(tx: Transaction, tenant: int, typed: str, **page: Unpack[Paging]) -> Found:
    """Groups present that fit what somebody typed, by name.

    `Found.refs` are ids for `load_groups`.
    """
    return await find(tx, tenant, _LISTING, typed, order=groups.c.sort, **page)


async def find_groups(tx: Transaction, tenant: int, typed: str) -> tuple[Group, ...]:
    """The group of exactly this object ID, else those present of exactly this name (at most 20).

    Case and spaces around it do not count.
    """
    typed = typed.strip()
    id_ = GroupId(typed.lower())
    known = await load_groups(tx, tenant, [id_])
    if typed and not known:
        found = await search_groups(tx, tenant, typed, limit=_NAMESAKES)
        known = await load_groups(tx, tenant, [GroupId(ref) for ref in found.refs])
        known = {one.id: one for one in known.values() if one.name.casefold() == typed.casefold()}
    return tuple(known[id_] for id_ in sorted(known))


async def save_skus(tx: Transaction, tenant: int, found: Mapping[str, tuple[str, str]]) -> None:
    """The tenant's licences: `skuId` to (`skuPartNumber`, the name an administrator knows)."""
    await tx.run(delete(skus).where(skus.c.tenant == tenant))
    if found:
        await tx.run(
            skus.insert(),
            [
                {"tenant": tenant, "id": id_, "part_number": part, "name": name}
                for id_, (part, name) in sorted(found.items())
            ],
        )


async def load_skus(tx: Transaction, tenant: int) -> dict[str, tuple[str, str]]:
    """`skuId` to (`skuPartNumber`, name)."""
    rows = await tx.rows(
        select(skus.c.id, skus.c.part_number, skus.c.name).where(skus.c.tenant == tenant)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _group(row: AnyRow) -> Group:
    id_, name, kind, dynamic, description, mail, standing = row
    return Group(id_, name, GroupKind(kind), dynamic, description, mail, Standing(standing))
