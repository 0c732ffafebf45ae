"""Commands on doubtful matches: extensions that may be somebody's already, and the decision.

A person is named by UPN or object ID, an extension by its number or key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from cyclopts import App

from jackfield.cli.arguments import DataDir, Json, TenantName, Text
from jackfield.cli.asking import asked, everything
from jackfield.cli.exits import CommandFailed, Exit
from jackfield.cli.naming import find_person
from jackfield.cli.running import usage, with_door
from jackfield.cli.telling import moment, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jackfield.cli.door import Door

matches_commands = App(
    name="matches", help="Extensions that may be somebody's already: decide whose each is."
)
_VERDICTS = {"theirs": "theirs", "not-theirs": "not_theirs"}
_SAID = {"theirs": "is theirs", "not_theirs": "is not theirs"}


@matches_commands.command(name="list")
def matches_list(*, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False) -> int:
    """List who waits for a decision, with the extensions that may be theirs.

    Example: jackfield matches list
    """

    async def work(door: Door) -> int:
        found = await everything(door, "/matches", "matches")
        nothing = "Nobody waits for a decision."
        say({"matches": found}, json, lambda: "\n".join(map(match_text, found)) or nothing)
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@matches_commands.command(name="decided")
def matches_decided(
    *, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False
) -> int:
    """List what was decided, the newest first.

    Example: jackfield matches decided
    """

    async def work(door: Door) -> int:
        found = await everything(door, "/matches/decided", "decided")
        nothing = "Nothing is decided."
        say({"decided": found}, json, lambda: "\n".join(map(decided_line, found)) or nothing)
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


@matches_commands.command(name="decide")
def matches_decide(
    person: Text,
    verdict: Literal["theirs", "not-theirs"],
    *extensions: Text,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Decide whether extensions are a person's; it counts from the next sync on.

    Example: jackfield matches decide ann@example.org theirs 204

    Parameters
    ----------
    person
        UPN or object ID.
    verdict
        theirs: the one extension is taken over. not-theirs: the person gets one of their own.
    extensions
        Numbers or keys; with not-theirs none stands for all that may be theirs.
    """
    if verdict == "theirs" and len(extensions) != 1:
        return usage("matches decide PERSON theirs takes exactly one extension.")

    async def work(door: Door) -> int:
        return await decide(door, person, _VERDICTS[verdict], extensions, json=json)

    return with_door(work, data_dir, tenant=tenant, acts=False)


@matches_commands.command(name="forget")
def matches_forget(
    person: Text,
    extension: Text,
    *,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Make a decision undecided again; what was taken over by it stays.

    Example: jackfield matches forget ann@example.org 204

    Parameters
    ----------
    person
        UPN or object ID.
    extension
        Number or key.
    """

    async def work(door: Door) -> int:
        return await forget(door, person, extension, json=json)

    return with_door(work, data_dir, tenant=tenant, acts=False)


async def decide(
    door: Door, person: str, verdict: str, extensions: Sequence[str], *, json: bool = False
) -> int:
    """Decide about extensions of a person; none: about all that may be theirs."""
    known = await find_person(door, person)
    waiting = await everything(door, "/matches", "matches")
    candidates: list[Any] = next(
        (one["candidates"] for one in waiting if one["person"] == known["id"]), []
    )
    if not extensions and not candidates:
        raise CommandFailed(
            f"Nothing is in doubt about {known['upn'] or known['id']}; name the extension."
        )
    numbers = {one["number"]: one["key"] for one in candidates}
    keys = [numbers.get(one) or await _key(door, one) for one in extensions]
    keys = keys or list(numbers.values())
    body = {"extensions": keys, "verdict": verdict}
    await asked(door, "POST", f"/matches/{quote(known['id'], safe='')}", body)
    told = {"person": known["id"], **body}
    named = ", ".join(extensions or numbers)
    text = (
        f"Decided: {named} {_SAID[verdict]} ({known['upn'] or known['id']}). It counts from the"
        " next sync on."
    )
    say(told, json, lambda: text)
    return Exit.DONE


async def forget(door: Door, person: str, extension: str, *, json: bool = False) -> int:
    """Make the decision about a person and an extension undecided again."""
    decided = await everything(door, "/matches/decided", "decided")
    wanted = person.casefold()
    fitting = [
        one
        for one in decided
        if wanted in {one["person"], one["upn"].casefold()}
        and extension in {one["number"], one["extension"]}
    ]
    if not fitting:
        raise CommandFailed(
            f"Nothing is decided about {person} and extension {extension}; jackfield matches"
            " decided lists what is."
        )
    one = fitting[0]
    path = f"/matches/{quote(one['person'], safe='')}/{quote(one['extension'], safe='')}"
    await asked(door, "DELETE", path)
    told = {"person": one["person"], "extension": one["extension"], "undecided": True}
    say(told, json, lambda: f"Undecided again: {_who(one)} and extension {_which(one)}.")
    return Exit.DONE


def match_text(one: Any) -> str:
    """A person who waits, and what may be theirs, for a person."""
    lines = [f"{_who(one)}: {one['because']}"]
    for candidate in one["candidates"]:
        name = f"{candidate['first_name']} {candidate['last_name']}".strip()
        parts = [name, candidate["email"], "" if candidate["free"] else "made for somebody else"]
        told = ", ".join(part for part in parts if part)
        lines.append(f"      {candidate['number']}: {told or 'no name'}")
    return "\n".join([*lines, f"      Next: {one['next_step']}"])


def decided_line(one: Any) -> str:
    """A decision for a person."""
    return (
        f"{moment(one['at'])}  {_who(one)}: extension {_which(one)} {_SAID[one['verdict']]}"
        f" (by {one['by']})"
    )


def _who(one: Any) -> str:
    return str(one["upn"] or one["display_name"] or one["person"])


def _which(one: Any) -> str:
    return str(one["number"] or one["extension"])


async def _key(door: Door, typed: str) -> str:
    """The key of an extension by its number; what no extension has may be a key itself."""
    page = await asked(door, "GET", f"/extensions?search={quote(typed, safe='')}&limit=500")
    fitting = [one["key"] for one in page["extensions"] if one["number"] == typed]
    return fitting[0] if fitting else typed
