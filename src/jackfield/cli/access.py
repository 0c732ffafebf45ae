"""Commands on who may get in: tokens, the local administrator, the key of the stored secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from cyclopts import App

from jackfield.cli.arguments import DataDir, Json, Name, TenantName, Text, numbers
from jackfield.cli.asking import asked, everything
from jackfield.cli.exits import CommandFailed, Exit
from jackfield.cli.running import with_door
from jackfield.cli.telling import say
from jackfield.cli.tenants import find_tenant

if TYPE_CHECKING:
    from jackfield.cli.door import Door

token_commands = App(name="token", help="Tokens for the JSON API.")
admin_commands = App(name="admin", help="Local accounts: administrators, and viewers.")
key_commands = App(name="key", help="The key of the stored secrets.")
phones_commands = App(name="phones", help="The phone system itself.")


@token_commands.command(name="create")
def token_create(
    name: Name,
    *,
    days: Annotated[int, numbers(0, 3650)] = 0,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Create a token for the JSON API; it is shown once.

    Example: jackfield token create monitor --days 365

    Parameters
    ----------
    name
        What it is for.
    days
        Days until it expires; 0 = never.
    """

    async def work(door: Door) -> int:
        answer = await asked(door, "POST", "/tokens", {"name": name, "days": days})
        say(answer, json, lambda: str(answer["token"]))
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@admin_commands.command(name="create")
def admin_create(
    name: Name,
    *,
    role: Literal["administrator", "viewer"] = "administrator",
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Make a local account and print its password; it is shown once.

    With --tenant (or JACKFIELD_TENANT) it sees that tenant alone, else the whole installation.

    Example: jackfield admin create ann --role viewer

    Parameters
    ----------
    name
        What they sign in as.
    role
        An administrator, or a viewer who changes nothing.
    """

    async def work(door: Door) -> int:
        known = await find_tenant(door, tenant) if tenant else None
        number = known and known["number"]
        body = {"name": name, "role": role, "tenant": number}
        made = await asked(door, "POST", "/accounts", body)
        sees = f"tenant {number}, “{known['name']}”" if known else "the whole installation"
        say(
            made,
            json,
            lambda: f"{made['name']} ({role} of {sees}) signs in with: {made['password']}",
        )
        return Exit.DONE

    return with_door(work, data_dir, acts=False)


@admin_commands.command(name="list")
def admin_list(*, data_dir: DataDir = None, json: Json = False) -> int:
    """List the local accounts: role, and what each sees.

    Example: jackfield admin list
    """

    async def work(door: Door) -> int:
        found = await everything(door, "/accounts", "accounts")
        say({"accounts": found}, json, lambda: "\n".join(map(_account_line, found)))
        return Exit.DONE

    return with_door(work, data_dir, acts=False)


@admin_commands.command(name="remove")
def admin_remove(name: Text, *, data_dir: DataDir = None, json: Json = False) -> int:
    """Remove a local account; its sessions are over. The last administrator stays.

    Example: jackfield admin remove ann
    """

    async def work(door: Door) -> int:
        if "/" in name:  # no part of an address can hold one
            raise CommandFailed(f"There is no local account {name!r}.")
        await asked(door, "DELETE", f"/accounts/{quote(name, safe='')}")
        gone = {"name": name, "removed": True}
        say(gone, json, lambda: f"The local account {name} was removed.")
        return Exit.DONE

    return with_door(work, data_dir, acts=False)


def _account_line(one: Any) -> str:
    sees = "the whole installation" if one["tenant"] is None else f"tenant {one['tenant']}"
    return f"{one['name']}: {one['role']} of {sees}, since {one['created_at'][:10]}"


@admin_commands.command(name="reset-password")
def reset_password(*, name: Text = "admin", data_dir: DataDir = None, json: Json = False) -> int:
    """Give a local account a new password, end its sessions and print it.

    Example: jackfield admin reset-password --name ann
    """

    async def work(door: Door) -> int:
        answer = await asked(door, "POST", "/accounts/reset-password", {"name": name})
        say(answer, json, lambda: f"The new password of {answer['name']}: {answer['password']}")
        return Exit.DONE

    return with_door(work, data_dir, acts=False)


@key_commands.command(name="rotate")
def key_rotate(*, data_dir: DataDir = None, json: Json = False) -> int:
    """Encrypt every stored secret anew, with a new key; the old key is dropped at the end.

    May be stopped at any moment: every secret can be read, and the next call ends the work.

    Example: jackfield key rotate
    """

    async def work(door: Door) -> int:
        answer = await asked(door, "POST", "/key/rotate", {})
        say(answer, json, lambda: rotated_text(answer["secrets"]))
        return Exit.DONE

    return with_door(work, data_dir, acts=False)


@phones_commands.command(name="accept")
def phones_accept(
    *, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """Go on with another phone system than the one whose extensions are linked to people.

    Links are dropped; the next full sync reads the new one and links what it finds there, by the
    rules for extensions that stand already.

    Example: jackfield phones accept
    """

    async def work(door: Door) -> int:
        answer = await asked(door, "POST", "/phone-system/accept", {})
        say(answer, json, lambda: accepted_text(answer["links_dropped"]))
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


def accepted_text(dropped: int) -> str:
    """What follows from it."""
    return (
        f"The phone system that answers now is the one Jackfield knows. Links dropped: {dropped:,}."
        "\nA full sync makes them anew. To see first what it would do: jackfield plan people"
    )


def rotated_text(secrets: int) -> str:
    """What has changed for whoever keeps the backups."""
    return (
        f"A new key is in the key file; stored secrets encrypted with it: {secrets}.\n"
        "Back up database and key file together now: an older backup of the database still needs"
        " the key file of its day."
    )
