"""The phone port: what Jackfield asks of a phone system, whichever it is.

Intentionally free of any vendor's words. Everything written is safe to repeat: an extension or
department is found again by our external key (an object ID), and an update carries the values it
expects to find. The promises below are kept by every implementer and tested by one contract suite
(`tests/contract/`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
)
from jackfield.core.numbering import NumberRange
from jackfield.core.photos import Avatar
from jackfield.core.records import record

WRITE_LIMIT = 500
"""Most writes in one call of `PhoneSystem.write`."""


# PhoneSystemError
#  ├── PhoneSystemUnreachable    try the whole call again later
#  ├── PhoneSystemRefusesUs      credentials or role: ask the administrator
#  ├── PhoneSystemForgot         the cursor is too old: read everything afresh
#  └── PhoneSystemReplaced       another one answers than we know: an administrator decides


class PhoneSystemError(Exception):
    """The phone system could not be used; the text says what happened."""


class PhoneSystemUnreachable(PhoneSystemError):
    """No answer, or an answer that says "later"."""


class PhoneSystemRefusesUs(PhoneSystemError):
    """The phone system answered that we may not."""


class PhoneSystemForgot(PhoneSystemError):
    """The phone system no longer knows the cursor; read without one."""


class PhoneSystemReplaced(PhoneSystemError):
    """Another phone system answers than the one whose extensions are linked to people."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a phone system can do, as far as plans and pages depend on it."""

    name: str
    """As an administrator calls it, e.g. "Built-in phone system"."""
    ranges: tuple[NumberRange, ...]
    name_length: int = 256
    """Characters of each text field."""
    photos: bool = False
    """Extensions have avatars. Without it `read_avatars` knows none and `write_avatars` refuses."""
    changes: bool = False
    """`read_extensions` understands a cursor and then gives changes only."""
    fields: frozenset[Field] = frozenset(Field)
    """Fields that can be written; others read as "". A creation drops what is not among them, an
    update that names one is refused (`value_invalid`), so plans leave them out."""


@record
class CreateExtensionWrite:
    """Create it, or find the one with the same external key and leave it as it stands.

    The one that is found may have another number; `Done` shows it. A number that something else
    has is a `Refused`. A phone system may add memberships and a primary department of its own
    where none are named.
    """

    external_key: str
    number: ExtensionNumber
    fields: ExtensionFields
    departments: tuple[DepartmentKey, ...] = ()
    primary: DepartmentKey | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class UpdateExtensionWrite:
    """Change fields, memberships or the enabled mark, all of it or nothing.

    Refused as `stale` when a value in `expected` is neither what stands there nor already what is
    asked for.
    """

    key: ExtensionKey
    changes: Mapping[Field, str] = field(default_factory=dict)
    expected: Mapping[Field, str] = field(default_factory=dict)
    add_departments: tuple[DepartmentKey, ...] = ()
    remove_departments: tuple[DepartmentKey, ...] = ()
    primary: DepartmentKey | None = None
    """One the extension is in when the write is done. None leaves the primary department alone;
    where that one is removed, the phone system falls back to another of the extension's departments
    or to none."""
    enabled: bool | None = None
    external_key: str | None = None
    """Set when an extension is adopted. Refused (`key_taken`) where this extension bears another
    one, or another extension this one."""
    release: bool = False
    """Take its external key off, whatever it is: the extension is nobody's again."""


@dataclass(frozen=True, slots=True)
class RemoveExtensionWrite:
    """Remove it; one that is gone is `Done`, one with another number than expected `stale`."""

    key: ExtensionKey
    expected_number: ExtensionNumber


@dataclass(frozen=True, slots=True)
class CreateDepartmentWrite:
    """Create it, or find the one with the same external key and leave it as it stands.

    Never takes over an existing name, in whatever case it is written: `Refused`, code `name_taken`.
    """

    external_key: str
    name: str


@dataclass(frozen=True, slots=True)
class RenameDepartmentWrite:
    """Rename it, if it still bears the expected name or bears the new one already."""

    key: DepartmentKey
    name: str
    expected_name: str


Write = (
    CreateExtensionWrite
    | UpdateExtensionWrite
    | RemoveExtensionWrite
    | CreateDepartmentWrite
    | RenameDepartmentWrite
)


@dataclass(frozen=True, slots=True)
class AvatarWrite:
    """Set the avatar of an extension, or with None take it away.

    Refused as `stale` where `expected` is given (the mark of the avatar that is meant, see
    `read_avatars`) and another avatar stands, and as `not_found` where the extension is gone.
    """

    key: ExtensionKey
    avatar: Avatar | None
    expected: str | None = None


@record
class Done:
    """The write holds. The record is as it now stands; after a removal there is none."""

    extension: Extension | None = None
    department: Department | None = None
    created: bool = False
    """False where it had been done before, e.g. when a lost answer was repeated."""
    avatar: str = ""
    """Of an `AvatarWrite`: the mark of the avatar that stands now; "" without one."""


class RefusalCode(StrEnum):
    """Why a phone system refuses a write; `Refused.text` says it to an administrator."""

    NUMBER_TAKEN = "number_taken"
    """By an extension or by anything else that has a number there."""
    NUMBER_INVALID = "number_invalid"
    """Not digits, too short, too long, or outside every range."""
    NAME_TAKEN = "name_taken"
    KEY_TAKEN = "key_taken"
    """The external key belongs to another extension, or the extension to another external key."""
    VALUE_INVALID = "value_invalid"
    NOT_FOUND = "not_found"
    """The extension or department itself, or a department that the write names."""
    STALE = "stale"
    LIMIT = "limit"
    """The phone system is full, or its licence does not go so far."""
    PROTECTED = "protected"
    """It forbids this change of this record, e.g. removing an operator or a department that has
    members."""
    OTHER = "other"
    """A reason that has no place here; only the text tells it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It will not be done, now or later, and no part of it was; a new plan is needed."""

    code: RefusalCode
    text: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """It is not known whether the write holds.

    Or it was not tried, because an unanswered one before it touches the same thing: a number must
    not go to a newcomer while it is not known whether its holder was removed. Repeat the
    unanswered ones, in their order; that is always safe.
    """

    text: str


Outcome = Done | Refused | Unanswered


@dataclass(frozen=True, slots=True)
class ExtensionsPage:
    """A part of the phone system's extensions.

    `cursor` is set on the last page, where the phone system is capable of `changes`.
    """

    extensions: tuple[Extension, ...]
    removed: tuple[ExtensionKey, ...] = ()
    cursor: str | None = None


class PhoneSystem(Protocol):
    """A phone system of one tenant. Every method may raise `PhoneSystemError`."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; does not change while the object lives."""
        ...

    async def read_identity(self) -> str:
        """Which phone system it is, in characters that mean nothing to us; never empty.

        The same as long as its keys mean the same extensions and departments: over restarts,
        updates and other addresses. Another one after it was set up anew, or where another
        installation answers: its keys may be equal and mean something else.
        """
        ...

    def read_extensions(self, cursor: str | None = None) -> AsyncIterator[ExtensionsPage]:
        """All extensions, or the changes since `cursor`; pages of at most 1,000.

        An extension that stands there from the first page to the last is in the answer whatever
        else changes meanwhile; a change made meanwhile is in the answer or after its cursor.
        Changes may repeat what is known. Raises `PhoneSystemForgot` for a cursor it cannot go on
        from (without `Capabilities.changes`: for any).
        """
        ...

    async def read_departments(self) -> tuple[Department, ...]:
        """All departments."""
        ...

    async def read_used_numbers(self) -> frozenset[str]:
        """Every number that cannot be given to a new extension, whatever holds it."""
        ...

    async def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Carry out up to `WRITE_LIMIT` writes in order and answer each one, in that order.

        One refused write stops no other; an unanswered one stops those after it that touch the same
        thing. When it raises, any part of the writes may hold; all of them may be repeated, though
        one that was refused because of what a later one removed is then done. `ValueError` for
        too many.
        """
        ...

    async def read_avatars(self, keys: Sequence[ExtensionKey]) -> Mapping[ExtensionKey, str]:
        """The marks of the avatars of up to `WRITE_LIMIT` extensions; none where there is none.

        A mark stays the same as long as the avatar does. Where the bytes are kept as they were
        given it is their digest (`Avatar.digest`).
        """
        ...

    async def write_avatars(self, writes: Sequence[AvatarWrite]) -> list[Outcome]:
        """Carry out up to `WRITE_LIMIT` avatar writes, as `write` does its own.

        An unanswered one stops those after it of the same extension. `ValueError` for too many.
        """
        ...


class DirectoryByHand(Protocol):
    """What an administrator may do by hand to a phone system whose directory is kept in Jackfield.

    Such extensions and departments bear no external key and are never found again by a repeat: a
    second try is refused for its number or name. Changing, renaming and removing by hand are
    ordinary writes of `PhoneSystem`.
    """

    async def create_extension(
        self,
        number: str,
        fields: ExtensionFields,
        departments: Sequence[DepartmentKey] = (),
        primary: DepartmentKey | None = None,
    ) -> Done | Refused:
        """A new extension; refused for the reasons that refuse a `CreateExtensionWrite`."""
        ...

    async def create_department(self, name: str) -> Done | Refused:
        """A new department."""
        ...

    async def remove_department(self, key: DepartmentKey) -> Done | Refused:
        """Remove a department; one with members is `protected`, one that is gone already `Done`."""
        ...
