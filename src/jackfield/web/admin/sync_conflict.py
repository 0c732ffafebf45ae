"""Two administrators at once: what the other one saved, and both their changes in one form.

A field that only one of them changed takes that change. Where both changed the same field mine
stays, and theirs is said beside it; of lists both changes are kept. Nothing is saved by this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from jackfield.store.settings import Change, PeopleSettings, Stored
from jackfield.web.admin.form_fields import Typed
from jackfield.web.admin.sync_form import (
    LABELS,
    SyncForm,
    changes_between,
    form_of,
    shown,
)

_LISTS = ("users", "scope_groups", "department_groups")


@dataclass(frozen=True, slots=True)
class Saved:
    """One saving of somebody else's, in the words of the form."""

    by: str
    at: datetime
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """What was saved between the opening of a form and its own saving, the oldest first."""

    saved: tuple[Saved, ...]
    beside: Mapping[str, str] = field(default_factory=dict)
    """What somebody else put into a field that I changed too, by field."""
    differences: tuple[str, ...] = ()
    """How mine differs from what stands, where it is not known any more who changed what."""


def settle(
    mine: SyncForm, stored: Stored[PeopleSettings], changes: Sequence[Change]
) -> tuple[SyncForm, Conflict]:
    """The form with both changes, ready to be saved over what stands now.

    `changes` are those since the version that `mine` was opened with; none = not known.
    """
    theirs = form_of(stored.value, stored.version)
    mine = replace(mine, version=str(stored.version))
    if not changes:
        differences = tuple(
            f"{label}: saved is {shown(name, theirs[name])}, yours is {shown(name, mine[name])}."
            for name, label in LABELS.items()
            if not _same(name, mine[name], theirs[name])
        )
        return mine, Conflict((), differences=differences)
    base = form_of(changes[0].before, 0)
    merged: dict[str, Typed] = {}
    beside: dict[str, str] = {}
    for name in LABELS:
        before, own, other = base[name], mine[name], theirs[name]
        if _same(name, other, before) or _same(name, own, other):
            continue
        if _same(name, own, before):
            merged[name] = other
        elif name in _LISTS:
            merged[name] = _both(base.ids(name), mine.ids(name), theirs.ids(name))
            beside[name] = "Both changes are in this list."
        else:
            beside[name] = (
                f"{stored.changed_by or 'Somebody'} has set this to {shown(name, other)}."
            )
    saved = tuple(Saved(one.by, one.at, changes_between(one.before, one.after)) for one in changes)
    return mine.changed(**merged), Conflict(saved, beside)


def _same(name: str, one: object, other: object) -> bool:
    if name == "users" and isinstance(one, tuple) and isinstance(other, tuple):
        return set(one) == set(other)  # people have no order
    return one == other


def _both(before: Sequence[str], own: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """My list with what they added behind it, and without what they took away."""
    taken = set(before) - set(other)
    added = [one for one in other if one not in before and one not in own]
    return (*(one for one in own if one not in taken), *added)
