"""Commands on runs: begun now, and listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from jackfield.cli.arguments import DataDir, Json, Limit, MaybeText, TenantName
from jackfield.cli.asking import asked
from jackfield.cli.exits import Exit
from jackfield.cli.running import usage, with_door
from jackfield.cli.showing import end, end_photos, followed, run_lines
from jackfield.cli.telling import say

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
        body = {"person": person, "full": full}
        run = await followed(door, await asked(door, "POST", "/people/sync", body), quiet=json)
        return await end(door, run, json=json, plan=run["plan"])

    return with_door(work, data_dir, tenant=tenant)


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
