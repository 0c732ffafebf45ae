"""Whose a mail address or sign-in name is: people and extensions by their addresses, folded, whole.

For finding what bears an address exactly. What somebody types into a search is in `search`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from sqlalchemy import Table, bindparam, delete, select

from jackfield.store.schema import OF_TENANT, key, metadata, tenant_key
from jackfield.store.transaction import Bulk, Transaction, append, chunks
from jackfield.store.words import fold_address


class Kind(StrEnum):
    """What bears an address."""

    PERSON = "p"
    EXTENSION = "e"


addresses = Table(
    "address",
    metadata,
    tenant_key(),
    key("kind"),
    key("address"),
    key("ref"),
    sqlite_with_rowid=False,
)

_add = append(addresses, ("tenant", "kind", "address", "ref"))
_drop = Bulk(
    ("tenant_", "kind_", "address_", "ref_"),
    lambda _insert: delete(addresses).where(
        *(
            addresses.c[name] == bindparam(name + "_")
            for name in ("tenant", "kind", "address", "ref")
        )
    ),
)
_BEARERS = select(addresses.c.ref).where(
    addresses.c.tenant == OF_TENANT,
    addresses.c.kind == bindparam("of_kind"),
    addresses.c.address.in_(bindparam("addresses", expanding=True)),
)


async def save_addresses(
    tx: Transaction,
    tenant: int,
    kind: Kind,
    before: Mapping[str, Sequence[str]],
    now: Mapping[str, Sequence[str]],
) -> None:
    """Bring what records bear, by their keys, from `before` (absent = new) to `now`."""
    name = kind.value
    added: list[tuple[int, str, str, str]] = []
    dropped: list[tuple[int, str, str, str]] = []
    for ref, given in now.items():
        stood = before.get(ref, ())
        if stood == given:
            continue
        old, new = _folded(stood), _folded(given)
        added += [(tenant, name, one, ref) for one in new - old]
        dropped += [(tenant, name, one, ref) for one in old - new]
    if dropped:
        await _drop.run(tx, sorted(dropped))
    if added:
        await _add.run(tx, sorted(added))


async def refs_of_addresses(
    tx: Transaction, tenant: int, kind: Kind, wanted: Iterable[str]
) -> set[str]:
    """The keys of the records that bear one of the addresses."""
    values = {"of_tenant": tenant, "of_kind": kind.value}
    found: set[str] = set()
    for chunk in chunks(sorted(_folded(wanted))):
        found |= {row[0] for row in await tx.rows(_BEARERS, {**values, "addresses": chunk})}
    return found


def _folded(given: Iterable[str]) -> set[str]:
    return {folded for one in given if (folded := fold_address(one))}
