"""The invented people and groups: the same for a seed, and troublesome early enough."""

import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from m365_emulator.group_population import group_count
from m365_emulator.licences import BY_ID, EXCHANGE_S_FOUNDATION, MCOEV_VIRTUALUSER, RESOURCE_ACCOUNT
from m365_emulator.resources import Group, User
from m365_emulator.tenant import Tenant

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def tenant() -> Tenant:
    return Tenant.seeded(250, 1, now=lambda: NOW)


@pytest.fixture(scope="module")
def people(tenant: Tenant) -> list[User]:
    return list(tenant.people())


def test_a_seed_and_a_size_give_the_same_tenant_whatever_the_day() -> None:
    """A failing run must be repeatable from its seed, on any machine, on any day."""
    later = datetime(2031, 1, 1, tzinfo=UTC)

    first = Tenant.seeded(300, 5, now=lambda: NOW)
    again = Tenant.seeded(300, 5, now=lambda: later)

    assert list(first.people()) == list(again.people())
    assert first.groups() == again.groups()
    assert [first.members_of(g.id) for g in first.groups()] == [
        again.members_of(g.id) for g in again.groups()
    ]


def test_seeds_give_different_tenants() -> None:
    """Two tenants side by side must not be one tenant twice."""
    first = Tenant.seeded(50, 1, now=lambda: NOW)
    other = Tenant.seeded(50, 2, now=lambda: NOW)

    assert first.id != other.id
    assert {each.id for each in first.people()}.isdisjoint(each.id for each in other.people())


def test_the_demo_has_250_accounts_and_14_groups(tenant: Tenant) -> None:
    """The demonstration promises these two numbers."""
    assert len(list(tenant.people())) == 250
    assert len(tenant.groups()) == 14


@pytest.mark.parametrize(
    ("size", "groups"), [(0, 14), (300, 14), (1000, 31), (20_000, 500), (100_000, 500)]
)
def test_groups_grow_with_the_tenant(size: int, groups: int) -> None:
    """A tenant of a thousand people with fourteen groups would spare the group code too much."""
    assert group_count(size) == groups


def test_everybody_has_a_upn_and_an_id_of_their_own() -> None:
    """A doubled key in the population would look like a fault of the product."""
    people = list(Tenant.seeded(5000, 3, now=lambda: NOW).people())

    assert len({each.id for each in people}) == 5000
    assert len({each.user_principal_name.casefold() for each in people}) == 5000


def _scripts(user: User) -> set[str]:
    names = (unicodedata.name(each, "?") for each in user.display_name or "")
    return {name.partition(" ")[0] for name in names}


@pytest.mark.parametrize(
    "script",
    ["LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "THAI", "HANGUL", "DEVANAGARI"],
)
def test_names_come_in_many_scripts(script: str) -> None:
    """Sorting, searching and caller names must not be tried on English alone."""
    people = Tenant.seeded(600, 1, now=lambda: NOW).people()

    assert any(script in _scripts(each) for each in people)


def _kind_is(*, enabled: bool, licensed: bool, mail: bool) -> Callable[[User], bool]:
    return lambda u: (
        u.account_enabled is enabled
        and bool(u.assigned_licenses) is licensed
        and (u.mail is not None) is mail
        and u.user_type == "Member"
    )


SHAPES: dict[str, Callable[[User], bool]] = {
    "emoji": lambda u: "🌟" in (u.display_name or ""),
    "accents": lambda u: "ü" in (u.display_name or ""),
    "decomposed_accents": lambda u: "\u0308" in (u.display_name or ""),
    "no_display_name": lambda u: u.display_name is None,
    "no_given_name": lambda u: u.given_name is None and u.user_type == "Member",
    "one_letter": lambda u: u.display_name == "X",
    "spaces_around": lambda u: (u.display_name or "") != (u.display_name or "").strip(),
    "long_name": lambda u: len(u.display_name or "") > 120,
    "both_phones": lambda u: bool(u.business_phones and u.mobile_phone),
    "no_phone": lambda u: not u.business_phones and not u.mobile_phone,
    "international": lambda u: any(each.startswith("+") for each in u.business_phones),
    "national": lambda u: any(each.startswith("0") for each in u.business_phones),
    "extension_only": lambda u: any(
        each.isdecimal() and len(each) < 5 for each in u.business_phones
    ),
    "nonsense_number": lambda u: "see intranet" in u.business_phones,
    "foreign_digits": lambda u: any("０" in each for each in u.business_phones),
    "mail_is_not_the_upn": lambda u: u.mail is not None and u.mail != u.user_principal_name,
    "renamed": lambda u: u.user_principal_name.startswith("renamed."),
    "guest": lambda u: u.user_type == "Guest" and "#EXT#@" in u.user_principal_name,
    "guest_not_yet_come": lambda u: u.external_user_state == "PendingAcceptance",
    "leaver_with_licence": _kind_is(enabled=False, licensed=True, mail=True),
    "leaver_without_licence": _kind_is(enabled=False, licensed=False, mail=True),
    "unlicensed": _kind_is(enabled=True, licensed=False, mail=False),
    "room": lambda u: (u.display_name or "").startswith("Room ") and not u.account_enabled,
    "teams_room": lambda u: (u.display_name or "").startswith("Room ") and u.account_enabled,
    "no_country": lambda u: u.usage_location is None and bool(u.assigned_licenses),
    "no_user_type": lambda u: u.user_type is None,
    "sales_shouting": lambda u: u.department == "SALES",
    "resource_account": lambda u: (
        MCOEV_VIRTUALUSER.id in {plan.service_plan_id for plan in u.assigned_plans}
    ),
    "exchange_foundation_only": lambda u: (
        [plan.service_plan_id for plan in u.assigned_plans if plan.service == "exchange"]
        == [EXCHANGE_S_FOUNDATION.id]
    ),
}


@pytest.mark.parametrize("shape", [pytest.param(fits, id=name) for name, fits in SHAPES.items()])
def test_every_troublesome_shape_is_among_250(
    shape: Callable[[User], bool], people: list[User]
) -> None:
    """What the demonstration does not show, nobody will see before a customer does."""
    assert any(shape(each) for each in people)


def test_two_people_share_a_name(people: list[User]) -> None:
    """Equal display names are no identity."""
    names = Counter(each.display_name for each in people if each.user_type == "Member")

    assert names["Anna Müller"] >= 2


def test_nobody_has_two_business_phones(people: list[User]) -> None:
    """The collection holds one at most in Entra; two would be a shape that never arrives."""
    assert all(len(each.business_phones) <= 1 for each in people)


def test_people_live_in_several_countries(people: list[User]) -> None:
    """National numbers are read by usageLocation, so one country would prove nothing."""
    assert len({each.usage_location for each in people if each.usage_location}) >= 10


def test_assigned_plans_are_those_of_the_assigned_licences(people: list[User]) -> None:
    """Mailbox and Teams are judged by plans; they must follow from what was bought."""
    for each in people:
        bought = {plan.id for held in each.assigned_licenses for plan in BY_ID[held.sku_id].plans}

        assert {plan.service_plan_id for plan in each.assigned_plans} == bought
        assert len(each.assigned_plans) == len(bought)


def test_shared_mailboxes_rooms_and_equipment_cannot_sign_in(people: list[User]) -> None:
    """That is how the real ones are told apart: disabled, with mail, without a licence."""
    shared = [
        each
        for each in people
        if not each.account_enabled
        and each.mail
        and not each.assigned_licenses
        and not each.surname
    ]

    assert len(shared) >= 15


def test_resource_accounts_hold_only_their_own_licence(people: list[User]) -> None:
    """A Teams queue with a mailbox licence would be taken for a person."""
    accounts = [
        each
        for each in people
        if RESOURCE_ACCOUNT.id in {held.sku_id for held in each.assigned_licenses}
    ]

    assert accounts
    assert all(len(each.assigned_licenses) == 1 and each.mail is None for each in accounts)


GROUP_KINDS: dict[str, Callable[[Group], bool]] = {
    "microsoft_365": lambda g: g.group_types == ("Unified",) and g.mail_enabled,
    "team": lambda g: "Team" in g.resource_provisioning_options,
    "security": lambda g: g.security_enabled and not g.mail_enabled and not g.group_types,
    "mail_enabled_security": lambda g: g.security_enabled and g.mail_enabled and not g.group_types,
    "distribution": lambda g: g.mail_enabled and not g.security_enabled and not g.group_types,
    "dynamic_security": lambda g: g.group_types == ("DynamicMembership",),
    "dynamic_microsoft_365": lambda g: g.group_types == ("Unified", "DynamicMembership"),
    "synced": lambda g: g.on_premises_sync_enabled is True,
    "other_script": lambda g: not (g.display_name or "x").isascii(),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(fits, id=name) for name, fits in GROUP_KINDS.items()]
)
def test_every_kind_of_group_is_among_the_fourteen(
    kind: Callable[[Group], bool], tenant: Tenant
) -> None:
    """Departments come from groups of every kind."""
    assert any(kind(each) for each in tenant.groups())


def test_two_groups_share_a_name(tenant: Tenant) -> None:
    """Groups are told apart by id; a clash of names is what numbered departments are for."""
    assert Counter(each.display_name for each in tenant.groups())["Sales"] == 2


def test_two_groups_hold_each_other(tenant: Tenant) -> None:
    """Entra allows a circle; whoever walks groups must come back."""
    by_name = {each.display_name: each.id for each in tenant.groups()}
    core, partners = by_name["Aurora Core"], by_name["Aurora Partners"]

    assert partners in tenant.members_of(core)
    assert core in tenant.members_of(partners)


def test_some_people_are_in_five_groups(tenant: Tenant, people: list[User]) -> None:
    """The primary department must be chosen among many."""
    assert sum(len(tenant.groups_of(each.id)) >= 5 for each in people) >= 5


def test_dynamic_groups_hold_exactly_whom_their_rule_names(tenant: Tenant) -> None:
    """A dynamic group with the wrong people would teach the product a wrong lesson."""
    engineering = next(each for each in tenant.groups() if each.display_name == "Engineering")

    members = set(tenant.members_of(engineering.id))

    assert members == {each.id for each in tenant.people() if each.department == "Engineering"}
