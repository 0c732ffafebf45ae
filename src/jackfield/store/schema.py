"""The ground of the archive.

One metadata, and column types that mean the same on SQLite and PostgreSQL.

Text is compared byte by byte on both (PostgreSQL: collation "C"), so that order, prefixes and
paging agree. Moments are microseconds since 1970 in UTC. Documents are JSON text, read and written
with msgspec by the file that owns the table.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    bindparam,
)
from sqlalchemy.types import TypeDecorator

INSTALLATION = 0
"""The tenant number of what belongs to no tenant: accounts, sessions, leases."""

CHUNK = 500
"""Rows handed to a driver in one go.

Between two goes the event loop runs (facts: parameter limits, loop lag).
"""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

Plain = Text().with_variant(Text(collation="C"), "postgresql")
"""Text ordered by its bytes."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """A moment as it is stored. Refuses a naive one: nobody could tell which moment it is."""
    if moment.tzinfo is None:
        raise ValueError(f"a stored moment needs a time zone: {moment!r}")
    return (moment - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The stored moment, aware, in UTC."""
    return EPOCH + timedelta(microseconds=micros)


class Moment(TypeDecorator[datetime]):
    """An aware moment, stored as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else from_micros(value)


def tenant_key() -> Column[int]:
    """The first column of every table."""
    return Column("tenant", Integer, primary_key=True, autoincrement=False)


OF_TENANT: BindParameter[Any] = bindparam("of_tenant")
"""The tenant asked about, in a statement that is built once (see `transaction`)."""

AT_MOST: BindParameter[Any] = bindparam("at_most", type_=Integer)
"""How many rows are wanted of such a statement."""


def key(name: str) -> Column[str]:
    """A text column of the primary key."""
    return Column(name, Plain, primary_key=True)


def number_key(name: str) -> Column[int]:
    """A number of the primary key.

    Taken from `sequences`, never from the database's own counter.
    """
    return Column(name, BigInteger, primary_key=True, autoincrement=False)


def text(name: str, default: str | None = "") -> Column[str]:
    """Text that is never NULL; "" means not set."""
    return Column(name, Plain, nullable=False, server_default=default)


def maybe_text(name: str) -> Column[str | None]:
    """Text where "not there" differs from ""."""
    return Column(name, Plain, nullable=True)


def number(name: str, default: int | None = 0) -> Column[int]:
    """A whole number of up to 64 bits, never NULL."""
    return Column(
        name, BigInteger, nullable=False, server_default=None if default is None else str(default)
    )


def content(name: str) -> Column[bytes]:
    """Bytes, never NULL."""
    return Column(name, LargeBinary, nullable=False)


def flag(name: str) -> Column[bool]:
    """Yes or no, never NULL."""
    return Column(name, Boolean, nullable=False)


def moment(name: str) -> Column[datetime]:
    """A moment that is always there."""
    return Column(name, Moment, nullable=False)


def maybe_moment(name: str) -> Column[datetime | None]:
    """A moment that may not have come."""
    return Column(name, Moment, nullable=True)


def storable(value: str) -> str:
    """Text without what a database refuses.

    NUL (PostgreSQL) and halves of surrogate pairs become U+FFFD.
    """
    if "\0" in value:
        value = value.replace("\0", "\ufffd")
    try:
        value.encode()
    except UnicodeEncodeError:
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value
