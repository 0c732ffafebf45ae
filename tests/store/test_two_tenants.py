"""Two customers with the same object ids, numbers, names and marks do not touch one another.

Each row below writes the same things for both tenants, changes those of the first, and looks at the
second.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jackfield.core.actions import CreateDepartment, Plan
from jackfield.core.departments import Group
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Link,
)
from jackfield.core.people import GroupId, ObjectId, Person, ScopeRules, Standing
from jackfield.core.schedule import Mode
from jackfield.store import (
    alarms,
    builtin_departments,
    builtin_extensions,
    crossings,
    cursors,
    groups,
    held_actions,
    journal,
    leases,
    links,
    outcomes,
    people,
    people_rounds,
    phone_departments,
    phone_numbers,
    phones,
    plan_actions,
    plans,
    runs,
    schedule,
    settings,
    tokens,
    usage,
    users,
)
from jackfield.store.database import Database
from jackfield.store.sequences import latest_change
from jackfield.store.transaction import Transaction
from jackfield.store.vault import Vault

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
PERSON = Person(ObjectId("same"), "same@x.example", "Same Name")
GROUP = Group(GroupId("same"), "Same Group")
EXTENSION = Extension(
    ExtensionKey("1"),
    ExtensionNumber("100"),
    ExtensionFields("Same", "Name", "same@x.example"),
    (DepartmentKey("d"),),
)
LINK = Link(PERSON.id, EXTENSION.key, EXTENSION.number, EXTENSION.fields)
Step = Callable[[Transaction, int], Awaitable[Any]]


async def write_people(tx: Transaction, tenant: int) -> None:
    await people_rounds.save_people(tx, tenant, [PERSON], {PERSON.id: 5}, 1, now=NOW)


async def change_people(tx: Transaction, tenant: int) -> None:
    await people_rounds.mark_removed(tx, tenant, [PERSON.id], Standing.GONE, now=NOW)
    await people_rounds.finish_round(tx, tenant, 99, now=NOW)
    await crossings.forget_gone(tx, tenant, before=LATER)


async def look_at_people(tx: Transaction, tenant: int) -> Any:
    return (
        await people.load_people(tx, tenant),
        await people_rounds.load_hashes(tx, tenant),
        await people.search_people(tx, tenant, "same"),
        await people.load_people_of_addresses(tx, tenant, ["same@x.example"]),
        await people.count_people(tx, tenant),
        await people.load_touched(tx, tenant, 0),
        await crossings.load_waiting(tx, tenant, ScopeRules(mailbox_licence_only=False)),
    )


async def write_groups(tx: Transaction, tenant: int) -> None:
    await groups.save_groups(tx, tenant, [GROUP], 1, now=NOW)
    await groups.apply_member_changes(tx, tenant, [groups.Member(GROUP.id, "same")], [], 1)
    await groups.save_skus(tx, tenant, {"sku": ("E5", "")})


async def change_groups(tx: Transaction, tenant: int) -> None:
    await groups.apply_member_changes(tx, tenant, [], [(GROUP.id, "same")], 1)
    await groups.mark_groups_removed(tx, tenant, [GROUP.id], Standing.GONE, now=NOW)
    await groups.finish_groups_round(tx, tenant, 99, now=NOW)
    await groups.save_skus(tx, tenant, {})


async def look_at_groups(tx: Transaction, tenant: int) -> Any:
    return (
        await groups.load_groups(tx, tenant),
        await groups.load_edges(tx, tenant),
        await groups.search_groups(tx, tenant, "same"),
        await groups.load_skus(tx, tenant),
    )


async def write_cursor(tx: Transaction, tenant: int) -> None:
    cursor = await cursors.load_cursor(tx, tenant, cursors.Resource.USERS)
    cursor = await cursors.begin_round(tx, tenant, cursor, cursors.RoundKind.FULL, now=NOW)
    await cursors.advance(tx, tenant, cursor, "delta", finished_at=NOW)


async def change_cursor(tx: Transaction, tenant: int) -> None:
    await cursors.accept_people(tx, tenant, 7)
    await cursors.forget_cursors(tx, tenant)


async def look_at_cursor(tx: Transaction, tenant: int) -> Any:
    return await cursors.load_cursor(tx, tenant, cursors.Resource.USERS)


async def write_phones(tx: Transaction, tenant: int) -> None:
    await phones.save_extensions(tx, tenant, [EXTENSION], 1)
    await phone_departments.save_departments(tx, tenant, [Department(DepartmentKey("d"), "Same")])
    await phone_numbers.save_used_numbers(tx, tenant, ["100"])
    await links.save_links(tx, tenant, [LINK], now=NOW)
    await links.save_department_links(
        tx, tenant, [DepartmentLink(GROUP.id, DepartmentKey("d"), "Same", "Same")]
    )


async def change_phones(tx: Transaction, tenant: int) -> None:
    await links.remove_links(tx, tenant, [PERSON.id])
    await phones.drop_extensions(tx, tenant, [EXTENSION.key])
    await phone_departments.save_departments(tx, tenant, [])
    await phone_numbers.save_used_numbers(tx, tenant, [])


async def look_at_phones(tx: Transaction, tenant: int) -> Any:
    return (
        await phones.load_extensions(tx, tenant),
        await phone_departments.load_departments(tx, tenant),
        await phone_numbers.load_used_numbers(tx, tenant),
        await phone_departments.count_department_members(tx, tenant),
        await links.load_all_links(tx, tenant, {}),
        await links.load_links_of_extensions(tx, tenant, [EXTENSION.key]),
        await links.load_department_links(tx, tenant),
        await crossings.load_unlinked_extensions(
            tx, tenant, addresses=["same@x.example"], persons=[PERSON.id]
        ),
        await users.list_users(tx, tenant, users.UserFilter(text="same")),
        await users.list_users(tx, tenant, users.UserFilter(department=DepartmentKey("d"))),
    )


async def write_builtin(tx: Transaction, tenant: int) -> None:
    await builtin_extensions.save_extensions(tx, tenant, {}, [EXTENSION])
    await builtin_departments.save_departments(tx, tenant, [Department(DepartmentKey("d"), "Same")])


async def look_at_builtin(tx: Transaction, tenant: int) -> Any:
    return (
        await builtin_departments.load_departments(tx, tenant),
        await builtin_extensions.load_used_numbers(tx, tenant),
    )


async def write_plan(tx: Transaction, tenant: int) -> None:
    action = CreateDepartment(GROUP.id, "Same", "Same", "because")
    await plans.save_plan(
        tx, tenant, Plan((action,), (action,)), now=NOW, made_by="a", versions=plans.Versions()
    )
    await runs.begin_run(
        tx,
        tenant,
        "same-flow",
        kind="people",
        trigger=runs.Trigger.SCHEDULE,
        mode="full",
        now=NOW,
    )


async def change_plan(tx: Transaction, tenant: int) -> None:
    outcome = outcomes.Result(1, plan_actions.ActionStatus.FAILED, "no")
    await outcomes.mark_outcomes(tx, tenant, 1, [outcome], now=NOW)
    await held_actions.release_held(tx, tenant, 1)
    await plans.supersede_plans(tx, tenant, now=NOW)
    await plans.purge_plans(tx, tenant, before=LATER)
    await runs.report_progress(tx, tenant, 1, 5, 9)
    await runs.end_run(tx, tenant, 1, runs.RunStatus.FAILED, now=NOW)
    await runs.purge_runs(tx, tenant, before=LATER)


async def look_at_plan(tx: Transaction, tenant: int) -> Any:
    return (
        await plans.list_plans(tx, tenant),
        await plan_actions.load_actions(tx, tenant, 1),
        await plan_actions.load_actions_of(tx, tenant, GROUP.id),
        await outcomes.count_outcomes(tx, tenant, 1),
        await runs.list_runs(tx, tenant),
        await runs.load_run_of_flow(tx, tenant, "same-flow"),
    )


async def write_journal(tx: Transaction, tenant: int) -> None:
    line = journal.Line("kind", "Same.", "same", run="1", once="same mark")
    await journal.append_lines(tx, tenant, [line], now=NOW)
    await alarms.begin_alarm(tx, tenant, "kind", text="t", next_step="n", now=NOW)


async def change_journal(tx: Transaction, tenant: int) -> None:
    await journal.purge_journal(tx, tenant, before=LATER)
    await alarms.end_alarm(tx, tenant, "kind", now=NOW)


async def look_at_journal(tx: Transaction, tenant: int) -> Any:
    return (
        await journal.load_lines(tx, tenant),
        await journal.load_lines(tx, tenant, journal.JournalFilter(subject="same")),
        await alarms.list_alarms(tx, tenant),
    )


async def write_rest(tx: Transaction, tenant: int) -> None:
    await schedule.want(tx, tenant, "people", Mode.FULL, now=NOW)
    await usage.add_calls(tx, tenant, {"users": usage.Calls(3)}, now=NOW)
    await leases.take_lease(tx, tenant, "lane", "owner", length=timedelta(hours=1), now=NOW)
    await settings.save_people_settings(
        tx, tenant, settings.PeopleSettings(), expected_version=0, by="a", now=NOW
    )


async def change_rest(tx: Transaction, tenant: int) -> None:
    due = await schedule.load_due(tx, tenant, "people")
    await schedule.settle(tx, tenant, "people", due, full_began_at=NOW)
    await schedule.postpone(tx, tenant, "people", not_before=LATER)
    await usage.add_calls(tx, tenant, {"users": usage.Calls(3)}, now=NOW)
    await usage.purge_calls(tx, tenant, before=LATER)
    for lease in await leases.list_leases(tx, tenant):
        await leases.release_lease(tx, tenant, lease)
    await settings.save_people_settings(
        tx, tenant, settings.PeopleSettings(enabled=True), expected_version=1, by="b", now=NOW
    )


async def look_at_rest(tx: Transaction, tenant: int) -> Any:
    due = await schedule.load_due(tx, tenant, "people")
    held = await leases.list_leases(tx, tenant)
    return (
        replace(due, tenant=0),
        await usage.load_calls(tx, tenant, since=NOW),
        [(lease.name, lease.owner, lease.fence) for lease in held],
        await settings.load_people_settings(tx, tenant),
    )


async def change_nothing(tx: Transaction, tenant: int) -> None:
    """What `pbx/builtin.py` removes is tested with the port."""


@pytest.mark.parametrize(
    ("write", "change", "look"),
    [
        pytest.param(write_people, change_people, look_at_people, id="people"),
        pytest.param(write_groups, change_groups, look_at_groups, id="groups"),
        pytest.param(write_cursor, change_cursor, look_at_cursor, id="cursor"),
        pytest.param(write_phones, change_phones, look_at_phones, id="phones_and_links"),
        pytest.param(write_builtin, change_nothing, look_at_builtin, id="built_in_phones"),
        pytest.param(write_plan, change_plan, look_at_plan, id="plans_and_runs"),
        pytest.param(write_journal, change_journal, look_at_journal, id="journal_and_alarms"),
        pytest.param(write_rest, change_rest, look_at_rest, id="schedule_usage_leases_settings"),
    ],
)
async def test_what_happens_to_one_tenant_leaves_the_other_alone(
    database: Database, write: Step, change: Step, look: Step
) -> None:
    """A provider's customers must never see, or lose, anything of one another."""
    async with database.write() as tx:
        await write(tx, 1)
    async with database.write() as tx:
        await write(tx, 2)
    async with database.read() as tx:
        before = await look(tx, 2)
        number = await latest_change(tx, 2)
        assert before == await look(tx, 1)

    async with database.write() as tx:
        await change(tx, 1)

    async with database.read() as tx:
        assert await look(tx, 2) == before
        assert await latest_change(tx, 2) == number
        if change is not change_nothing:
            assert await look(tx, 1) != before


async def test_secrets_and_tokens_of_two_tenants(database: Database, tmp_path: Path) -> None:
    """The same name stands for two secrets."""
    vault = Vault.open(tmp_path / "key")
    async with database.write() as tx:
        for tenant in (1, 2):
            await vault.save(tx, tenant, "graph", f"secret of {tenant}", now=NOW)
        secret, token = await tokens.create_token(
            tx, 1, name="n", role="r", created_by="a", now=NOW
        )
        await vault.remove(tx, 1, "graph")
        elsewhere = await tokens.revoke_token(tx, 2, token.id, now=NOW)
        found = await tokens.find_token(tx, secret, now=NOW)

        assert await vault.load(tx, 2, "graph") == b"secret of 2"
        assert await tokens.list_tokens(tx, 2) == ()
        assert elsewhere is False
        assert found == token
