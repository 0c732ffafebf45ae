"""Commands on the tenants of an installation, for whoever looks after several."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter

from jackfield.cli.arguments import DataDir, Json, Name, Text, one_line
from jackfield.cli.asking import asked, everything
from jackfield.cli.exits import CommandFailed, Exit
from jackfield.cli.running import with_door
from jackfield.cli.telling import printable, say
from jackfield.core.tenant_names import which_tenant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jackfield.cli.door import Door

tenant_commands = App(name="tenant", help="Several Microsoft 365 organisations in one install.")
_STATES = {
    "not_connected": "not connected",
    "off": "sync is off",
    "syncing": "syncing",
    "waits_for_approval": "a plan waits",
    "held_by_a_guard": "held by a guard",
    "failed": "last run failed",
    "not_synced_yet": "not synced yet",
    "in_sync": "in sync",
}


@tenant_commands.command(name="add")
def tenant_add(name: Name, *, data_dir: DataDir = None, json: Json = False) -> int:
    """Add a tenant; connect it afterwards with jackfield connect --tenant NAME.

    Example: jackfield tenant add "Harbour Dental"

    Parameters
    ----------
    name
        What you call the customer.
    """

    async def work(door: Door) -> int:
        made = await asked(door, "POST", "/tenants", {"name": name})
        text = (
            f"Tenant {made['number']}, “{made['name']}”, was added. Connect it: jackfield connect"
            f" --tenant {made['number']} ..."
        )
        say(made, json, lambda: text)
        return Exit.DONE

    return with_door(work, data_dir, acts=False)


@tenant_commands.command(name="list")
def tenant_list(*, data_dir: DataDir = None, json: Json = False) -> int:
    """List the tenants, and how each is.

    Example: jackfield tenant list
    """

    async def work(door: Door) -> int:
        found = await everything(door, "/tenants", "tenants")
        lines = [] if json else await tenant_lines(door, found)
        say({"tenants": found}, json, lambda: "\n".join(lines))
        return Exit.DONE

    return with_door(work, data_dir, acts=False)


@tenant_commands.command(name="rename")
def tenant_rename(tenant: Text, name: Name, *, data_dir: DataDir = None, json: Json = False) -> int:
    """Give a tenant another name; its number stays, and all it has.

    Example: jackfield tenant rename 2 "Harbour Dental"

    Parameters
    ----------
    tenant
        Its name or number.
    name
        The new name.
    """

    async def work(door: Door) -> int:
        known = await find_tenant(door, tenant)
        after = await asked(door, "PATCH", f"/tenants/{known['number']}", {"name": name})
        text = f"Tenant {after['number']}, “{known['name']}”, is called “{after['name']}” now."
        say(after, json, lambda: text)
        return Exit.DONE

    return with_door(work, data_dir, acts=False)


@tenant_commands.command(name="remove")
def tenant_remove(
    tenant: Text,
    *,
    yes: Annotated[str | None, Parameter(name="--yes", validator=one_line)] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Remove a tenant for good, with the extensions of its built-in phone system.

    Example: jackfield tenant remove 2

    Parameters
    ----------
    tenant
        Its name or number.
    yes
        Its name once more, instead of being asked for it.
    """

    async def work(door: Door) -> int:
        known = await find_tenant(door, tenant)
        whole = await asked(door, "GET", f"/tenants/{known['number']}")
        typed = yes if yes is not None else _typed(whole)
        await asked(door, "DELETE", f"/tenants/{known['number']}?name={quote(typed, safe='')}")
        gone = {"number": known["number"], "name": known["name"], "removed": True}
        say(gone, json, lambda: f"Tenant {known['number']}, “{known['name']}”, was removed.")
        return Exit.DONE

    # What it had is deleted by the running server, or by the next one that starts.
    return with_door(work, data_dir, acts=False)


def _typed(tenant: Any) -> str:
    """The name as somebody types it, after what is lost was said."""
    if not sys.stdin.isatty():
        raise CommandFailed(
            f"{tenant['removal']} Nobody is there to be asked: give its name with --yes NAME.",
            Exit.USAGE,
        )
    print(printable(tenant["removal"]), file=sys.stderr)
    print("Type the tenant's name to remove it: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


async def find_tenant(door: Door, tenant: str) -> Any:
    """A tenant as the API tells it, by name or number. Raises `CommandFailed`."""
    found = await everything(door, "/tenants", "tenants")
    meant = which_tenant(tenant, [(one["number"], one["name"]) for one in found])
    for one in found:
        if one["number"] == meant:
            return one
    names = ", ".join(f"{one['number']} ({one['name']})" for one in found[:10])
    raise CommandFailed(f"There is no tenant “{tenant}”; there are {names}.")


async def tenant_lines(door: Door, tenants: Sequence[Any]) -> list[str]:
    """A line for each tenant. Where no server is running, nothing is syncing."""
    from jackfield.cli.door import nobody_works

    dead = any(one["sync"] == "syncing" for one in tenants) and await nobody_works(door)
    states = {**_STATES, "syncing": "last run cut off; it goes on at the next start"}
    return [_line(one, states if dead else _STATES) for one in tenants]


def _line(one: Any, states: Mapping[str, str]) -> str:
    standing = one["open_alarms"]
    alarms = f", {standing:,} alarm{'' if standing == 1 else 's'}" if standing else ""
    return (
        f"{one['number']:>4}  {one['name']}: {states[one['sync']]}{alarms}; {one['people']:,}"
        f" people, {one['extensions']:,} extensions"
    )
