"""Why a run does not go on: what a step answers about an error it met.

Steps answer what can be recorded, so an error travels to the end of its run as a value.
"""

from __future__ import annotations

import msgspec

from jackfield.core.people import ObjectId
from jackfield.core.waiting import MICROSOFT, PHONES
from jackfield.flows.connections import NotConnected
from jackfield.flows.watched_phones import CHECK
from jackfield.graph.errors import AgainLater, GraphError, Throttled, Unreachable
from jackfield.pbx.port import PhoneSystemError, PhoneSystemReplaced, PhoneSystemUnreachable
from jackfield.store.errors import BrokenDocument, SecretUnreadable

OUTAGE = "people.sync"
"""Alarm: people sync fails, for whatever reason has no alarm of its own."""
GRAPH_AWAY = "graph.away"
"""Alarm: Microsoft 365 cannot be reached, or asks for a long pause."""
PHONES_AWAY = "phones.unreachable"
"""Alarm: the phone system cannot be reached."""
PHONES_REPLACED = "phones.replaced"
"""Alarm: another phone system answers than the one whose extensions are linked."""
AWAY = frozenset({GRAPH_AWAY, PHONES_AWAY})
"""Alarms that another system is away, not that anything is wrong with the work."""
TOLD = (GraphError, NotConnected, BrokenDocument, SecretUnreadable)
"""What ends a run that reads, and is told. A database that is away is none: it is waited for."""


class Failed(msgspec.Struct, frozen=True):
    """Why a step, and with it perhaps its run, does not go on."""

    text: str
    next_step: str = ""
    alarm: str = OUTAGE
    later: float = 0.0
    """Seconds after which another try may fare better; 0 = none will."""
    waits_for: str = ""
    """Which system asks for the wait."""
    waiting: tuple[ObjectId, ...] = ()
    """People who were not reached, and are to be asked again."""
    plan: int = 0
    """The plan it was carrying out; 0 = the one it made, if any."""
    taken_over: bool = False
    """Another run goes on with its work, so nothing is wrong."""
    failed: bool = True
    """By which the record of a failure is told from that of any other answer."""


DECIDE = (
    "Nothing is read from it or written to it. Attach the one that was there before; or, if it was"
    " replaced on purpose, accept it on Overview or by jackfield phones accept: links are dropped"
    " and made anew, by the rules for extensions that stand already."
)


def failed(error: Exception, waiting: tuple[ObjectId, ...] = ()) -> Failed:
    """What a step answers about an error it met."""
    later = float(error.retry_after_s or 1.0) if isinstance(error, AgainLater) else 0.0
    return Failed(
        getattr(error, "what", None) or str(error),
        getattr(error, "next_step", ""),
        alarm=GRAPH_AWAY if isinstance(error, Throttled | Unreachable) else OUTAGE,
        later=later,
        waits_for=MICROSOFT if later else "",
        waiting=waiting,
    )


def phones_failed(error: PhoneSystemError) -> Failed:
    """What a step answers that the phone system has failed."""
    if isinstance(error, PhoneSystemReplaced):
        return Failed(str(error), DECIDE, alarm=PHONES_REPLACED, waits_for=PHONES)
    return Failed(
        f"The phone system: {error}",
        CHECK,
        alarm=PHONES_AWAY,
        later=15.0 if isinstance(error, PhoneSystemUnreachable) else 0.0,
        waits_for=PHONES,
    )
