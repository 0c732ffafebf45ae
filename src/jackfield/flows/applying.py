"""Carrying out a stored plan: its actions as they were shown, a chunk at a time.

An action whose before-values no longer hold is refused as stale. Every write is safe to repeat, so
a process may die between the phone system's answer and our record of it. One refused action stops
no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from jackfield.clock import Clock
from jackfield.core.actions import (
    Action,
    ActionKind,
    AdoptExtension,
    CreateDepartment,
    CreateExtension,
    DepartmentsChange,
    DisableExtension,
    FieldChange,
    FlagDepartment,
    KeepLeaver,
    RemoveExtension,
    RenameDepartment,
    UpdateExtension,
)
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionKey,
    Link,
)
from jackfield.core.people import GroupId, ObjectId
from jackfield.core.wording import title
from jackfield.flows.phones import PhoneOf
from jackfield.pbx.port import (
    CreateDepartmentWrite,
    CreateExtensionWrite,
    Done,
    Outcome,
    PhoneSystem,
    RefusalCode,
    Refused,
    RemoveExtensionWrite,
    RenameDepartmentWrite,
    Unanswered,
    UpdateExtensionWrite,
    Write,
)
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
from jackfield.store.people import load_changed
from jackfield.store.phones import (
    PhoneState,
    add_departments,
    drop_extensions,
    load_extensions,
    load_phone_state,
    note_numbers,
    save_extensions,
)
from jackfield.store.plans import (
    ActionStatus,
    PlanStatus,
    StoredAction,
    load_pending,
    load_plan,
    mark_outcomes,
)
from jackfield.store.plans import Outcome as Result
from jackfield.store.runs import StoredRun
from jackfield.store.sequences import hold
from jackfield.store.transaction import Transaction

CHUNK = 250
"""Actions per call of the phone port and per transaction of ours."""
TRIES = 3
"""How often an unanswered write is repeated at once."""

_DEPARTMENT_KINDS = frozenset(
    {ActionKind.CREATE_DEPARTMENT, ActionKind.RENAME_DEPARTMENT, ActionKind.FLAG_DEPARTMENT}
)


@dataclass(frozen=True, slots=True)
class Pictures:
    """What the actions of a chunk are resolved with."""

    links: Mapping[ObjectId, Link]
    department_links: Mapping[GroupId, DepartmentLink]
    changed_since_plan: frozenset[ObjectId] = frozenset()
    """People of the chunk who changed in Microsoft 365 after the plan was made."""
    holding: frozenset[ObjectId] = frozenset()
    """People of the chunk with an extension that stands."""
    owners: Mapping[ExtensionKey, ObjectId] = field(default_factory=dict)
    """Whose the extensions are that the chunk is to adopt, as far as they are anybody's."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """How far a plan is after some of its actions: `done` of `total`."""

    done: int
    total: int
    overtaken: bool = False
    """The picture of the phone system was brought up to date meanwhile: it has to be read again."""


@dataclass(frozen=True, slots=True)
class _Stale:
    text: str


@dataclass(frozen=True, slots=True)
class _Owners:
    """Whose the extensions and departments are that were answered: nobody's is given twice."""

    extensions: dict[ExtensionKey, ObjectId]
    departments: dict[DepartmentKey, GroupId]


class _Record:
    """What a chunk has led to, gathered for one transaction."""

    def __init__(self, owners: _Owners) -> None:
        self.owners = owners
        self.results: list[Result] = []
        self.extensions: list[Extension] = []
        self.removed: list[ExtensionKey] = []
        self.taken: list[str] = []
        self.freed: list[str] = []
        self.departments: list[Department] = []
        self.links: list[Link] = []
        self.unlinked: list[ObjectId] = []
        self.department_links: list[DepartmentLink] = []
        self.lines: list[Line] = []


class Applying:
    """Carries out plans."""

    def __init__(
        self, database: Database, phone_of: PhoneOf, clock: Clock, *, chunk: int = CHUNK
    ) -> None:
        self._database = database
        self._phone_of = phone_of
        self._clock = clock
        self._chunk = chunk

    async def chunk(self, tenant: int, plan: int, run: StoredRun) -> Chunk | None:
        """Carry out the next actions of a plan that is being applied; None when none is left.

        Raises `PhoneSystemError` where the phone system as a whole cannot be used: nothing is
        recorded then, and the same actions come again.
        """
        async with self._database.read() as tx:
            stored = await load_plan(tx, tenant, plan)
            if stored is None or stored.status is not PlanStatus.APPLYING:
                return None
            pending = _of_one_phase(await load_pending(tx, tenant, plan, limit=self._chunk))
            if not pending:
                return None
            pictures = await _pictures(tx, tenant, stored.versions.people_seq, pending)
            before = await load_phone_state(tx, tenant)
        started = self._clock.monotonic()
        prepared = [(one, prepare(one.action, pictures)) for one in pending]
        phone = self._phone_of(tenant)
        writes = [(one, write) for one, write in prepared if not isinstance(write, _Stale | None)]
        outcomes = await _written(phone, [write for _, write in writes])
        by_seq = {one.seq: outcome for (one, _), outcome in zip(writes, outcomes, strict=True)}
        took_ms = round((self._clock.monotonic() - started) * 1000 / len(pending))
        now = self._clock.now()
        async with self._database.write() as tx:
            await hold(tx, tenant)
            record = _Record(await _owners(tx, tenant, outcomes))
            for one, write in prepared:
                status, text = _settle(one.action, write, by_seq.get(one.seq), pictures, record)
                record.results.append(Result(one.seq, status, text))
                record.lines.append(_line(one, status, text, run, took_ms))
            overtaken = not await _save_picture(tx, tenant, record, before)
            await _save(tx, tenant, plan, record, now)
        # Held actions stand behind all others.
        return Chunk(pending[-1].seq, stored.total, overtaken)


def _line(one: StoredAction, status: ActionStatus, text: str, run: StoredRun, took_ms: int) -> Line:
    """What the journal keeps of an action: done or not, and why."""
    done = status is ActionStatus.DONE
    said = f"{title(one.action)}: {one.action.because}"
    return Line(
        f"{one.action.kind}.{status}",
        f"{said} {text}".rstrip() if done else f"Not done: {said} {text}",
        subject=one.subject,
        name=one.name,
        run=str(run.id),
        data={"ms": took_ms},
    )


async def _written(phone: PhoneSystem, writes: list[Write]) -> list[Outcome]:
    """The outcomes in the order of the writes; unanswered ones are repeated, in order."""
    outcomes: list[Outcome] = [Unanswered("not tried")] * len(writes)
    left = list(range(len(writes)))
    for _ in range(TRIES):
        if not left:
            break
        answers = await phone.write([writes[at] for at in left])
        for at, answer in zip(left, answers, strict=True):
            outcomes[at] = answer
        left = [at for at in left if isinstance(outcomes[at], Unanswered)]
    return outcomes


def _of_one_phase(pending: Sequence[StoredAction]) -> list[StoredAction]:
    """The first actions that do not need one another's results: departments before members."""
    if not pending:
        return []
    first = pending[0].action.kind in _DEPARTMENT_KINDS
    same: list[StoredAction] = []
    for one in pending:
        if (one.action.kind in _DEPARTMENT_KINDS) is not first:
            break
        same.append(one)
    return same


async def _pictures(
    tx: Transaction, tenant: int, made_from: int, pending: Sequence[StoredAction]
) -> Pictures:
    people = [ObjectId(one.subject) for one in pending if one.action.kind not in _DEPARTMENT_KINDS]
    links = await load_links(tx, tenant, people)
    standing = await load_extensions(tx, tenant, [link.key for link in links.values()])
    adopted = [one.action.key for one in pending if isinstance(one.action, AdoptExtension)]
    theirs = await load_links_of_extensions(tx, tenant, adopted)
    return Pictures(
        links,
        await load_department_links(tx, tenant),
        await load_changed(tx, tenant, people, made_from),
        frozenset(person for person, link in links.items() if link.key in standing),
        {key: link.person for key, link in theirs.items()},
    )


async def _owners(tx: Transaction, tenant: int, outcomes: Sequence[Outcome]) -> _Owners:
    answered = [
        one.extension.key for one in outcomes if isinstance(one, Done) and one.extension is not None
    ]
    linked = await load_links_of_extensions(tx, tenant, answered)
    departments = await load_department_links(tx, tenant)
    return _Owners(
        {key: link.person for key, link in linked.items()},
        {link.key: link.group for link in departments.values()},
    )


def prepare(action: Action, pictures: Pictures) -> Write | _Stale | None:
    """The write that an action asks for; None where only our own record changes."""
    links, groups = pictures.links, pictures.department_links
    person = getattr(action, "person", None)
    if person in pictures.changed_since_plan:
        return _Stale("The person has changed in Microsoft 365 since the plan was made.")
    match action:
        case CreateDepartment():
            return CreateDepartmentWrite(action.group, action.name)
        case RenameDepartment():
            if action.group not in groups:
                return _Stale("The department is no longer linked.")
            return RenameDepartmentWrite(action.key, action.after, action.before)
        case FlagDepartment():
            return None if action.group in groups else _Stale("The department is no longer linked.")
        case CreateExtension():
            if action.person in pictures.holding:
                return _Stale("The person has got an extension since the plan was made.")
            return CreateExtensionWrite(
                action.person,
                action.number,
                action.fields,
                tuple(groups[one].key for one in action.groups if one in groups),
                _key(groups, action.primary),
            )
        case AdoptExtension():
            linked = links.get(action.person)
            if linked is not None and linked.key not in {action.key, action.replaces}:
                return _Stale("The person has got another extension since the plan was made.")
            if pictures.owners.get(action.key, action.person) != action.person:
                return _Stale("The extension has become another person's since the plan was made.")
            return _update(
                action.key, action.changes, action.departments, groups, adopt=action.person
            )
        case UpdateExtension():
            link = links.get(action.person)
            if link is None or link.key != action.key:
                return _Stale("The extension is no longer this person's.")
            write = _update(action.key, action.changes, action.departments, groups)
            return replace(write, enabled=True) if action.returns else write
        case KeepLeaver() | DisableExtension() | RemoveExtension():
            return _leave(action, pictures)
        case _:
            assert_never(action)


def _leave(
    action: KeepLeaver | DisableExtension | RemoveExtension, pictures: Pictures
) -> Write | _Stale | None:
    link = pictures.links.get(action.person)
    if link is None or link.key != action.key:
        return _Stale("The extension is no longer this person's.")
    match action:
        case KeepLeaver():
            return None
        case DisableExtension():
            return UpdateExtensionWrite(action.key, enabled=False)
        case RemoveExtension():
            return RemoveExtensionWrite(action.key, action.number)
        case _:
            assert_never(action)


def _update(
    key: ExtensionKey,
    changes: Sequence[FieldChange],
    departments: DepartmentsChange | None,
    groups: Mapping[GroupId, DepartmentLink],
    *,
    adopt: ObjectId | None = None,
) -> UpdateExtensionWrite:
    add: tuple[DepartmentKey, ...] = ()
    remove: tuple[DepartmentKey, ...] = ()
    primary: DepartmentKey | None = None
    if departments is not None:
        add = tuple(groups[one].key for one in departments.add if one in groups)
        remove = departments.remove
        primary = _key(groups, departments.primary)
    return UpdateExtensionWrite(
        key,
        changes={change.field: change.after for change in changes},
        expected={change.field: change.before for change in changes},
        add_departments=add,
        remove_departments=remove,
        primary=primary,
        external_key=adopt,
    )


def _key(groups: Mapping[GroupId, DepartmentLink], group: GroupId | None) -> DepartmentKey | None:
    return groups[group].key if group is not None and group in groups else None


def _settle(
    action: Action,
    write: Write | _Stale | None,
    outcome: Outcome | None,
    pictures: Pictures,
    record: _Record,
) -> tuple[ActionStatus, str]:
    """Gather what an outcome means for our records; returns the action's status and a text."""
    match write, outcome:
        case _Stale(text=text), _:
            return ActionStatus.STALE, text
        case None, _:
            _agree(action, Done(), pictures, record)
            return ActionStatus.DONE, ""
        case _, Done() if anothers := _anothers(action, outcome, record.owners):
            if outcome.extension is not None:
                record.extensions.append(outcome.extension)
            return ActionStatus.STALE, anothers
        case _, Done():
            _agree(action, outcome, pictures, record)
            return ActionStatus.DONE, _left_out(action, pictures)
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


def _anothers(action: Action, done: Done, owners: _Owners) -> str:
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


def _left_out(action: Action, pictures: Pictures) -> str:
    groups: tuple[GroupId, ...] = ()
    if isinstance(action, CreateExtension):
        groups = action.groups
    elif isinstance(action, AdoptExtension | UpdateExtension) and action.departments is not None:
        groups = action.departments.add
    missing = sum(1 for one in groups if one not in pictures.department_links)
    if not missing:
        return ""
    return (
        f"Done without {missing} department(s) that could not be created; the next plan adds them."
    )


def _agree(action: Action, done: Done, pictures: Pictures, record: _Record) -> None:
    if done.extension is not None:
        record.extensions.append(done.extension)
    if done.department is not None:
        record.departments.append(done.department)
    known = pictures.department_links
    match action:
        case CreateDepartment():
            assert done.department is not None  # noqa: S101 - the port's promise
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
                    action.fields if done.created else found.fields,
                    tuple(sorted(given)),
                )
            )
        case AdoptExtension() | UpdateExtension():
            assert done.extension is not None  # noqa: S101 - the port's promise
            record.links.append(_updated_link(action, done.extension, pictures))
        case KeepLeaver() | DisableExtension():
            record.links.append(replace(pictures.links[action.person], left=action.cause))
        case RemoveExtension():
            record.unlinked.append(action.person)
            record.removed.append(action.key)
            record.freed.append(action.number)
        case _:
            assert_never(action)


def _updated_link(
    action: AdoptExtension | UpdateExtension, extension: Extension, pictures: Pictures
) -> Link:
    # An adopted extension replaces one that is gone: what was agreed on about that one is no use.
    link = pictures.links.get(action.person) if isinstance(action, UpdateExtension) else None
    # What stood there and was not changed equals what Microsoft 365 has: both sides agree on it.
    agreed = link.agreed if link is not None else extension.fields
    agreed = replace(agreed, **{change.field.value: change.after for change in action.changes})
    given = set(link.departments if link is not None else ())
    if action.departments is not None:
        known = pictures.department_links
        given |= {known[one].key for one in action.departments.add if one in known}
        given -= set(action.departments.remove)
    left = (
        None
        if link is None or (isinstance(action, UpdateExtension) and action.returns)
        else link.left
    )
    return Link(action.person, extension.key, extension.number, agreed, tuple(sorted(given)), left)


async def _save_picture(tx: Transaction, tenant: int, record: _Record, before: PhoneState) -> bool:
    """Save what the phone system answered, unless somebody has read it since the writes began.

    What they read may be newer than our answers, and their cursor has passed it: saved over it, an
    answer would stay wrong for ever.
    """
    state = await load_phone_state(tx, tenant)
    if replace(state, read_at=None) != replace(before, read_at=None):
        return False
    await save_extensions(tx, tenant, record.extensions, state.round)
    await drop_extensions(tx, tenant, record.removed)
    await note_numbers(tx, tenant, used=record.taken, free=record.freed)
    await add_departments(tx, tenant, record.departments)
    return True


async def _save(tx: Transaction, tenant: int, plan: int, record: _Record, now: datetime) -> None:
    await save_department_links(tx, tenant, record.department_links)
    await remove_links(tx, tenant, record.unlinked)
    await save_links(tx, tenant, record.links, now=now)
    await mark_outcomes(tx, tenant, plan, record.results, now=now)
    await append_lines(tx, tenant, record.lines, now=now)
