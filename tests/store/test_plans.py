"""Plans as they were made, and what came of each action."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from jackfield.core.actions import (
    Action,
    ActionKind,
    AdoptExtension,
    CreateDepartment,
    CreateExtension,
    DepartmentsChange,
    DisableExtension,
    FieldChange,
    FlagDepartment,
    KeepLeaver,
    Notice,
    Plan,
    Refusal,
    RefusalKind,
    RemoveExtension,
    RenameDepartment,
    UnlinkExtension,
    UpdateExtension,
    type_of_action,
)
from jackfield.core.dangers import Danger
from jackfield.core.extensions import (
    DepartmentFlag,
    DepartmentKey,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
)
from jackfield.core.people import GroupId, LeaverCause, ObjectId
from jackfield.store.database import Database
from jackfield.store.held_actions import HOLDING, count_elsewhere, release_held
from jackfield.store.outcomes import Progress, Result, count_outcomes, mark_outcomes
from jackfield.store.plan_actions import (
    ActionFilter,
    ActionStatus,
    load_actions,
    load_actions_of,
    load_pending,
)
from jackfield.store.plans import (
    PlanStatus,
    Versions,
    list_plans,
    load_newest_plan,
    load_outline,
    load_plan,
    move_plan,
    purge_plans,
    save_plan,
    supersede_plans,
)

GROUP, PERSON = GroupId("g"), ObjectId("p")
KEY, NUMBER, SALES = ExtensionKey("1"), ExtensionNumber("0100"), DepartmentKey("d")
CHANGES = (FieldChange(Field.MOBILE, "", "+49 1", "Microsoft 365 says so"),)
DEPARTMENTS = DepartmentsChange((GROUP,), (SALES,), GROUP, (SALES,), None, "joined “Sales”")
ACTIONS: tuple[Action, ...] = (
    CreateDepartment(GROUP, "Sales", "Sales 2", "a department has that name"),
    RenameDepartment(GROUP, "Sales", SALES, "Sails", "Sales", "renamed"),
    FlagDepartment(GROUP, SALES, "Sales", DepartmentFlag.VANISHED, "deleted"),
    FlagDepartment(GROUP, SALES, "Sales", None, "is back"),
    CreateExtension(
        PERSON,
        "Anna Ögren",
        NUMBER,
        ExtensionFields("Anna", "Ögren"),
        (GROUP,),
        GROUP,
        "in scope",
        ExtensionNumber("99"),
    ),
    AdoptExtension(PERSON, "Anna", KEY, NUMBER, CHANGES, DEPARTMENTS, "same mail"),
    UpdateExtension(PERSON, "Anna", KEY, NUMBER, CHANGES, None, "differs", returns=True),
    KeepLeaver(PERSON, "Anna", KEY, NUMBER, LeaverCause.DISABLED, "kept"),
    DisableExtension(PERSON, "Anna", KEY, NUMBER, LeaverCause.OUT_OF_SCOPE, "out"),
    RemoveExtension(PERSON, "Anna", KEY, NUMBER, LeaverCause.DELETED, "gone"),
    UnlinkExtension(
        ObjectId("p9"), "Uma", ExtensionKey("9"), ExtensionNumber("109"), (), None, "undone"
    ),
)


def remove(number: int) -> RemoveExtension:
    return RemoveExtension(
        ObjectId(f"p{number}"),
        f"Person {number}",
        KEY,
        ExtensionNumber(str(number)),
        LeaverCause.DELETED,
        "gone",
    )


async def save(database: Database, now: datetime, plan: Plan) -> int:
    async with database.write() as tx:
        return await save_plan(tx, 1, plan, now=now, made_by="anna", versions=Versions(7, 8, 9))


def test_every_kind_of_action_is_tried_here() -> None:
    """A new kind that cannot be stored would be found by a customer."""
    assert {action.kind for action in ACTIONS} == set(type_of_action) == set(ActionKind)


async def test_a_plan_comes_back_action_by_action(database: Database, now: datetime) -> None:
    """Apply executes what was shown: the same values, in the same order."""
    refusal = Refusal(RefusalKind.TOO_MANY_REMOVALS, "", "", "many", "look", held=1)
    plan = Plan(ACTIONS, (remove(5),), (refusal,), (Notice("p", "Anna", "cut"),))
    id_ = await save(database, now, plan)

    async with database.read() as tx:
        stored = await load_plan(tx, 1, id_)
        page = await load_actions(tx, 1, id_)

    assert stored is not None
    assert (stored.refusals, stored.notices) == (plan.refusals, plan.notices)
    assert (stored.total, stored.held, stored.versions) == (11, 1, Versions(7, 8, 9))
    assert stored.counts["flag_department"] == 2
    assert stored.status is PlanStatus.PROPOSED
    assert (stored.made_at, stored.made_by, stored.scope) == (now, "anna", "everyone")
    assert tuple(one.action for one in page.actions) == (*ACTIONS, remove(5))
    assert [one.held for one in page.actions] == [False] * 11 + [True]
    assert page.actions[4].name == "Anna Ögren"


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        pytest.param(ActionFilter(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], id="everything"),
        pytest.param(ActionFilter(kind=ActionKind.FLAG_DEPARTMENT), [3, 4], id="kind"),
        pytest.param(ActionFilter(text="ogr"), [5], id="name_folded"),
        pytest.param(ActionFilter(text="0100 anna"), [5, 6, 7, 8, 9, 10], id="number_and_name"),
        pytest.param(ActionFilter(text="%"), [], id="no_wildcard"),
        pytest.param(ActionFilter(held=True), [12], id="held"),
        pytest.param(ActionFilter(subject="g"), [1, 2, 3, 4], id="subject"),
        pytest.param(ActionFilter(status=ActionStatus.DONE), [2], id="status"),
    ],
)
async def test_the_preview_is_filtered(
    database: Database, now: datetime, asked: ActionFilter, numbers: list[int]
) -> None:
    """Nobody reads two thousand actions; everybody looks for the boss."""
    id_ = await save(database, now, Plan(ACTIONS, (remove(5),)))
    async with database.write() as tx:
        await mark_outcomes(tx, 1, id_, [Result(2, ActionStatus.DONE)], now=now)

    async with database.read() as tx:
        page = await load_actions(tx, 1, id_, asked)

    assert [one.seq for one in page.actions] == numbers
    assert (page.total, page.more) == (len(numbers), False)


async def test_the_preview_is_paged(database: Database, now: datetime) -> None:
    """A hundred thousand actions are shown a hundred at a time."""
    id_ = await save(database, now, Plan(tuple(remove(n) for n in range(1200))))

    async with database.read() as tx:
        first = await load_actions(tx, 1, id_, limit=500)
        second = await load_actions(tx, 1, id_, limit=500, after=first.next)
        third = await load_actions(tx, 1, id_, limit=500, after=second.next)

    assert (first.total, first.more) == (1000, True)
    assert [len(page.actions) for page in (first, second, third)] == [500, 500, 200]
    assert third.next is None
    assert third.actions[-1].action == remove(1199)


async def test_a_plan_is_carried_out_in_order(database: Database, now: datetime) -> None:
    """After a crash the next chunk begins with the first action that has no outcome."""
    id_ = await save(database, now, Plan(ACTIONS[:3], (remove(5),)))

    async with database.write() as tx:
        first = await load_pending(tx, 1, id_, limit=2)
        outcomes = [
            Result(2, ActionStatus.STALE, "the name is\0another one"),
            Result(1, ActionStatus.DONE),
        ]
        await mark_outcomes(tx, 1, id_, outcomes, now=now)
    async with database.read() as tx:
        rest = await load_pending(tx, 1, id_)
        progress = await count_outcomes(tx, 1, id_)
        page = await load_actions(tx, 1, id_)
        of_group = await load_actions_of(tx, 1, "g")

    assert [one.seq for one in first] == [1, 2]
    assert [one.seq for one in rest] == [3]
    assert progress == Progress(
        {ActionStatus.DONE: 1, ActionStatus.STALE: 1, ActionStatus.PENDING: 1}, held=1
    )
    assert (progress.ended, progress.total) == (2, 3)
    assert page.actions[1].text == "the name is\ufffdanother one"
    assert page.actions[1].done_at == now
    assert [(plan, one.seq) for plan, one in of_group] == [(id_, 1), (id_, 2), (id_, 3)]


async def test_held_actions_wait_until_they_are_released(database: Database, now: datetime) -> None:
    """A mass deletion happens when an administrator says so, and not before."""
    id_ = await save(database, now, Plan(ACTIONS[:1], (remove(5), remove(6))))
    async with database.write() as tx:
        before = await load_pending(tx, 1, id_)
        released = await release_held(tx, 1, id_)
        again = await release_held(tx, 1, id_)
        after = await load_pending(tx, 1, id_)
        stored = await load_plan(tx, 1, id_)

    assert [one.seq for one in before] == [1]
    assert (released, again) == (2, 0)
    assert [one.seq for one in after] == [1, 2, 3]
    assert stored is not None
    assert stored.counts == {"create_department": 1, "remove_extension": 2}
    assert stored.held == 0


async def test_a_plan_is_decided_once(database: Database, now: datetime) -> None:
    """Two administrators click at the same moment; one of them is told."""
    id_ = await save(database, now, Plan(ACTIONS))
    open_ = [PlanStatus.PROPOSED]

    async with database.write() as tx:
        first = await move_plan(tx, 1, id_, open_, PlanStatus.APPROVED, now=now, by="anna")
    async with database.write() as tx:
        second = await move_plan(tx, 1, id_, open_, PlanStatus.REFUSED, now=now, by="bo")
        unknown = await move_plan(tx, 1, 99, open_, PlanStatus.REFUSED, now=now)
    async with database.read() as tx:
        stored = await load_plan(tx, 1, id_)

    assert (first, second, unknown) == (True, False, False)
    assert stored is not None
    assert (stored.status, stored.decided_by, stored.ended_at) == (
        PlanStatus.APPROVED,
        "anna",
        None,
    )


async def test_a_newer_plan_supersedes_proposals_only(database: Database, now: datetime) -> None:
    """A plan that is being carried out must not be pulled from under the run."""
    ids = [await save(database, now, Plan(ACTIONS)) for _ in range(3)]
    async with database.write() as tx:
        await move_plan(tx, 1, ids[0], [PlanStatus.PROPOSED], PlanStatus.APPLYING, now=now)
        superseded = await supersede_plans(tx, 1, now=now)
        plans = await list_plans(tx, 1)
        proposed = await list_plans(tx, 1, status=PlanStatus.PROPOSED)
        older = await list_plans(tx, 1, before=ids[2], limit=1)

    assert superseded == 2
    assert {one.replaced_by for one in plans} == {0}
    assert [(one.id, one.status) for one in plans] == [
        (ids[2], PlanStatus.SUPERSEDED),
        (ids[1], PlanStatus.SUPERSEDED),
        (ids[0], PlanStatus.APPLYING),
    ]
    assert proposed == ()
    assert [one.id for one in older] == [ids[1]]


async def test_a_plan_that_is_replaced_names_the_one_that_stands(
    database: Database, now: datetime
) -> None:
    """Who holds an old number in hand is led on; the new plan itself stays."""
    ids = [await save(database, now, Plan(ACTIONS)) for _ in range(2)]
    async with database.write() as tx:
        superseded = await supersede_plans(tx, 1, now=now, by=ids[1])
        plans = await list_plans(tx, 1)

    assert superseded == 1
    assert [(one.status, one.replaced_by) for one in plans] == [
        (PlanStatus.PROPOSED, 0),
        (PlanStatus.SUPERSEDED, ids[1]),
    ]


async def test_a_list_of_plans_needs_no_remarks(database: Database, now: datetime) -> None:
    """There may be one about each of 100,000 people, in each of fifty plans."""
    guard = Refusal(RefusalKind.EMPTY_ANSWER, "", "", "There is nobody.", "")
    doubt = Refusal(RefusalKind.DOUBTFUL_MATCH, "p1", "Ada", "Two fit.", "")
    notice = Notice("p1", "Ada", "The name was cut.")
    noticed = Plan(ACTIONS, refusals=(guard, doubt), notices=(notice,))
    id_ = await save(database, now, noticed)
    async with database.read() as tx:
        (brief,) = await list_plans(tx, 1)
        outline = await load_outline(tx, 1, id_)
        newest = await load_newest_plan(tx, 1)
        whole = await load_plan(tx, 1, id_)

    assert whole is not None
    assert whole == newest
    assert (whole.refusals, whole.notices) == ((guard, doubt), (notice,))
    assert brief == outline
    assert brief.guards == whole.guards == (guard,)
    assert not hasattr(brief, "refusals")


async def test_ended_plans_are_purged_with_their_actions(database: Database, now: datetime) -> None:
    """A plan a minute for years would fill the disk."""
    old, young = [await save(database, now, Plan(ACTIONS)) for _ in range(2)]
    async with database.write() as tx:
        await move_plan(tx, 1, old, [PlanStatus.PROPOSED], PlanStatus.APPLIED, now=now)
        purged = await purge_plans(tx, 1, before=now + timedelta(days=1))
        left = await list_plans(tx, 1)
        actions = await load_actions(tx, 1, old)

    assert purged == len(ACTIONS) + 1
    assert [one.id for one in left] == [young]
    assert actions.actions == ()


def again(number: str, previous: str | None, person: str) -> CreateExtension:
    return CreateExtension(
        ObjectId(person),
        "Anna",
        ExtensionNumber(number),
        ExtensionFields("Anna"),
        (),
        None,
        "in scope",
        None if previous is None else ExtensionNumber(previous),
    )


async def test_what_guards_count_is_what_the_actions_say(database: Database, now: datetime) -> None:
    """Made again with the same number is nobody's new number, whatever a payload looks like."""
    actions = (
        CreateDepartment(GroupId("new"), "New", "New", "selected"),
        CreateDepartment(GroupId("gone"), "Gone", "Gone", "selected", DepartmentKey("d1")),
        again("1", "9", "a"),
        again("2", "2", "b"),
        again("3", None, "c"),
        remove(4),
    )
    id_ = await save(database, now, Plan(actions))
    done = [Result(seq, ActionStatus.DONE) for seq in range(1, 7)]

    async with database.write() as tx:
        await mark_outcomes(tx, 1, id_, done, now=now)
        counted = await count_elsewhere(tx, 1, since=now, slice_=None)

    assert {danger: counted[danger] for danger in Danger} == {
        Danger.REMOVES: 1,
        Danger.DISABLES: 0,
        Danger.MADE_AGAIN: 2,
        Danger.RENUMBERS: 1,
        Danger.LEAVES: 0,
        Danger.REBUILDS: 1,
    }


async def test_guards_count_what_was_done_lately_however_old_the_plan(
    database: Database, now: datetime
) -> None:
    """A plan of many thousands is carried out for hours; another was done hours ago."""
    hours = timedelta(hours=3)
    running = await save(database, now - hours, Plan((remove(1), remove(2))))
    ended = await save(database, now - hours, Plan((remove(3),)))

    async with database.write() as tx:
        earlier, late = now - hours, now
        await mark_outcomes(tx, 1, running, [Result(1, ActionStatus.DONE)], now=earlier)
        await mark_outcomes(tx, 1, running, [Result(2, ActionStatus.DONE)], now=late)
        await mark_outcomes(tx, 1, ended, [Result(1, ActionStatus.DONE)], now=earlier)
        proposed, applied = [PlanStatus.PROPOSED], PlanStatus.APPLIED
        await move_plan(tx, 1, ended, proposed, applied, now=earlier)
        counted = await count_elsewhere(tx, 1, since=now - timedelta(hours=1), slice_=None)

    assert counted[Danger.REMOVES] == 1


async def test_what_guards_hold_is_found_without_a_look_at_every_plan(database: Database) -> None:
    """It is asked on every Overview, over three months of plans: some 100,000."""
    async with database.read() as tx:
        if not tx.sqlite:
            pytest.skip("not on PostgreSQL: it chooses by how many rows there are")
        looked = await tx.rows(text(f"EXPLAIN QUERY PLAN {HOLDING}"), {"of_tenant": 1})

    assert [row.detail for row in looked] == ["SEARCH plan USING INDEX ix_plan_holding (tenant=?)"]
