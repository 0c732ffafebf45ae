"""One run about photos from its first step to its last.

A row of durable steps, each a look at a few people; whatever a step does is safe to do again. What
begins a run is in `photos.py`, what a look does in `photo_looks.py`. Beside a people run it has a
lease of its own: neither waits for the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import msgspec
import structlog

from jackfield.clock import Clock
from jackfield.core.people import ObjectId
from jackfield.core.schedule import Mode, wait_after
from jackfield.durable import DurableError, Json, Run
from jackfield.flows.connections import Connections
from jackfield.flows.failures import AWAY, TOLD, Failed, failed, phones_failed
from jackfield.flows.patience import PATIENT, patiently
from jackfield.flows.phones import PhoneOf
from jackfield.flows.photo_looks import Looked, PhotoLooks
from jackfield.flows.photos import DENIED, WORK, PhotosAsk, photos_mode_due
from jackfield.flows.run_rows import RunRows, run_of
from jackfield.flows.runs import WORK as PEOPLE
from jackfield.flows.steps import answered, broken
from jackfield.graph.photos import MAY_READ_PHOTOS
from jackfield.pbx.port import PhoneSystemError
from jackfield.store.alarms import begin_alarm, end_alarm
from jackfield.store.database import Database
from jackfield.store.images import forget_images
from jackfield.store.photos import count_unlooked, forget_photos, list_unlooked
from jackfield.store.runs import RunStatus, Trigger, begin_run, end_run, load_run_of_flow
from jackfield.store.schedule import Due, load_due, postpone, settle
from jackfield.store.settings import load_people_settings
from jackfield.store.transaction import Transaction

LOOK = 20
"""People in one step: as many as one request to Microsoft can ask about."""
PASSES_AFTER_S = (0.0, 30.0, 120.0)
"""Who could not be read, or not be given an avatar, is looked at again in the same run."""
STAGE = "Looking at photos"

_FIGURES = ("people", "set", "removed", "unusable", "denied")
_log = structlog.get_logger("jackfield.flows.photos")


class Began(msgspec.Struct, frozen=True):
    """As what a run has begun."""

    mode: Mode | None
    """None = there is nothing left to do."""
    mark: int = 0
    since: str = ""
    """Whoever was not looked at from then on (ISO 8601) is; empty = whoever never was."""
    total: int = 0


class Look(msgspec.Struct, frozen=True):
    """What a look at some people came to, and where the next one begins."""

    more: bool = False
    after: str = ""
    over: tuple[ObjectId, ...] = ()
    """People behind `after` who are to be passed over."""
    figures: dict[str, int] = msgspec.field(default_factory=dict)
    off: bool = False
    """Photos were switched off meanwhile."""


class PhotosRun:
    """The flow `photos.sync`."""

    def __init__(
        self, database: Database, connections: Connections, phone_of: PhoneOf, clock: Clock
    ) -> None:
        self._database = database
        self._looks = PhotoLooks(database, connections, phone_of, clock)
        self._clock = clock
        self._rows = RunRows(database, clock, WORK)

    def carries(self, flow: str) -> bool:
        """Whether a run is carried by this process."""
        return self._rows.carries(flow)

    async def sync(self, run: Run, tenant: int, document: Json) -> Json:
        """Look at everybody's photo, or at those of newcomers."""
        try:
            try:
                failure = await self._sync(run, tenant, msgspec.convert(document, PhotosAsk))
            except Exception as error:
                failure = broken(error)
                if not isinstance(error, DurableError):
                    _log.exception("photos.run_broke", tenant=tenant, run=run.id)
            if failure is not None:
                await run.step("fail", self._fail, run.id, tenant, failure)
        finally:
            self._rows.forget(run.id)
        return None

    async def _sync(self, run: Run, tenant: int, ask: PhotosAsk) -> Failed | None:
        pause = 0.5
        while not await run.step("lease", self._rows.take_lease, str(run.id), tenant):
            await run.sleep(pause)
            pause = min(5.0, pause * 1.5)
        began = await answered(run, Began, "begin", self._begin, run.id, tenant, ask)
        if began.mode is None:
            return None
        counts: Counter[str] = Counter()
        since, unsettled = began.since, 0
        for after_s in PASSES_AFTER_S:
            if after_s:
                await run.sleep(after_s)
                await run.step("keep", self._rows.keep_lease, str(run.id), tenant)
            passed = await self._pass(run, tenant, since, began.total, bool(after_s))
            if passed is None:
                await run.step("end", self._end_early, run.id, tenant)
                return None
            if isinstance(passed, Failed):
                return passed
            if after_s:
                passed["people"] = 0
            counts.update({name: passed[name] for name in _FIGURES})
            since, unsettled = "", passed["unsettled"]
            if not unsettled:
                break
        figures = {**counts, "unread": counts["denied"] + unsettled}
        await run.step("end", self._end, run.id, tenant, began.mode, began.mark, figures)
        return None

    async def _pass(
        self, run: Run, tenant: int, since: str, total: int, served: bool
    ) -> Counter[str] | Failed | None:
        """Look at everybody who is to be looked at, once; None where photos are switched off.

        Where others were `served`, those for whom Microsoft asks to wait again and again are given
        up for now; where nobody is, all have to wait.
        """
        figures: Counter[str] = Counter(unsettled=0)
        at = Look(more=True)
        while at.more:
            asked = (since, at.after, at.over, total)
            looked = await patiently(
                run, self._rows, tenant, PATIENT, Look, "look", self._look, *asked
            )
            if not isinstance(looked, Failed):
                served = served or bool(looked.figures.get("people"))
            elif looked.waiting and served:
                given_up = (looked, at.after, at.over)
                looked = await answered(
                    run, Look, "give up", self._give_up, run.id, tenant, *given_up
                )
                served = False
            if isinstance(looked, Failed):
                return looked
            if looked.off:
                return None
            at = looked
            figures.update(looked.figures)
        return figures

    # --- Steps: each does one thing, and is safe to repeat ----------------------------------------

    async def _begin(self, flow: str, tenant: int, ask: PhotosAsk) -> Began:
        now = self._clock.now()
        async with self._database.write() as tx:
            await self._rows.interrupt_others(tx, tenant, flow)
            state = await load_due(tx, tenant, WORK)
            settings = (await load_people_settings(tx, tenant)).value
            people = await load_due(tx, tenant, PEOPLE)
            if ask.trigger is Trigger.SCHEDULE and not photos_mode_due(settings, state, people):
                # A peer queued this when the same was about to be done.
                await self._rows.give_up_lease(tx, flow, tenant)
                return Began(None)
            mode = Mode.FULL if state.wanted is Mode.FULL else ask.mode
            run = await begin_run(
                tx, tenant, flow, kind=WORK, trigger=ask.trigger, mode=WORK, now=now, by=ask.by
            )
            since = run.started_at if mode is Mode.FULL else None
            total = await count_unlooked(tx, tenant, since=since)
        return Began(mode, state.mark, since.isoformat() if since else "", total)

    async def _look(
        self,
        flow: str,
        tenant: int,
        since: str,
        after: str,
        over: tuple[ObjectId, ...],
        total: int,
    ) -> Look | Failed:
        """Look at the next few behind `after`; with `since` at all not looked at from then on.

        `over` are those behind `after` who are to be passed over: they held the others up.
        """
        await self._rows.keep_lease(flow, tenant)
        moment = datetime.fromisoformat(since) if since else None
        async with self._database.read() as tx:
            on = (await load_people_settings(tx, tenant)).value.photos
            limit = LOOK + len(over)
            found = await list_unlooked(tx, tenant, since=moment, after=after, limit=limit)
        if not on:
            return Look(off=True)
        people = [one for one in found if one.person not in over][:LOOK]
        if not people:
            return _answer(Looked(), more=False, after=after)
        run = await self._rows.load(flow, tenant)

        async def fence(tx: Transaction) -> None:
            await self._rows.fence(tx, flow, tenant)

        try:
            looked = await self._looks.look(tenant, people, run, fence)
        except PhoneSystemError as error:
            return phones_failed(error)
        except TOLD as error:
            return failed(error)
        done = run.done + looked.people
        await self._rows.report(flow, tenant, min(done, total), total, stage=STAGE)
        if looked.later is not None:
            # The next look is for those who were not reached. One photo that is out of order must
            # not keep the way closed for them for ever.
            if looked.people:
                return _answer(looked, more=True, after=after, over=(*over, *looked.unsettled))
            return failed(looked.later, looked.waiting)
        return _answer(looked, more=len(found) == limit, after=people[-1].person)

    async def _give_up(
        self, flow: str, tenant: int, failure: Failed, after: str, over: tuple[ObjectId, ...]
    ) -> Look:
        """Note whose photos stay closed, and go on with the others."""

        async def fence(tx: Transaction) -> None:
            await self._rows.fence(tx, flow, tenant)

        waiting = failure.waiting
        await self._looks.give_up(tenant, waiting, failure.text, fence)
        gone = Looked(people=len(waiting), unsettled=waiting)
        return _answer(gone, more=True, after=after, over=(*over, *waiting))

    async def _end(
        self, flow: str, tenant: int, mode: Mode, mark: int, counts: Mapping[str, int]
    ) -> None:
        now = self._clock.now()
        async with self._database.write() as tx:
            await self._rows.fence(tx, flow, tenant)
            run = await run_of(tx, tenant, flow)
            full = mode is Mode.FULL
            began = {"full_began_at" if full else "delta_began_at": run.started_at}
            await settle(tx, tenant, WORK, Due(tenant, WORK, mark=mark), **began)
            if full:
                await forget_photos(tx, tenant)
                await forget_images(tx, tenant)
            if counts.get("denied") and counts["denied"] == counts["people"]:
                await begin_alarm(
                    tx,
                    tenant,
                    DENIED,
                    text="Microsoft 365 lets Jackfield read nobody's photo.",
                    next_step=f"Grant {MAY_READ_PHOTOS} (or User.Read.All) to the application and "
                    "consent to it, or switch photos off.",
                    now=now,
                )
            elif counts.get("people"):
                await end_alarm(tx, tenant, DENIED, now=now)
            text = _sentence(counts)
            await end_run(tx, tenant, run.id, RunStatus.DONE, now=now, counts=counts, text=text)
            await self._rows.give_up_lease(tx, flow, tenant)

    async def _end_early(self, flow: str, tenant: int) -> None:
        """Photos were switched off meanwhile: nothing is settled, what stands is left alone."""
        now = self._clock.now()
        text = "Photos were switched off; avatars stay as they are."
        async with self._database.write() as tx:
            run = await run_of(tx, tenant, flow)
            await end_run(tx, tenant, run.id, RunStatus.CANCELLED, now=now, text=text)
            await self._rows.give_up_lease(tx, flow, tenant)

    async def _fail(self, flow: str, tenant: int, failure: Failed) -> None:
        """End the row of a run that cannot go on; it is due again later and later."""
        now = self._clock.now()
        async with self._database.write() as tx:
            if await self._rows.is_carried_elsewhere(tx, flow, tenant):
                return
            run = await load_run_of_flow(tx, tenant, flow)
            if not failure.taken_over:
                state = await load_due(tx, tenant, WORK)
                not_before = now + wait_after(state.failures, away=failure.alarm in AWAY)
                await postpone(tx, tenant, WORK, not_before=not_before)
            if run is not None:
                await end_run(tx, tenant, run.id, RunStatus.FAILED, now=now, text=failure.text)
            await self._rows.give_up_lease(tx, flow, tenant)
        _log.warning("photos.run_failed", tenant=tenant, run=flow, because=failure.text)


def _answer(looked: Looked, *, more: bool, after: str, over: tuple[ObjectId, ...] = ()) -> Look:
    figures = {name: getattr(looked, name) for name in _FIGURES}
    return Look(more, after, over, {**figures, "unsettled": len(looked.unsettled)})


def _sentence(counts: Mapping[str, int]) -> str:
    """How a run ended, for the administrator."""
    people = counts.get("people", 0)
    if not people:
        return "Nobody's photo was to be looked at."
    told = f"Looked at the photo of {people:,} {'person' if people == 1 else 'people'}: "
    parts = [
        (counts.get("set", 0), "{} set as avatar"),
        (counts.get("removed", 0), "{} taken away"),
        (counts.get("unusable", 0), "{} cannot be an avatar"),
        (counts.get("unread", 0), "{} could not be read"),
    ]
    said = [words.format(f"{count:,}") for count, words in parts if count]
    return told + (", ".join(said) or "nothing is new") + "."
