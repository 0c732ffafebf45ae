"""The steps of a people run that read: rounds through Microsoft 365, one person, the phone system.

Each does one thing and is safe to repeat; an error becomes an answer.
"""

from __future__ import annotations

import msgspec
import structlog

from jackfield.clock import Clock
from jackfield.core.people import ObjectId
from jackfield.core.schedule import Mode
from jackfield.flows.directory import DirectoryReading, RoundProgress
from jackfield.flows.failures import (
    PHONES_AWAY,
    PHONES_REPLACED,
    TOLD,
    Failed,
    failed,
    phones_failed,
)
from jackfield.flows.patience import Patience
from jackfield.flows.phones import PhoneReading
from jackfield.flows.runs import GROUPS, NO_GROUPS, Runs
from jackfield.flows.steps import More, Read, Stint
from jackfield.flows.watched_phones import hurried
from jackfield.graph.errors import NotFound, PermissionMissing, Rejected
from jackfield.pbx.port import PhoneSystemError
from jackfield.store.cursors import Resource
from jackfield.store.errors import CursorMoved

_NO_GROUPS = "Groups, and with them departments, stay as they are; people are synced all the same."
_log = structlog.get_logger("jackfield.flows.people")


class Found(msgspec.Struct, frozen=True):
    """Somebody who was asked for by name."""

    person: ObjectId
    groups_known: bool
    """A round through the groups is complete, so that only changes are left to be read."""


class ReadingSteps:
    """Reads what a run decides on."""

    def __init__(
        self, directory: DirectoryReading, phones: PhoneReading, runs: Runs, clock: Clock
    ) -> None:
        self._directory = directory
        self._phones = phones
        self._runs = runs
        self._clock = clock

    async def begin_round(self, tenant: int, resource: Resource, mode: Mode) -> More:
        """Begin or go on with a round through one kind of object."""
        progress = await self._directory.begin(tenant, resource, mode)
        return More(progress.more)

    async def read_page(
        self, flow: str, tenant: int, patience: Patience, resource: Resource
    ) -> More | Failed:
        """Read the next pages of a round; groups that may not be read have none.

        Who waits in person waits for groups alone: a person's memberships.
        """
        await self._runs.keep_lease(flow, tenant)
        users = resource is Resource.USERS
        try:
            if users:
                progress = await self._read_users(tenant)
            else:
                progress = await self._directory.read_groups(tenant, within_s=patience.call_s)
        except CursorMoved:
            return More(True)
        except (PermissionMissing, NotFound, Rejected) as error:
            if users:
                return failed(error)
            lacks = isinstance(error, PermissionMissing)
            kind, other = (GROUPS, NO_GROUPS) if lacks else (NO_GROUPS, GROUPS)
            next_step = error.next_step if lacks else _NO_GROUPS
            await self._runs.begin_alarm(tenant, kind, error.what, next_step, flow=flow)
            await self._runs.end_alarm(tenant, other, flow=flow)
            return More(False)
        except TOLD as error:
            return failed(error)
        if not users and not progress.more:
            for kind in (GROUPS, NO_GROUPS):
                await self._runs.end_alarm(tenant, kind, flow=flow)
        if progress.full and users:
            await self._runs.report(flow, tenant, progress.read, 0, stage="Reading people")
        return More(progress.more)

    async def _read_users(self, tenant: int) -> RoundProgress:
        stint, read = Stint(self._clock), 0
        while True:
            progress = await self._directory.read_users(tenant)
            if not (progress.more and stint.goes_on(progress.read - read)):
                return progress
            read = progress.read

    async def read_licences(self, tenant: int) -> None:
        """Names of licences are for reading only: without them the sync goes on."""
        try:
            await self._directory.read_licences(tenant)
        except TOLD as error:
            _log.info("licences.not_read", tenant=tenant, because=str(error))

    async def read_person(
        self, flow: str, tenant: int, patience: Patience, person: str
    ) -> Found | Failed:
        """Read one person, by object ID or UPN."""
        await self._runs.keep_lease(flow, tenant)
        try:
            found = await self._directory.read_person(tenant, person, within_s=patience.call_s)
        except NotFound:
            text = f"There is no user {person!r} in Microsoft 365."
            return Failed(f"{text} Give a UPN or an object ID.")
        except TOLD as error:
            return failed(error)
        groups_known = await self._directory.is_read(tenant, Resource.GROUPS)
        return Found(found, groups_known)

    async def read_phones(
        self, flow: str, tenant: int, patience: Patience, everything: bool
    ) -> Read | Failed:
        """Bring the picture of the phone system up to date."""
        await self._runs.keep_lease(flow, tenant)
        try:
            with hurried(patience.call_s):
                await self._phones.read(tenant, everything=everything)
        except PhoneSystemError as error:
            return phones_failed(error)
        for kind in (PHONES_AWAY, PHONES_REPLACED):
            await self._runs.end_alarm(tenant, kind, flow=flow)
        return Read()
