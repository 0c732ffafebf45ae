"""Reading the tenant's directory into its picture, one page at a time.

The position that follows a page is saved after it, with its last rows, so that a process may die
between any two lines and go on with the page it was at. Nothing is decided here; an unfinished
round never makes anybody gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter

import structlog

from jackfield.clock import Clock
from jackfield.core.attributes import extras as extras_of
from jackfield.core.journal_kinds import LineKind
from jackfield.core.people import GroupId, ObjectId
from jackfield.core.schedule import Mode
from jackfield.flows.connections import Connections
from jackfield.graph.delta import (
    Position,
    RoundEnd,
    Step,
    next_groups_step,
    next_users_step,
    start_groups_round,
    start_users_round,
)
from jackfield.graph.directory import (
    AT_ONCE,
    GroupsPage,
    MemberChange,
    SeenPerson,
    UsersPage,
    fetch_standing,
    fetch_user,
)
from jackfield.graph.errors import CursorExpired, NotFound
from jackfield.graph.organization import fetch_skus
from jackfield.store.alarms import begin_alarm, end_alarm, open_alarms
from jackfield.store.cursors import Cursor, Resource, RoundKind, advance, begin_round, load_cursor
from jackfield.store.database import Database
from jackfield.store.errors import BrokenDocument
from jackfield.store.groups import (
    Member,
    MemberKind,
    apply_member_changes,
    finish_groups_round,
    load_groups,
    mark_groups_removed,
    mark_groups_seen,
    save_groups,
    save_skus,
)
from jackfield.store.journal import Line, append_lines
from jackfield.store.people import find_person
from jackfield.store.people_rounds import (
    finish_round,
    load_hashes,
    mark_removed,
    mark_seen,
    save_people,
    touch_people,
)
from jackfield.store.planned import add_unsettled
from jackfield.store.settings import load_people_settings
from jackfield.store.transaction import Transaction

UNREADABLE = "people.unreadable"
"""Alarm that stands while a full round has met a record without so much as an id."""

_log = structlog.get_logger("jackfield.flows.directory")


@dataclass(frozen=True, slots=True)
class RoundProgress:
    """How far a round is. `read` counts records of this round as far as this process knows."""

    more: bool
    full: bool
    read: int = 0


@dataclass(slots=True)
class _Round:
    """What this process remembers of a round, to spare the database; lost without harm."""

    number: int
    hashes: dict[ObjectId, int]
    read: int = 0


class DirectoryReading:
    """Walks through the users and groups of tenants."""

    def __init__(self, database: Database, connections: Connections, clock: Clock) -> None:
        self._database = database
        self._connections = connections
        self._clock = clock
        self._rounds: dict[int, _Round] = {}

    def ask_again(self, tenant: int) -> None:
        """For a run that a person has asked for: no refusal is answered from memory."""
        self._connections.ask_again(tenant)

    async def begin(self, tenant: int, resource: Resource, mode: Mode) -> RoundProgress:
        """Begin a round, or go on with the one that was interrupted."""
        async with self._database.write() as tx:
            cursor = await load_cursor(tx, tenant, resource)
            running = cursor.version > 0 and cursor.finished_at is None and bool(cursor.position)
            lacking = await self._extras(tx, tenant, cursor) - set(cursor.extras)
            full = mode is Mode.FULL or cursor.full_finished_at is None or not cursor.position
            full = full or bool(lacking)
            if running and not lacking and (cursor.kind is RoundKind.FULL or not full):
                return RoundProgress(more=True, full=cursor.kind is RoundKind.FULL)
            await self._begin(tx, tenant, cursor, full=full)
        return RoundProgress(more=True, full=full)

    async def read_users(self, tenant: int) -> RoundProgress:
        """Read and save the next page of users. Raises `GraphError`."""
        client = await self._connections.client(tenant)
        cursor, position = await self._position(tenant, Resource.USERS)
        if position is None:
            return self._end(tenant, cursor)
        known = await self._known(tenant, cursor)
        try:
            step = await next_users_step(client, position, cursor.extras)
        except CursorExpired as error:
            await self._begin_anew(tenant, cursor, error)
            return RoundProgress(more=True, full=True)
        try:
            cursor = await self._save_users_step(tenant, cursor, step, known)
        except BaseException:
            # What was remembered may not have been saved.
            self._rounds.pop(tenant, None)
            raise
        if isinstance(step.after, RoundEnd):
            return self._end(tenant, cursor, known.read)
        return RoundProgress(more=True, full=cursor.kind is RoundKind.FULL, read=known.read)

    async def read_groups(self, tenant: int, *, within_s: float | None = None) -> RoundProgress:
        """Read and save the next page of groups and memberships. Raises `GraphError`.

        `within_s` bounds the call for somebody who waits in person.
        """
        client = (await self._connections.client(tenant)).hurried(within_s)
        cursor, position = await self._position(tenant, Resource.GROUPS)
        if position is None:
            return RoundProgress(more=False, full=cursor.kind is RoundKind.FULL)
        try:
            step = await next_groups_step(client, position)
        except CursorExpired as error:
            await self._begin_anew(tenant, cursor, error)
            return RoundProgress(more=True, full=True)
        cursor = await self._save_groups_step(tenant, cursor, step)
        more = not isinstance(step.after, RoundEnd)
        return RoundProgress(more=more, full=cursor.kind is RoundKind.FULL)

    async def read_person(self, tenant: int, person: str, *, within_s: float | None) -> ObjectId:
        """Read one user again, by object ID or UPN (one borne earlier serves too).

        Raises `NotFound` for somebody who is neither there nor known.
        """
        client = (await self._connections.client(tenant)).hurried(within_s)
        async with self._database.read() as tx:
            cursor = await load_cursor(tx, tenant, Resource.USERS)
            known = await find_person(tx, tenant, person)
            extras = tuple(sorted(await self._extras(tx, tenant, cursor)))
        now = self._clock.now()
        try:
            seen = await fetch_user(client, person, extras=extras)
        except NotFound:
            if known is None:
                raise
            # Known by a name that nobody bears any more: renamed, or no longer there.
            try:
                seen = await fetch_user(client, known, extras=extras)
            except NotFound:
                standing = await fetch_standing(client, known)
                async with self._database.write() as tx:
                    await mark_removed(tx, tenant, [known], standing, now=now)
                return known
        found = seen.person
        async with self._database.write() as tx:
            stored = await load_hashes(tx, tenant, [found.id])
            if stored.get(found.id) != seen.record_hash:
                await save_people(
                    tx, tenant, [found], {found.id: seen.record_hash}, cursor.round, now=now
                )
        return found.id

    async def is_read(self, tenant: int, resource: Resource) -> bool:
        """Whether a round is complete, so that only changes are left to be read."""
        async with self._database.read() as tx:
            cursor = await load_cursor(tx, tenant, resource)
        return cursor.finished_at is not None and cursor.full_finished_at is not None

    async def read_licences(self, tenant: int) -> None:
        """Read the names of the tenant's licences. Raises `GraphError`."""
        skus = await fetch_skus(await self._connections.client(tenant))
        async with self._database.write() as tx:
            await save_skus(tx, tenant, {one.sku_id: (one.part_number, "") for one in skus})

    async def _begin(self, tx: Transaction, tenant: int, cursor: Cursor, *, full: bool) -> Cursor:
        if full and cursor.resource is Resource.USERS:
            await end_alarm(tx, tenant, UNREADABLE, now=self._clock.now())
        extras = tuple(sorted(await self._extras(tx, tenant, cursor)))
        kind = RoundKind.FULL if full else RoundKind.DELTA
        return await self._start(tx, tenant, cursor, kind, extras)

    async def _start(
        self, tx: Transaction, tenant: int, cursor: Cursor, kind: RoundKind, extras: tuple[str, ...]
    ) -> Cursor:
        start = start_users_round if cursor.resource is Resource.USERS else start_groups_round
        position = start(None if kind is RoundKind.FULL else cursor.position)
        begun = await begin_round(tx, tenant, cursor, kind, now=self._clock.now(), extras=extras)
        return await advance(tx, tenant, begun, position.encode())

    async def _extras(self, tx: Transaction, tenant: int, cursor: Cursor) -> set[str]:
        """What the rules need of a user beside the usual attributes.

        Rules that cannot be read need what they needed before.
        """
        if cursor.resource is not Resource.USERS:
            return set()
        try:
            rules = (await load_people_settings(tx, tenant)).value.rules
        except BrokenDocument:
            return set(cursor.extras)
        return set(extras_of(rules.attributes))

    async def _begin_anew(self, tenant: int, cursor: Cursor, error: CursorExpired) -> None:
        """The change log no longer reaches back to where we were: read everything."""
        _log.info(
            "directory.cursor_expired", tenant=tenant, resource=cursor.resource, code=error.code
        )
        async with self._database.write() as tx:
            await self._begin(tx, tenant, cursor, full=True)

    async def _position(self, tenant: int, resource: Resource) -> tuple[Cursor, Position | None]:
        """The cursor, and what to read next; None where the round is over."""
        async with self._database.read() as tx:
            cursor = await load_cursor(tx, tenant, resource)
        if cursor.finished_at is not None or cursor.position is None:
            return cursor, None
        try:
            return cursor, Position.decode(cursor.position)
        except CursorExpired as error:
            await self._begin_anew(tenant, cursor, error)
            return await self._position(tenant, resource)

    async def _restarted(
        self, tenant: int, cursor: Cursor, step: Step[UsersPage] | Step[GroupsPage]
    ) -> Cursor:
        """A full round that begins anew gets a number of its own: nobody was seen in it yet."""
        if not step.restarted or cursor.kind is not RoundKind.FULL:
            return cursor
        self._rounds.pop(tenant, None)
        async with self._database.write() as tx:
            return await self._start(tx, tenant, cursor, RoundKind.FULL, cursor.extras)

    async def _known(self, tenant: int, cursor: Cursor) -> _Round:
        known = self._rounds.get(tenant)
        if known is None or known.number != cursor.round:
            known = _Round(cursor.round, {})
            if cursor.kind is RoundKind.FULL:
                async with self._database.read() as tx:
                    known.hashes = await load_hashes(tx, tenant)
            self._rounds[tenant] = known
        return known

    def _end(self, tenant: int, cursor: Cursor, read: int = 0) -> RoundProgress:
        self._rounds.pop(tenant, None)
        return RoundProgress(more=False, full=cursor.kind is RoundKind.FULL, read=read)

    async def _save_users_step(
        self, tenant: int, cursor: Cursor, step: Step[UsersPage], known: _Round
    ) -> Cursor:
        page = step.page
        if page is not None and cursor.kind is RoundKind.DELTA:
            async with self._database.read() as tx:
                known.hashes = await load_hashes(tx, tenant, list(page.hashes))
        changed: list[SeenPerson] = []
        if page is not None:
            coming = page.changed(known.hashes)
            while some := list(islice(coming, AT_ONCE)):
                changed += some
                await asyncio.sleep(0)
        cursor = await self._restarted(tenant, cursor, step)
        now = self._clock.now()

        async def save(tx: Transaction, some: Sequence[SeenPerson]) -> None:
            hashes = {one.person.id: one.record_hash for one in some}
            people = [one.person for one in some]
            await save_people(tx, tenant, people, hashes, cursor.round, now=now)
            known.hashes.update(hashes)

        async def end(tx: Transaction) -> Cursor:
            if page is not None:
                met = page.hashes.keys() - {one.person.id for one in changed}
                await self._save_others(tx, tenant, cursor, page, met, known)
            after = step.after
            if not isinstance(after, RoundEnd):
                return await advance(tx, tenant, cursor, after.encode())
            if after.full and not await _is_unreadable(tx, tenant):
                gone = await finish_round(tx, tenant, cursor.round, now=now)
                _log.info("people.round_finished", tenant=tenant, gone=gone)
            return await advance(tx, tenant, cursor, after.cursor, finished_at=now)

        return await self._database.write_much(changed, save, end)

    async def _save_others(
        self,
        tx: Transaction,
        tenant: int,
        cursor: Cursor,
        page: UsersPage,
        met: AbstractSet[ObjectId],
        known: _Round,
    ) -> None:
        """What a page tells besides people who are new or changed."""
        now = self._clock.now()
        if cursor.kind is RoundKind.FULL:
            # A record we cannot read is still a person who is there.
            rejected = [ObjectId(one.id) for one in page.rejected if one.id]
            await mark_seen(tx, tenant, [*met, *rejected], cursor.round)
        for standing in {one.standing for one in page.removed}:
            ids = [one.id for one in page.removed if one.standing is standing]
            await mark_removed(tx, tenant, ids, standing, now=now)
            for one in ids:
                known.hashes.pop(one, None)
        if any(one.id is None for one in page.rejected):
            await begin_alarm(
                tx,
                tenant,
                UNREADABLE,
                text="Microsoft 365 sent a user that cannot be read, not even who it is. Until the"
                " next full sync nobody is taken for gone.",
                next_step="Look at the journal for what was wrong; run a full sync again later.",
                now=now,
            )
        if page.rejected:
            lines = [
                Line(
                    LineKind.PERSON_UNREADABLE,
                    f"Not read from Microsoft 365: {one.why}",
                    subject=one.id or "",
                    name=one.id or f"record {one.position} of a page",
                )
                for one in page.rejected
            ]
            await append_lines(tx, tenant, lines, now=now)
        known.read += len(page.hashes)

    async def _save_groups_step(
        self, tenant: int, cursor: Cursor, step: Step[GroupsPage]
    ) -> Cursor:
        page = step.page
        # What a page both gives and takes is taken.
        changes = [] if page is None else sorted(page.member_changes, key=attrgetter("removed"))
        cursor = await self._restarted(tenant, cursor, step)

        async def save(tx: Transaction, some: Sequence[MemberChange]) -> None:
            added = [
                Member(one.group, one.member, MemberKind.GROUP if one.is_group else MemberKind.USER)
                for one in some
                if not one.removed
            ]
            removed = [(one.group, one.member) for one in some if one.removed]
            await apply_member_changes(tx, tenant, added, removed, cursor.round)

        async def end(tx: Transaction) -> Cursor:
            if page is not None:
                await self._save_groups(tx, tenant, cursor, page)
            after = step.after
            if not isinstance(after, RoundEnd):
                return await advance(tx, tenant, cursor, after.encode())
            now = self._clock.now()
            if after.full:
                await finish_groups_round(tx, tenant, cursor.round, now=now)
                await add_unsettled(tx, tenant, None)
            return await advance(tx, tenant, cursor, after.cursor, finished_at=now)

        return await self._database.write_much(changes, save, end)

    async def _save_groups(
        self, tx: Transaction, tenant: int, cursor: Cursor, page: GroupsPage
    ) -> None:
        """What a page tells besides who is a member of what."""
        now = self._clock.now()
        known = await load_groups(tx, tenant, [one.id for one in page.groups])
        # Graph repeats a group's properties when only its members have changed.
        changed = [one for one in page.groups if known.get(one.id) != one]
        await save_groups(tx, tenant, changed, cursor.round, now=now)
        if cursor.kind is RoundKind.FULL:
            met = {one.group for one in page.member_changes} | {one.id for one in page.groups}
            met |= {GroupId(one.id) for one in page.rejected if one.id}
            met -= {one.id for one in changed}
            await mark_groups_seen(tx, tenant, sorted(met), cursor.round)
        for standing in {one.standing for one in page.removed}:
            ids = [GroupId(one.id) for one in page.removed if one.standing is standing]
            await mark_groups_removed(tx, tenant, ids, standing, now=now)
        if cursor.kind is RoundKind.DELTA:
            touched = {one.member for one in page.member_changes if not one.is_group}
            await touch_people(tx, tenant, sorted(touched))
            if changed or page.removed or any(one.is_group for one in page.member_changes):
                # Names and nesting reach further than the members named here: plan everyone.
                await add_unsettled(tx, tenant, None)


async def _is_unreadable(tx: Transaction, tenant: int) -> bool:
    return any(alarm.kind == UNREADABLE for alarm in await open_alarms(tx, tenant))
