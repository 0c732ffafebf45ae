"""What a change makes of a user or group: pure functions from the old object to the new one.

Properties are spelled as Graph spells them. Whether a change is allowed beside others (a UPN that
is taken), and writing it, is the tenant's business.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec.structs import FieldInfo, replace

from m365_emulator import licences
from m365_emulator.membership_rules import rule_of
from m365_emulator.refusals import Refused
from m365_emulator.resources import Group, User

_FIXED = frozenset({"id", "cleared", "deletedDateTime"})

R = TypeVar("R", User, Group)


@lru_cache
def _fields_of(kind: type[User] | type[Group]) -> dict[str, FieldInfo]:
    """The fields of a resource by Graph's spelling."""
    return {each.encode_name: each for each in msgspec.structs.fields(kind)}


def changed(before: R, properties: dict[str, Any]) -> R:
    """The object with these properties; Refused for a name or type that it has not."""
    known = _fields_of(type(before))
    values: dict[str, Any] = {}
    for name, value in properties.items():
        if name not in known or name in _FIXED:
            raise Refused(f"{name!r} is not a property that can be set")
        try:
            values[known[name].name] = msgspec.convert(value, known[name].type)
        except msgspec.ValidationError as reason:
            raise Refused(f"{name}: {reason}") from reason
    return replace(before, **values)


def founded(bare: Group, properties: dict[str, Any], domain: str) -> Group:
    """A new group with these properties, and with what follows from its kind.

    Refused for a property that it cannot have, or a rule that cannot be evaluated.
    """
    wanted = dict(properties)
    if wanted.get("membershipRule"):
        kinds = tuple(wanted.get("groupTypes", ()))
        wanted["groupTypes"] = tuple(dict.fromkeys((*kinds, "DynamicMembership")))
        wanted.setdefault("membershipRuleProcessingState", "On")
        rule_of(wanted["membershipRule"])
    if "Unified" in wanted.get("groupTypes", ()):
        wanted.setdefault("mailEnabled", True)
        wanted.setdefault("securityEnabled", False)
        wanted.setdefault("visibility", "Private")
    if wanted.get("mailEnabled"):
        address = f"{bare.mail_nickname}@{domain}"
        wanted.setdefault("mail", address)
        wanted.setdefault("proxyAddresses", [f"SMTP:{address}"])
    return replace(changed(bare, wanted), cleared=frozenset())


def difference(before: R, after: R) -> frozenset[str]:
    """The properties in which the two differ."""
    return frozenset(
        name
        for name, known in _fields_of(type(before)).items()
        if name != "cleared" and getattr(before, known.name) != getattr(after, known.name)
    )


def with_cleared(after: R, names: frozenset[str]) -> R:
    """The object with those of the changed properties noted that have no value any more."""
    known = _fields_of(type(after))
    emptied = {name for name in names if getattr(after, known[name].name) is None}
    return replace(after, cleared=after.cleared | emptied)


def retitled(user: User, display_name: str) -> User:
    """The user under a new display name; given name and surname follow where they were kept."""
    given, _, surname = display_name.strip().rpartition(" ")
    if user.given_name is None and user.surname is None:
        return replace(user, display_name=display_name)
    return replace(
        user,
        display_name=display_name,
        given_name=given or display_name.strip(),
        surname=surname if given else user.surname,
    )


def addressed(user: User, local: str, domain: str) -> User:
    """The user with this address as UPN, mail and sign-in for calls."""
    address = f"{local}@{domain}"
    return replace(
        user,
        user_principal_name=address,
        mail=address,
        mail_nickname=local,
        proxy_addresses=(f"SMTP:{address}", f"sip:{address}"),
        im_addresses=(address,),
    )


def moved_to(user: User, upn: str) -> User:
    """A new UPN; where the mail address was the old one, it follows and leaves an alias."""
    if user.mail is None or user.mail.casefold() != user.user_principal_name.casefold():
        return replace(user, user_principal_name=upn)
    taken_back = f"smtp:{upn}".casefold()
    kept = [
        each
        for each in user.proxy_addresses
        if not each.startswith(("SMTP:", "sip:")) and each.casefold() != taken_back
    ]
    return replace(
        user,
        user_principal_name=upn,
        mail=upn,
        proxy_addresses=(f"SMTP:{upn}", f"smtp:{user.mail}", *kept, f"sip:{upn}"),
        im_addresses=(upn,),
    )


def licensed(user: User, part_numbers: Iterable[str], at: str) -> User:
    """The user with exactly these subscriptions; plans lost stay on as `Deleted` since `at`."""
    held = []
    for part_number in part_numbers:
        known = licences.BY_PART_NUMBER.get(part_number)
        if known is None:
            raise Refused(f"{part_number!r} is not a subscription of this tenant")
        held.append(known)
    skus = tuple(held)
    return replace(
        user,
        assigned_licenses=licences.licences_of(skus),
        assigned_plans=licences.plans_after(user.assigned_plans, skus, at),
    )
