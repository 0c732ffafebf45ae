"""A look at some people's photos: asked for, read where they changed, made avatars, and set.

Each person by themselves: what is wrong with one photo becomes a note on that person. What was
judged is saved before the phone system is asked, and noted afterwards, so that a process may die in
between. Rules are in `core/photos.py`, pictures in `avatars.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from jackfield.clock import Clock
from jackfield.core.extensions import ExtensionKey
from jackfield.core.journal_kinds import LineKind
from jackfield.core.people import ObjectId
from jackfield.core.photos import Avatar, AvatarStep, Kept, PhotoState, avatar_step, needs_reading
from jackfield.flows.avatars import NotAnAvatar, make_avatar
from jackfield.flows.connections import Connections
from jackfield.flows.phones import PhoneOf
from jackfield.flows.run_rows import Fence
from jackfield.flows.writing import cleared, write_all
from jackfield.graph.client import GraphClient
from jackfield.graph.errors import (
    AskAdministrator,
    GraphError,
    NotFound,
    PermissionMissing,
    Throttled,
    TooLarge,
)
from jackfield.graph.photos import (
    MAY_READ_PHOTOS,
    MOST_PICTURE_BYTES,
    PhotoHead,
    fetch_photo_heads,
    fetch_picture,
    is_denied,
)
from jackfield.pbx.port import (
    AvatarWrite,
    Done,
    Outcome,
    PhoneSystem,
    RefusalCode,
    Refused,
    Unanswered,
)
from jackfield.store.database import Database
from jackfield.store.images import load_image, save_images
from jackfield.store.journal import Line, append_lines
from jackfield.store.photos import Photo, Unlooked, load_photos, mark_looked_at, save_photos
from jackfield.store.runs import StoredRun
from jackfield.store.sequences import next_change

PATIENCE_S = 30.0
"""How long one call to Microsoft may take before its person is passed over, or the run waits."""
SIDE_BY_SIDE = 4
"""Pictures that are read at once: with their limit, what they take of memory."""

_NEW = ExtensionKey("")
_NEXT_RUN = "The next run tries again."
_NO_MAILBOX = "Microsoft 365 keeps photos in mailboxes, and this account has none (yet)."
_TOO_LARGE = f"The photo in Microsoft 365 is larger than {MOST_PICTURE_BYTES // 1024 // 1024} MB."
_UNREAD = "The photo could not be read. {}"
_DENIED = "Jackfield may not read the photo."
_GRANT = f"Grant {MAY_READ_PHOTOS} (or User.Read.All), or lift the policy that forbids it."


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look came to."""

    people: int = 0
    set: int = 0
    removed: int = 0
    unusable: int = 0
    """New verdicts that a photo cannot be an avatar."""
    denied: int = 0
    """Photos that may not be read."""
    unsettled: tuple[ObjectId, ...] = ()
    """People with whom another look may fare better soon: not read, or no answer of the phones."""
    later: Throttled | None = None
    """Microsoft asks for a pause; `waiting` were passed over, and are to be asked again."""
    waiting: tuple[ObjectId, ...] = ()


@dataclass(slots=True)
class _Judged:
    """One person's photo during a look."""

    one: Unlooked
    known: Photo | None
    kept: Kept
    because: str = ""
    next_step: str = ""
    avatar: Avatar | None = None
    """Made in this look."""
    denied: bool = False
    key: ExtensionKey = _NEW
    lines: list[Line] = field(default_factory=list)

    @property
    def photo(self) -> Photo:
        return Photo(self.one.person, self.key, self.kept, self.because, self.next_step)

    @property
    def is_news(self) -> bool:
        """Whether there is more to save than that it was looked at."""
        return self.known is None or replace(self.known, checked_at=None) != self.photo

    @property
    def judged_now(self) -> bool:
        return self.known is None or self.known.kept != self.kept

    def note(self, because: str, next_step: str = "") -> None:
        self.because, self.next_step = because, next_step

    @property
    def whom(self) -> str:
        return self.one.name or self.one.person

    def tell(self, kind: LineKind, text: str, run: StoredRun) -> None:
        subject = self.one.person
        line = Line(kind, text, subject=subject, name=self.whom, run=str(run.id), by=run.asker)
        self.lines.append(line)


class PhotoLooks:
    """Looks at photos, for any tenant."""

    def __init__(
        self, database: Database, connections: Connections, phone_of: PhoneOf, clock: Clock
    ) -> None:
        self._database = database
        self._connections = connections
        self._phone_of = phone_of
        self._clock = clock
        self._drawing = asyncio.Lock()

    async def look(
        self, tenant: int, people: Sequence[Unlooked], run: StoredRun, fence: Fence
    ) -> Looked:
        """Look at these people's photos; safe to repeat. `run` is named in the journal.

        `fence` raises where another process works for the tenant by now: before each call that
        writes, and in each transaction. Raises what concerns all of them: `GraphError`,
        `NotConnected`, `PhoneSystemError`.
        """
        client = (await self._connections.client(tenant)).hurried(PATIENCE_S)
        ids = [one.person for one in people]
        async with self._database.read() as tx:
            known = await load_photos(tx, tenant, ids)
        heads = await fetch_photo_heads(client, ids)
        reading = asyncio.Semaphore(SIDE_BY_SIDE)

        async def judge(one: Unlooked) -> _Judged | Throttled | AskAdministrator:
            before = known.get(one.person)
            judged = _Judged(one, before, before.kept if before else Kept())
            async with reading:
                try:
                    await self._judge(client, judged, heads[one.person])
                except (Throttled, AskAdministrator) as error:
                    return error
            return judged

        found = await asyncio.gather(*(judge(one) for one in people))
        for trouble in found:
            if isinstance(trouble, AskAdministrator):
                raise trouble
        waits = [one for one in found if isinstance(one, Throttled)]
        done = [one for one in found if isinstance(one, _Judged)]
        for one in done:
            if _is_new(one, PhotoState.UNUSABLE):
                text = f"The photo of {one.whom} cannot be the avatar: {one.because}"
                one.tell(LineKind.PHOTO_UNUSABLE, text, run)
        await self._save_judged(tenant, done, fence)
        written = await self._set_avatars(tenant, done, run, fence)
        await self._note(tenant, done, fence)
        return Looked(
            people=len(done),
            set=written[AvatarStep.SET],
            removed=written[AvatarStep.REMOVE],
            unusable=sum(_is_new(one, PhotoState.UNUSABLE) for one in done),
            denied=sum(one.denied for one in done),
            unsettled=tuple(one.one.person for one in done if one.key == _NEW),
            later=max(waits, key=lambda one: one.retry_after_s, default=None),
            waiting=tuple(
                one.person
                for one, came in zip(people, found, strict=True)
                if isinstance(came, Throttled)
            ),
        )

    async def give_up(
        self, tenant: int, persons: Sequence[ObjectId], what: str, fence: Fence
    ) -> None:
        """Note that these photos could not be read; they stay to be looked at."""
        async with self._database.write() as tx:
            await fence(tx)
            known = await load_photos(tx, tenant, persons)
            notes = [
                Photo(
                    one,
                    _NEW,
                    (known[one].kept if one in known else Kept()).unread(),
                    _UNREAD.format(what),
                    _NEXT_RUN,
                )
                for one in persons
            ]
            await save_photos(tx, tenant, notes, now=self._clock.now())

    # --- What Microsoft says --------------------------------------------------------------------

    async def _judge(
        self, client: GraphClient, judged: _Judged, head: PhotoHead | GraphError | None
    ) -> None:
        """Find out what becomes of one photo; what is wrong with it alone becomes a note.

        Raises `Throttled`, and of `AskAdministrator` what is no matter of one permission.
        """
        kept = judged.kept
        try:
            match head:
                case None:
                    judged.kept = kept.missing()
                case PhotoHead() if needs_reading(head.etag, kept):
                    await self._read(client, judged, head)
                case PhotoHead():
                    if kept.state is PhotoState.UNUSABLE and judged.known is not None:
                        judged.note(judged.known.because, judged.known.next_step)
                case GraphError():
                    raise head
        except (Throttled, AskAdministrator) as error:
            if not isinstance(error, PermissionMissing):
                raise
            self._unread(judged, error)
        except GraphError as error:
            self._unread(judged, error)

    async def _read(self, client: GraphClient, judged: _Judged, head: PhotoHead) -> None:
        try:
            content = await fetch_picture(client, judged.one.person, head)
        except TooLarge:
            judged.kept = judged.kept.unusable(head.etag)
            judged.note(_TOO_LARGE, "Set a smaller one in Microsoft 365.")
            return
        except NotFound:
            judged.kept = judged.kept.missing()
            return
        try:
            async with self._drawing:
                judged.avatar = await asyncio.to_thread(make_avatar, content)
        except NotAnAvatar as error:
            judged.kept = judged.kept.unusable(head.etag)
            judged.note(error.because, error.next_step)
            return
        judged.kept = judged.kept.usable(head.etag, judged.avatar.digest)

    @staticmethod
    def _unread(judged: _Judged, error: GraphError) -> None:
        if isinstance(error, NotFound):
            # Whether there is a photo is not told: what was last seen stays.
            if not judged.kept.digest:
                judged.kept = judged.kept.missing()
            judged.note(_NO_MAILBOX)
            return
        judged.kept = judged.kept.unread()
        judged.denied = is_denied(error)
        if judged.denied:
            judged.note(_DENIED, _GRANT)
        else:
            judged.note(_UNREAD.format(error.what), _NEXT_RUN)

    # --- What the phone system gets -------------------------------------------------------------

    async def _save_judged(self, tenant: int, done: Sequence[_Judged], fence: Fence) -> None:
        """Save verdicts before anything is written; their extension is still to be looked at."""
        news = [one for one in done if one.judged_now]
        if not news:
            return
        async with self._database.write() as tx:
            await fence(tx)
            await next_change(tx, tenant)
            await save_images(tx, tenant, [one.avatar for one in news if one.avatar is not None])
            await save_photos(tx, tenant, [one.photo for one in news], now=self._clock.now())

    async def _set_avatars(
        self, tenant: int, done: Sequence[_Judged], run: StoredRun, fence: Fence
    ) -> Mapping[AvatarStep, int]:
        """Bring the avatars in line; how many were set and taken away."""
        counted = dict.fromkeys(AvatarStep, 0)
        phone = self._phone_of(tenant)
        keys = [one.one.key for one in done]
        has_avatars = phone.capabilities.photos
        stands = await phone.read_avatars(keys) if has_avatars and keys else {}
        asked: list[tuple[_Judged, AvatarStep, AvatarWrite]] = []
        for one in done:
            if one.kept.state is not PhotoState.UNREAD or one.denied:
                one.key = one.one.key
            mark = stands.get(one.one.key, "")
            step = avatar_step(one.kept.state, one.kept, mark)
            if step is AvatarStep.REMOVE:
                asked.append((one, step, AvatarWrite(one.key, None, expected=mark)))
            elif step is AvatarStep.SET and has_avatars:
                avatar = one.avatar or await self._picture(tenant, one.kept.digest)
                if avatar is None:
                    one.kept, one.key = one.kept.unread(), _NEW
                    one.note("The picture that was kept is lost.", _NEXT_RUN)
                else:
                    asked.append((one, step, AvatarWrite(one.key, avatar)))
            elif one.kept.state is PhotoState.NONE:
                one.kept = one.kept.was_removed()
        outcomes = await self._written(phone, [write for _, _, write in asked], fence)
        for (one, step, _), outcome in zip(asked, outcomes, strict=True):
            counted[step] += self._settle(one, step, outcome, run)
        return counted

    async def _written(
        self, phone: PhoneSystem, writes: Sequence[AvatarWrite], fence: Fence
    ) -> list[Outcome]:
        async def clear() -> None:
            await cleared(self._database, self._clock, fence)

        return await write_all(writes, phone.write_avatars, clear)

    async def _picture(self, tenant: int, digest: str) -> Avatar | None:
        async with self._database.read() as tx:
            return await load_image(tx, tenant, digest)

    @staticmethod
    def _settle(one: _Judged, step: AvatarStep, outcome: Outcome, run: StoredRun) -> bool:
        """What an outcome means for what is remembered; True where the avatar is another now."""
        match outcome:
            case Done() if step is AvatarStep.SET:
                put_back = one.kept.set_digest == one.kept.digest
                one.kept = one.kept.was_set(outcome.avatar)
                text = f"The photo of {one.whom} from Microsoft 365 is the avatar"
                one.tell(LineKind.PHOTO_SET, f"{text} again." if put_back else f"{text} now.", run)
                return True
            case Done():
                one.kept = one.kept.was_removed()
                text = f"The avatar of {one.whom} is taken away: Microsoft 365 has no photo now."
                one.tell(LineKind.PHOTO_REMOVED, text, run)
                return True
            case Refused(code=RefusalCode.STALE) if step is AvatarStep.REMOVE:
                # Somebody has set another one meanwhile: theirs stays.
                one.kept = one.kept.was_removed()
            case Refused():
                one.note(f"The phone system refused the avatar: {outcome.text}", _NEXT_RUN)
                one.tell(LineKind.PHOTO_REFUSED, f"{one.whom}: {one.because}", run)
            case Unanswered():
                one.key = _NEW
        return False

    async def _note(self, tenant: int, done: Sequence[_Judged], fence: Fence) -> None:
        """Save what has come of it, and that everybody was looked at."""
        now = self._clock.now()
        news = [one for one in done if one.is_news]
        same: list[ObjectId] = [one.one.person for one in done if not one.is_news]
        lines = [line for one in news for line in one.lines]
        async with self._database.write() as tx:
            await fence(tx)
            await mark_looked_at(tx, tenant, same, now=now)
            if news:
                await save_photos(tx, tenant, [one.photo for one in news], now=now)
                await append_lines(tx, tenant, lines, now=now)


def _is_new(one: _Judged, state: PhotoState) -> bool:
    return one.kept.state is state and (one.known is None or one.known.kept.etag != one.kept.etag)
