"""Commands on plans: made, shown, listed, approved, turned down, taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from jackfield.cli.arguments import DataDir, Json, Limit, PlanNumber, PlanState, TenantName
from jackfield.cli.asking import asked, good, problem
from jackfield.cli.exits import CommandFailed, Exit
from jackfield.cli.running import with_door
from jackfield.cli.showing import end, followed, show_plan
from jackfield.cli.telling import FIRST, code_of, plan_line, say

if TYPE_CHECKING:
    from jackfield.cli.door import Door

plan_commands = App(name="plan", help="See what would be done, approve it, or turn it down.")

CONFLICT = 409


@plan_commands.command(name="people")
def plan_people(
    *, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False, limit: Limit = 50
) -> int:
    """Read Microsoft 365 and show what a sync would do; nothing is changed.

    Example: jackfield plan people --limit 100

    Parameters
    ----------
    limit
        How many actions to print.
    """

    async def work(door: Door) -> int:
        run = await followed(door, await asked(door, "POST", "/people/plan"), quiet=json)
        if run["plan"] is None:
            return await end(door, run, json=json, plan=None)
        plan = await show_plan(door, run["plan"], json=json, limit=limit, people=FIRST)
        return Exit.REFUSED if plan["guarded"] else code_of(run)

    return with_door(work, data_dir, tenant=tenant)


@plan_commands.command(name="show")
def plan_show(
    plan: PlanNumber,
    *,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
    limit: Limit = 50,
) -> int:
    """Show a stored plan: its actions, and whom it refused or has a notice about.

    Example: jackfield plan show 12

    Parameters
    ----------
    plan
        The number of the plan.
    limit
        How many actions, refusals and notices to print; --json has all refusals and notices.
    """

    async def work(door: Door) -> int:
        await show_plan(door, plan, json=json, limit=limit, people=limit)
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@plan_commands.command(name="list")
def plan_list(
    *,
    status: PlanState | None = None,
    limit: Limit = 20,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """List the last plans: where each stands, who made and decided it, and when.

    Example: jackfield plan list --status proposed

    Parameters
    ----------
    status
        Only plans in this state.
    limit
        How many plans to list, the newest first.
    """

    async def work(door: Door) -> int:
        only = f"&status={status}" if status else ""
        answer = await asked(door, "GET", f"/plans?limit={limit}{only}")
        say(answer, json, lambda: "\n".join(map(plan_line, answer["plans"])) or "No plans yet.")
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@plan_commands.command(name="approve")
def plan_approve(
    plan: PlanNumber,
    *,
    release_held: bool = False,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Carry out a stored plan exactly as it was shown.

    Example: jackfield plan approve 12

    Parameters
    ----------
    plan
        The number of the plan.
    release_held
        Also carry out what a guard holds back.
    """

    async def work(door: Door) -> int:
        path = f"/plans/{plan}"
        answer = await door.ask("POST", f"{path}/approve", {"release_held": release_held})
        refused = answer.status == CONFLICT and not release_held
        if refused and (await asked(door, "GET", path))["releasable"]:
            raise CommandFailed(problem(answer), Exit.REFUSED)
        run = await followed(door, good(answer), quiet=json)
        return await end(door, run, json=json, plan=plan)

    return with_door(work, data_dir, tenant=tenant)


@plan_commands.command(name="refuse")
def plan_refuse(
    plan: PlanNumber, *, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """Turn down a plan that waits for approval, or what a guard holds back of one.

    Nothing of it is done.

    Example: jackfield plan refuse 12

    Parameters
    ----------
    plan
        The number of the plan.
    """

    async def work(door: Door) -> int:
        made = await asked(door, "POST", f"/plans/{plan}/refuse")
        say(made, json, lambda: plan_line(made))
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant)


@plan_commands.command(name="undo")
def plan_undo(
    plan: PlanNumber,
    *,
    limit: Limit = 50,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Make the plan that takes back what a plan did, and show it. Changes nothing yet.

    Example: jackfield plan undo 12

    Parameters
    ----------
    plan
        The number of the plan to take back.
    """

    async def work(door: Door) -> int:
        made = await asked(door, "POST", f"/plans/{plan}/undo")
        await show_plan(door, made["id"], json=json, limit=limit, people=limit)
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant)
