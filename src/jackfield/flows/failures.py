"""Why a run does not go on: what a step answers about an error it met, and what is kept of it.

Steps answer JSON, so an error travels from the step to the end of its run as a small document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run does not go on."""

    text: str
    next_step: str = ""
    alarm: str = OUTAGE
    plan: int = 0
    """The plan it was carrying out; 0 = the one it made, if any."""
    taken_over: bool = False
    """Another run goes on with its work, so nothing is wrong."""


DECIDE = (
    "Nothing is read from it or written to it. Attach the one that was there before; or, if it was"
    " replaced on purpose, run jackfield phones accept: links are dropped and made anew, by the"
    " rules for extensions that stand already."
)


def failed(error: Exception) -> dict[str, Any]:
    """What a step answers about an error it met; `later` asks for another try."""
    answer: dict[str, Any] = {
        "failed": True,
        "text": getattr(error, "what", None) or str(error),
        "next_step": getattr(error, "next_step", ""),
    }
    if isinstance(error, AgainLater):
        answer["later"] = float(error.retry_after_s or 1.0)
        answer["waits_for"] = MICROSOFT
    if isinstance(error, Throttled | Unreachable):
        answer["alarm"] = GRAPH_AWAY
    return answer


def phones_failed(error: PhoneSystemError) -> dict[str, Any]:
    """What a step answers that the phone system has failed, shaped like `failed`'s."""
    if isinstance(error, PhoneSystemReplaced):
        return {
            "failed": True,
            "text": str(error),
            "next_step": DECIDE,
            "alarm": PHONES_REPLACED,
            "waits_for": PHONES,
            "later": 0.0,
        }
    return {
        "failed": True,
        "text": f"The phone system: {error}",
        "next_step": CHECK,
        "alarm": PHONES_AWAY,
        "waits_for": PHONES,
        "later": 15.0 if isinstance(error, PhoneSystemUnreachable) else 0.0,
    }


def failure_of(document: dict[str, Any]) -> Failure:
    """A failure as a step has answered it."""
    return Failure(
        str(document.get("text", "The run failed.")),
        str(document.get("next_step", "")),
        str(document.get("alarm", OUTAGE)),
        int(document.get("plan", 0)),
        bool(document.get("taken_over", False)),
    )
