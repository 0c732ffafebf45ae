"""Commands on who may get in: tokens, the local administrator, the key of the stored secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App

from jackfield.cli.arguments import DataDir, Json, TenantName, Text, numbers
from jackfield.cli.asking import asked
from jackfield.cli.exits import Exit
from jackfield.cli.running import with_door
from jackfield.cli.telling import say

if TYPE_CHECKING:
    from jackfield.cli.door import Door

token_commands = App(name="token", help="Tokens for the JSON API.")
admin_commands = App(name="admin", help="The local administrator's account.")
key_commands = App(name="key", help="The key of the stored secrets.")
phones_commands = App(name="phones", help="The phone system itself.")


@token_commands.command(name="create")
def token_create(
    name: Text,
    *,
    days: Annotated[int, numbers(0, 3650)] = 0,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Create a token for the JSON API; it is shown once.

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


@admin_commands.command(name="reset-password")
def reset_password(*, name: Text = "admin", data_dir: DataDir = None, json: Json = False) -> int:
    """Give the local administrator a new password, end their sessions and print it."""

    async def work(door: Door) -> int:
        answer = await asked(door, "POST", "/accounts/reset-password", {"name": name})
        say(answer, json, lambda: f"The new password of {answer['name']}: {answer['password']}")
        return Exit.DONE

    return with_door(work, data_dir, acts=False)


@key_commands.command(name="rotate")
def key_rotate(*, data_dir: DataDir = None, json: Json = False) -> int:
    """Encrypt every stored secret anew, with a new key; the old key is dropped at the end.

    May be stopped at any moment: every secret can be read, and the next call ends the work.
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
