"""Directory objects with their change log, and the difference between the truth and what is read.

A write changes the truth at once and is logged under one sequence for the whole tenant. While
replication lags, readers keep seeing the state before it; `Replication` decides when each write
becomes visible, always in order, so that readers see the directory as it once was, never a mixture.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, Protocol, TypeVar

from m365_emulator.quirks import Quirks
from m365_emulator.resources import ObjectId

EVERYTHING = frozenset({"*"})
"""The properties of a change that concerns the whole object: created, deleted, restored, purged."""


class DirectoryObject(Protocol):
    """What a register needs to know of an object."""

    @property
    def id(self) -> ObjectId: ...
    @property
    def deleted_date_time(self) -> str | None: ...


T = TypeVar("T", bound=DirectoryObject)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the log: which properties of an object changed, or which member came or went."""

    sequence: int
    object_id: ObjectId
    properties: frozenset[str]
    member_id: ObjectId | None = None


class ChangeLog:
    """The changes to one kind of object, in the order of the tenant's sequence."""

    def __init__(self) -> None:
        self._sequences: list[int] = []
        self._changes: list[Change] = []

    def __len__(self) -> int:
        return len(self._changes)

    def append(self, change: Change) -> None:
        self._sequences.append(change.sequence)
        self._changes.append(change)

    def between(self, after: int, until: int) -> Sequence[Change]:
        """Changes with `after` < sequence <= `until`."""
        return self._changes[
            bisect_right(self._sequences, after) : bisect_right(self._sequences, until)
        ]


@dataclass(frozen=True, slots=True)
class _Hidden:
    sequence: int
    written_at: datetime
    written_at_read: int
    reveal: Callable[[], None]


class Replication:
    """Keeps writes from readers for as long as the quirks say, and counts the tenant's sequence."""

    def __init__(self, now: Callable[[], datetime], quirks: Callable[[], Quirks]) -> None:
        self._now = now
        self._quirks = quirks
        self._hidden: deque[_Hidden] = deque()
        self._reads = 0
        self.sequence = 0

    @property
    def horizon(self) -> int:
        """The last sequence that readers see."""
        return self._hidden[0].sequence - 1 if self._hidden else self.sequence

    def next_sequence(self) -> int:
        self.settle()
        self.sequence += 1
        return self.sequence

    def lags(self) -> bool:
        quirks = self._quirks()
        return bool(self._hidden or quirks.replication_delay_s or quirks.replication_delay_reads)

    def hide(self, sequence: int, reveal: Callable[[], None]) -> None:
        self._hidden.append(_Hidden(sequence, self._now(), self._reads, reveal))

    def read(self) -> None:
        """A reader comes: count it, and show what has become due."""
        self._reads += 1
        self.settle()

    def settle(self) -> None:
        if not self._hidden:
            return
        quirks = self._quirks()
        visible_until = self._now() - timedelta(seconds=quirks.replication_delay_s)
        reads_until = self._reads - quirks.replication_delay_reads
        while self._hidden:
            first = self._hidden[0]
            if first.written_at > visible_until or first.written_at_read > reads_until:
                return
            self._hidden.popleft().reveal()


class Register(Generic[T]):
    """All objects of one kind, alive or in the recycle bin, the truth beside what readers see."""

    def __init__(self, replication: Replication) -> None:
        self._replication = replication
        self._current: dict[ObjectId, T] = {}
        self._behind: dict[ObjectId, T | None] = {}
        self._waiting: dict[ObjectId, int] = {}
        self._order: list[ObjectId] = []
        self.log = ChangeLog()

    def load(self, objects: Iterable[T]) -> None:
        """The population from before the log began: seen at once, in no log."""
        self._current.update((each.id, each) for each in objects)
        self._order = sorted(self._current)

    def write(self, object_id: ObjectId, after: T | None, properties: frozenset[str]) -> None:
        """Make `after` the truth (None: gone for good) and log which properties that changed."""
        sequence = self._replication.next_sequence()
        before = self._current.get(object_id)
        if after is None:
            del self._current[object_id]
        else:
            self._current[object_id] = after
        if before is None and object_id not in self._behind:
            insort(self._order, object_id)
        self.log.append(Change(sequence, object_id, properties))
        if self._replication.lags():
            self._behind.setdefault(object_id, before)
            self._waiting[object_id] = self._waiting.get(object_id, 0) + 1
            self._replication.hide(sequence, partial(self._reveal, object_id, after))
        elif after is None:
            self._forget(object_id)

    def _reveal(self, object_id: ObjectId, after: T | None) -> None:
        self._waiting[object_id] -= 1
        if self._waiting[object_id]:
            self._behind[object_id] = after
            return
        del self._waiting[object_id], self._behind[object_id]
        if after is None:
            self._forget(object_id)

    def _forget(self, object_id: ObjectId) -> None:
        del self._order[bisect_left(self._order, object_id)]

    def truth(self, object_id: ObjectId) -> T | None:
        return self._current.get(object_id)

    def truths(self) -> Iterable[T]:
        return self._current.values()

    def seen(self, object_id: ObjectId) -> T | None:
        """What a reader finds under this id, alive or in the recycle bin."""
        if object_id in self._behind:
            return self._behind[object_id]
        return self._current.get(object_id)

    def lagging(self) -> Iterable[T]:
        """The old states that readers still see."""
        return [each for each in self._behind.values() if each is not None]

    def ids_after(self, last: str) -> Iterator[ObjectId]:
        """Ids in reading order, behind `last` (empty: from the start); not all need be visible."""
        order = self._order
        return (order[at] for at in range(bisect_right(order, last), len(order)))

    def ids_until(self, last: str) -> Sequence[ObjectId]:
        """Ids in reading order up to and with `last`."""
        return self._order[: bisect_right(self._order, last)]

    def walk(self, last: str = "") -> Iterator[T]:
        """What readers see, living and deleted, in reading order behind `last`."""
        if not self._behind:
            current = self._current
            return (current[object_id] for object_id in self.ids_after(last))
        return (each for each in map(self.seen, self.ids_after(last)) if each is not None)

    def __len__(self) -> int:
        return len(self._current)


class Memberships:
    """Who belongs directly to which group; ids of members are kept sorted, for paging."""

    def __init__(self, replication: Replication, log: ChangeLog) -> None:
        self._replication = replication
        self._log = log
        self._members: dict[ObjectId, list[ObjectId]] = {}
        self._parents: dict[ObjectId, tuple[ObjectId, ...]] = {}
        self._behind: dict[ObjectId, dict[ObjectId, bool]] = {}
        self._behind_of: dict[ObjectId, dict[ObjectId, bool]] = {}
        self._waiting: dict[tuple[ObjectId, ObjectId], int] = {}

    def load(self, members: dict[ObjectId, list[ObjectId]]) -> None:
        """The memberships from before the log began."""
        parents: dict[ObjectId, list[ObjectId]] = {}
        for group_id, ids in members.items():
            self._members[group_id] = sorted(set(ids))
            for member_id in self._members[group_id]:
                parents.setdefault(member_id, []).append(group_id)
        shared: dict[tuple[ObjectId, ...], tuple[ObjectId, ...]] = {}
        for member_id, group_ids in parents.items():
            key = tuple(group_ids)
            self._parents[member_id] = shared.setdefault(key, key)

    def holds(self, group_id: ObjectId, member_id: ObjectId) -> bool:
        members = self._members.get(group_id, [])
        at = bisect_left(members, member_id)
        return at < len(members) and members[at] == member_id

    def write(self, group_id: ObjectId, member_id: ObjectId, *, present: bool) -> bool:
        """Add or remove; False when that was so already."""
        before = self.holds(group_id, member_id)
        if before == present:
            return False
        sequence = self._replication.next_sequence()
        members = self._members.setdefault(group_id, [])
        parents = self._parents.get(member_id, ())
        if present:
            insort(members, member_id)
            self._parents[member_id] = (*parents, group_id)
        else:
            del members[bisect_left(members, member_id)]
            self._parents[member_id] = tuple(each for each in parents if each != group_id)
        self._log.append(Change(sequence, group_id, frozenset({"members"}), member_id))
        if self._replication.lags():
            key = (group_id, member_id)
            self._behind.setdefault(group_id, {}).setdefault(member_id, before)
            self._behind_of.setdefault(member_id, {}).setdefault(group_id, before)
            self._waiting[key] = self._waiting.get(key, 0) + 1
            self._replication.hide(sequence, partial(self._reveal, group_id, member_id, present))
        return True

    def _reveal(self, group_id: ObjectId, member_id: ObjectId, present: bool) -> None:
        key = (group_id, member_id)
        self._waiting[key] -= 1
        if self._waiting[key]:
            self._behind[group_id][member_id] = present
            self._behind_of[member_id][group_id] = present
            return
        del self._waiting[key]
        for behind, outer, inner in (
            (self._behind, group_id, member_id),
            (self._behind_of, member_id, group_id),
        ):
            del behind[outer][inner]
            if not behind[outer]:
                del behind[outer]

    def members(self, group_id: ObjectId) -> list[ObjectId]:
        """The true direct members, sorted; do not change the list."""
        return self._members.get(group_id, [])

    def parents(self, member_id: ObjectId) -> tuple[ObjectId, ...]:
        """The groups that truly hold this object directly."""
        return self._parents.get(member_id, ())

    def seen_members(self, group_id: ObjectId) -> list[ObjectId]:
        """The direct members as readers see them, sorted; do not change the list."""
        return _overlaid(self._members.get(group_id, []), self._behind.get(group_id))

    def seen_parents(self, member_id: ObjectId) -> Sequence[ObjectId]:
        behind = self._behind_of.get(member_id)
        parents = self._parents.get(member_id, ())
        return _overlaid(sorted(parents), behind) if behind else parents

    def sees(self, group_id: ObjectId, member_id: ObjectId) -> bool:
        """Whether readers see this membership."""
        behind = self._behind.get(group_id)
        if behind and member_id in behind:
            return behind[member_id]
        return self.holds(group_id, member_id)


def _overlaid(true_ids: list[ObjectId], behind: dict[ObjectId, bool] | None) -> list[ObjectId]:
    if not behind:
        return true_ids
    kept = {each for each in true_ids if behind.get(each, True)}
    kept.update(each for each, present in behind.items() if present)
    return sorted(kept)
