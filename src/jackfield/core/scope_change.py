"""Whom another scope would make leavers, or another policy would hit, told before it is saved.

Decided here: who loses their place, and whether that is many by the guards' figures. Nothing is
planned; what becomes of leavers is decided in `jackfield.core.leavers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from jackfield.core.actions import DisableExtension, RemoveExtension
from jackfield.core.extensions import Extension, ExtensionKey, Link
from jackfield.core.leavers import leaver_action, leaver_cause
from jackfield.core.people import GroupId, LeaverPolicy, ObjectId, Person, ScopeJudge, ScopeRules
from jackfield.core.rules import PeopleRules, Threshold

_HELD = "a guard holds that back until you release it"
"""Said of many only; where leavers keep their extension there is nothing to hold."""
_NONE: frozenset[GroupId] = frozenset()


@dataclass(frozen=True, slots=True)
class Leaving:
    """People with an extension who would fall out of scope, or have left and would lose it."""

    people: tuple[ObjectId, ...]
    linked: int
    """People with an extension in all."""
    becomes: str
    """What the rules do with them, as the rest of a sentence."""
    fate: str = "would fall out of scope"
    """What happens to them by what is saved."""

    @property
    def count(self) -> int:
        return len(self.people)

    @property
    def headline(self) -> str:
        """How many they are, as a sentence."""
        people = "1 person" if self.count == 1 else f"{self.count:,} people"
        return f"{people} of {self.linked:,} with an extension {self.fate}."

    @property
    def outcome(self) -> str:
        """What becomes of them, as a sentence."""
        return f"As chosen, {self.becomes}."

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.headline} {self.outcome}"


def new_leavers(
    people: Iterable[Person],
    memberships: Mapping[ObjectId, frozenset[GroupId]],
    before: ScopeRules,
    after: ScopeRules,
) -> tuple[ObjectId, ...]:
    """Who is no leaver by the scope `before` and would be one by `after`."""
    judge_before, judge_after = ScopeJudge(before), ScopeJudge(after)
    found = []
    for person in people:
        groups = memberships.get(person.id, _NONE)
        if leaver_cause(person, judge_before(person, groups)) is None and leaver_cause(
            person, judge_after(person, groups)
        ):
            found.append(person.id)
    return tuple(found)


def newly_hit(
    links: Iterable[Link],
    extensions: Mapping[ExtensionKey, Extension],
    before: PeopleRules,
    after: PeopleRules,
    now: datetime,
) -> Leaving | None:
    """Leavers of before whose extension the rules `after` take at once, and `before` did not.

    None where they are no more than the guards let pass unseen, of as many links as there are.
    """
    removed: list[ObjectId] = []
    disabled: list[ObjectId] = []
    linked = 0
    for link in links:
        linked += 1
        if link.left is None:
            continue
        extension = extensions.get(link.key)
        then, now_ = (
            leaver_action("", link.left, None, link, extension, rules, now)
            for rules in (before, after)
        )
        if isinstance(now_, RemoveExtension) and not isinstance(then, RemoveExtension):
            removed.append(link.person)
        elif isinstance(now_, DisableExtension) and not isinstance(then, DisableExtension):
            disabled.append(link.person)
    if not (
        _passes(after.guards.removals, len(removed), linked)
        or _passes(after.guards.disables, len(disabled), linked)
    ):
        return None
    outcome = f"their extensions are {'removed' if removed else 'disabled'}"
    if removed and disabled:
        outcome = f"{len(removed):,} extensions are removed, {len(disabled):,} disabled"
    return Leaving((*removed, *disabled), linked, f"{outcome}; {_HELD}", _LEFT)


_LEFT = "have left, and by this policy would lose it at once"


def is_many(count: int, linked: int, rules: PeopleRules) -> bool:
    """Whether so many leavers are more than the guards let pass unseen.

    Where leavers keep their extension, no guard counts them: the figures of disablings do.
    """
    guards = rules.guards
    threshold = guards.removals if _removes_at_once(rules) else guards.disables
    return _passes(threshold, count, linked)


def becomes(rules: PeopleRules) -> str:
    """What becomes of many who fall out of scope, as the rest of a sentence."""
    match rules.on_out_of_scope:
        case LeaverPolicy.KEEP:
            return "they keep their extensions, and are not synchronised any more"
        case LeaverPolicy.DISABLE:
            return f"their extensions are disabled; {_HELD}"
        case LeaverPolicy.REMOVE:
            days = rules.remove_after.out_of_scope
            if not days:
                return f"their extensions are removed; {_HELD}"
            after = "1 day" if days == 1 else f"{days:,} days"
            return f"their extensions are disabled, and removed after {after}; {_HELD}"


def _removes_at_once(rules: PeopleRules) -> bool:
    return rules.on_out_of_scope is LeaverPolicy.REMOVE and not rules.remove_after.out_of_scope


def _passes(threshold: Threshold, count: int, of: int) -> bool:
    return count > threshold.number and count * 100 > threshold.percent * of
