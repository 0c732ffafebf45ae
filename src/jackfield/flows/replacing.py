"""An administrator accepts another phone system in the place of the one that was known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jackfield.clock import Clock
from jackfield.core.journal_kinds import LineKind
from jackfield.core.schedule import Mode
from jackfield.flows.failures import PHONES_REPLACED
from jackfield.flows.phones import PhoneOf
from jackfield.flows.runs import WORK
from jackfield.flows.watched_phones import CHECK
from jackfield.pbx.port import PhoneSystemError
from jackfield.store.alarms import end_alarm
from jackfield.store.database import Database
from jackfield.store.forgetting import forget_phones, forget_picture
from jackfield.store.held_actions import withdraw_held
from jackfield.store.journal import Line, append_lines
from jackfield.store.links import count_links
from jackfield.store.outcomes import skip_pending
from jackfield.store.phone_state import load_identity, save_identity
from jackfield.store.plans import PlanStatus, list_plans, move_plan
from jackfield.store.runs import RunStatus, list_runs
from jackfield.store.schedule import recover, want
from jackfield.store.sequences import hold
from jackfield.store.transaction import Transaction

_OPEN = [PlanStatus.PROPOSED, PlanStatus.APPROVED, PlanStatus.APPLYING]
_THE_KNOWN = "The phone system is the one that is known."
_OF_THE_OLD = "It was made for the phone system that was there before."


class NotReplaced(Exception):
    """There is nothing to accept, or not now; the text says why."""


class PhonesSilent(Exception):
    """The phone system does not say who it is; the text says why."""

    next_step = CHECK


@dataclass(frozen=True, slots=True)
class Offered:
    """Another phone system that waits to be accepted."""

    known: str
    """The identity of the one whose extensions are linked."""
    found: str
    """That of the one which answers."""
    links: int
    """How many links would be dropped."""


class Replacing:
    """Lets a tenant go on with another phone system."""

    def __init__(self, database: Database, phone_of: PhoneOf, clock: Clock) -> None:
        self._database = database
        self._phone_of = phone_of
        self._clock = clock

    async def look(self, tenant: int) -> Offered:
        """What `accept` would accept. Raises `NotReplaced` and `PhonesSilent`."""
        found = await self._found(tenant)
        async with self._database.read() as tx:
            known = await load_identity(tx, tenant)
            links = (await count_links(tx, tenant)).linked
        if known in {"", found}:
            raise NotReplaced(_THE_KNOWN)
        return Offered(known, found, links)

    async def accept(self, tenant: int, *, by: str, expected: str | None = None) -> int:
        """Go on with the phone system that answers now; returns how many links were dropped.

        `expected` is the identity that was shown to whoever accepts; no other one is accepted.
        Nothing is written to it here: the next full run reads it and matches its extensions by the
        rules for those that stand already. Raises `NotReplaced` and `PhonesSilent`.
        """
        found = await self._found(tenant)
        now = self._clock.now()
        async with self._database.read() as tx:
            await _check(tx, tenant, found, expected)
        await self._forget_picture(tenant)
        async with self._database.write() as tx:
            await hold(tx, tenant)
            await _check(tx, tenant, found, expected)
            await _close_plans(tx, tenant, now)
            dropped = await forget_phones(tx, tenant)
            await save_identity(tx, tenant, found)
            await recover(tx, tenant, WORK)
            await want(tx, tenant, WORK, Mode.FULL, now=now)
            text = f"Another phone system was accepted. Links to be made anew: {dropped:,}."
            await append_lines(tx, tenant, [Line(LineKind.PHONES_ACCEPTED, text, by=by)], now=now)
            await end_alarm(tx, tenant, PHONES_REPLACED, now=now)
        return dropped

    async def _forget_picture(self, tenant: int) -> None:
        """Most of what goes, piece by piece, so that others write in between.

        Nothing of it counts while another phone system answers; should the known one answer again,
        it is read anew.
        """
        dropped = 1
        while dropped:
            async with self._database.write(large=True) as tx:
                dropped = await forget_picture(tx, tenant)

    async def _found(self, tenant: int) -> str:
        try:
            return await self._phone_of(tenant).read_identity()
        except PhoneSystemError as error:
            raise PhonesSilent(f"The phone system: {error}.") from error


async def _check(tx: Transaction, tenant: int, found: str, expected: str | None) -> None:
    """Raise `NotReplaced` where what answers is not to be accepted, or not now."""
    if await load_identity(tx, tenant) in {"", found}:
        raise NotReplaced(_THE_KNOWN)
    if expected not in {None, found}:
        raise NotReplaced(
            f"Now {found} answers, not the one that you were asked about. Look again."
        )
    if await list_runs(tx, tenant, status=[RunStatus.RUNNING], limit=1):
        raise NotReplaced("A run is under way. Try again when it has ended.")


async def _close_plans(tx: Transaction, tenant: int, now: datetime) -> None:
    """Keys of the old phone system in a plan mean other extensions in the new one."""
    await withdraw_held(tx, tenant, text=_OF_THE_OLD, now=now)
    for status in _OPEN:
        for plan in await list_plans(tx, tenant, status=status, limit=500):
            moved = await move_plan(
                tx, tenant, plan.id, [status], PlanStatus.FAILED, now=now, text=_OF_THE_OLD
            )
            if moved:
                await skip_pending(tx, tenant, plan.id, text=_OF_THE_OLD, now=now)
