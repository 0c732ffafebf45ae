"""A tenant, a phone system and the agreements between them, all in memory, driven by one generator.

`Rehearsal` makes three pictures that are random but correlated, hands them out as a view (or a
slice of it), carries out a plan the way flows and a phone system would (in any order within a step,
with lost and failed writes), and lets hands in the phone system and in the tenant disturb the peace
in between. It knows nothing of the planner's rules.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import assert_never

from jackfield.core.actions import (
    Action,
    AdoptExtension,
    CreateDepartment,
    CreateExtension,
    DepartmentsChange,
    DisableExtension,
    FlagDepartment,
    KeepLeaver,
    Plan,
    RemoveExtension,
    RenameDepartment,
    UnlinkExtension,
    UpdateExtension,
)
from jackfield.core.attributes import CHOICES, AttributeRules, NumberForm
from jackfield.core.departments import DepartmentRules, DepartmentSource, Group
from jackfield.core.extensions import (
    Department,
    DepartmentFlag,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
    FormerExtension,
    Link,
    Verdict,
)
from jackfield.core.fields import addresses
from jackfield.core.number_pools import DepartmentRange, NumberRules, Released, Reservation
from jackfield.core.numbering import NumberRange
from jackfield.core.people import (
    GroupId,
    LeaverCause,
    LeaverPolicy,
    ObjectId,
    Person,
    Scope,
    ScopeRules,
    Standing,
    UserType,
)
from jackfield.core.pictures import Summary, View
from jackfield.core.rules import GuardRules, PeopleRules, PhoneLimits, RemoveAfter, Threshold
from jackfield.core.updates import agreed_fields, agreed_on_creation

SEEDS = range(int(os.environ.get("REHEARSALS", "120")))
"""How many rehearsals a run holds; more of them by night: REHEARSALS=5000."""

NAMES = ("Ann", "ann", "Bob", "Zoë", "山田", "Олег", "محمد", "", "  ", "A" * 40)
PHONES = ("", "+44 20 7946 0101", "020 7946 0102", "(425) 555-0100", "ask reception")
CALLER_IDS = ("", "", "+442079460101", "+442079460102", "+14255550100", "12")
DEPARTMENTS = ("Sales", "sales", "Sales 1", "Ops", "Lab", "")


class Rehearsal:
    """Three pictures and the hands that change them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._made = 0
        self.people: dict[ObjectId, Person] = {}
        self.groups: dict[GroupId, Group] = {}
        self.memberships: dict[ObjectId, frozenset[GroupId]] = {}
        self.extensions: dict[ExtensionKey, Extension] = {}
        self.departments: dict[DepartmentKey, Department] = {}
        self.links: dict[ObjectId, Link] = {}
        self.department_links: dict[GroupId, DepartmentLink] = {}
        self.other_numbers: set[str] = set()
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.released: dict[ExtensionNumber, Released] = {}
        self.former: dict[ObjectId, FormerExtension] = {}
        self._tenant()
        self._phone_system()
        self._agreements()
        self._accidents()
        self.decisions = self._decisions()
        self.summary = self._summary()
        self.rules = self._rules()
        self.limits = self._limits()

    # --- the beginning -----------------------------------------------------------------------

    def _chance(self, percent: int) -> bool:
        return self.rng.randrange(100) < percent

    def _new(self, kind: str) -> str:
        self._made += 1
        return f"{kind}{self._made}"

    def _tenant(self) -> None:
        rng = self.rng
        for number in range(rng.randrange(6)):
            group_id = GroupId(f"g{number}")
            standing = Standing.PRESENT if self._chance(85) else Standing.RECYCLED
            self.groups[group_id] = Group(group_id, rng.choice(DEPARTMENTS), standing=standing)
        for number in range(rng.randrange(1, 25)):
            self._hire(ObjectId(f"p{number:02}"))

    def _hire(self, id_: ObjectId) -> None:
        rng = self.rng
        addresses_ = [f"{id_}@x.example", f"{id_.upper()}@X.example", "shared@x.example", ""]
        enabled = self._chance(80)
        self.people[id_] = Person(
            id_,
            upn=rng.choice([f"{id_}@x.example", f"{id_}@y.example", f"{id_}_z#EXT#@x.example", ""]),
            display_name=rng.choice(NAMES),
            given_name=rng.choice(NAMES),
            surname=rng.choice(NAMES),
            mail=rng.choices(addresses_, [70, 10, 10, 10])[0],
            mobile_phone=rng.choice(["", "+44 7700 900101", "ask"]),
            business_phone=rng.choice(PHONES),
            usage_location=rng.choice(["", "GB", "US"]),
            job_title=rng.choice(["", "CTO"]),
            enabled=enabled,
            user_type=UserType.GUEST if self._chance(10) else UserType.MEMBER,
            has_mailbox=self._chance(85),
            is_resource_account=self._chance(5),
            standing=rng.choices(list(Standing), [85, 10, 5])[0],
            disabled_when_first_seen=not enabled and self._chance(50),
        )
        known = list(self.groups)
        self.memberships[id_] = frozenset(rng.sample(known, rng.randrange(min(3, len(known)) + 1)))

    def _phone_system(self) -> None:
        rng = self.rng
        for _ in range(rng.randrange(5)):
            key = DepartmentKey(self._new("d"))
            self.departments[key] = Department(key, rng.choice(DEPARTMENTS))
        for _ in range(rng.randrange(8)):
            self._extension_by_hand()
        self.other_numbers = {str(rng.randrange(100, 140)) for _ in range(rng.randrange(6))}
        self.other_numbers -= {known.number for known in self.extensions.values()}

    def _extension_by_hand(self) -> None:
        rng = self.rng
        free = [str(n) for n in range(100, 150) if str(n) not in self.used()]
        owner = rng.choice(list(self.people.values()))
        key = ExtensionKey(self._new("e"))
        self.extensions[key] = Extension(
            key,
            ExtensionNumber(rng.choice(free)),
            ExtensionFields(
                "By",
                "Hand",
                rng.choice(["", owner.mail, owner.upn.upper()]),
                caller_id=rng.choice(CALLER_IDS),
            ),
            departments=tuple(rng.sample(list(self.departments), min(1, len(self.departments)))),
            enabled=self._chance(90),
        )

    def _agreements(self) -> None:
        rng = self.rng
        for group_id in list(self.groups):
            if self._chance(50):
                key = DepartmentKey(self._new("d"))
                name = self._new("Department ")
                if self._chance(80):
                    by_hand = name if self._chance(80) else "renamed by hand"
                    self.departments[key] = Department(key, by_hand, group_id)
                self.department_links[group_id] = DepartmentLink(
                    group_id,
                    key,
                    name,
                    rng.choice([self.groups[group_id].name, "before"]),
                    rng.choice([None, None, None, *DepartmentFlag]),
                )
        for id_, person in self.people.items():
            if self._chance(55):
                self._link(id_, person)
        for number in range(rng.randrange(2)):
            self._link(ObjectId(f"unknown{number}"), None)

    def _link(self, id_: ObjectId, person: Person | None) -> None:
        rng = self.rng
        key = ExtensionKey(self._new("e"))
        free = [str(n) for n in range(100, 150) if str(n) not in self.used()]
        number = ExtensionNumber(rng.choice(free))
        agreed = ExtensionFields(
            rng.choice(NAMES).strip() or "x",
            "",
            person.mail if person else "",
            caller_id=rng.choice(CALLER_IDS),
        )
        given = tuple(
            link.key
            for group, link in self.department_links.items()
            if group in self.memberships.get(id_, ()) and self._chance(70)
        )
        self.links[id_] = Link(
            id_,
            key,
            number,
            agreed,
            given,
        )
        if (left := rng.choice([None, None, None, None, *LeaverCause])) is not None:
            since = self.now - timedelta(days=rng.randrange(60))
            self.links[id_] = replace(self.links[id_], left=left, left_at=since)
        if self._chance(85):
            standing = [known for known in given if known in self.departments]
            by_hand = [known for known in self.departments if self._chance(10)]
            departments = tuple(dict.fromkeys((*standing, *by_hand)))
            self.extensions[key] = Extension(
                key,
                number,
                agreed if self._chance(70) else replace(agreed, last_name="by hand"),
                departments,
                rng.choice(departments) if departments and self._chance(80) else None,
                enabled=self._chance(85),
                external_key=id_,
            )

    def _decisions(self) -> dict[ObjectId, dict[ExtensionKey, Verdict]]:
        """Some pairs were decided on; for each extension it is one person's at most."""
        rng = self.rng
        made: dict[ObjectId, dict[ExtensionKey, Verdict]] = {}
        theirs: set[ExtensionKey] = set()
        for key in list(self.extensions):
            for id_ in self.people:
                if not self._chance(4):
                    continue
                verdict = rng.choice(list(Verdict))
                if verdict is Verdict.THEIRS and key in theirs:
                    continue
                if verdict is Verdict.THEIRS:
                    theirs.add(key)
                made.setdefault(id_, {})[key] = verdict
        return made

    def _accidents(self) -> None:
        """Now and then one side forgets a lot at once."""
        if self._chance(8):
            linked = {link.key for link in self.links.values()}
            kept = self.rng.choice([0, 0, 30])
            self.extensions = {
                key: known
                for key, known in self.extensions.items()
                if key not in linked or self._chance(kept)
            }
        if self._chance(25):
            keeping = self.rng.choice([0, 30, 80])
            self.memberships = {
                id_: frozenset(group for group in sorted(groups) if self._chance(keeping))
                for id_, groups in self.memberships.items()
            }
        if self._chance(5):
            self.groups = {
                id_: replace(known, standing=Standing.GONE) for id_, known in self.groups.items()
            }

    def _summary(self) -> Summary:
        present = self.present()
        return Summary(
            round_finished=self._chance(90),
            people_now=0 if self._chance(5) else present,
            people_accepted=self.rng.choice([0, present, present, present, present * 2]),
            groups_readable=self._chance(90),
        )

    def _rules(self) -> PeopleRules:
        rng = self.rng
        groups = list(self.groups)
        everyone = list(self.people)
        tight = Threshold(0, 0.0)
        return PeopleRules(
            ScopeRules(
                rng.choice(list(Scope)),
                frozenset(rng.sample(everyone, len(everyone) // 2)),
                tuple(rng.sample(groups, len(groups) // 2)),
                guests=self._chance(50),
                mailbox_licence_only=self._chance(80),
            ),
            self._number_rules(),
            DepartmentRules(
                rng.choice(list(DepartmentSource)), tuple(rng.sample(groups, len(groups) // 2))
            ),
            rng.choice(list(LeaverPolicy)),
            rng.choice(list(LeaverPolicy)),
            rng.choice(list(LeaverPolicy)),
            rng.choice(
                [
                    GuardRules(),
                    GuardRules(losses=Threshold(1_000)),
                    GuardRules(tight, tight, tight, losses=Threshold(1_000), memberships=tight),
                    GuardRules(tight, tight, tight, losses=tight, memberships=tight),
                    GuardRules(tight, tight, tight, departments=tight, memberships=tight),
                ]
            ),
            RemoveAfter(*(rng.choice([0, 0, 10, 30]) for _ in range(3))),
            recreate=self._chance(90),
            not_recreated=frozenset(id_ for id_ in everyone if self._chance(10)),
            attributes=self._attribute_rules(),
        )

    def _attribute_rules(self) -> AttributeRules:
        rng = self.rng
        if self._chance(50):
            return AttributeRules(default_country=rng.choice(["", "GB"]))
        return AttributeRules(
            self._chance(80),
            **{rule: rng.choice(takes) for rule, takes in CHOICES.items()},
            caller_id_form=rng.choice(list(NumberForm)),
        )

    def _number_rules(self) -> NumberRules:
        rng = self.rng
        start = rng.choice([None, None, "100", "110", "0100"])
        if self._chance(60):
            return NumberRules(start, hold_days=rng.choice([0, 30]))
        someone = rng.choice([*self.people, ObjectId("")])
        return NumberRules(
            None,
            rng.choice([(), (NumberRange("100", "112"), NumberRange("90", "104"))]),
            tuple(
                DepartmentRange(group, (NumberRange("105", rng.choice(["107", "120"])),))
                for group in self.groups
                if self._chance(30)
            ),
            (Reservation(NumberRange("100", rng.choice(["100", "103"])), someone),),
        )

    def _limits(self) -> PhoneLimits:
        return PhoneLimits(
            self.rng.choice(
                [
                    (NumberRange("100", "999"),),
                    (NumberRange("0100", "0199"), NumberRange("100", "130")),
                    (NumberRange("100", "118"),),
                ]
            ),
            name_length=self.rng.choice([16, 256]),
        )

    # --- looking -----------------------------------------------------------------------------

    def present(self) -> int:
        return sum(person.standing is Standing.PRESENT for person in self.people.values())

    def used(self) -> set[str]:
        return self.other_numbers | {known.number for known in self.extensions.values()}

    def view(self) -> View:
        """Everything there is."""
        return self.slice_of({*self.people, *self.links})

    def slice_of(self, ids: Iterable[ObjectId], **summary: int) -> View:
        """What the store would hand out for these people."""
        chosen = set(ids)
        linked = {link.key for link in self.links.values()}
        links = {id_: link for id_, link in self.links.items() if id_ in chosen}
        borne = {
            address
            for id_ in chosen
            if id_ in self.people
            for address in addresses(self.people[id_])
        }
        mine = {link.key for link in links.values()}
        return View(
            people={id_: person for id_, person in self.people.items() if id_ in chosen},
            links=links,
            extensions={
                key: known
                for key, known in self.extensions.items()
                if key in mine
                or (
                    key not in linked
                    and (
                        known.external_key in chosen
                        or known.fields.email.casefold() in borne
                        or any(key in self.decisions.get(id_, ()) for id_ in chosen)
                    )
                )
            },
            memberships={id_: sets for id_, sets in self.memberships.items() if id_ in chosen},
            same_address=Counter(
                address
                for person in self.people.values()
                if person.standing is Standing.PRESENT
                for address in addresses(person)
            ),
            groups=dict(self.groups),
            departments=dict(self.departments),
            department_links=dict(self.department_links),
            used_numbers=frozenset(self.used()),
            summary=replace(self.summary, linked=len(self.links), **summary),
            released=dict(self.released),
            former={
                id_: former
                for id_, former in self.former.items()
                if id_ in chosen and id_ not in self.links
            },
            decisions=self.decisions,
            now=self.now,
        )

    # --- carrying out ------------------------------------------------------------------------

    def carry_out(self, plan: Plan, failing_percent: int = 0) -> None:
        """Departments first, then the rest in any order; some writes fail, answers get lost."""
        first = [
            action
            for action in plan.actions
            if isinstance(action, CreateDepartment | RenameDepartment | FlagDepartment)
        ]
        rest = [action for action in plan.actions if action not in first]
        self.rng.shuffle(rest)
        for action in [*first, *rest]:
            fate = self.rng.randrange(100)
            if fate >= failing_percent:
                self._do(action, recorded=True)
            elif fate < failing_percent // 2:
                self._do(action, recorded=False)

    def _do(self, action: Action, *, recorded: bool) -> None:
        """One write; `recorded` is False where its answer was lost on the way to the archive."""
        match action:
            case CreateDepartment():
                self._create_department(action, recorded)
            case RenameDepartment():
                standing = self.departments[action.key]
                assert standing.name == action.before
                assert not self._named(action.after, but=action.key)
                self.departments[action.key] = replace(standing, name=action.after)
                if recorded:
                    link = self.department_links[action.group]
                    self.department_links[action.group] = replace(
                        link, agreed_name=action.after, group_name=action.group_name
                    )
            case FlagDepartment():
                if recorded:
                    link = self.department_links[action.group]
                    self.department_links[action.group] = replace(link, flag=action.flag)
            case CreateExtension():
                self._create_extension(action, recorded)
            case AdoptExtension():
                known = self.extensions[action.key]
                assert action.key not in {link.key for link in self.links.values()}
                link = self.links.get(action.person)
                assert action.replaces == (link.key if link else None)
                known = replace(known, external_key=action.person)
                self._write(action.person, known, action, (), recorded=recorded)
            case UpdateExtension():
                known = self.extensions[action.key]
                if action.enables:
                    known = replace(known, enabled=True)
                given = self.links[action.person].departments
                self._write(action.person, known, action, given, recorded=recorded)
            case KeepLeaver():
                if recorded:
                    self._left(action.person, action.cause)
            case DisableExtension():
                self.extensions[action.key] = replace(self.extensions[action.key], enabled=False)
                if recorded:
                    self._left(action.person, action.cause)
            case UnlinkExtension():
                known = self.extensions[action.key]
                given = self.links[action.person].departments
                self._write(action.person, known, action, given, recorded=False)
                if not action.stays_theirs:
                    released = replace(self.extensions[action.key], external_key=None)
                    self.extensions[action.key] = released
                if recorded:
                    del self.links[action.person]
            case RemoveExtension():
                self._release(action.key, action.number, action.person)
                if recorded:
                    del self.links[action.person]
            case unknown:
                assert_never(unknown)

    def _left(self, person: ObjectId, cause: LeaverCause) -> None:
        link = self.links[person]
        since = link.left_at if link.left is cause else self.now
        self.links[person] = replace(link, left=cause, left_at=since)

    def _release(self, key: ExtensionKey, number: ExtensionNumber, person: ObjectId) -> None:
        known = self.extensions.pop(key, None)
        if known is None:
            return
        self.released[number] = Released(number, self.now, person)
        link = self.links[person]
        by_hand = tuple(one for one in known.departments if one not in link.departments)
        self.former[person] = FormerExtension(
            number,
            known.fields,
            by_hand,
            known.primary,
            link.departments,
            known.enabled,
            given_caller_id=known.fields.caller_id == link.agreed.caller_id,
        )

    def _named(self, name: str, but: DepartmentKey | None = None) -> bool:
        return any(
            known.name.casefold() == name.casefold()
            for key, known in self.departments.items()
            if key != but
        )

    def _create_department(self, action: CreateDepartment, recorded: bool) -> None:
        found = [known for known in self.departments.values() if known.external_key == action.group]
        linked = {link.key for link in self.department_links.values()}
        free = [known for known in found if known.key not in linked]
        if free:
            standing = free[0]
        else:
            assert not self._named(action.name), "took over a department"
            key = DepartmentKey(self._new("d"))
            standing = Department(key, action.name, action.group)
            self.departments[key] = standing
        if recorded:
            self.department_links[action.group] = DepartmentLink(
                action.group, standing.key, standing.name, action.group_name
            )

    def _create_extension(self, action: CreateExtension, recorded: bool) -> None:
        assert action.number not in self.used(), "took somebody's number"
        assert not any(known.external_key == action.person for known in self.extensions.values())
        key = ExtensionKey(self._new("e"))
        departments = self._keys(action.groups)
        primary = self._keys([action.primary] if action.primary else [])
        first = action.kept_primary or (primary[0] if primary else None)
        kept = tuple(one for one in action.kept_departments if one in self.departments)
        self.extensions[key] = Extension(
            key,
            action.number,
            action.fields,
            (*departments, *(one for one in kept if one not in departments)),
            first if first in {*departments, *kept} else None,
            enabled=action.enabled,
            external_key=action.person,
        )
        self.released.pop(action.number, None)
        if recorded:
            self.links[action.person] = Link(
                action.person,
                key,
                action.number,
                agreed_on_creation(action, action.fields),
                departments,
            )

    def _keys(self, groups: Iterable[GroupId]) -> tuple[DepartmentKey, ...]:
        """The departments of those groups that have one; a creation that failed leaves a gap."""
        return tuple(
            link.key
            for group in groups
            if (link := self.department_links.get(group)) and link.key in self.departments
        )

    def _write(
        self,
        person: ObjectId,
        known: Extension,
        action: AdoptExtension | UpdateExtension | UnlinkExtension,
        given: tuple[DepartmentKey, ...],
        *,
        recorded: bool,
    ) -> None:
        assert {change.before for change in action.changes} == {
            getattr(known.fields, change.field) for change in action.changes
        }
        link = self.links.get(person)
        given_caller_id = link.agreed.caller_id if link else ""
        for change in action.changes:
            if change.field is Field.CALLER_ID and change.before != change.after:
                assert change.before in {"", given_caller_id}, "changed what was set by hand"
        values = {change.field.value: change.after for change in action.changes}
        known = replace(known, fields=replace(known.fields, **values))
        if change := action.departments:
            known, given = self._move(known, change, given)
        self.extensions[action.key] = known
        if recorded:
            agreed = agreed_fields(
                link.agreed if link and isinstance(action, UpdateExtension) else None,
                known.fields,
                action.changes,
            )
            self.links[person] = Link(person, action.key, known.number, agreed, given)

    def _move(
        self, known: Extension, change: DepartmentsChange, given: tuple[DepartmentKey, ...]
    ) -> tuple[Extension, tuple[DepartmentKey, ...]]:
        added = self._keys(change.add)
        departments = tuple(
            key for key in dict.fromkeys((*known.departments, *added)) if key not in change.remove
        )
        primary = known.primary if known.primary not in change.remove else None
        if change.primary and (wanted := self._keys([change.primary])):
            primary = wanted[0]
        known = replace(known, departments=departments, primary=primary)
        return known, tuple(
            key for key in dict.fromkeys((*given, *added)) if key not in change.remove
        )

    # --- disturbing --------------------------------------------------------------------------

    def disturb(self) -> None:
        """A few hands at work, in the phone system and in the tenant."""
        for _ in range(self.rng.randrange(4)):
            self.rng.choice(
                [
                    self._edit_extension,
                    self._delete_extension,
                    self._extension_by_hand,
                    self._move_by_hand,
                    self._edit_department,
                    self._delete_department,
                    self._change_person,
                    self._change_membership,
                    self._change_group,
                    self._wait,
                ]
            )()

    def _any_extension(self) -> Extension | None:
        return self.rng.choice(list(self.extensions.values())) if self.extensions else None

    def _edit_extension(self) -> None:
        if known := self._any_extension():
            fields = replace(
                known.fields,
                first_name=self.rng.choice(NAMES),
                mobile="123",
                caller_id=self.rng.choice(CALLER_IDS),
            )
            self.extensions[known.key] = replace(known, fields=fields, enabled=self._chance(80))

    def _delete_extension(self) -> None:
        if known := self._any_extension():
            del self.extensions[known.key]
            if self._chance(50):
                self.other_numbers.add(known.number)

    def _move_by_hand(self) -> None:
        if known := self._any_extension():
            departments = tuple(key for key in self.departments if self._chance(30))
            primary = self.rng.choice(departments) if departments else None
            self.extensions[known.key] = replace(known, departments=departments, primary=primary)

    def _edit_department(self) -> None:
        if self.departments:
            known = self.rng.choice(list(self.departments.values()))
            self.departments[known.key] = replace(known, name=self._new("By hand "))

    def _delete_department(self) -> None:
        if self.departments:
            gone = self.rng.choice(list(self.departments))
            del self.departments[gone]
            for key, known in self.extensions.items():
                self.extensions[key] = replace(
                    known,
                    departments=tuple(one for one in known.departments if one != gone),
                    primary=None if known.primary == gone else known.primary,
                )

    def _change_person(self) -> None:
        known = self.rng.choice(list(self.people.values()))
        enabled = self._chance(70)
        self.people[known.id] = replace(
            known,
            given_name=self.rng.choice(NAMES),
            business_phone=self.rng.choice(PHONES),
            enabled=enabled,
            disabled_when_first_seen=known.disabled_when_first_seen and not enabled,
            has_mailbox=self._chance(80),
            standing=self.rng.choices([Standing.PRESENT, Standing.RECYCLED], [80, 20])[0],
        )

    def _change_membership(self) -> None:
        id_ = self.rng.choice(list(self.people))
        self.memberships[id_] = frozenset(group for group in self.groups if self._chance(40))

    def _wait(self) -> None:
        self.now += timedelta(days=self.rng.choice([1, 9, 35]))

    def _change_group(self) -> None:
        if self.groups:
            known = self.rng.choice(list(self.groups.values()))
            standing = self.rng.choices([Standing.PRESENT, Standing.RECYCLED], [75, 25])[0]
            self.groups[known.id] = replace(
                known, name=self.rng.choice(DEPARTMENTS), standing=standing
            )
