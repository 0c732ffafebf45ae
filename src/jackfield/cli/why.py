"""Commands that answer “why is this so?”, about a person, a number or a department."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cyclopts import App

from jackfield.cli.arguments import DataDir, Json, TenantName, Text
from jackfield.cli.asking import asked
from jackfield.cli.exits import CommandFailed, Exit
from jackfield.cli.naming import find_person
from jackfield.cli.numbers import numbers_answer, numbers_text
from jackfield.cli.running import with_door
from jackfield.cli.telling import say

if TYPE_CHECKING:
    from jackfield.cli.door import Door

why_commands = App(name="why", help="Say why a person, a number or a department is as it is.")


@why_commands.command(name="person")
def why_person(
    person: Text, *, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """Say why somebody has their extension, or none, and where each field comes from.

    Example: jackfield why person ann@example.org

    Parameters
    ----------
    person
        UPN or object ID.
    """

    async def work(door: Door) -> int:
        found = await find_person(door, person)
        say(found, json, lambda: person_text(found))
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@why_commands.command(name="number")
def why_number(
    number: Text, *, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """Say who has a number, for whom it is held or reserved, and in which pools it is.

    Example: jackfield why number 203
    """

    async def work(door: Door) -> int:
        answer = await numbers_answer(door, number)
        say(answer, json, lambda: numbers_text(answer))
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@why_commands.command(name="department")
def why_department(
    department: Text, *, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """Say which group a department follows, whose name it has, and who its members are.

    Example: jackfield why department Sales

    Parameters
    ----------
    department
        Its name in the phone system, or its key.
    """

    async def work(door: Door) -> int:
        found = await find_department(door, department)
        say(found, json, lambda: department_text(found))
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


async def find_department(door: Door, typed: str) -> Any:
    """A department with its reasons, by exactly its name or by key. Raises `CommandFailed`."""
    page = await asked(door, "GET", f"/departments?search={quote(typed, safe='')}&limit=500")
    keys = [one["key"] for one in page["departments"] if one["name"].casefold() == typed.casefold()]
    if len(keys) > 1:
        raise CommandFailed(
            f"{len(keys)} departments are called “{typed}”; give the key: {', '.join(keys)}.",
            Exit.USAGE,
        )
    if not keys and "/" in typed:
        raise CommandFailed(f"There is no department “{typed}”.")
    return await asked(door, "GET", f"/departments/{quote(keys[0] if keys else typed, safe='')}")


def person_text(found: Any) -> str:
    """A person's reasons."""
    has = f"extension {found['number']}" if found["number"] else "no extension"
    who = found["upn"] or found["display_name"] or found["id"]
    return "\n".join([f"{who}: {has}.", *found["reasons"]])


def department_text(found: Any) -> str:
    """A department's reasons."""
    members = "1 member" if found["members"] == 1 else f"{found['members']:,} members"
    return "\n".join([f"{found['name']}: {members}.", *found["reasons"]])
