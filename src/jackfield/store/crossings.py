"""Questions that reach across the pictures: who has no extension, which extension is nobody's.

Each picture's own file knows nothing of the others; what joins them is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, or_, select

from jackfield.core.extensions import Extension, ExtensionKey
from jackfield.core.fields import addresses_of
from jackfield.core.people import ObjectId, Scope, ScopeRules, Standing, UserType
from jackfield.store.addresses import Kind, refs_of_addresses, save_addresses
from jackfield.store.group_trees import PEOPLE_INSIDE
from jackfield.store.links import links
from jackfield.store.people import PRESENT_PEOPLE, people
from jackfield.store.phones import load_extensions, phone_extensions
from jackfield.store.pieces import PIECE
from jackfield.store.schema import OF_TENANT
from jackfield.store.search import Found, Paging, find
from jackfield.store.transaction import Transaction, chunks

_keys: BindParameter[Any] = bindparam("keys", expanding=True)


async def load_waiting(tx: Transaction, tenant: int, rules: ScopeRules) -> list[ObjectId]:
    """Who may wait for an extension.

    People present without a link, and linked ones whose extension is gone. Left out is who is out
    of scope by what their own row says: often a third of a tenant, guests and shared mailboxes.

    Under "selected people" and "selected groups" only those selected are looked at, in as many
    queries as there are five hundreds of people or groups selected.

    Every slice a plan is made of holds them.
    """
    lost = (
        select(links.c.person)
        .join(
            phone_extensions,
            (phone_extensions.c.tenant == links.c.tenant) & (phone_extensions.c.key == links.c.key),
            isouter=True,
        )
        .where(links.c.tenant == OF_TENANT, phone_extensions.c.key.is_(None))
    )
    found: set[ObjectId] = set()
    unlinked = _unlinked(rules)
    for selected in _selections(rules):
        async for page in tx.pages(unlinked, {"of_tenant": tenant, **selected}):
            found.update(row[0] for row in page)
    async for page in tx.pages(lost, {"of_tenant": tenant}):
        found.update(row[0] for row in page)
    return sorted(found)


def _unlinked(rules: ScopeRules) -> Select[Any]:
    statement = (
        select(people.c.id)
        .join(
            links,
            (links.c.tenant == people.c.tenant) & (links.c.person == people.c.id),
            isouter=True,
        )
        .where(
            people.c.tenant == OF_TENANT,
            people.c.standing == Standing.PRESENT.value,
            links.c.person.is_(None),
            *_not_out_of_scope(rules),
        )
    )
    if rules.scope is Scope.SELECTED:
        return statement.where(people.c.id.in_(_keys))
    if rules.scope is Scope.SELECTED_GROUPS:
        return statement.where(people.c.id.in_(PEOPLE_INSIDE))
    return statement


def _selections(rules: ScopeRules) -> list[dict[str, Any]]:
    """The values of `_unlinked`, for each time that it has to be asked."""
    if rules.scope is Scope.SELECTED:
        return [{"keys": chunk} for chunk in chunks(sorted(rules.selected_users))]
    if rules.scope is Scope.SELECTED_GROUPS:
        return [{"roots": chunk} for chunk in chunks(rules.selected_groups)]
    return [{}]


def _not_out_of_scope(rules: ScopeRules) -> list[ColumnElement[bool]]:
    """What of `ScopeJudge` a row of a person can tell without their groups."""
    c = people.c
    conditions: list[ColumnElement[bool]] = []
    if not rules.guests:
        conditions.append(c.user_type != UserType.GUEST.value)
    if rules.scope is Scope.SELECTED:
        return conditions
    conditions.append(c.is_resource_account.is_(False))
    if rules.mailbox_licence_only:
        conditions.append(c.has_mailbox.is_(True))
    conditions.append(or_(c.disabled_when_first_seen.is_(False), c.enabled.is_(True)))
    return conditions


async def search_uncovered(
    tx: Transaction, tenant: int, typed: str, **page: Unpack[Paging]
) -> Found:
    """People present without a link, by name. `Found.refs` are object IDs for `load_people`."""
    linked = select(links.c.person).where(links.c.tenant == tenant, links.c.person == people.c.id)
    return await find(
        tx,
        tenant,
        PRESENT_PEOPLE,
        typed,
        order=people.c.sort,
        where=(~linked.correlate(people).exists(),),
        **page,
    )


async def load_unlinked_extensions(
    tx: Transaction, tenant: int, *, addresses: Sequence[str], persons: Sequence[ObjectId]
) -> dict[ExtensionKey, Extension]:
    """Extensions without a link that bear one of the addresses (casefolded) or external keys."""
    keys = await refs_of_addresses(tx, tenant, Kind.EXTENSION, addresses)
    c = phone_extensions.c
    by_external_key = select(c.key).where(c.tenant == tenant, c.external_key.in_(_keys))
    for ids_chunk in chunks(persons):
        keys |= {row[0] for row in await tx.rows(by_external_key, {"keys": ids_chunk})}
    linked = select(links.c.key).where(links.c.tenant == tenant, links.c.key.in_(_keys))
    candidates = sorted(keys)
    for chunk in chunks(candidates):
        keys -= {row[0] for row in await tx.rows(linked, {"keys": chunk})}
    asked, ids = set(addresses), set(persons)
    found = await load_extensions(tx, tenant, sorted(map(ExtensionKey, keys)))
    return {
        key: extension
        for key, extension in found.items()
        if extension.fields.email.casefold() in asked or extension.external_key in ids
    }


async def forget_gone(tx: Transaction, tenant: int, *, before: datetime) -> int:
    """Drop a piece of those who are gone since before a moment and hold no link; says how many."""
    c = people.c
    rows = await tx.rows(
        select(c.id, c.mail, c.upn)
        .where(
            c.tenant == tenant,
            c.standing == Standing.GONE.value,
            c.removed_at < before,
            ~select(links.c.person)
            .where(links.c.tenant == tenant, links.c.person == c.id)
            .correlate(people)
            .exists(),
        )
        # In the order of the list of those who are gone, so that SQLite reads that, not everybody.
        .order_by(c.sort, c.id)
        .limit(PIECE)
    )
    if rows:
        bore = {id_: addresses_of(mail, upn) for id_, mail, upn in rows}
        await save_addresses(tx, tenant, Kind.PERSON, bore, dict.fromkeys(bore, ()))
        await tx.run(
            people.delete().where(c.tenant == tenant, c.id.in_(_keys)), {"keys": list(bore)}
        )
    return len(rows)
