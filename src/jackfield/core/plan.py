"""The plan of a people sync: a view of the three pictures in, actions, refusals and reasons out.

The one place that decides what is written to the phone system. Preview, command line, approval and
apply all use the `Plan` made here; nothing else computes differences. Pure: the same view and rules
give the same plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from jackfield.core.actions import (
    AdoptExtension,
    CreateExtension,
    DepartmentsChange,
    FieldChange,
    Notice,
    Plan,
    Refusal,
    RefusalKind,
    UpdateExtension,
)
from jackfield.core.assignments import Assignments
from jackfield.core.department_actions import department_actions
from jackfield.core.departments import DepartmentSource, department_groups
from jackfield.core.extensions import Extension, ExtensionKey, Link
from jackfield.core.fields import FieldReader, Remark, kept_caller_id, shown_name
from jackfield.core.guards import Parted, Wanted, guard, lost_departments
from jackfield.core.leavers import (
    LeaverAction,
    is_not_made_again,
    leaver_action,
    leaver_cause,
    not_made_again,
    unknown_for_want_of_groups,
    waits_for_enabling,
)
from jackfield.core.matching import Doubt, Match, UnlinkedExtensions
from jackfield.core.number_pools import NumberPools, held_until
from jackfield.core.people import (
    GroupId,
    LeaverCause,
    ObjectId,
    Person,
    ScopeJudge,
    ScopeVerdict,
    Standing,
)
from jackfield.core.pictures import View
from jackfield.core.reasons import Reasons, update_reason
from jackfield.core.rules import PeopleRules, PhoneLimits
from jackfield.core.text import clean
from jackfield.core.updates import field_changes

_NO_GROUPS: frozenset[GroupId] = frozenset()
_Place = tuple[str, str]
_Item = TypeVar("_Item")


def plan(view: View, rules: PeopleRules, limits: PhoneLimits) -> Plan:
    """What a sync of the people in `view` would do.

    Actions come in the order in which they are to be done: departments, creations, adoptions,
    updates, leavers; people within by display name, then object ID (U-09). A department that is
    created stands for a group with members outside the view too, so a plan for a slice that creates
    one should be followed by a plan for all.
    """
    return _Planning(view, rules, limits).plan()


class _Planning:
    """One plan in the making."""

    def __init__(self, view: View, rules: PeopleRules, limits: PhoneLimits) -> None:
        self._view = view
        self._rules = rules
        self._limits = limits
        self._fields = FieldReader(rules.attributes, limits)
        self._staying: list[tuple[Person, Link, Extension]] = []
        self._waiting: list[tuple[Person, ScopeVerdict, Link | None]] = []
        self._leavers: list[tuple[_Place, LeaverAction]] = []
        self._takings: dict[ObjectId, Parted] = {}
        self._memberships_in_scope: set[frozenset[GroupId]] = set()
        self._refusals: list[tuple[_Place, Refusal]] = []
        self._notices: list[tuple[_Place, Notice]] = []
        self._reasons = Reasons(view.groups)

    def plan(self) -> Plan:
        """Judge everyone, settle departments, newcomers and those who stay, then ask the guards."""
        view = self._view
        self._sort_people()
        selected = self._departments()
        departments = (
            department_actions(selected, view, self._limits.name_length)
            if view.summary.groups_readable
            else ()
        )
        linked_departments = len(view.department_links)
        lost = lost_departments(
            departments, view.summary, self._rules.guards.departments, linked_departments
        )
        self._assignments = Assignments(selected, view, lost)
        creations, adoptions = self._newcomers()
        updates = self._updates()
        wanted = Wanted(
            departments,
            creations,
            updates,
            _in_order(self._leavers),
            self._takings,
            linked=max(view.summary.linked, len(view.links)),
            linked_departments=linked_departments,
            lost_departments=lost,
            unreleased=view.unreleased,
        )
        guarded = guard(wanted, view.summary, self._rules.guards)
        return Plan(
            actions=(
                *guarded.departments,
                *guarded.creations,
                *adoptions,
                *guarded.updates,
                *guarded.leavers,
            ),
            held=tuple(guarded.held),
            refusals=(*guarded.refusals, *_in_order(self._refusals)),
            notices=tuple(_in_order(self._notices)),
        )

    def _sort_people(self) -> None:
        """Who stays, who waits for an extension, who leaves."""
        view, readable = self._view, self._view.summary.groups_readable
        judge = ScopeJudge(self._rules.scope)
        memberships, links, extensions = view.memberships, view.links, view.extensions
        gone = frozenset(
            id_ for id_, group in view.groups.items() if group.standing is not Standing.PRESENT
        )
        for id_, person in view.people.items():
            groups = memberships.get(id_, _NO_GROUPS)
            if gone and not gone.isdisjoint(groups):
                groups -= gone
            verdict = judge(person, groups)
            link = links.get(id_)
            if link is None:
                if verdict.in_scope and not waits_for_enabling(person, verdict):
                    self._waiting.append((person, verdict, None))
                    self._memberships_in_scope.add(groups)
                continue
            unknown = unknown_for_want_of_groups(person, verdict, readable)
            if unknown and link.left is not None:
                continue
            cause = None if unknown else leaver_cause(person, verdict)
            extension = extensions.get(link.key)
            if cause is not None:
                action = leaver_action(
                    shown_name(person), cause, verdict, link, extension, self._rules, view.now
                )
                if action is not None:
                    self._leavers.append((_place(person), action))
                continue
            self._memberships_in_scope.add(groups)
            if extension is None:
                self._waiting.append((person, verdict, link))
            else:
                self._staying.append((person, link, extension))
        if len(links) > len(self._staying):
            self._sort_forgotten()

    def _sort_forgotten(self) -> None:
        """Links whose person is not in the tenant's picture any more."""
        for id_, link in self._view.links.items():
            if id_ in self._view.people:
                continue
            cause = leaver_cause(None, None)
            if cause is None:
                continue
            name = f"{link.agreed.first_name} {link.agreed.last_name}".strip() or link.number
            extension = self._view.extensions.get(link.key)
            action = leaver_action(name, cause, None, link, extension, self._rules, self._view.now)
            if action is not None:
                self._leavers.append(((name.casefold(), id_), action))

    def _departments(self) -> tuple[GroupId, ...]:
        view, rules = self._view, self._rules
        if not view.summary.groups_readable:
            return ()
        populated: frozenset[GroupId] = frozenset()
        if rules.departments.source is DepartmentSource.ALL:
            populated = populated.union(view.department_links, *self._memberships_in_scope)
        return department_groups(rules.departments, rules.scope, view.groups, populated)

    def _newcomers(self) -> tuple[list[CreateExtension], list[AdoptExtension]]:
        """Those without an extension: theirs if it stands already (U-16), else a new one."""
        view = self._view
        self._waiting.sort(key=lambda waiting: _place(waiting[0]))
        pools = self._pools()
        # Old numbers first: a newcomer must not take the number of somebody who gets theirs back.
        kept = {
            person.id
            for person, _, link in self._waiting
            if link is not None
            and not is_not_made_again(person.id, self._rules)
            and pools.claim(link.number, person.id)
        }
        kept |= {
            person.id
            for person, _, link in self._waiting
            if link is None
            and (former := view.former.get(person.id))
            and pools.claim(former.number, person.id)
        }
        unlinked = UnlinkedExtensions(view, (person for person, _, _ in self._waiting))
        creations: list[CreateExtension] = []
        adoptions: list[AdoptExtension] = []
        for person, verdict, link in self._waiting:
            match unlinked.find(person):
                case Doubt(because, next_step, candidates):
                    self._refuse(RefusalKind.DOUBTFUL_MATCH, person, because, next_step, candidates)
                case Match(extension, because):
                    if adoption := self._adoption(person, link, extension, because):
                        adoptions.append(adoption)
                case None if link is not None and is_not_made_again(person.id, self._rules):
                    if left := not_made_again(person, shown_name(person), link, self._rules):
                        self._leavers.append((_place(person), left))
                case None:
                    if creation := self._creation(person, verdict, link, pools, person.id in kept):
                        creations.append(creation)
        return creations, adoptions

    def _pools(self) -> NumberPools:
        view, rules = self._view, self._rules.numbers
        return NumberPools(
            rules,
            self._limits.ranges,
            view.used_numbers,
            {
                number: released.person
                for number, released in view.released.items()
                if held_until(released, rules) > view.now
            },
            {
                one.group: clean(view.groups[one.group].name)
                for one in rules.departments
                if one.group in view.groups
            },
        )

    def _creation(
        self,
        person: Person,
        verdict: ScopeVerdict,
        link: Link | None,
        pools: NumberPools,
        keeps_number: bool,
    ) -> CreateExtension | None:
        rules = self._rules.attributes
        former = self._view.former.get(person.id) if link is None else None
        standing = former.own_fields if former is not None else None
        wanted = self._fields.wanted(person, standing)
        if wanted is None:
            self._unusable(person)
            return None
        groups = self._assignments.wanted(self._groups(person))
        old = link.number if link is not None else former.number if former is not None else None
        if old is not None and keeps_number:
            number, source = old, ""
        else:
            offer = pools.next(person.id, groups)
            if offer is None:
                self._refuse(
                    RefusalKind.RANGE_EXHAUSTED,
                    person,
                    f"There is no free number {pools.where(groups)}.",
                    "Widen the range, set a lower starting number, release numbers that are held,"
                    " or remove extensions that nobody needs.",
                )
                return None
            number, source = offer.number, offer.because
        self._remark(person, wanted.remarks)
        kept = self._assignments.kept(former, groups)
        groups = self._assignments.possible(groups)
        return CreateExtension(
            person.id,
            shown_name(person),
            number,
            wanted.fields,
            groups,
            groups[0] if groups else None,
            self._reasons.creation(verdict, link, former, source),
            previous_number=link.number if link is not None else None,
            former_number=former.number if former is not None else None,
            kept_departments=kept,
            kept_primary=former.primary if former is not None and former.primary in kept else None,
            kept_caller_id=kept_caller_id(wanted, rules, self._limits),
        )

    def _adoption(
        self, person: Person, link: Link | None, extension: Extension, because: str
    ) -> AdoptExtension | None:
        rules = self._rules.attributes
        agreed = link.agreed if link is not None else None
        wanted = self._fields.wanted(person, extension.fields, agreed)
        if wanted is None:
            self._unusable(person)
            return None
        self._remark(person, wanted.remarks)
        groups = self._assignments.wanted(self._groups(person))
        return AdoptExtension(
            person.id,
            shown_name(person),
            extension.key,
            extension.number,
            field_changes(wanted, rules, extension.fields, None),
            self._assignments.change(groups, extension, ()),
            because,
            link.key if link is not None else None,
            again=extension.external_key == person.id,
        )

    def _updates(self) -> list[UpdateExtension]:
        """Those who stay, where a field or a membership differs, or where they are back (U-01)."""
        rules, reader, assignments = self._rules.attributes, self._fields, self._assignments
        updates: list[tuple[_Place, UpdateExtension]] = []
        for person, link, extension in self._staying:
            wanted = reader.wanted(person, extension.fields, link.agreed)
            if wanted is None:
                self._unusable(person)
                continue
            if wanted.remarks:
                self._remark(person, wanted.remarks)
            changes = field_changes(wanted, rules, extension.fields, link.agreed)
            departments = assignments.change(
                assignments.wanted(self._groups(person)), extension, link.departments
            )
            left = link.left
            if changes or departments is not None or left is not None:
                update = _update(person, extension, changes, departments, left)
                updates.append((_place(person), update))
                if departments is not None and departments.remove:
                    self._takings[person.id] = self._parted(person, extension, update, link)
        return _in_order(updates)

    def _parted(
        self, person: Person, extension: Extension, update: UpdateExtension, link: Link
    ) -> Parted:
        """The update without what it takes away, and the taking alone."""
        assert update.departments is not None  # noqa: S101 - only such updates are parted
        giving, taking = self._assignments.part(update.departments, link.departments)
        changes, left = update.changes, link.left
        stays = changes or giving is not None or left is not None
        return Parted(
            _update(person, extension, changes, giving, left) if stays else None,
            _update(person, extension, (), taking, None),
        )

    def _groups(self, person: Person) -> frozenset[GroupId]:
        return self._view.memberships.get(person.id, _NO_GROUPS)

    def _remark(self, person: Person, remarks: Iterable[Remark]) -> None:
        for remark in remarks:
            self._notices.append(
                (_place(person), Notice(person.id, shown_name(person), remark.text))
            )

    def _unusable(self, person: Person) -> None:
        self._refuse(
            RefusalKind.UNUSABLE_PERSON,
            person,
            "The account has neither a name nor a sign-in name that can be read.",
            "Give the account a name in Microsoft 365, or leave it out of the scope.",
        )

    def _refuse(
        self,
        kind: RefusalKind,
        person: Person,
        because: str,
        next_step: str,
        candidates: tuple[ExtensionKey, ...] = (),
    ) -> None:
        name = shown_name(person)
        refusal = Refusal(kind, person.id, name, because, next_step, candidates=candidates)
        self._refusals.append((_place(person), refusal))


def _update(
    person: Person,
    extension: Extension,
    changes: tuple[FieldChange, ...],
    departments: DepartmentsChange | None,
    left: LeaverCause | None,
) -> UpdateExtension:
    """The update of somebody who stays; `left` is why they were a leaver until now, if they were.

    An extension that was away from the phone system was not disabled by Jackfield.
    """
    disabled_by_us = left not in {None, LeaverCause.DELETED_BY_HAND}
    return UpdateExtension(
        person.id,
        shown_name(person),
        extension.key,
        extension.number,
        changes,
        departments,
        update_reason(changes, departments, extension, left),
        left is not None,
        enables=disabled_by_us and not extension.enabled,
    )


def _place(person: Person) -> tuple[str, ObjectId]:
    """Where a person stands in every list (U-09)."""
    return (person.display_name or "").casefold(), person.id


def _in_order(placed: list[tuple[_Place, _Item]]) -> list[_Item]:
    placed.sort(key=lambda pair: pair[0])
    return [item for _, item in placed]
