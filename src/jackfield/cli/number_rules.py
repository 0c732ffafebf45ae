"""Commands on extension numbers: pools, why one is so, what is held, reserved or a department's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter

from jackfield.cli.arguments import DataDir, Json, MaybeText, TenantName, Text
from jackfield.cli.asking import everything, good, problem
from jackfield.cli.exits import CommandFailed, Exit
from jackfield.cli.numbers import numbers_answer, numbers_text
from jackfield.cli.running import with_door
from jackfield.cli.telling import say

if TYPE_CHECKING:
    from jackfield.cli.door import Door

numbers_commands = App(
    name="numbers", help="Extension numbers: pools, why one is so, held and reserved ones."
)
CONFLICT, UNUSABLE = 409, 422
_CONFIRM = 'send "confirm": true.'


@numbers_commands.default
def number_pools(
    number: MaybeText = None,
    *,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Say how full the pools of extension numbers are, or why one number is so.

    Example: jackfield numbers 203

    Parameters
    ----------
    number
        Only this extension number: who has it, for whom it is held or reserved.
    """

    async def work(door: Door) -> int:
        answer = await numbers_answer(door, number)
        say(answer, json, lambda: numbers_text(answer))
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@numbers_commands.command(name="held")
def numbers_held(*, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False) -> int:
    """List released numbers that are held: for whom, and until when.

    Example: jackfield numbers held
    """

    async def work(door: Door) -> int:
        found = await everything(door, "/numbers/held", "numbers")
        nothing = "No number is held."
        say({"numbers": found}, json, lambda: "\n".join(map(held_line, found)) or nothing)
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@numbers_commands.command(name="release")
def numbers_release(
    number: Text, *, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """Let go of a held number at once: the next newcomer may get it.

    Example: jackfield numbers release 203
    """

    async def work(door: Door) -> int:
        await ruled(door, "POST", f"/numbers/{_part(number)}/release")
        told = {"number": number, "released": True}
        say(told, json, lambda: f"Number {number} is free.")
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@numbers_commands.command(name="reserved")
def numbers_reserved(
    *, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """List reserved numbers: for whom each is, if for anybody, and the note.

    Example: jackfield numbers reserved
    """

    async def work(door: Door) -> int:
        found = await everything(door, "/numbers/reserved", "reserved")
        nothing = "No number is reserved."
        say({"reserved": found}, json, lambda: "\n".join(map(reserved_line, found)) or nothing)
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@numbers_commands.command(name="reserve")
def numbers_reserve(
    numbers: Text,
    *,
    person: Annotated[MaybeText, Parameter(name="--for")] = None,
    note: MaybeText = None,
    yes: Annotated[bool, Parameter(name="--yes", negative="")] = False,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Reserve a number or a range: nobody else gets one of it.

    Example: jackfield numbers reserve 700-709 --note "lifts"

    Parameters
    ----------
    numbers
        A number, or a range such as 700-709.
    person
        Who gets the lowest of them, by UPN or object ID; left out: nobody by itself.

    Note:
        Why, for whoever looks later.
    yes
        Also numbers that are in use; whoever has one keeps it.
    """

    async def work(door: Door) -> int:
        body = {"numbers": numbers, "person": person or "", "note": note or "", "confirm": yes}
        made = await ruled(door, "POST", "/numbers/reserved", body)
        say(made, json, lambda: f"Reserved: {reserved_line(made)}")
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@numbers_commands.command(name="unreserve")
def numbers_unreserve(
    numbers: Text, *, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """Remove a reservation, by its numbers as the list has them.

    Example: jackfield numbers unreserve 700-709
    """

    async def work(door: Door) -> int:
        await ruled(door, "DELETE", f"/numbers/reserved/{_part(numbers)}")
        told = {"numbers": numbers, "reserved": False}
        say(told, json, lambda: f"No longer reserved: {numbers}.")
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@numbers_commands.command(name="departments")
def numbers_departments(
    *, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """List the departments with numbers of their own.

    Example: jackfield numbers departments
    """

    async def work(door: Door) -> int:
        found = await everything(door, "/numbers/departments", "departments")
        nothing = "No department has numbers of its own."
        say({"departments": found}, json, lambda: "\n".join(map(given_line, found)) or nothing)
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@numbers_commands.command(name="give")
def numbers_give(
    group: Text,
    numbers: Text,
    *,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Give a department numbers of its own, in place of those it had.

    Example: jackfield numbers give Sales "200-299, 400-450"

    Parameters
    ----------
    group
        Its group, by name or object ID.
    numbers
        Ranges, with commas between.
    """

    async def work(door: Door) -> int:
        path = f"/numbers/departments/{_part(group)}"
        made = await ruled(door, "PUT", path, {"numbers": numbers})
        say(made, json, lambda: f"Newcomers of {given_line(made)}")
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@numbers_commands.command(name="take")
def numbers_take(
    group: Text, *, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """Take a department's numbers away: its newcomers are served with everybody.

    Example: jackfield numbers take Sales

    Parameters
    ----------
    group
        Its group, by name or object ID.
    """

    async def work(door: Door) -> int:
        await ruled(door, "DELETE", f"/numbers/departments/{_part(group)}")
        told = {"group": group, "numbers": ""}
        say(told, json, lambda: f"Newcomers of {group} are served with everybody.")
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


async def ruled(door: Door, method: str, path: str, body: object = None) -> Any:
    """What the API answers; what cannot be used, and what is to be confirmed, end so."""
    answer = await door.ask(method, path, body)
    if answer.status == UNUSABLE:
        raise CommandFailed(problem(answer), Exit.USAGE)
    if answer.status == CONFLICT and _CONFIRM in problem(answer):
        raise CommandFailed(problem(answer).replace(_CONFIRM, "add --yes."), Exit.REFUSED)
    return good(answer)


def held_line(one: Any) -> str:
    """A held number for a person."""
    whose = one["upn"] or one["display_name"] or one["person"] or "nobody who is known"
    since, until = one["released_at"][:10], one["held_until"][:10]
    return f"{one['number']}: held for {whose}, released {since}, until {until}"


def reserved_line(one: Any) -> str:
    """A reservation for a person."""
    whose = one["upn"] or one["display_name"] or one["person"] or "nobody"
    note = f" ({one['note']})" if one["note"] else ""
    remark = f". {one['remark']}" if one["remark"] else ""
    return f"{one['numbers']}: for {whose}{note}{remark}"


def given_line(one: Any) -> str:
    """A department's numbers for a person."""
    return f"{one['name'] or one['group']}: {one['numbers']}"


def _part(text: str) -> str:
    """A part of an address."""
    if "/" in text or not text.strip(" ."):
        raise CommandFailed(
            f"There is no “{text}” to be found; a group with a slash in its name is named by its"
            " object ID.",
            Exit.USAGE,
        )
    return quote(text, safe="")
