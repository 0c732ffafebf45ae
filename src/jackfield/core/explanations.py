"""Why is this so? The answer for one person, sentence by sentence.

Told by the rules that make the plan; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from jackfield.core.actions import DepartmentAction, Plan
from jackfield.core.assignments import Assignments
from jackfield.core.attributes import AttributeRules
from jackfield.core.departments import DepartmentSource, department_groups
from jackfield.core.extensions import DepartmentKey, Field, Link
from jackfield.core.fields import LABELS, attribute, follows, is_given, wanted_fields
from jackfield.core.leavers import (
    leaver_cause,
    policy,
    removal_due,
    unknown_for_want_of_groups,
    waits_for_enabling,
)
from jackfield.core.people import (
    GroupId,
    LeaverCause,
    LeaverPolicy,
    ObjectId,
    Person,
    ScopeVerdict,
    Standing,
    explain,
    judge,
)
from jackfield.core.pictures import View
from jackfield.core.plan import plan
from jackfield.core.rules import PeopleRules, PhoneLimits
from jackfield.core.text import clean
from jackfield.core.wording import differences, title

NEXT_SYNC = "Next sync"


def explain_person(
    view: View,
    rules: PeopleRules,
    limits: PhoneLimits,
    person: ObjectId,
    made: Plan | None = None,
    *,
    when: str = NEXT_SYNC,
) -> tuple[str, ...]:
    """Scope, extension, fields, departments and what the next sync would do, in sentences.

    With `made`, a plan that covers the person, that plan's actions are told (and whether a guard
    holds them); else the person is planned alone. `when`: what does them.
    """
    return tuple(_sentences(view, rules, limits, person, made, when))


def _sentences(
    view: View,
    rules: PeopleRules,
    limits: PhoneLimits,
    id_: ObjectId,
    made: Plan | None,
    when: str,
) -> Iterator[str]:
    person, link = view.people.get(id_), view.links.get(id_)
    verdict: ScopeVerdict | None = None
    if person is None:
        yield "Microsoft 365 no longer has this account."
    else:
        verdict = _verdict(person, view, rules)
        group = view.groups.get(verdict.group) if verdict.group else None
        said = explain(verdict, clean(group.name) if group else "")
        if link and verdict.in_scope and waits_for_enabling(person, verdict):
            said = f"Not in scope while the account is disabled; once it is enabled, i{said[1:]}"
        yield said
    unknown = unknown_for_want_of_groups(person, verdict, view.summary.groups_readable)
    if unknown:
        yield "Groups cannot be read at present, so nobody loses anything for want of one."
    yield _extension_sentence(view, link)
    if link is not None and link.left is not None:
        yield _leaver_sentence(link, link.left, rules, view)
    elif (
        link is None
        and person
        and verdict
        and verdict.in_scope
        and waits_for_enabling(person, verdict)
    ):
        yield "The account is disabled; an extension is made once it is enabled."
    stays = unknown or leaver_cause(person, verdict) is None
    if person is not None and verdict is not None and stays and (link or verdict.in_scope):
        yield from _field_sentences(person, view, rules.attributes, limits, link)
        yield from _department_sentences(person, view, rules, link)
    yield from _plan_sentences(id_, made or plan(_alone(view, id_), rules, limits), view, when)


def _verdict(person: Person, view: View, rules: PeopleRules) -> ScopeVerdict:
    groups = frozenset(
        group
        for group in view.memberships.get(person.id, frozenset())
        if group not in view.groups or view.groups[group].standing is Standing.PRESENT
    )
    return judge(person, groups, rules.scope)


def _extension_sentence(view: View, link: Link | None) -> str:
    if link is None:
        return "No extension is linked to this person."
    extension = view.extensions.get(link.key)
    if extension is None:
        return f"Had extension {link.number}, which is gone from the phone system."
    state = "" if extension.enabled else ", which is disabled"
    return f"Has extension {extension.number}{state}."


def _leaver_sentence(link: Link, cause: LeaverCause, rules: PeopleRules, view: View) -> str:
    chosen = policy(cause, rules)
    since = f" since {link.left_at:%Y-%m-%d}" if link.left_at is not None else ""
    said = (
        f"A leaver{since} ({_cause_words(cause)}); the policy for this cause is to"
        f" {_policy_words(chosen)} the extension"
    )
    if chosen is not LeaverPolicy.REMOVE or not rules.remove_after.days(cause):
        return f"{said}."
    due = removal_due(link, cause, rules, view.now)
    return f"{said} after {rules.remove_after.days(cause)} days, from {due:%Y-%m-%d} on."


def _field_sentences(
    person: Person, view: View, rules: AttributeRules, limits: PhoneLimits, link: Link | None
) -> Iterator[str]:
    extension = view.extensions.get(link.key) if link else None
    standing = extension.fields if extension else None
    wanted = wanted_fields(
        person, rules, limits, standing, link.agreed if link and extension else None
    )
    if wanted is None:
        return
    for field in Field:
        value = getattr(wanted.fields, field)
        if field in wanted.kept:
            offered = wanted.kept[field]
            owner = (
                "set in the phone system, so left as it is; Microsoft 365 says"
                f" {_quoted(offered) if offered else 'none'} ({attribute(field, rules)})"
            )
        elif follows(field, rules, limits):
            owner = f"from Microsoft 365 ({attribute(field, rules)})"
        elif standing is None and is_given(field, rules, limits):
            owner = f"from Microsoft 365 ({attribute(field, rules)}), when the extension is made"
        elif field in limits.writable:
            owner = "the phone system's own, since it is not synced"
        else:
            owner = "the phone system's own, which takes no other"
        yield f"{LABELS[field]}: {_quoted(value)}, {owner}."
    yield from (remark.text for remark in wanted.remarks)


def _quoted(value: str) -> str:
    return f"“{value}”" if value else "empty"


def _department_sentences(
    person: Person, view: View, rules: PeopleRules, link: Link | None
) -> Iterator[str]:
    if not view.summary.groups_readable:
        yield "Departments are left as they are while groups cannot be read."
        return
    mine = view.memberships.get(person.id, frozenset())
    populated: frozenset[GroupId] = frozenset()
    all_groups = rules.departments.source is DepartmentSource.ALL
    selected = department_groups(
        rules.departments,
        rules.scope,
        view.groups,
        populated.union(view.department_links, mine) if all_groups else frozenset(),
    )
    wanted = Assignments(selected, view).wanted(mine)
    if wanted:
        names = [f"“{clean(view.groups[group].name)}”" for group in wanted]
        yield (
            f"Departments by group: {', '.join(names)}; the first one is primary, unless another"
            " was chosen in the phone system."
        )
    gone = [
        f"“{clean(view.groups[group].name)}”"
        for group in wanted
        if (agreed := view.department_links.get(group)) and agreed.key not in view.departments
    ]
    if gone:
        yield (
            f"Gone from the phone system, and given again once it stands: {', '.join(gone)}. It is"
            " made again by the next sync, or, where many are gone, when you release it."
        )
    extension = view.extensions.get(link.key) if link else None
    if link is None or extension is None:
        return
    followed = {view.department_links[g].key for g in selected if g in view.department_links}
    given = frozenset(link.departments)
    if by_hand := [key for key in extension.departments if key not in given]:
        yield f"Given in the phone system, so never taken away: {_named(by_hand, view)}."
    if left := [key for key in extension.departments if key in given and key not in followed]:
        yield f"No longer following a group, so left as it is: {_named(left, view)}."


def _plan_sentences(id_: ObjectId, made: Plan, view: View, next_time: str) -> Iterator[str]:
    departments = {key: one.name for key, one in view.departments.items()}
    groups = {group: clean(one.name) for group, one in view.groups.items()}
    nothing = True
    for held, actions in ((False, made.actions), (True, made.held)):
        for action in actions:
            if isinstance(action, DepartmentAction) or action.person != id_:
                continue
            nothing = False
            when = "Held back by a guard" if held else next_time
            yield f"{when}: {title(action)}. {action.because}"
            for one in differences(action, departments, groups):
                # What a new extension is given has no reason of its own, and was told above.
                if one.because:
                    stays = one.before == one.after
                    becomes = "stays" if stays else f"becomes {_quoted(one.after)}"
                    yield f"{one.label}: {_quoted(one.before)} {becomes}. {one.because}"
    for refusal in made.refusals:
        if refusal.subject == id_:
            nothing = False
            yield f"Refused: {refusal.because} {refusal.next_step}"
    if nothing:
        yield "Nothing is to be done."


def _cause_words(cause: LeaverCause) -> str:
    match cause:
        case LeaverCause.DELETED:
            return "deleted in Microsoft 365"
        case LeaverCause.DISABLED:
            return "disabled in Microsoft 365"
        case LeaverCause.OUT_OF_SCOPE:
            return "out of scope"
        case LeaverCause.DELETED_BY_HAND:
            return "deleted in the phone system"
        case unknown:
            assert_never(unknown)


def _policy_words(chosen: LeaverPolicy) -> str:
    match chosen:
        case LeaverPolicy.KEEP:
            return "keep"
        case LeaverPolicy.DISABLE:
            return "disable"
        case LeaverPolicy.REMOVE:
            return "remove"
        case unknown:
            assert_never(unknown)


def _named(keys: list[DepartmentKey], view: View) -> str:
    return ", ".join(
        f"“{view.departments[key].name if key in view.departments else key}”" for key in keys
    )


def _alone(view: View, id_: ObjectId) -> View:
    """The view of this person, with every extension that nobody of the view is linked to."""
    link = view.links.get(id_)
    others = {other.key for owner, other in view.links.items() if owner != id_}
    return replace(
        view,
        people={id_: view.people[id_]} if id_ in view.people else {},
        links={id_: link} if link else {},
        extensions={key: ext for key, ext in view.extensions.items() if key not in others},
        summary=replace(view.summary, linked=max(view.summary.linked, len(view.links))),
    )
