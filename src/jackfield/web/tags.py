"""How states are shown: a text, a sign and a tone, so that no state is told by its colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from jackfield.core.actions import ActionKind, RefusalKind
from jackfield.core.departments import GroupKind
from jackfield.core.extensions import DepartmentFlag
from jackfield.core.number_forecast import Supply
from jackfield.core.number_reasons import NumberState
from jackfield.core.people import LeaverCause
from jackfield.core.photos import PhotoState
from jackfield.flows.outcomes import is_withdrawn
from jackfield.flows.tenant_figures import SyncState
from jackfield.store.alarms import Severity
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanOutline, PlanStatus
from jackfield.store.runs import RunStatus


@dataclass(frozen=True, slots=True)
class Tag:
    """A short label."""

    text: str
    tone: str = ""
    """ "", "plain", "good", "warn" or "bad"."""
    sign: str = ""
    """An icon."""


RUN_TAGS = {
    RunStatus.QUEUED: Tag("Waits its turn", "plain", "clock"),
    RunStatus.RUNNING: Tag("Running", "", "play"),
    RunStatus.DONE: Tag("Done", "good", "circle-check"),
    RunStatus.REFUSED: Tag("Held by a guard", "warn", "shield-check"),
    RunStatus.FAILED: Tag("Failed", "bad", "circle-x"),
    RunStatus.CANCELLED: Tag("Cancelled", "plain", "x"),
}

PLAN_TAGS = {
    PlanStatus.PROPOSED: Tag("Waits for a decision", "warn", "clock"),
    PlanStatus.APPROVED: Tag("Approved", "", "check"),
    PlanStatus.APPLYING: Tag("Being carried out", "", "play"),
    PlanStatus.APPLIED: Tag("Carried out", "good", "circle-check"),
    PlanStatus.REFUSED: Tag("Turned down", "plain", "x"),
    PlanStatus.SUPERSEDED: Tag("Out of date", "plain", "history"),
    PlanStatus.FAILED: Tag("Failed", "bad", "circle-x"),
}


def plan_tag(plan: PlanOutline) -> Tag:
    """Where a plan stands: one that is carried out but for what a guard holds is not over."""
    if plan.status is PlanStatus.SUPERSEDED and plan.replaced_by:
        return Tag(f"Replaced by plan {plan.replaced_by}", "plain", "history")
    if is_withdrawn(plan):
        return Tag("Withdrawn", "plain", "x")
    if plan.status is not PlanStatus.APPLIED or not plan.held:
        return PLAN_TAGS[plan.status]
    if not plan.total:
        return Tag("Held by a guard", "warn", "shield-check")
    return Tag("Carried out but for what is held", "warn", "shield-check")


ACTION_TAGS = {
    ActionStatus.PENDING: Tag("To do", "plain", "clock"),
    ActionStatus.DONE: Tag("Done", "good", "circle-check"),
    ActionStatus.FAILED: Tag("Failed", "bad", "circle-x"),
    ActionStatus.STALE: Tag("Out of date", "warn", "history"),
    ActionStatus.UNANSWERED: Tag("Unanswered", "warn", "circle-help"),
    ActionStatus.SKIPPED: Tag("Skipped", "plain", "x"),
    ActionStatus.TURNED_DOWN: Tag("Turned down", "plain", "x"),
}
HELD_TAG = Tag("Held back", "warn", "shield-check")

ALARM_TAGS = {
    Severity.NOTICE: Tag("Notice", "", "info"),
    Severity.WARNING: Tag("Warning", "warn", "triangle-alert"),
    Severity.CRITICAL: Tag("Critical", "bad", "circle-x"),
}

SYNC_TAGS = {
    SyncState.NOT_CONNECTED: Tag("Not connected", "plain", "x"),
    SyncState.OFF: Tag("Sync is off", "plain", "x"),
    SyncState.SYNCING: Tag("Syncing", "", "play"),
    SyncState.WAITS: Tag("Waits for a decision", "warn", "clock"),
    SyncState.HELD: Tag("Held by a guard", "warn", "shield-check"),
    SyncState.FAILED: Tag("Last run failed", "bad", "circle-x"),
    SyncState.NOT_YET: Tag("Not synced yet", "plain", "clock"),
    SyncState.IN_SYNC: Tag("In sync", "good", "circle-check"),
}

PHOTO_TAGS = {
    PhotoState.SHOWN: Tag("Is the avatar", "good", "circle-check"),
    PhotoState.NONE: Tag("None", "plain", "x"),
    PhotoState.UNUSABLE: Tag("Cannot be the avatar", "warn", "triangle-alert"),
    PhotoState.UNREAD: Tag("Not read", "warn", "circle-help"),
}

FLAG_TAGS = {
    DepartmentFlag.VANISHED: Tag("Group deleted", "warn", "triangle-alert"),
    DepartmentFlag.DESELECTED: Tag("Group no longer chosen", "warn", "triangle-alert"),
}

LEAVER_TAGS = {
    LeaverCause.DELETED: Tag("Deleted in Microsoft 365", "warn", "user-x"),
    LeaverCause.DISABLED: Tag("Disabled in Microsoft 365", "warn", "user-x"),
    LeaverCause.OUT_OF_SCOPE: Tag("No longer in scope", "warn", "user-x"),
    LeaverCause.DELETED_BY_HAND: Tag("Deleted in the phone system", "warn", "user-x"),
}

SUPPLY_TAGS = {
    Supply.OUT: Tag("Has run out", "bad", "circle-x"),
    Supply.SOON: Tag("Within 30 days", "warn", "triangle-alert"),
    Supply.LITTLE: Tag("Nearly used up", "warn", "triangle-alert"),
}

NUMBER_TAGS = {
    NumberState.USED: Tag("In use", "", "phone"),
    NumberState.RESERVED: Tag("Reserved", "plain", "lock"),
    NumberState.HELD: Tag("Held", "warn", "clock"),
    NumberState.FREE: Tag("Free", "good", "circle-check"),
    NumberState.OUTSIDE: Tag("In no pool", "plain", "x"),
}

ACTION_SIGNS = {
    ActionKind.CREATE_DEPARTMENT: "building-2",
    ActionKind.RENAME_DEPARTMENT: "building-2",
    ActionKind.FLAG_DEPARTMENT: "triangle-alert",
    ActionKind.CREATE_EXTENSION: "user-plus",
    ActionKind.ADOPT_EXTENSION: "user-check",
    ActionKind.UPDATE_EXTENSION: "git-compare",
    ActionKind.KEEP_LEAVER: "pause",
    ActionKind.DISABLE_EXTENSION: "user-x",
    ActionKind.REMOVE_EXTENSION: "trash-2",
    ActionKind.UNLINK_EXTENSION: "user-x",
}

REFUSAL_TITLES = {
    RefusalKind.EMPTY_ANSWER: "Microsoft 365 answered that there is nobody",
    RefusalKind.SHRUNK_ANSWER: "Microsoft 365 answered with far fewer people",
    RefusalKind.UNFINISHED_ROUND: "The reading of Microsoft 365 is not finished",
    RefusalKind.EXTENSIONS_LOST: "Many extensions are gone from the phone system",
    RefusalKind.DEPARTMENTS_LOST: "Many departments are gone from the phone system",
    RefusalKind.MEMBERSHIPS_LOST: "Too many people would lose a department",
    RefusalKind.TOO_MANY_REMOVALS: "Too many extensions would be removed",
    RefusalKind.TOO_MANY_DISABLES: "Too many extensions would be disabled",
    RefusalKind.TOO_MANY_RENUMBERINGS: "Too many people would get another number",
    RefusalKind.RANGE_EXHAUSTED: "No number is left",
    RefusalKind.DOUBTFUL_MATCH: "It is doubtful whose extension this is",
    RefusalKind.UNUSABLE_PERSON: "This person cannot have an extension",
}

GROUP_KINDS = {
    GroupKind.MICROSOFT_365: "Microsoft 365 group",
    GroupKind.SECURITY: "Security group",
    GroupKind.MAIL_SECURITY: "Mail-enabled security group",
    GroupKind.DISTRIBUTION: "Distribution list",
}
