"""Whether another system can be reached: since when not, why, and until when nobody asks again.

Told what happens on the way to it (`asking`, `answered`, `failed`, ...) and asked for the trouble
there is; moments are handed in. Kept in memory: what a process does not know it asks afresh.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

SILENT_AFTER = timedelta(seconds=5)
"""An answer that takes longer is missed."""
FELT_AFTER = timedelta(seconds=4)
"""Trouble that lasts, or is sure to last, so long is worth telling whoever waits."""
OUTAGE_AFTER = timedelta(seconds=10)
"""Trouble that lasts so long is an outage: said by an alarm."""
PAUSE_AFTER = timedelta(seconds=60)
"""The same for a pause that the other side asks for: short ones belong to a good day."""
OVER_AFTER = timedelta(seconds=20)
"""How long all must go well until an outage is over, so that a stutter is one and not many."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing comes through at the moment."""

    what: str
    """The cause in a sentence or two, with host or status."""
    next_step: str
    since: datetime
    """The first failure after the last answer."""
    until: datetime | None = None
    """When it is tried again; None while a try is under way or nobody has said when."""
    throttled: bool = False
    """The other side answers, and asks us to pause."""

    def is_felt(self, now: datetime) -> bool:
        """Whether it is worth telling whoever waits."""
        return max(now, self.until or now) - self.since >= FELT_AFTER

    def is_outage(self, now: datetime) -> bool:
        """Whether it is worth an alarm."""
        if self.throttled:
            return max(now, self.until or now) - self.since >= PAUSE_AFTER
        return now - self.since >= OUTAGE_AFTER


class Reach:
    """The way to one system, as its callers fare. `name` is what messages call it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.good_since: datetime | None = None
        """Since when all went well; None while it does not, or nothing was asked yet."""
        self._trouble: Trouble | None = None
        self._asking: dict[object, tuple[datetime, str]] = {}

    def asking(self, call: object, whom: str, now: datetime) -> None:
        """A call goes out; `whom` names who is to answer, e.g. a host."""
        self._asking[call] = (now, whom)

    def returned(self, call: object, now: datetime) -> None:
        """The call is over, however it went; say afterwards how."""
        began, _ = self._asking.pop(call, (now, ""))
        if now - began >= SILENT_AFTER:
            self.good_since = None

    def answered(self, now: datetime) -> None:
        """An answer came, be it a refusal."""
        self._trouble = None
        self.good_since = self.good_since or now

    def failed(
        self,
        what: str,
        next_step: str,
        now: datetime,
        *,
        began: datetime | None = None,
        until: datetime | None = None,
        throttled: bool = False,
    ) -> None:
        """No usable answer came; `began` is when the call went out."""
        known = self._trouble
        since = known.since if known is not None else (began or now)
        self._trouble = Trouble(what, next_step, since, until, throttled)
        self.good_since = None

    def retried_at(self, until: datetime) -> None:
        """The next try is not before that moment."""
        if self._trouble is not None:
            self._trouble = replace(self._trouble, until=until)

    def trouble(self, now: datetime) -> Trouble | None:
        """What is wrong now, or None."""
        began, whom = min(self._asking.values(), default=(now, ""))
        known = self._trouble
        if known is not None:
            waits = known.until is not None and known.until > now
            return known if waits else replace(known, until=None)
        if now - began < SILENT_AFTER:
            return None
        return Trouble(
            f"{whom} has not answered for more than {SILENT_AFTER.seconds} seconds.",
            "Jackfield goes on waiting, then tries again by itself.",
            began,
        )

    def is_over(self, now: datetime) -> bool:
        """Whether an outage, if there was one, has ended for good."""
        return self.good_since is not None and now - self.good_since >= OVER_AFTER
