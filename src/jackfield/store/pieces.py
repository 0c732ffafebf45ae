"""Deleting many rows a piece at a time.

A piece is a transaction: others write in between, and whoever is killed goes on with what is left.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, delete, select, tuple_

from jackfield.store.transaction import Transaction

PIECE = 500
"""Rows of one transaction, for whose end others wait."""


async def delete_piece(
    tx: Transaction, tenant: int, table: Table, *which: ColumnElement[bool], most: int = PIECE
) -> int:
    """Delete up to `most` rows of a tenant, all or `which`; returns how many there were."""
    tenant_column, *rest = table.primary_key.columns
    mine = tenant_column == tenant
    if not rest:
        return await tx.run(delete(table).where(mine, *which))
    some = select(*rest).where(mine, *which).limit(most)
    key = rest[0] if len(rest) == 1 else tuple_(*rest)
    return await tx.run(delete(table).where(mine, key.in_(some)))
