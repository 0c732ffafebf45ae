"""How each tenant is, in a row for whoever looks after many of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from jackfield.flows.runs import WORK
from jackfield.store.alarms import Alarm, open_alarms
from jackfield.store.database import Database
from jackfield.store.links import count_links
from jackfield.store.people import count_people
from jackfield.store.phones import count_extensions
from jackfield.store.plans import PlanOutline, PlanStatus, list_plans
from jackfield.store.runs import UNDER_WAY, RunStatus, StoredRun, list_runs
from jackfield.store.settings import load_people_settings
from jackfield.store.tenants import Connection, Tenant, load_connection
from jackfield.store.transaction import Transaction


class SyncState(StrEnum):
    """Whether a tenant's phone system follows its organisation."""

    NOT_CONNECTED = "not_connected"
    OFF = "off"
    """People sync is switched off."""
    SYNCING = "syncing"
    WAITS = "waits_for_approval"
    HELD = "held_by_a_guard"
    FAILED = "failed"
    NOT_YET = "not_synced_yet"
    IN_SYNC = "in_sync"


@dataclass(frozen=True, slots=True)
class TenantFigures:
    """One tenant as it stands now."""

    tenant: Tenant
    connection: Connection | None
    sync: SyncState
    people: int
    linked: int
    extensions: int
    alarms: tuple[Alarm, ...]
    last: StoredRun | None
    """The last run of people sync, ended or not."""
    waiting: PlanOutline | None


async def load_figures(database: Database, tenants: Iterable[Tenant]) -> tuple[TenantFigures, ...]:
    """Each tenant in its own moment: a hundred are never read in one transaction."""
    found = []
    for tenant in tenants:
        async with database.read() as tx:
            found.append(await _figures(tx, tenant))
    return tuple(found)


async def _figures(tx: Transaction, tenant: Tenant) -> TenantFigures:
    number = tenant.number
    connection = await load_connection(tx, number)
    runs = await list_runs(tx, number, kind=WORK, limit=1)
    waiting = await list_plans(tx, number, status=PlanStatus.PROPOSED, limit=1)
    enabled = (await load_people_settings(tx, number)).value.enabled
    last = runs[0] if runs else None
    return TenantFigures(
        tenant,
        connection,
        _state(connection, last, enabled=enabled, waits=bool(waiting)),
        people=(await count_people(tx, number)).present,
        linked=(await count_links(tx, number)).linked,
        extensions=await count_extensions(tx, number),
        alarms=await open_alarms(tx, number),
        last=last,
        waiting=waiting[0] if waiting else None,
    )


def _state(
    connection: Connection | None, last: StoredRun | None, *, enabled: bool, waits: bool
) -> SyncState:
    if connection is None:
        return SyncState.NOT_CONNECTED
    if last is not None and last.status in UNDER_WAY:
        return SyncState.SYNCING
    if waits:
        return SyncState.WAITS
    if not enabled:
        return SyncState.OFF
    if last is None:
        return SyncState.NOT_YET
    return _ENDED.get(last.status, SyncState.IN_SYNC)


_ENDED = {RunStatus.FAILED: SyncState.FAILED, RunStatus.REFUSED: SyncState.HELD}
