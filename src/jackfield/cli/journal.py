"""Commands on what has happened: the journal, and alarms with their begin and end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from cyclopts import Parameter

from jackfield.cli.arguments import LARGEST, DataDir, Json, MaybeText, TenantName, numbers
from jackfield.cli.asking import asked
from jackfield.cli.exits import Exit
from jackfield.cli.running import usage, with_door
from jackfield.cli.telling import moment, printable, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jackfield.cli.door import Door

PAGE = 500
_OBJECT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

Switch = Annotated[bool, Parameter(negative="")]
Many = Annotated[int, numbers(1)]


def journal(
    *,
    kind: MaybeText = None,
    person: MaybeText = None,
    run: Annotated[int | None, numbers(1)] = None,
    text: MaybeText = None,
    since: MaybeText = None,
    until: MaybeText = None,
    installation: Switch = False,
    limit: Many = 50,
    whole: Annotated[bool, Parameter(name="--all", negative="")] = False,
    csv: Switch = False,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Say what was done and why, the newest first.

    Example: jackfield journal --person ann@example.org --since 2026-11-01 --csv

    Parameters
    ----------
    kind
        Only this kind, e.g. settings.changed, or a whole family, e.g. settings.
    person
        Only about this person: UPN or object ID; also the object ID of a group.
    run
        Only of this run, by the number that jackfield runs shows.
    text
        Only lines with these words.
    since
        Only from this moment or day on (ISO 8601, in UTC where it names no offset).
    until
        Only before this moment or day.
    installation
        Accounts, tokens and tenants, instead of people and the phone system of one tenant.
    limit
        How many lines, the newest first.
    whole
        All lines that fit.
    csv
        Print CSV (UTF-8) instead of text.
    """
    if csv and json:
        return usage("journal takes --csv or --json.")

    async def work(door: Door) -> int:
        asks = {
            "kind": kind if kind is None or "." in kind else f"{kind}.",
            "subject": person and await subject_of(door, person),
            "run": run,
            "text": text,
            "since": since,
            "until": until,
            "installation": "true" if installation else None,
        }
        return await tell_journal(door, asks, LARGEST if whole else limit, csv=csv, json=json)

    # That of the installation is no tenant's.
    return with_door(work, data_dir, tenant=None if installation else tenant, acts=False)


def alarms(
    *,
    whole: Annotated[bool, Parameter(name="--all", negative="")] = False,
    limit: Many = 50,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Say what is wrong now, since when and what to do; with --all also what was.

    Example: jackfield alarms --all

    Parameters
    ----------
    whole
        Also alarms that are over, with begin and end.
    limit
        How many alarms, the newest first.
    """

    async def work(door: Door) -> int:
        return await tell_alarms(door, limit, whole=whole, json=json)

    return with_door(work, data_dir, tenant=tenant, acts=False)


async def tell_journal(
    door: Door,
    asks: Mapping[str, object],
    limit: int,
    *,
    csv: bool = False,
    json: bool = False,
) -> int:
    """Print as many lines that fit, page by page; JSON is one document."""
    pages = journal_pages(door, asks, limit)
    if csv:
        await _print_csv(pages)
    elif json:
        say({"lines": [one async for page in pages for one in page]}, json, str)
    else:
        found = False
        async for page in pages:
            found = True
            print(printable("\n".join(map(journal_line, page))))
        if not found:
            print("No line fits.")
    return Exit.DONE


async def tell_alarms(door: Door, limit: int, *, whole: bool, json: bool = False) -> int:
    """Print alarms: those that stand, or all that are kept."""
    found: list[Any] = []
    before: int | None = 0
    while before is not None and len(found) < limit:
        asks = {
            "open_only": "false" if whole else "true",
            "before": before,
            "limit": min(PAGE, limit - len(found)),
        }
        page = await asked(door, "GET", f"/alarms?{urlencode(asks)}")
        found += page["alarms"]
        before = page["next"]
    nothing = "Nothing has been wrong yet." if whole else "Nothing is wrong."
    say({"alarms": found}, json, lambda: "\n".join(map(alarm_line, found)) or nothing)
    return Exit.DONE


async def journal_pages(
    door: Door, asks: Mapping[str, object], limit: int
) -> AsyncIterator[list[Any]]:
    """Pages of lines that fit, as many lines as wanted; an empty page is left out."""
    given = {name: value for name, value in asks.items() if value not in (None, "")}
    before = 0
    while limit > 0:
        page = await asked(
            door,
            "GET",
            f"/journal?{urlencode({**given, 'before': before, 'limit': min(PAGE, limit)})}",
        )
        if page["lines"]:
            yield page["lines"]
        limit -= len(page["lines"])
        if page["next"] is None:
            return
        before = page["next"]


def journal_line(one: Any) -> str:
    """A line for a person."""
    by = f" (by {one['by']})" if one["by"] else ""
    return f"{moment(one['at'])}  {one['text']}{by}"


def alarm_line(one: Any) -> str:
    """An alarm for a person, and what to do about one that stands."""
    if one["ended_at"]:
        return f"{moment(one['began_at'])} to {moment(one['ended_at'])}  over: {one['text']}"
    step = f"\n      Next: {one['next_step']}" if one["next_step"] else ""
    return f"{moment(one['began_at'])}, still open  {one['severity']}: {one['text']}{step}"


async def _print_csv(pages: AsyncIterator[list[Any]]) -> None:
    from jackfield.cli.csv_output import print_rows
    from jackfield.core.csv_text import JOURNAL_HEADS

    print_rows([JOURNAL_HEADS])
    async for page in pages:
        rows = [
            (
                one["at"][:19].replace("T", " "),
                one["kind"],
                one["name"],
                one["subject"],
                one["text"],
                one["run"],
                one["by"],
            )
            for one in page
        ]
        print_rows(rows)


async def subject_of(door: Door, typed: str) -> str:
    """Whom the journal is asked about; somebody who was forgotten is known by their ID alone."""
    from jackfield.cli.naming import find_person

    if _OBJECT_ID.fullmatch(typed):
        return typed.lower()
    return str((await find_person(door, typed))["id"])
