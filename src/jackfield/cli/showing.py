"""Plans and runs for a command: fetched from the API, told on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jackfield.cli.asking import asked, everything
from jackfield.cli.telling import (
    FIRST,
    UNDONE,
    code_of,
    people_lines,
    plan_text,
    run_state,
    run_text,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jackfield.cli.door import Door

RUNNING = "running"
START = "jackfield serve"
_NO_USE = {"unusable": "cannot be an avatar", "unread": "could not be read"}


async def followed(door: Door, run: Any, *, quiet: bool) -> Any:
    """Wait for a run to end, with a bar where somebody watches."""
    from jackfield.cli.progress import follow

    path = f"/runs/{quote(str(run['id']), safe='')}"
    return await follow(lambda: asked(door, "GET", path), quiet=quiet)


async def show_plan(door: Door, plan: int, *, json: bool, limit: int, people: int) -> Any:
    """Print a plan with its first `limit` actions; returns the plan as the API tells it."""
    stored = await asked(door, "GET", f"/plans/{plan}")
    page = await asked(door, "GET", f"/plans/{plan}/actions?limit={limit}")
    document = {**stored, "actions": page["actions"]}
    for remarks in ("refusals", "notices") if json else ():
        document[remarks] = await everything(door, f"/plans/{plan}/{remarks}", remarks)
    say(document, json, lambda: plan_text(stored, page, limit, people=people))
    return stored


async def end(door: Door, run: Any, *, json: bool, plan: int | None) -> int:
    """How a run ended; for a person with the names of those it could not do everything for."""
    text = str(run["text"])
    if plan is not None and not json:
        stored = await asked(door, "GET", f"/plans/{plan}")
        undone: list[Any] = []
        for status in UNDONE:
            if stored["outcomes"].get(status):
                path = f"/plans/{plan}/actions?status={status}&limit={FIRST}"
                undone += (await asked(door, "GET", path))["actions"]
        text = run_text(run, stored, undone)
    say(run, json, lambda: text)
    return code_of(run)


async def end_photos(door: Door, run: Any, *, json: bool) -> int:
    """How a run about photos ended; for a person with the names of those whose photo is no use."""
    lines = [str(run["text"])]
    for status, said in _NO_USE.items() if run["status"] == "done" and not json else ():
        page = await asked(door, "GET", f"/photos?status={status}&limit={FIRST}")
        lines += [
            f"  {said}: {one['upn'] or one['person']}: {one['because']} {one['next_step']}".rstrip()
            for one in page["photos"]
        ]
        if page["next"]:
            lines.append(f"  ... and more: GET /api/v1/photos?status={status}")
    say(run, json, lambda: "\n".join(lines))
    return code_of(run)


async def run_lines(door: Door, runs: Sequence[Any]) -> list[str]:
    """A line for each run, and those about people under it."""
    from jackfield.cli.door import nobody_works

    lines: list[str] = []
    dead = any(run["status"] == RUNNING for run in runs) and await nobody_works(door)
    for run in runs:
        begun = f"{run['started_at'][:19]}Z"
        cut_off = dead and run["status"] == RUNNING
        status = "cut off" if cut_off else run_state(run)
        lines.append(f"{run['id']:>6}  {begun}  {run['mode']:<8} {status:<9} {run['text']}")
        if cut_off:
            lines.append(f"{'':8}No server is running; it goes on at the next start: {START}")
        if run["plan"] is not None:
            plan = await asked(door, "GET", f"/plans/{run['plan']}")
            lines += [f"{'':8}{line}" for line in people_lines(plan)]
    return lines
