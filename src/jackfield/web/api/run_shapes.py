"""Runs and plans as the API tells them.

Names end in `In` for what a caller sends and `Out` for what is answered.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from jackfield.core.actions import ActionKind, RefusalKind
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanStatus


class RunState(StrEnum):
    """How a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    """A guard holds actions back."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class WaitsOut(msgspec.Struct):
    """What a run waits for at the moment, and why."""

    what: Annotated[str, msgspec.Meta(description="Microsoft 365, the phone system, or its turn.")]
    because: str
    since: datetime
    until: Annotated[
        datetime | None,
        msgspec.Meta(description="When it is tried again; null while a try is under way."),
    ]


class RunOut(msgspec.Struct):
    """One run."""

    id: Annotated[
        str,
        msgspec.Meta(
            description="A number once the run has begun, before that what its start has answered;"
            " `/runs/{id}` takes both."
        ),
    ]
    kind: Annotated[str, msgspec.Meta(description="people or photos.")]
    mode: Annotated[
        str,
        msgspec.Meta(
            description="full, delta, person, preview, approved, photos; empty while queued."
        ),
    ]
    status: RunState
    text: Annotated[
        str, msgspec.Meta(description="What it is at or waits for, or what came of it.")
    ]
    done: int
    total: Annotated[int, msgspec.Meta(description="0 while it is not known.")]
    counts: Annotated[
        dict[str, int],
        msgspec.Meta(
            description="people, changes, what was done by kind, held (what a guard"
            " holds of the run's own plan); of photos people, set, removed,"
            " unusable, denied, unread."
        ),
    ]
    plan: Annotated[
        int | None, msgspec.Meta(description="The plan it has made, for `/plans/{plan}`.")
    ]
    by: Annotated[str, msgspec.Meta(description="Who asked for it; empty for the schedule.")]
    waits: WaitsOut | None
    started_at: datetime | None
    ended_at: datetime | None


class RunsOut(msgspec.Struct):
    """Runs, the newest first; give `next` as `before` for older ones."""

    runs: list[RunOut]
    next: int | None


class SyncIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to sync: everyone by what changed, everyone again (`full`), or one person."""

    person: Annotated[
        Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None,
        msgspec.Meta(description="Only this person, by object ID or UPN."),
    ] = None
    full: Annotated[
        bool, msgspec.Meta(description="Read everyone again instead of what changed.")
    ] = False


Upn = Annotated[
    str, msgspec.Meta(description="The person's UPN as it is now; empty where there is none.")
]


class RefusalOut(msgspec.Struct):
    """Something that is not done, with the reason and the next step."""

    kind: RefusalKind
    subject: Annotated[
        str, msgspec.Meta(description="Object ID of the person; empty for the whole plan.")
    ]
    name: str
    upn: Upn
    because: str
    next_step: str
    held: Annotated[int, msgspec.Meta(description="How many actions it holds back.")]


class NoticeOut(msgspec.Struct):
    """Something to know about a person, e.g. a name that was cut."""

    subject: str
    name: str
    upn: Upn
    text: str


class PlanLine(msgspec.Struct):
    """A plan in a list."""

    id: int
    status: PlanStatus
    text: str
    made_at: datetime
    made_by: str
    scope: Annotated[
        str, msgspec.Meta(description="everyone, touched people, or one person's object ID.")
    ]
    counts: Annotated[dict[ActionKind, int], msgspec.Meta(description="Actions by kind.")]
    held: Annotated[
        dict[ActionKind, int], msgspec.Meta(description="Actions that a guard holds back.")
    ]
    guarded: Annotated[bool, msgspec.Meta(description="A guard has refused something.")]
    decided_at: Annotated[
        datetime | None, msgspec.Meta(description="Null: not yet, or carried out by itself.")
    ]
    decided_by: Annotated[str, msgspec.Meta(description="Who approved it or turned it down.")]
    ended_at: datetime | None
    replaced_by: Annotated[
        int | None, msgspec.Meta(description="The plan that was made instead, where there is one.")
    ]
    withdrawn: Annotated[
        bool,
        msgspec.Meta(
            description="It is over and nothing of it was carried out: guards held all of it, and"
            " it is not meant any more, or stands in a newer plan."
        ),
    ]


class PlanOut(PlanLine):
    """A plan without its actions."""

    releasable: Annotated[
        bool,
        msgspec.Meta(
            description="A guard holds something back that `release_held` would still let go."
        ),
    ]
    outcomes: Annotated[
        dict[ActionStatus, int], msgspec.Meta(description="What came of its actions so far.")
    ]
    refusals: Annotated[
        list[RefusalOut],
        msgspec.Meta(description="The first 500; all of them: `GET /plans/{plan}/refusals`."),
    ]
    notices: Annotated[
        list[NoticeOut],
        msgspec.Meta(description="The first 500; all of them: `GET /plans/{plan}/notices`."),
    ]
    refused: Annotated[int, msgspec.Meta(description="How many people it refused.")]
    noted: Annotated[int, msgspec.Meta(description="About how many people there is a notice.")]


class RefusalsOut(msgspec.Struct):
    """A page of what a plan would not do."""

    refusals: list[RefusalOut]
    total: int
    next: int | None


class NoticesOut(msgspec.Struct):
    """A page of what is to be known of a plan."""

    notices: list[NoticeOut]
    total: int
    next: int | None


class PlansOut(msgspec.Struct):
    """Plans, the newest first; give `next` as `before` for older ones."""

    plans: list[PlanLine]
    next: int | None


class DifferenceOut(msgspec.Struct):
    """One value of an action: what stands there, what shall, and why."""

    label: str
    before: str
    after: str
    because: str


class ActionOut(msgspec.Struct):
    """One action of a plan, and what came of it."""

    seq: int
    kind: ActionKind
    title: str
    because: str
    subject: Annotated[str, msgspec.Meta(description="Object ID of the person or group.")]
    name: str
    upn: Upn
    held: bool
    status: ActionStatus
    text: Annotated[str, msgspec.Meta(description="What came of it, where that needs words.")]
    differences: list[DifferenceOut]


class ActionsOut(msgspec.Struct):
    """Actions in their order; give `next` as `after` for the following ones."""

    actions: list[ActionOut]
    total: int
    more: Annotated[bool, msgspec.Meta(description="There are more than `total`.")]
    next: int | None


class ApproveIn(msgspec.Struct, forbid_unknown_fields=True):
    """How a plan is approved."""

    release_held: Annotated[
        bool, msgspec.Meta(description="Also carry out what a guard holds back.")
    ] = False


class RefuseIn(msgspec.Struct, forbid_unknown_fields=True):
    """How a plan is turned down."""

    also_approved: Annotated[
        bool,
        msgspec.Meta(description="Also where it is approved: what is left of it is not done."),
    ] = False


class StretchOut(msgspec.Struct):
    """The runs that began in one stretch of a period and have ended."""

    begins_at: datetime
    runs: int
    failed: Annotated[int, msgspec.Meta(description="Those that were cancelled included.")]
    held: Annotated[int, msgspec.Meta(description="Held by a guard.")]
    created: Annotated[int, msgspec.Meta(description="Extensions and departments.")]
    updated: int
    stopped: Annotated[int, msgspec.Meta(description="Extensions disabled or removed.")]
    longest_full_s: Annotated[
        float | None, msgspec.Meta(description="Seconds of the longest full sync; null: none.")
    ]
    longest_look_s: Annotated[
        float | None, msgspec.Meta(description="The same of looks for changes.")
    ]
    longest_photos_s: Annotated[
        float | None, msgspec.Meta(description="The same of runs about photos.")
    ]


class RunHistoryOut(msgspec.Struct):
    """How runs went over a period, by stretches of equal length, the oldest first."""

    period: str
    stretch_s: Annotated[float, msgspec.Meta(description="Seconds of a stretch.")]
    stretches: Annotated[
        list[StretchOut], msgspec.Meta(description="All of them, also those without a run.")
    ]
