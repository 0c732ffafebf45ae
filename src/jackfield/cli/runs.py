"""Commands on runs: begun now, and listed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cyclopts import App

from jackfield.cli.arguments import DataDir, Json, Limit, MaybeText, TenantName
from jackfield.cli.asking import asked
from jackfield.cli.exits import Exit
from jackfield.cli.running import usage, with_door
from jackfield.cli.showing import end, end_photos, followed, run_lines
from jackfield.cli.telling import BY_HAND, printable, say

if TYPE_CHECKING:
    from jackfield.cli.door import Door

sync_commands = App(name="sync", help="Read Microsoft 365 and bring the phone system in line.")


@sync_commands.command(name="people")
def sync_people(
    *,
    person: MaybeText = None,
    full: bool = False,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Bring the phone system in line with Microsoft 365 now.

    Example: jackfield sync people --person ann@example.org

    Parameters
    ----------
    person
        Only this person: UPN, mail or object ID.
    full
        Read everyone again instead of what changed.
    """
    if person and full:
        return usage("sync people takes --person or --full: one person is always read anew.")

    async def work(door: Door) -> int:
        if not person and not json:
            for line in await said_first(door):
                print(printable(line), file=sys.stderr)
        body = {"person": person, "full": full}
        run = await followed(door, await asked(door, "POST", "/people/sync", body), quiet=json)
        return await end(door, run, json=json, plan=run["plan"])

    return with_door(work, data_dir, tenant=tenant)


async def said_first(door: Door) -> list[str]:
    """What whoever asks for a sync of everybody may not think of: it is done all the same."""
    status = await asked(door, "GET", "/status")
    lines = []
    if status["connected"] and not status["sync"]:
        lines.append("People sync is off: this sync is done once, because you ask for it.")
    waiting = (status["undecided"] or {"waiting": []})["waiting"]
    if waiting:
        chosen = (await asked(door, "GET", "/settings/people"))["settings"]
        plans = f"Plan{'' if len(waiting) == 1 else 's'} {', '.join(map(str, reversed(waiting)))}"
        wait = "waits for a decision and is" if len(waiting) == 1 else "wait for a decision and are"
        does = "makes a new plan" if chosen["approve"] == BY_HAND else "does what it finds at once"
        lines.append(f"{plans} {wait} replaced: this sync {does}.")
    return lines


@sync_commands.command(name="photos")
def sync_photos(*, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False) -> int:
    """Look at everybody's photo in Microsoft 365 now, and bring the avatars in line.

    Example: jackfield sync photos
    """

    async def work(door: Door) -> int:
        run = await followed(door, await asked(door, "POST", "/photos/sync"), quiet=json)
        return await end_photos(door, run, json=json)

    return with_door(work, data_dir, tenant=tenant)


def runs(
    *, limit: Limit = 20, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """List the last runs.

    Example: jackfield runs --limit 5
    """

    async def work(door: Door) -> int:
        answer = await asked(door, "GET", f"/runs?limit={limit}")
        lines = [] if json else await run_lines(door, answer["runs"])
        say(answer, json, lambda: "\n".join(lines) or "No runs yet.")
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)
