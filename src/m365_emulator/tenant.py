"""The Microsoft 365 tenant: what is true in it, what readers see of it, and the verbs of its life.

A verb takes effect at once and is logged; when readers see it, `registers.Replication` decides.
Verbs take properties spelled as Graph spells them. HTTP, permissions and paging are elsewhere.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from msgspec.structs import replace

from m365_emulator import alterations, names
from m365_emulator.clock import stamp
from m365_emulator.directory_roles import DirectoryRoles
from m365_emulator.dynamic_groups import DynamicGroups
from m365_emulator.group_population import GroupPopulation, group_count
from m365_emulator.membership_rules import rule_of
from m365_emulator.nesting import Nesting
from m365_emulator.population import Population
from m365_emulator.portraits import Photos
from m365_emulator.quirks import Quirks
from m365_emulator.refusals import Refused, UnknownObject
from m365_emulator.registers import EVERYTHING, Memberships, Register, Replication
from m365_emulator.resources import Group, ObjectId, User

RECYCLE_BIN_DAYS = 30

R = TypeVar("R", User, Group)


class Tenant:
    """One tenant, with users, groups, memberships, a recycle bin and subscriptions."""

    def __init__(
        self,
        *,
        seed: int,
        now: Callable[[], datetime],
        display_name: str | None = None,
        domain: str | None = None,
    ) -> None:
        chance = Random(f"{seed}:tenant")
        firm, word = chance.choice(names.HOME_FIRMS)
        self.seed = seed
        self.id = str(ObjectId(_guid(chance)))
        self.display_name = display_name or firm
        self.domain = domain or f"{word}.example"
        self.initial_domain = f"{self.domain.partition('.')[0]}.onmicrosoft.com"
        self.now = now
        self.quirks = Quirks(seed=seed)
        self.opened_at = now()
        self.delta_generation = 0
        self.replication = Replication(now, lambda: self.quirks)
        self.user_register: Register[User] = Register(self.replication)
        self.group_register: Register[Group] = Register(self.replication)
        self.memberships = Memberships(self.replication, self.group_register.log)
        self._dynamic = DynamicGroups(self.memberships)
        self._nesting = Nesting(self.memberships, self.group_register)
        self.population = Population(seed, self.domain, self.initial_domain, self.display_name)
        self.home = self.population.home
        self.photos = Photos(seed, self.user_register.truth)
        self.directory_roles = DirectoryRoles(self.id)
        self._by_upn: dict[str, ObjectId] = {}
        self._former_groups: dict[ObjectId, tuple[ObjectId, ...]] = {}
        self._former_members: dict[ObjectId, tuple[ObjectId, ...]] = {}
        self._binned_at: dict[ObjectId, datetime] = {}

    @classmethod
    def seeded(
        cls,
        people: int,
        seed: int,
        now: Callable[[], datetime],
        *,
        groups: int | None = None,
        display_name: str | None = None,
        domain: str | None = None,
    ) -> "Tenant":
        """A tenant with that many accounts of all kinds, the same for the same seed and size."""
        tenant = cls(seed=seed, now=now, display_name=display_name, domain=domain)
        accounts = list(tenant.population.people(people))
        tenant.user_register.load(accounts)
        tenant._by_upn = {each.user_principal_name.casefold(): each.id for each in accounts}
        wanted = group_count(people) if groups is None else groups
        around = GroupPopulation(seed, tenant.population, tenant.domain, accounts)
        around.build(wanted)
        tenant.group_register.load(around.groups)
        tenant.memberships.load(around.members)
        for group in around.groups:
            tenant._dynamic.note(group)
        tenant.directory_roles.appoint(accounts)
        return tenant

    # Reading the truth, for the verbs, the control page and tests.

    def user(self, user_id: str) -> User:
        """The living user with this object id, as the truth has it."""
        return self._alive(self.user_register, user_id)

    def user_named(self, upn: str) -> User | None:
        """The living user who truly has this UPN."""
        found = self._by_upn.get(upn.casefold())
        return self.user_register.truth(found) if found else None

    def group(self, group_id: str) -> Group:
        return self._alive(self.group_register, group_id)

    def people(self) -> Iterator[User]:
        return (each for each in self.user_register.truths() if each.deleted_date_time is None)

    def groups(self) -> list[Group]:
        return [each for each in self.group_register.truths() if each.deleted_date_time is None]

    def recycle_bin(self) -> list[User | Group]:
        found = (
            self.user_register.truth(each) or self.group_register.truth(each)
            for each in self._binned_at
        )
        return [each for each in found if each is not None]

    def members_of(self, group_id: str) -> list[ObjectId]:
        """The true direct members, users and groups."""
        return list(self.memberships.members(self.group(group_id).id))

    def groups_of(self, object_id: str) -> tuple[ObjectId, ...]:
        """The groups that truly hold this user or group directly."""
        return self.memberships.parents(ObjectId(object_id))

    def search_people(self, text: str, limit: int = 20) -> list[User]:
        """Living users with `text` somewhere in name, UPN or mail, whatever the case."""
        wanted = text.strip().casefold()
        found = []
        for each in self.people():
            told = f"{each.display_name} {each.user_principal_name} {each.mail}".casefold()
            if wanted in told:
                found.append(each)
                if len(found) >= limit:
                    break
        return found

    # What readers see.

    def read(self) -> None:
        """A reader is about to look: time passes for replication and for the recycle bin."""
        self.replication.read()
        horizon = self.now() - timedelta(days=RECYCLE_BIN_DAYS)
        while self._binned_at:
            oldest, binned_at = next(iter(self._binned_at.items()))
            if binned_at > horizon:
                break
            self.purge(oldest)

    def seen_user(self, key: str) -> User | None:
        """The living user that readers find under an object id or UPN."""
        found = self.user_register.seen(ObjectId(key.lower()))
        if found is None:
            folded = key.casefold()
            found = next(
                (
                    each
                    for each in self.user_register.lagging()
                    if each.user_principal_name.casefold() == folded
                ),
                None,
            )
            if found is None and folded in self._by_upn:
                found = self.user_register.seen(self._by_upn[folded])
                if found and found.user_principal_name.casefold() != folded:
                    return None
        return found if found and found.deleted_date_time is None else None

    def seen_group(self, key: str) -> Group | None:
        found = self.group_register.seen(ObjectId(key.lower()))
        return found if found and found.deleted_date_time is None else None

    def transitive_members(self, group_id: ObjectId) -> list[ObjectId]:
        """Everybody and every group below this one, sorted; circles are walked once."""
        return self._nesting.members(group_id, self.replication.horizon)

    def transitive_parents(self, object_id: ObjectId) -> list[ObjectId]:
        return self._nesting.parents(object_id, self.replication.horizon)

    # The verbs of people.

    def hire(
        self,
        display_name: str | None = None,
        *,
        groups: Iterable[str] = (),
        skus: Iterable[str] | None = None,
        **properties: Any,
    ) -> User:
        """Somebody joins, with mailbox and licence unless `skus` (part numbers) says otherwise."""
        user = self.population.newcomer(stamp(self.now()))
        while user.user_principal_name.casefold() in self._by_upn:
            user = self.population.newcomer(stamp(self.now()))
        if display_name is not None:
            user = self._addressed(alterations.retitled(user, display_name))
        upn = properties.pop("userPrincipalName", None)
        if upn is not None:
            user = alterations.moved_to(user, upn)
        if skus is not None:
            user = alterations.licensed(replace(user, assigned_plans=()), skus, stamp(self.now()))
        if properties:
            user = alterations.changed(user, properties)
        self._claim(user)
        self.user_register.write(user.id, user, EVERYTHING)
        for group_id in groups:
            self.add_member(group_id, user.id)
        self._dynamic.regroup(user)
        return user

    def rename(
        self, user_id: str, *, display_name: str | None = None, upn: str | None = None
    ) -> User:
        """A new display name, a new UPN, or both; the old address stays as an alias."""
        before = self.user(user_id)
        after = before if display_name is None else alterations.retitled(before, display_name)
        if upn is not None:
            after = alterations.moved_to(after, upn)
        return self._save(before, after)

    def update(self, user_id: str, **properties: Any) -> User:
        """Set properties; None clears one. Refused for names or types that a user has not."""
        before = self.user(user_id)
        return self._save(before, alterations.changed(before, properties))

    def assign_licences(self, user_id: str, *part_numbers: str) -> User:
        """The user holds exactly these subscriptions; plans lost stay on as `Deleted`."""
        before = self.user(user_id)
        return self._save(before, alterations.licensed(before, part_numbers, stamp(self.now())))

    def move(self, user_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> User:
        """Out of some groups and into others."""
        user = self.user(user_id)
        for group_id in remove:
            self.remove_member(group_id, user.id)
        for group_id in add:
            self.add_member(group_id, user.id)
        return user

    def disable(self, user_id: str) -> User:
        return self.update(user_id, accountEnabled=False)

    def enable(self, user_id: str) -> User:
        return self.update(user_id, accountEnabled=True)

    def delete(self, user_id: str) -> User:
        """Into the recycle bin, for 30 days, out of every group; the UPN becomes free."""
        user = self.user(user_id)
        self._leave_groups(user.id)
        del self._by_upn[user.user_principal_name.casefold()]
        binned = replace(
            user,
            # Entra puts the object id before the UPN of a deleted user, so that it can be reused.
            user_principal_name=user.id.replace("-", "") + user.user_principal_name,
            deleted_date_time=stamp(self.now()),
        )
        self._binned_at[user.id] = self.now()
        self.user_register.write(user.id, binned, EVERYTHING)
        return binned

    def restore(self, object_id: str) -> User | Group:
        """Out of the recycle bin, back into the groups that still exist."""
        known = ObjectId(object_id)
        if known not in self._binned_at:
            raise UnknownObject(f"{object_id} is not in the recycle bin")
        group = self.group_register.truth(known)
        if group is not None:
            return self._restore_group(group)
        user = self.user_register.truth(known)
        if user is None:
            raise UnknownObject(f"{object_id} is not in the recycle bin")
        upn = user.user_principal_name.removeprefix(user.id.replace("-", ""))
        restored = replace(user, user_principal_name=upn, deleted_date_time=None)
        self._claim(restored)
        del self._binned_at[known]
        self.user_register.write(restored.id, restored, EVERYTHING)
        for group_id in self._former_groups.pop(restored.id, ()):
            group = self.group_register.truth(group_id)
            if group and group.deleted_date_time is None and not group.is_dynamic:
                self.memberships.write(group_id, restored.id, present=True)
        self._dynamic.regroup(restored)
        return restored

    def purge(self, object_id: str) -> None:
        """Out of the recycle bin for good."""
        known = ObjectId(object_id)
        if known not in self._binned_at:
            raise UnknownObject(f"{object_id} is not in the recycle bin")
        del self._binned_at[known]
        self._former_groups.pop(known, None)
        self._former_members.pop(known, None)
        register: Register[User] | Register[Group] = (
            self.user_register if self.user_register.truth(known) else self.group_register
        )
        self.photos.remove(known)
        register.write(known, None, EVERYTHING)

    # The verbs of groups.

    def create_group(
        self, display_name: str, *, members: Iterable[str] = (), **properties: Any
    ) -> Group:
        """A security group, unless `groupTypes`, `mailEnabled`, `membershipRule` say otherwise."""
        nickname = self.population.mailbox_name(
            names.latin(display_name).replace(".", "") or "group"
        )
        made_at = stamp(self.now())
        group = alterations.founded(
            Group(
                id=self.population.object_id(),
                display_name=display_name,
                mail_nickname=nickname,
                created_date_time=made_at,
                renewed_date_time=made_at,
            ),
            properties,
            self.domain,
        )
        self.group_register.write(group.id, group, EVERYTHING)
        self._dynamic.note(group)
        for member_id in members:
            self.add_member(group.id, member_id)
        self._dynamic.regroup_all(group.id, self.people())
        return group

    def rename_group(self, group_id: str, display_name: str) -> Group:
        return self.update_group(group_id, displayName=display_name)

    def update_group(self, group_id: str, **properties: Any) -> Group:
        """Set properties of a group; None clears one. A new rule is evaluated for everybody."""
        before = self.group(group_id)
        if properties.get("membershipRule"):
            rule_of(properties["membershipRule"])
        after = alterations.changed(before, properties)
        self._write_difference(self.group_register, before, after)
        if before.membership_rule != after.membership_rule:
            self._dynamic.note(after)
            self._dynamic.regroup_all(after.id, self.people())
        return after

    def delete_group(self, group_id: str) -> None:
        """A Microsoft 365 group goes to the recycle bin, any other kind is gone at once."""
        group = self.group(group_id)
        self._dynamic.forget(group.id)
        self._leave_groups(group.id)
        members = tuple(self.memberships.members(group.id))
        for member_id in members:
            self.memberships.write(group.id, member_id, present=False)
        if not group.is_unified:
            self._former_groups.pop(group.id, None)
            self.group_register.write(group.id, None, EVERYTHING)
            return
        self._former_members[group.id] = members
        self._binned_at[group.id] = self.now()
        binned = replace(group, deleted_date_time=stamp(self.now()))
        self.group_register.write(group.id, binned, EVERYTHING)

    def add_member(self, group_id: str, member_id: str) -> None:
        group = self.group(group_id)
        member = self._any(member_id)
        if group.is_dynamic:
            raise Refused(f"{group.display_name!r} is dynamic: its rule says who belongs to it")
        if isinstance(member, Group) and (group.is_unified or member.is_unified):
            raise Refused("a Microsoft 365 group neither holds groups nor joins one")
        self.memberships.write(group.id, member.id, present=True)

    def remove_member(self, group_id: str, member_id: str) -> None:
        group = self.group(group_id)
        if group.is_dynamic:
            raise Refused(f"{group.display_name!r} is dynamic: its rule says who belongs to it")
        self.memberships.write(group.id, ObjectId(member_id), present=False)

    def forget_delta_links(self) -> None:
        """From now on every delta link handed out so far is answered with 410."""
        self.delta_generation += 1

    # How it is done.

    def _alive(self, register: Register[R], object_id: str) -> R:
        found = register.truth(ObjectId(object_id))
        if found is None or found.deleted_date_time is not None:
            raise UnknownObject(f"there is no {object_id} in {self.display_name}")
        return found

    def _any(self, object_id: str) -> User | Group:
        user = self.user_register.truth(ObjectId(object_id))
        return self.user(object_id) if user else self.group(object_id)

    def _save(self, before: User, after: User) -> User:
        if before.user_principal_name.casefold() != after.user_principal_name.casefold():
            self._claim(after)
            del self._by_upn[before.user_principal_name.casefold()]
        saved = self._write_difference(self.user_register, before, after)
        self._dynamic.regroup(saved)
        return saved

    @staticmethod
    def _write_difference(register: Register[R], before: R, after: R) -> R:
        names = alterations.difference(before, after)
        if not names:
            return before
        saved = alterations.with_cleared(after, names)
        register.write(after.id, saved, names)
        return saved

    def _claim(self, user: User) -> None:
        """Take the UPN, which must be free."""
        folded = user.user_principal_name.casefold()
        if self._by_upn.get(folded, user.id) != user.id:
            raise Refused(f"another user already has the UPN {user.user_principal_name}")
        if "@" not in folded.strip("@"):
            raise Refused(f"{user.user_principal_name!r} is not a UPN")
        self._by_upn[folded] = user.id

    def _addressed(self, user: User) -> User:
        """A fresh address made from the display name."""
        wanted = ".".join(filter(None, (names.latin(p) for p in (user.display_name or "").split())))
        local = self.population.mailbox_name(wanted)
        while f"{local}@{self.domain}".casefold() in self._by_upn:
            local = self.population.mailbox_name(wanted)
        return alterations.addressed(user, local, self.domain)

    def _leave_groups(self, object_id: ObjectId) -> None:
        groups = self.memberships.parents(object_id)
        self._former_groups[object_id] = groups
        for group_id in groups:
            self.memberships.write(group_id, object_id, present=False)

    def _restore_group(self, group: Group) -> Group:
        del self._binned_at[group.id]
        restored = replace(group, deleted_date_time=None)
        self.group_register.write(group.id, restored, EVERYTHING)
        self._dynamic.note(restored)
        for member_id in self._former_members.pop(group.id, ()):
            user = self.user_register.truth(member_id)
            if user and user.deleted_date_time is None and not restored.is_dynamic:
                self.memberships.write(group.id, member_id, present=True)
        self._dynamic.regroup_all(restored.id, self.people())
        return restored


def _guid(chance: Random) -> str:
    digits = hashlib.sha256(chance.randbytes(16)).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
