"""What the phone system's answer to an action means for our own records.

Gathered per chunk of a plan, so that one transaction saves it; `applying.py` saves. Nobody is ever
linked to what is another's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from jackfield.core.actions import (
    Action,
    AdoptExtension,
    CreateDepartment,
    CreateExtension,
    DisableExtension,
    FlagDepartment,
    KeepLeaver,
    RemoveExtension,
    RenameDepartment,
    UnlinkExtension,
    UpdateExtension,
)
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionKey,
    FormerExtension,
    Link,
)
from jackfield.core.people import GroupId, ObjectId
from jackfield.core.updates import agreed_fields, agreed_on_creation
from jackfield.flows.writes import ChunkContext, Stale
from jackfield.pbx.port import (
    CreateExtensionWrite,
    Done,
    Outcome,
    RefusalCode,
    Refused,
    Unanswered,
    Write,
)
from jackfield.store.journal import Line
from jackfield.store.outcomes import Result
from jackfield.store.plan_actions import ActionStatus


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose the extensions and departments are that were answered: nobody's is given twice."""

    extensions: dict[ExtensionKey, ObjectId]
    departments: dict[DepartmentKey, GroupId]


class Record:
    """What a chunk has led to, gathered for one transaction."""

    def __init__(self, owners: Owners, now: datetime) -> None:
        self.owners = owners
        self.now = now
        self.results: list[Result] = []
        self.extensions: list[Extension] = []
        self.removed: list[ExtensionKey] = []
        self.taken: list[str] = []
        self.freed: list[str] = []
        self.departments: list[Department] = []
        self.links: list[Link] = []
        self.newly_linked = False
        """Somebody has an extension who had none, or another one."""
        self.unlinked: list[ObjectId] = []
        self.left: list[ObjectId] = []
        """They are leavers from now on, whatever becomes of their extension."""
        self.former: dict[ObjectId, FormerExtension] = {}
        self.department_links: list[DepartmentLink] = []
        self.rebuilt = False
        """A department was made again: its members are to be given it."""
        self.lines: list[Line] = []


def settle(
    action: Action,
    write: Write | Stale | None,
    outcome: Outcome | None,
    context: ChunkContext,
    record: Record,
) -> tuple[ActionStatus, str]:
    """Gather what an outcome means for our records; returns the action's status and a text."""
    match write, outcome:
        case Stale(text=text), _:
            return ActionStatus.STALE, text
        case None, _:
            _agree(action, Done(), context, record)
            return ActionStatus.DONE, ""
        case _, Done() if anothers := _anothers(action, outcome, record.owners):
            if outcome.extension is not None:
                record.extensions.append(outcome.extension)
            return ActionStatus.STALE, anothers
        case _, Done():
            _agree(action, outcome, context, record)
            return ActionStatus.DONE, _left_out(action, context)
        case CreateExtensionWrite(number=number), Refused(code=RefusalCode.NUMBER_TAKEN):
            record.taken.append(number)
            return ActionStatus.STALE, outcome.text
        case _, Refused(code=RefusalCode.STALE | RefusalCode.NOT_FOUND):
            return ActionStatus.STALE, outcome.text
        case _, Refused():
            return ActionStatus.FAILED, outcome.text
        case _, Unanswered():
            return ActionStatus.UNANSWERED, outcome.text
        case _:
            raise AssertionError(action)


def _anothers(action: Action, done: Done, owners: Owners) -> str:
    """Why what was answered cannot be linked; "" where nobody else has it."""
    match action:
        case CreateExtension() | AdoptExtension() | UpdateExtension():
            if done.extension is not None and action.person != owners.extensions.setdefault(
                done.extension.key, action.person
            ):
                return "The extension that the phone system answered is another person's."
        case CreateDepartment():
            if done.department is not None and action.group != owners.departments.setdefault(
                done.department.key, action.group
            ):
                return "The department that the phone system answered is another group's."
        case _:
            pass
    return ""


def _left_out(action: Action, context: ChunkContext) -> str:
    groups: tuple[GroupId, ...] = ()
    if isinstance(action, CreateExtension):
        groups = action.groups
    elif isinstance(action, AdoptExtension | UpdateExtension) and action.departments is not None:
        groups = action.departments.add
    missing = sum(1 for one in groups if one not in context.department_links)
    if not missing:
        return ""
    return (
        f"Done without {missing} department(s) that could not be created; the next plan adds them."
    )


def _agree(action: Action, done: Done, context: ChunkContext, record: Record) -> None:
    if done.extension is not None:
        record.extensions.append(done.extension)
    if done.department is not None:
        record.departments.append(done.department)
    known = context.department_links
    match action:
        case CreateDepartment():
            assert done.department is not None  # noqa: S101 - the port's promise
            record.rebuilt |= action.previous is not None
            record.department_links.append(
                DepartmentLink(
                    action.group, done.department.key, done.department.name, action.group_name
                )
            )
        case RenameDepartment():
            link = known[action.group]
            record.department_links.append(
                replace(link, agreed_name=action.after, group_name=action.group_name)
            )
        case FlagDepartment():
            record.department_links.append(replace(known[action.group], flag=action.flag))
        case CreateExtension():
            assert done.extension is not None  # noqa: S101 - the port's promise
            record.newly_linked = True
            found = done.extension
            given = {known[one].key for one in action.groups if one in known}
            if not done.created:
                # It stood already, perhaps otherwise than asked for; the next plan mends that.
                given &= set(found.departments)
            record.links.append(
                Link(
                    action.person,
                    found.key,
                    found.number,
                    agreed_on_creation(action, action.fields if done.created else found.fields),
                    tuple(sorted(given)),
                )
            )
        case AdoptExtension() | UpdateExtension():
            assert done.extension is not None  # noqa: S101 - the port's promise
            record.newly_linked |= isinstance(action, AdoptExtension)
            record.links.append(_updated_link(action, done.extension, context))
        case KeepLeaver() | DisableExtension():
            agreement = context.links[action.person]
            if action.cause not in (None, agreement.left):
                agreement = replace(agreement, left=action.cause, left_at=record.now)
                record.left.append(action.person)
            record.links.append(agreement)
        case UnlinkExtension():
            record.unlinked.append(action.person)
        case RemoveExtension():
            record.unlinked.append(action.person)
            if (was := context.standing.get(action.person)) is not None:
                theirs = context.links[action.person]
                by_hand = tuple(one for one in was.departments if one not in theirs.departments)
                record.former[action.person] = FormerExtension(
                    action.number,
                    was.fields,
                    by_hand,
                    was.primary,
                    theirs.departments,
                    was.enabled,
                    given_caller_id=was.fields.caller_id == theirs.agreed.caller_id,
                )
            record.removed.append(action.key)
            record.freed.append(action.number)
        case _:
            assert_never(action)


def _updated_link(
    action: AdoptExtension | UpdateExtension, extension: Extension, context: ChunkContext
) -> Link:
    # An adopted extension replaces one that is gone: what was agreed on about that one is no use.
    link = context.links.get(action.person) if isinstance(action, UpdateExtension) else None
    agreed = agreed_fields(
        link.agreed if link is not None else None, extension.fields, action.changes
    )
    given = set(link.departments if link is not None else ())
    if action.departments is not None:
        known = context.department_links
        given |= {known[one].key for one in action.departments.add if one in known}
        given -= set(action.departments.remove)
    agreement = Link(action.person, extension.key, extension.number, agreed, tuple(sorted(given)))
    if link is None or (isinstance(action, UpdateExtension) and action.returns):
        return agreement
    return replace(agreement, left=link.left, left_at=link.left_at)
