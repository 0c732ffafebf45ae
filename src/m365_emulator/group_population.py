"""The groups a tenant starts with: every kind, nested, in a circle, two of one name, by seed.

Fourteen up to 300 people, then sites, projects and teams as the tenant grows. Who is in them
follows from the people's departments, or from a rule where the group is dynamic.
"""

from random import Random
from typing import Any

from m365_emulator import names
from m365_emulator.membership_rules import rule_of
from m365_emulator.population import SYNCED_AT, Population
from m365_emulator.resources import Group, ObjectId, User


def group_count(people: int) -> int:
    """How many groups a tenant of that size starts with: 14 up to 300 people, 500 at most."""
    return 14 if people <= 300 else min(500, 14 + (people - 300) // 40)


_UNIFIED = {
    "group_types": ("Unified",),
    "mail_enabled": True,
    "security_enabled": False,
    "visibility": "Private",
    "resource_behavior_options": ("WelcomeEmailDisabled",),
}
_TEAM = {**_UNIFIED, "resource_provisioning_options": ("Team",)}
_SECURITY = {"mail_enabled": False, "security_enabled": True}
_MAIL_SECURITY = {"mail_enabled": True, "security_enabled": True}
_DISTRIBUTION = {"mail_enabled": True, "security_enabled": False}
_ON = "On"


class GroupPopulation:
    """Invents the groups around given people: every kind, nested and in a circle."""

    def __init__(self, seed: int, population: Population, domain: str, people: list[User]) -> None:
        self._chance = Random(f"{seed}:groups")
        self._population = population
        self._domain = domain
        self._people = people
        self._staff = [
            each
            for each in people
            if each.user_type != "Guest" and each.surname and each.account_enabled
        ]
        self._guests = [each for each in people if each.user_type == "Guest"]
        self.groups: list[Group] = []
        self.members: dict[ObjectId, list[ObjectId]] = {}

    def build(self, count: int) -> None:
        """The first fourteen are always the same kinds; more are sites, projects and teams."""
        self._usual_fourteen()
        kinds = (_TEAM, _SECURITY, _DISTRIBUTION, _UNIFIED, _MAIL_SECURITY)
        for number in range(len(self.groups), count):
            kind = kinds[number % len(kinds)]
            noun = ("Project", "Site", "Team", "Committee", "Course")[number % 7 % 5]
            size = min(len(self._staff), self._chance.choice((0, 3, 8, 15, 30, 60, 200)))
            group = self._add(f"{noun} {number}", self._chance.sample(self._staff, size), **kind)
            if kind is _SECURITY and number % 3 == 0:
                # Entra nests security groups only; a Microsoft 365 group neither holds nor joins.
                nestable = [each for each in self.groups[:-1] if each.security_enabled]
                self.members[group.id].append(self._chance.choice(nestable).id)
        del self.groups[count:]
        kept = {group.id for group in self.groups}
        known = kept | {each.id for each in self._people}
        self.members = {
            group_id: [each for each in ids if each in known]
            for group_id, ids in self.members.items()
            if group_id in kept
        }

    def _usual_fourteen(self) -> None:
        busy = self._staff[::12]
        self._add(
            "All Staff",
            [],
            **_SECURITY,
            group_types=("DynamicMembership",),
            membership_rule='(user.userType -eq "Member") -and (user.accountEnabled -eq true) '
            "-and (user.surname -ne null)",
            membership_rule_processing_state=_ON,
        )
        self._add("Sales", self._in("sales") + busy, **_TEAM)
        self._add("Support", self._in("support"), **_TEAM)
        self._add(
            "Engineering",
            [],
            **_UNIFIED | {"group_types": ("Unified", "DynamicMembership")},
            membership_rule='user.department -eq "Engineering"',
            membership_rule_processing_state=_ON,
        )
        finance = self._add("Finance", self._in("finance") + self._in("purchasing"), **_SECURITY)
        self._add("Human Resources", self._in("human resources"), **_UNIFIED)
        warehouse = self._add(
            "Warehouse",
            self._in("warehouse"),
            **_SECURITY,
            on_premises_sync_enabled=True,
            on_premises_last_sync_date_time=SYNCED_AT,
            on_premises_sam_account_name="warehouse",
            on_premises_domain_name=f"corp.{self._domain}",
        )
        reception = self._add("Reception", self._in("reception") + busy, **_MAIL_SECURITY)
        some = [each for each in self._staff if self._chance.random() < 0.3]
        self._add("Newsletter", some + busy, **_DISTRIBUTION)
        self._add("Sales", self._in("sales")[::2] + busy, **_DISTRIBUTION)
        region = self._add("EMEA", self._in("legal"), **_SECURITY)
        self.members[region.id] += [finance.id, warehouse.id, reception.id]
        core = self._add("Aurora Core", self._staff[5::23] + busy, **_SECURITY)
        partners = self._add("Aurora Partners", self._guests[::2], **_SECURITY)
        self.members[core.id].append(partners.id)
        self.members[partners.id].append(core.id)
        self._add("東京営業所", self._staff[3::31], **_UNIFIED)

    def _in(self, department: str) -> list[User]:
        return [
            each
            for each in self._staff
            if each.department and each.department.strip().lower() == department
        ]

    def _add(self, display_name: str, members: list[User], **properties: Any) -> Group:
        nickname = self._population.mailbox_name(
            names.latin(display_name).replace(".", "") or "group"
        )
        created_at = (
            f"20{self._chance.randrange(19, 26)}-0{self._chance.randrange(1, 10)}-11T08:30:00Z"
        )
        address = f"{nickname}@{self._domain}" if properties["mail_enabled"] else None
        group = Group(
            id=self._population.object_id(),
            display_name=display_name,
            description=f"{display_name} at {self._domain}" if len(self.groups) % 3 else None,
            mail=address,
            mail_nickname=nickname,
            proxy_addresses=(f"SMTP:{address}",) if address else (),
            created_date_time=created_at,
            renewed_date_time=created_at,
            **properties,
        )
        ids = {each.id: None for each in members}
        if group.membership_rule:
            rule = rule_of(group.membership_rule)
            ids = {each.id: None for each in self._people if rule(each)}
        self.groups.append(group)
        self.members[group.id] = list(ids)
        return group
