"""How a page of a delta round tells of an object: whole, changed, removed, with which members.

What is told is what readers see at that moment; which objects are told follows from a stretch of
the change log, or from everything there is when the round began from the start.
Source: Graph docs, concepts/delta-query-users and -groups (representation of changes), 2026-11.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from m365_emulator.delta_tokens import FROM_THE_START, RoundToken, Scope
from m365_emulator.projection import Projection, projection
from m365_emulator.registers import EVERYTHING, Register
from m365_emulator.resources import USER, Group, ObjectId, ResourceType, User
from m365_emulator.tenant import Tenant

REPLAY_REACH = 1000
"""How far back, in sequences, a round may replay old changes."""


@dataclass(slots=True)
class Touched:
    """What a stretch of the log did to one object."""

    properties: set[str] = field(default_factory=set)
    members: set[ObjectId] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the log by object: ids in reading order, and what became of each."""

    ids: list[ObjectId]
    touched: dict[ObjectId, Touched]


@dataclass(frozen=True, slots=True)
class Entry:
    """One object on a page; `told_until` is the last member told when more are to follow."""

    row: bytes
    members: int = 0
    told_until: str = ""


class Log:
    """Stretches of the change log, gathered by object; the pages of a round share one."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._stretches: dict[tuple[str, int, int, float], Stretch] = {}

    def stretch(self, stand: RoundToken) -> Stretch | None:
        """What the log says for this round; None for a round from the start."""
        if stand.since == FROM_THE_START:
            return None
        quirks = self._tenant.quirks
        key = (stand.scope.kind, stand.since, stand.until, quirks.delta_replays)
        found = self._stretches.get(key)
        if found is None:
            log = _register(self._tenant, stand.scope.kind).log
            changes = list(log.between(stand.since, stand.until))
            if quirks.delta_replays:
                chance = Random(f"{quirks.seed}:replay:{stand.since}:{stand.until}")
                old = log.between(stand.since - REPLAY_REACH, stand.since)
                changes += [each for each in old if chance.random() < quirks.delta_replays]
            touched: dict[ObjectId, Touched] = {}
            for change in changes:
                entry = touched.setdefault(change.object_id, Touched())
                entry.properties |= change.properties
                if change.member_id:
                    entry.members.add(change.member_id)
            found = Stretch(sorted(touched), touched)
            if len(self._stretches) >= 8:
                self._stretches.clear()
            self._stretches[key] = found
        return found


class Telling:
    """How the objects of one page are told: which, in which order, with which properties."""

    def __init__(
        self,
        tenant: Tenant,
        resource: ResourceType,
        scope: Scope,
        stretch: Stretch | None,
        *,
        minimal: bool,
        sees_hidden: bool,
    ) -> None:
        self._tenant = tenant
        self._register = _register(tenant, scope.kind)
        self._stretch = stretch
        self._scope = scope
        self._minimal = minimal
        self._sees_hidden = sees_hidden
        names = scope.select or resource.default_select
        self._selected = frozenset(names)
        self._projection: Projection = projection(
            resource, names if "id" in names else (*names, "id"), sparse=True
        )

    def ids_after(self, after: str) -> Iterator[ObjectId]:
        if self._scope.ids:
            return (ObjectId(each) for each in sorted(self._scope.ids) if each > after)
        if self._stretch is None:
            return self._register.ids_after(after)
        ids = self._stretch.ids
        return (ids[at] for at in range(bisect_right(ids, after), len(ids)))

    def ids_until(self, last: str) -> Sequence[ObjectId]:
        """Objects that the round has told by the time it has come to `last`."""
        if self._scope.ids:
            return [ObjectId(each) for each in sorted(self._scope.ids) if each <= last]
        if self._stretch is None:
            return self._register.ids_until(last)
        return self._stretch.ids[: bisect_right(self._stretch.ids, last)]

    def entry(self, object_id: ObjectId, begun: str, most_members: int) -> Entry | None:
        """The object as this page tells it, or None when there is nothing to tell."""
        touched = None
        if self._stretch is not None:
            touched = self._stretch.touched.get(object_id)
            if touched is None or not self._concerns(touched):
                return None
        found = self._register.seen(object_id)
        if found is None:
            return None if touched is None else Entry(_removed(object_id, "deleted"))
        if found.deleted_date_time is not None:
            return Entry(_removed(object_id, "changed"))
        if self._minimal and touched and not touched.properties & EVERYTHING:
            row = self._projection.changed_row(found, frozenset(touched.properties))
        else:
            row = self._projection.row(found)
        if not isinstance(found, Group) or not self._scope.members:
            return Entry(row)
        return self._with_members(found, row, touched, begun, most_members)

    def _concerns(self, touched: Touched) -> bool:
        """Changes outside the selection are not told."""
        return bool(
            touched.properties & EVERYTHING
            or touched.properties & self._selected
            or (touched.members and self._scope.members)
        )

    def _with_members(
        self,
        group: Group,
        row: bytes,
        touched: Touched | None,
        begun: str,
        most_members: int,
    ) -> Entry:
        if group.visibility == "HiddenMembership" and not self._sees_hidden:
            return Entry(row)
        memberships = self._tenant.memberships
        all_ids: Iterable[ObjectId] = (
            memberships.seen_members(group.id) if touched is None else sorted(touched.members)
        )
        ids = [each for each in all_ids if each > begun]
        told = ids[:most_members]
        if not told:
            return Entry(row)
        entries = b",".join(
            self._member(each, present=memberships.sees(group.id, each)) for each in told
        )
        full = row[:-1] + b',"members@delta":[' + entries + b"]}"
        return Entry(full, len(told), told[-1] if len(ids) > len(told) else "")

    def _member(self, member_id: ObjectId, *, present: bool) -> bytes:
        kind = "group" if self._tenant.group_register.truth(member_id) else "user"
        body: dict[str, Any] = {"@odata.type": f"#microsoft.graph.{kind}", "id": member_id}
        if not present:
            body["@removed"] = {"reason": "deleted"}
        return msgspec.json.encode(body)


def _register(tenant: Tenant, kind: str) -> Register[User] | Register[Group]:
    return tenant.user_register if kind == USER.name else tenant.group_register


def _removed(object_id: ObjectId, reason: str) -> bytes:
    return msgspec.json.encode({"id": object_id, "@removed": {"reason": reason}})
