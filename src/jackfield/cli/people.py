"""Commands that look: the people of Microsoft 365, and the installation in figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from cyclopts import Parameter

from jackfield.cli.arguments import LARGEST, DataDir, Json, MaybeText, TenantName, numbers
from jackfield.cli.asking import asked
from jackfield.cli.exits import Exit
from jackfield.cli.running import usage, with_door
from jackfield.cli.telling import moment, printable, run_state, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jackfield.cli.door import Door

PAGE = 500
_HEADS = ("number", "name", "sign-in name", "e-mail", "department attribute", "object ID", "left")
_UNCOVERED_HEADS = ("name", "sign-in name", "object ID", "in scope", "why", "next")


def people(
    words: MaybeText = None,
    *,
    not_synced: Annotated[bool, Parameter(negative="")] = False,
    limit: Annotated[int, numbers(1)] = 50,
    whole: Annotated[bool, Parameter(name="--all", negative="")] = False,
    csv: Annotated[bool, Parameter(negative="")] = False,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """List people of Microsoft 365 by name, with their extension; or those without, and why.

    Example: jackfield people --not-synced --all --csv

    Parameters
    ----------
    words
        Only people with these words in their name or address.
    not_synced
        Only people without an extension, each with the reason.
    limit
        How many people.
    whole
        All that fit.
    csv
        Print CSV (UTF-8) instead of text.
    """
    if csv and json:
        return usage("people takes --csv or --json.")

    async def work(door: Door) -> int:
        most = LARGEST if whole else limit
        return await tell_people(door, words or "", most, not_synced=not_synced, csv=csv, json=json)

    return with_door(work, data_dir, tenant=tenant, acts=False)


def status(*, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False) -> int:
    """Say how things are in figures, as Overview does.

    What is wrong, and what to do next, says jackfield doctor.

    Example: jackfield status --json
    """

    async def work(door: Door) -> int:
        found = await asked(door, "GET", "/status")
        say(found, json, lambda: status_text(found))
        return Exit.DONE

    return with_door(work, data_dir, tenant=tenant, acts=False)


async def tell_people(
    door: Door,
    words: str,
    limit: int,
    *,
    not_synced: bool = False,
    csv: bool = False,
    json: bool = False,
) -> int:
    """Print as many people as wanted, page by page; JSON is one document."""
    pages = _pages(door, "/people/not-synced" if not_synced else "/people", words, limit)
    if json:
        say({"people": [one async for page in pages for one in page]}, json, str)
    elif csv:
        from jackfield.cli.csv_output import print_rows

        rows: Any = uncovered_row if not_synced else person_row
        print_rows([_UNCOVERED_HEADS if not_synced else _HEADS])
        async for page in pages:
            print_rows(map(rows, page))
    else:
        found = False
        async for page in pages:
            found = True
            line = uncovered_line if not_synced else person_line
            print(printable("\n".join(map(line, page))))
        if not found:
            print("Nobody fits.")
    return Exit.DONE


def person_line(one: Any) -> str:
    """A person, with the number first."""
    left = f"  left: {one['left']}" if one["left"] else ""
    return f"{one['number'] or '-':>8}  {_who(one)}{left}"


def uncovered_line(one: Any) -> str:
    """A person without an extension, and why."""
    return f"{_who(one)}: {one['because']} {one['next_step']}".rstrip()


def person_row(one: Any) -> tuple[str, ...]:
    """The same as CSV."""
    names = ("number", "display_name", "upn", "mail", "department", "id", "left")
    return tuple(one[name] or "" for name in names)


def uncovered_row(one: Any) -> tuple[str, ...]:
    """The same as CSV."""
    scope = "yes" if one["in_scope"] else "no"
    return one["display_name"], one["upn"], one["id"], scope, one["because"], one["next_step"]


def status_text(found: Any) -> str:
    """The installation in figures, for a person."""
    if found["connected"]:
        sync = "on" if found["sync"] else "off"
        lines = [f"Connected to {found['organisation']}. People sync is {sync}."]
    else:
        lines = ["Not connected to Microsoft 365: jackfield connect"]
    run, photos = found["last_run"], found["photos"]
    graph = found["graph"]
    rows = [
        ("People", f"{found['people']:,} in Microsoft 365, {found['in_sync']:,} with an extension"),
        ("Extensions", f"{found['extensions']:,}"),
        ("Photos", f"{photos['shown']:,} shown" if photos["on"] else "off"),
        ("Calls to Graph", f"{graph['calls']:,} since the start, {graph['throttled']:,} throttled"),
        ("Open alarms", f"{found['open_alarms']:,}"),
    ]
    if run:
        begun = f", begun {moment(run['started_at'])}" if run["started_at"] else ""
        rows.append(("Last run", f"{run['id']}, {run_state(run)}{begun}: {run['text']}"))
    lines += [f"  {name:<15} {told}" for name, told in rows]
    for part in ("held", "undecided"):
        if found[part]:
            lines.append(f"{found[part]['text']} {found[part]['next_step']}".rstrip())
    if found["open_alarms"]:
        lines.append("What is wrong: jackfield alarms")
    return "\n".join(lines)


async def _pages(door: Door, path: str, words: str, limit: int) -> AsyncIterator[list[Any]]:
    after = ""
    while limit > 0:
        asks = {"search": words, "after": after, "limit": str(min(PAGE, limit))}
        given = {name: value for name, value in asks.items() if value}
        page = await asked(door, "GET", f"{path}?{urlencode(given)}")
        if page["people"]:
            yield page["people"]
        limit -= len(page["people"])
        if page["next"] is None:
            return
        after = page["next"]


def _who(one: Any) -> str:
    name = one["display_name"] or one["upn"] or one["id"]
    return f"{name} ({one['upn']})" if one["upn"] and one["upn"] != name else str(name)
