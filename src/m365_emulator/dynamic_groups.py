"""Groups whose members are whoever fits a rule; the real service takes minutes to hours for it."""

from collections.abc import Iterable

from m365_emulator.membership_rules import Rule, rule_of
from m365_emulator.registers import Memberships
from m365_emulator.resources import Group, ObjectId, User


class DynamicGroups:
    """The rules in force; memberships follow at once when somebody changes or a rule is new."""

    def __init__(self, memberships: Memberships) -> None:
        self._memberships = memberships
        self._rules: dict[ObjectId, Rule] = {}

    def note(self, group: Group) -> None:
        """The group's rule, or that it has none any more. Refused for one we cannot evaluate."""
        if group.membership_rule and group.is_dynamic:
            self._rules[group.id] = rule_of(group.membership_rule)
        else:
            self.forget(group.id)

    def forget(self, group_id: ObjectId) -> None:
        self._rules.pop(group_id, None)

    def regroup(self, user: User) -> None:
        """Somebody has changed: every rule is asked."""
        for group_id, rule in self._rules.items():
            self._memberships.write(group_id, user.id, present=rule(user))

    def regroup_all(self, group_id: ObjectId, people: Iterable[User]) -> None:
        """A rule is new: everybody is looked at."""
        rule = self._rules.get(group_id)
        if rule is None:
            return
        for user in people:
            self._memberships.write(group_id, user.id, present=rule(user))
