"""Carrying out a stored plan: its actions as they were shown, a chunk at a time.

What an action asks for is in `writes.py`, what an answer means in `recording.py`. Every write is
safe to repeat, so a process may die between the phone system's answer and our record of it. One
refused action stops no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jackfield.clock import Clock
from jackfield.core.actions import DEPARTMENT_KINDS, AdoptExtension, CreateExtension
from jackfield.core.journal_kinds import of_action
from jackfield.core.people import ObjectId
from jackfield.core.schedule import Mode
from jackfield.core.wording import title
from jackfield.flows.phones import PhoneOf
from jackfield.flows.photos import WORK as PHOTOS
from jackfield.flows.recording import Owners, Record, settle
from jackfield.flows.run_rows import Fence
from jackfield.flows.writes import ChunkContext, Stale, prepare
from jackfield.flows.writing import cleared, write_all
from jackfield.pbx.port import WRITE_LIMIT, Done, Outcome, PhoneSystem, Write
from jackfield.store.database import Database
from jackfield.store.journal import Line, append_lines
from jackfield.store.links import (
    load_department_links,
    load_links,
    load_links_of_extensions,
    remove_links,
    save_department_links,
    save_links,
)
from jackfield.store.outcomes import Result, mark_outcomes
from jackfield.store.people import load_changed
from jackfield.store.phone_departments import add_departments, load_departments
from jackfield.store.phone_numbers import note_numbers
from jackfield.store.phone_state import PhoneState, load_phone_state
from jackfield.store.phones import drop_extensions, load_extensions, save_extensions
from jackfield.store.photos import forget_photos_of
from jackfield.store.plan_actions import ActionStatus, StoredAction, load_pending
from jackfield.store.planned import add_unsettled
from jackfield.store.plans import PlanStatus, load_plan_head
from jackfield.store.released import save_former
from jackfield.store.runs import StoredRun
from jackfield.store.schedule import want
from jackfield.store.sequences import hold
from jackfield.store.sessions import end_sessions, owned_by_person
from jackfield.store.transaction import Transaction

CHUNK = WRITE_LIMIT
"""Actions per call of the phone port."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """How far a plan is after some of its actions: `done` of `total`."""

    done: int
    total: int
    size: int = 0
    """How many actions were carried out with it."""
    overtaken: bool = False
    """The picture of the phone system was brought up to date meanwhile: it has to be read again."""


class Applying:
    """Carries out plans."""

    def __init__(
        self, database: Database, phone_of: PhoneOf, clock: Clock, *, chunk: int = CHUNK
    ) -> None:
        self._database = database
        self._phone_of = phone_of
        self._clock = clock
        self._chunk = chunk

    async def chunk(self, tenant: int, plan: int, run: StoredRun, fence: Fence) -> Chunk | None:
        """Carry out the next actions of a plan that is being applied; None when none is left.

        `fence` raises where another process works for the tenant by now: before each call that
        writes, and inside the transaction that saves what came of it.
        Raises `PhoneSystemError` where the phone system as a whole cannot be used: nothing is
        recorded then, and the same actions come again.
        """
        async with self._database.read() as tx:
            head = await load_plan_head(tx, tenant, plan)
            if head is None or head.status is not PlanStatus.APPLYING:
                return None
            pending = _of_one_phase(await load_pending(tx, tenant, plan, limit=self._chunk))
            if not pending:
                return None
            context = await _context(tx, tenant, head.people_seq, pending)
            before = await load_phone_state(tx, tenant)
        started = self._clock.monotonic()
        prepared = [(one, prepare(one.action, context)) for one in pending]
        phone = self._phone_of(tenant)
        writes = [(one, write) for one, write in prepared if not isinstance(write, Stale | None)]
        outcomes = await self._written(phone, [write for _, write in writes], fence)
        by_seq = {one.seq: outcome for (one, _), outcome in zip(writes, outcomes, strict=True)}
        took_ms = round((self._clock.monotonic() - started) * 1000 / len(pending))
        now = self._clock.now()
        overtaken = False
        seen_in: Transaction | None = None
        """Within a transaction nobody else reads the phone system."""

        async def begin(tx: Transaction) -> None:
            await fence(tx)
            await hold(tx, tenant)

        async def save(
            tx: Transaction, some: Sequence[tuple[StoredAction, Write | Stale | None]]
        ) -> None:
            nonlocal before, overtaken, seen_in
            answers = [answer for one, _ in some if (answer := by_seq.get(one.seq)) is not None]
            record = Record(await _owners(tx, tenant, answers), now)
            for one, write in some:
                status, text = settle(one.action, write, by_seq.get(one.seq), context, record)
                record.results.append(Result(one.seq, status, text))
                record.lines.append(_line(one, status, text, run, took_ms))
            if tx is not seen_in:
                seen_in = tx
                overtaken |= await _is_overtaken(tx, tenant, before)
            if not overtaken:
                await _save_picture(tx, tenant, record, before.round)
            await _save(tx, tenant, plan, record, now)
            before = before if overtaken else await load_phone_state(tx, tenant)

        async def end(_: Transaction) -> Chunk:
            # Held actions stand behind all others.
            return Chunk(pending[-1].seq, head.total, len(pending), overtaken)

        return await self._database.write_much(prepared, save, end, begin=begin)

    async def _written(
        self, phone: PhoneSystem, writes: list[Write], fence: Fence
    ) -> list[Outcome]:
        async def clear() -> None:
            await cleared(self._database, self._clock, fence)

        return await write_all(writes, phone.write, clear)


def _line(one: StoredAction, status: ActionStatus, text: str, run: StoredRun, took_ms: int) -> Line:
    """What the journal keeps of an action: done or not, and why."""
    done = status is ActionStatus.DONE
    said = f"{title(one.action)}: {one.action.because}"
    return Line(
        of_action(one.action.kind, status.value),
        f"{said} {text}".rstrip() if done else f"Not done: {said} {text}",
        subject=one.subject,
        name=one.name,
        run=str(run.id),
        by=run.asker,
        data={"ms": took_ms},
    )


def _of_one_phase(pending: Sequence[StoredAction]) -> list[StoredAction]:
    """The first actions that do not need one another's results: departments before members."""
    if not pending:
        return []
    first = pending[0].action.kind in DEPARTMENT_KINDS
    same: list[StoredAction] = []
    for one in pending:
        if (one.action.kind in DEPARTMENT_KINDS) is not first:
            break
        same.append(one)
    return same


async def _context(
    tx: Transaction, tenant: int, made_from: int, pending: Sequence[StoredAction]
) -> ChunkContext:
    people = [ObjectId(one.subject) for one in pending if one.action.kind not in DEPARTMENT_KINDS]
    links = await load_links(tx, tenant, people)
    standing = await load_extensions(tx, tenant, [link.key for link in links.values()])
    adopted = [one.action.key for one in pending if isinstance(one.action, AdoptExtension)]
    theirs = await load_links_of_extensions(tx, tenant, adopted)
    kept = any(
        one.action.kept_departments for one in pending if isinstance(one.action, CreateExtension)
    )
    return ChunkContext(
        links,
        await load_department_links(tx, tenant),
        await load_changed(tx, tenant, people, made_from),
        {person: standing[link.key] for person, link in links.items() if link.key in standing},
        frozenset(await load_departments(tx, tenant)) if kept else frozenset(),
        {key: link.person for key, link in theirs.items()},
    )


async def _owners(tx: Transaction, tenant: int, outcomes: Sequence[Outcome]) -> Owners:
    answered = [
        one.extension.key for one in outcomes if isinstance(one, Done) and one.extension is not None
    ]
    linked = await load_links_of_extensions(tx, tenant, answered)
    departments = await load_department_links(tx, tenant)
    return Owners(
        {key: link.person for key, link in linked.items()},
        {link.key: link.group for link in departments.values()},
    )


async def _is_overtaken(tx: Transaction, tenant: int, before: PhoneState) -> bool:
    """Whether somebody has read the phone system since the writes began.

    What they read may be newer than our answers, and their cursor has passed it: saved over it, an
    answer would stay wrong for ever.
    """
    state = await load_phone_state(tx, tenant)
    return replace(state, read_at=None) != replace(before, read_at=None)


async def _save_picture(tx: Transaction, tenant: int, record: Record, round_: int) -> None:
    """Save what the phone system answered."""
    await save_extensions(tx, tenant, record.extensions, round_)
    await drop_extensions(tx, tenant, record.removed)
    await note_numbers(tx, tenant, used=record.taken, free=record.freed)
    await add_departments(tx, tenant, record.departments)


async def _save(tx: Transaction, tenant: int, plan: int, record: Record, now: datetime) -> None:
    await save_department_links(tx, tenant, record.department_links)
    if record.rebuilt:
        # Where a guard had held it, the plan gave it to nobody.
        await add_unsettled(tx, tenant, None)
    await remove_links(tx, tenant, record.unlinked)
    await forget_photos_of(tx, tenant, record.unlinked)
    # Whoever left, or has no extension any more, is signed out in the same moment.
    await end_sessions(
        tx, [owned_by_person(tenant, one) for one in (*record.left, *record.unlinked)]
    )
    await save_former(tx, tenant, record.former, now=now)
    await save_links(tx, tenant, record.links, now=now)
    if record.newly_linked:
        await want(tx, tenant, PHOTOS, Mode.DELTA, now=now)
    await mark_outcomes(tx, tenant, plan, record.results, now=now)
    await append_lines(tx, tenant, record.lines, now=now)
