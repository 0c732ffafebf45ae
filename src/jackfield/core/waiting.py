"""What a run waits for, in one sentence, the same words wherever it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

MICROSOFT = "Microsoft 365"
PHONES = "the phone system"
TURN = "its turn"


@dataclass(frozen=True, slots=True)
class Waits:
    """What a run waits for, why, and since when."""

    what: str
    """`MICROSOFT`, `PHONES` or `TURN`."""
    because: str
    """The cause, a sentence."""
    since: datetime
    until: datetime | None = None
    """When it is tried again; None while a try is under way, or when somebody else decides."""

    def said(self, now: datetime) -> str:
        """The sentence that tells it at the moment `now`."""
        told = f"Waits for {self.what} since {at(self.since, now)}: {self.because}"
        if self.until is not None and self.until > now:
            return f"{told} Next try at {at(self.until, now)}."
        return told if self.what == TURN else f"{told} Trying again now."


def length(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 90:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def at(moment: datetime, now: datetime) -> str:
    """A moment near `now`: the time of day, with its date where it is another one."""
    moment, now = moment.astimezone(UTC), now.astimezone(UTC)
    return moment.strftime("%H:%M:%S UTC" if moment.date() == now.date() else "%-d %b, %H:%M UTC")
