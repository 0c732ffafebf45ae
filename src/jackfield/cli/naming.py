"""People and groups as they are named at a keyboard, and by name where they are shown.

A UPN, an object ID or a group's name goes in, what the API knows comes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jackfield.cli.asking import asked, everything, good
from jackfield.cli.exits import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jackfield.cli.door import Door

NOT_FOUND = 404
FEW = 20
"""People that are asked about one by one."""


async def find_person(door: Door, typed: str) -> Any:
    """A person as the API tells of them, by UPN or object ID. Raises `CommandFailed`."""
    return await _found(door, "people", "person", typed)


async def find_group(door: Door, typed: str) -> Any:
    """A group by exactly its name, or by object ID. Raises `CommandFailed`."""
    return await _found(door, "groups", "group", typed)


async def ids_of_people(door: Door, typed: Sequence[str]) -> list[str]:
    """Object IDs of people by UPN or object ID, in their order. Raises `CommandFailed`.

    Many are looked for in the whole list, which is fewer questions.
    """
    if len(typed) <= FEW:
        return [str((await find_person(door, one))["id"]) for one in typed]
    known: dict[str, str] = {}
    for person in await everything(door, "/people", "people"):
        known |= {person["upn"].casefold(): person["id"], person["id"]: person["id"]}
    return [known.get(one.casefold()) or str((await find_person(door, one))["id"]) for one in typed]


async def people_named(door: Door, ids: Sequence[str]) -> Mapping[str, str]:
    """Object IDs to UPNs; whoever is not known is left out."""
    return await _names(door, "people", "upn", ids)


async def groups_named(door: Door, ids: Sequence[str]) -> Mapping[str, str]:
    """Object IDs of groups to names; what is not known is left out."""
    return await _names(door, "groups", "name", ids)


async def _found(door: Door, kind: str, one: str, typed: str) -> Any:
    if "/" in typed or not typed.strip(" ."):  # no part of an address
        next_step = f" Give the object ID of the {one}." if typed.strip(" .") else ""
        raise CommandFailed(f"There is no {one} “{typed}” to be found.{next_step}")
    return await asked(door, "GET", f"/{kind}/{quote(typed, safe='')}")


async def _names(door: Door, kind: str, field: str, ids: Sequence[str]) -> Mapping[str, str]:
    found = {}
    for id_ in ids:
        answer = await door.ask("GET", f"/{kind}/{quote(id_, safe='')}")
        if answer.status != NOT_FOUND:
            name = good(answer)[field]
            if name:
                found[id_] = name
    return found
