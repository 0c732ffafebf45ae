"""The verbs of a tenant's life, and what readers see of them and when."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from m365_emulator.clock import Clock
from m365_emulator.membership_rules import RuleError
from m365_emulator.refusals import Refused, UnknownObject
from m365_emulator.tenant import Tenant

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock.standing(NOON)


@pytest.fixture
def tenant(clock: Clock) -> Tenant:
    return Tenant.seeded(30, 4, now=clock)


def _group(tenant: Tenant, name: str) -> str:
    return next(each.id for each in tenant.groups() if each.display_name == name)


def test_a_newcomer_has_an_address_a_licence_and_a_mailbox(tenant: Tenant) -> None:
    """Hiring by hand must give somebody whom people sync takes for a person."""
    hired = tenant.hire("Ada Byron", department="Engineering")

    assert hired.user_principal_name == f"ada.byron@{tenant.domain}"
    assert (hired.given_name, hired.surname) == ("Ada", "Byron")
    assert hired.mail == hired.user_principal_name
    assert "exchange" in {plan.service for plan in hired.assigned_plans}
    assert tenant.user(hired.id) == hired


def test_a_newcomer_without_a_name_is_invented(tenant: Tenant) -> None:
    """One click on the tenant's page hires somebody."""
    hired = tenant.hire()

    assert hired.display_name
    assert len(list(tenant.people())) == 31


def test_namesakes_get_addresses_of_their_own(tenant: Tenant) -> None:
    """The second Ada Byron must not take the first one's mailbox."""
    first = tenant.hire("Ada Byron")
    second = tenant.hire("Ada Byron")

    assert first.user_principal_name != second.user_principal_name


def test_hiring_without_a_subscription_gives_no_mailbox_plan(tenant: Tenant) -> None:
    """Unlicensed people are a case of their own in people sync."""
    hired = tenant.hire("Ada Byron", skus=[])

    assert hired.assigned_licenses == ()
    assert all(plan.capability_status == "Deleted" for plan in hired.assigned_plans)


def test_a_name_that_is_no_latin_still_gives_an_address(tenant: Tenant) -> None:
    """Names in any script can be hired."""
    hired = tenant.hire("李 小龍")

    assert "@" in hired.user_principal_name
    assert hired.user_principal_name[0] != "@"


def test_a_new_upn_leaves_the_old_address_as_an_alias(tenant: Tenant) -> None:
    """After a marriage mail to the old address still arrives; the UPN is free for others."""
    hired = tenant.hire("Ada Byron")

    renamed = tenant.rename(
        hired.id, display_name="Ada Lovelace", upn=f"ada.lovelace@{tenant.domain}"
    )

    assert renamed.surname == "Lovelace"
    assert renamed.mail == f"ada.lovelace@{tenant.domain}"
    assert renamed.proxy_addresses[:2] == (
        f"SMTP:ada.lovelace@{tenant.domain}",
        f"smtp:ada.byron@{tenant.domain}",
    )
    assert tenant.seen_user(f"ada.byron@{tenant.domain}") is None
    assert tenant.seen_user(f"ADA.Lovelace@{tenant.domain}") == renamed


def test_a_upn_can_be_had_once(tenant: Tenant) -> None:
    """UPNs are unique whatever the case; Entra refuses the second."""
    first = tenant.hire("Ada Byron")
    other = tenant.hire("Charles Babbage")

    with pytest.raises(Refused, match="already has the UPN"):
        tenant.rename(other.id, upn=first.user_principal_name.upper())

    assert tenant.seen_user(other.user_principal_name) == other


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        pytest.param({"shoeSize": 43}, "shoeSize", id="unknown_name"),
        pytest.param({"accountEnabled": "yes"}, "accountEnabled", id="wrong_type"),
        pytest.param({"id": "other"}, "'id'", id="fixed"),
    ],
)
def test_only_properties_that_a_user_has_can_be_set(
    tenant: Tenant, properties: dict[str, object], message: str
) -> None:
    """A misspelt property must not vanish in silence."""
    hired = tenant.hire("Ada Byron")

    with pytest.raises(Refused, match=message):
        tenant.update(hired.id, **properties)


def test_a_change_that_changes_nothing_is_not_logged(tenant: Tenant) -> None:
    """Writing the same value again is no news for delta."""
    hired = tenant.hire("Ada Byron", department="Sales")
    before = tenant.replication.sequence

    tenant.update(hired.id, department="Sales")

    assert tenant.replication.sequence == before


def test_lost_plans_stay_on_as_deleted(tenant: Tenant) -> None:
    """The directory keeps entries of plans that somebody once had; they must not count."""
    hired = tenant.hire("Ada Byron")

    changed = tenant.assign_licences(hired.id, "POWER_BI_STANDARD")

    status = {plan.service_plan_id: plan.capability_status for plan in changed.assigned_plans}
    assert status["9aaf7827-d63c-4b61-89c3-182f06f82e5c"] == "Deleted"
    assert status["113feb6c-3fe4-4440-bddc-54d774bf0318"] == "Enabled"


def test_a_deleted_user_leaves_groups_and_frees_the_upn(tenant: Tenant) -> None:
    """The recycle bin holds the person; the directory and its groups do not."""
    sales = _group(tenant, "Sales")
    hired = tenant.hire("Ada Byron", groups=[sales])

    tenant.delete(hired.id)

    assert hired.id not in tenant.members_of(sales)
    assert tenant.seen_user(hired.id) is None
    assert tenant.hire("Ada Byron", userPrincipalName=hired.user_principal_name)


def test_a_restored_user_returns_into_the_groups_that_still_exist(tenant: Tenant) -> None:
    """Thirty days long a deletion can be taken back."""
    sales, finance = _group(tenant, "Sales"), _group(tenant, "Finance")
    hired = tenant.hire("Ada Byron", groups=[sales, finance])
    tenant.delete(hired.id)
    tenant.delete_group(finance)

    restored = tenant.restore(hired.id)

    assert restored == tenant.user(hired.id)
    assert tenant.user(hired.id).user_principal_name == hired.user_principal_name
    assert sales in tenant.groups_of(hired.id)


def test_a_upn_that_was_given_away_keeps_the_former_holder_in_the_bin(tenant: Tenant) -> None:
    """Restoring must not put two people under one sign-in name."""
    hired = tenant.hire("Ada Byron")
    tenant.delete(hired.id)
    tenant.hire("Ada Byron", userPrincipalName=hired.user_principal_name)

    with pytest.raises(Refused):
        tenant.restore(hired.id)

    assert [each.id for each in tenant.recycle_bin()] == [hired.id]


def test_the_recycle_bin_forgets_after_thirty_days(tenant: Tenant, clock: Clock) -> None:
    """A purge comes by itself; delta then says `deleted`."""
    hired = tenant.hire("Ada Byron")
    tenant.delete(hired.id)

    clock.advance(timedelta(days=29))
    tenant.read()
    kept = list(tenant.recycle_bin())
    clock.advance(timedelta(days=1))
    tenant.read()

    assert len(kept) == 1
    assert tenant.recycle_bin() == []
    with pytest.raises(UnknownObject):
        tenant.restore(hired.id)


def test_only_microsoft_365_groups_go_to_the_bin(tenant: Tenant) -> None:
    """A security group is gone at once, with no way back."""
    unified = tenant.create_group("Choir", groupTypes=["Unified"])
    security = tenant.create_group("Keys")

    tenant.delete_group(unified.id)
    tenant.delete_group(security.id)

    assert [each.id for each in tenant.recycle_bin()] == [unified.id]


def test_a_restored_group_has_its_members_back(tenant: Tenant) -> None:
    """A department that was deleted by mistake must come back whole."""
    hired = tenant.hire("Ada Byron")
    choir = tenant.create_group("Choir", groupTypes=["Unified"], members=[hired.id])
    tenant.delete_group(choir.id)

    tenant.restore(choir.id)

    assert tenant.members_of(choir.id) == [hired.id]


def test_a_dynamic_group_follows_its_rule(tenant: Tenant) -> None:
    """People enter and leave when their department attribute changes."""
    hired = tenant.hire("Ada Byron", department="Observatory")
    group = tenant.create_group("Stargazers", membershipRule='user.department -eq "observatory"')

    inside = tenant.members_of(group.id)
    tenant.update(hired.id, department="Finance")

    assert inside == [hired.id]
    assert tenant.members_of(group.id) == []


def test_nobody_is_put_into_a_dynamic_group_by_hand(tenant: Tenant) -> None:
    """The rule alone decides, as in Entra."""
    group = tenant.create_group("Stargazers", membershipRule='user.department -eq "Observatory"')

    with pytest.raises(Refused, match="dynamic"):
        tenant.add_member(group.id, tenant.hire("Ada Byron").id)


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ('(user.department -eq "Sales") -and (user.accountEnabled -eq true)', True),
        ('user.department -ne "Sales"', False),
        ('-not (user.department -startsWith "sal")', False),
        ('user.jobTitle -contains "LEAD" -or user.city -eq null', True),
        ('user.department -in ["Sales", "Finance"]', True),
        ('user.department -notIn ["Sales"]', False),
        ("user.city -ne null", False),
    ],
)
def test_membership_rules_are_read_as_entra_reads_them(
    tenant: Tenant, rule: str, fits: bool
) -> None:
    """Departments of customers hang on such rules."""
    hired = tenant.hire(
        "Ada Byron", department="Sales", jobTitle="Team Lead", city=None, accountEnabled=True
    )

    group = tenant.create_group("By rule", membershipRule=rule)

    assert (hired.id in tenant.members_of(group.id)) is fits


@pytest.mark.parametrize(
    "rule",
    [
        "user.department",
        'user.department -eq "Sales',
        'user.shoeSize -eq "43"',
        'device.department -eq "Sales"',
        'user.department -matches "S.*"',
        '(user.department -eq "Sales"',
        'user.assignedPlans -any (assignedPlan.service -eq "exchange")',
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_refused(tenant: Tenant, rule: str) -> None:
    """Half a rule would put the wrong people into a department."""
    with pytest.raises(RuleError):
        tenant.create_group("By rule", membershipRule=rule)


def test_microsoft_365_groups_do_not_nest(tenant: Tenant) -> None:
    """Entra nests security groups only."""
    choir = tenant.create_group("Choir", groupTypes=["Unified"])
    keys = tenant.create_group("Keys")

    with pytest.raises(Refused, match="neither holds groups nor joins"):
        tenant.add_member(keys.id, choir.id)
    with pytest.raises(Refused, match="neither holds groups nor joins"):
        tenant.add_member(choir.id, keys.id)


def test_search_finds_people_by_any_part_of_name_or_address(tenant: Tenant) -> None:
    """The page on which a person plays the tenant begins with a search box."""
    hired = tenant.hire("Ada Byron")

    assert tenant.search_people("DA BYR") == [hired]
    assert tenant.search_people("ada.byron@", limit=1) == [hired]
    assert tenant.search_people("nobody at all") == []


def test_readers_see_a_change_only_when_it_has_replicated(tenant: Tenant, clock: Clock) -> None:
    """A change made in the portal is not there at the next call; a client must cope."""
    hired = tenant.hire("Ada Byron", department="Sales")
    tenant.quirks = replace(tenant.quirks, replication_delay_s=30)

    tenant.update(hired.id, department="Finance")
    tenant.update(hired.id, department="Legal")
    tenant.read()
    at_once = tenant.seen_user(hired.id)
    clock.advance(timedelta(seconds=30))
    tenant.read()
    later = tenant.seen_user(hired.id)

    assert tenant.user(hired.id).department == "Legal"
    assert at_once
    assert at_once.department == "Sales"
    assert later
    assert later.department == "Legal"


def test_replication_can_be_counted_in_reads(tenant: Tenant) -> None:
    """Tests without a clock say `after three more looks`."""
    tenant.quirks = replace(tenant.quirks, replication_delay_reads=3)
    hired = tenant.hire("Ada Byron")

    seen = []
    for _ in range(4):
        tenant.read()
        seen.append(tenant.seen_user(hired.id) is not None)

    assert seen == [False, False, True, True]


def test_readers_see_the_past_whole(tenant: Tenant, clock: Clock) -> None:
    """Users, memberships, names and deletions lag together, never a mixture of then and now."""
    keys = tenant.create_group("Keys")
    stays = tenant.hire("Ada Byron", groups=[keys.id])
    leaves = tenant.hire("Charles Babbage", groups=[keys.id])
    tenant.quirks = replace(tenant.quirks, replication_delay_s=60)

    tenant.delete(leaves.id)
    joins = tenant.hire("Mary Somerville", groups=[keys.id])
    tenant.rename(stays.id, upn=f"ada.lovelace@{tenant.domain}")
    tenant.rename_group(keys.id, "Locks")
    tenant.read()
    then = tenant.memberships.seen_members(keys.id)
    old_group = tenant.seen_group(keys.id)
    found_by_old_name = tenant.seen_user(stays.user_principal_name)
    found_by_new_name = tenant.seen_user(f"ada.lovelace@{tenant.domain}")
    leaver_then = tenant.seen_user(leaves.id)
    clock.advance(timedelta(seconds=60))
    tenant.read()

    assert set(then) == {stays.id, leaves.id}
    assert old_group
    assert old_group.display_name == "Keys"
    assert found_by_old_name == stays
    assert found_by_new_name is None
    assert leaver_then == leaves
    assert set(tenant.memberships.seen_members(keys.id)) == {stays.id, joins.id}
    assert tenant.seen_user(leaves.id) is None
    assert tenant.replication.horizon == tenant.replication.sequence


def test_switching_the_delay_off_shows_everything_at_once(tenant: Tenant) -> None:
    """A person at the control page must not wait for a delay that is no longer wanted."""
    tenant.quirks = replace(tenant.quirks, replication_delay_s=3600)
    hired = tenant.hire("Ada Byron")
    tenant.quirks = replace(tenant.quirks, replication_delay_s=0)

    tenant.read()

    assert tenant.seen_user(hired.id) == hired


def test_a_purge_is_seen_late_as_well(tenant: Tenant, clock: Clock) -> None:
    """Even what is gone for good is still shown to those behind."""
    hired = tenant.hire("Ada Byron")
    tenant.delete(hired.id)
    tenant.quirks = replace(tenant.quirks, replication_delay_s=60)
    tenant.purge(hired.id)

    tenant.read()
    then = tenant.user_register.seen(hired.id)
    clock.advance(timedelta(seconds=60))
    tenant.read()

    assert then is not None
    assert tenant.user_register.seen(hired.id) is None
    assert hired.id not in set(tenant.user_register.ids_after(""))
