"""What syncs have led to, in a shape that two installations can be compared by.

Keys that an installation hands out by itself are replaced by what they stand for: persons' and
groups' own ids. The phone system itself is read, and our picture of it, and both must agree.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from jackfield.clock import SystemClock
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.store.alarms import open_alarms
from jackfield.store.database import Database
from jackfield.store.journal import JournalFilter, load_lines
from jackfield.store.links import load_all_links, load_department_links
from jackfield.store.people import load_people
from jackfield.store.phone_departments import load_departments
from jackfield.store.phones import load_extensions
from jackfield.store.plans import PlanStatus, list_plans
from jackfield.store.runs import UNDER_WAY, list_runs
from jackfield.store.schedule import load_due
from jackfield.store.transaction import Transaction

TENANT = 1
OPEN_PLANS = {PlanStatus.PROPOSED, PlanStatus.APPROVED, PlanStatus.APPLYING}


@dataclass(frozen=True, slots=True)
class EndState:
    """Compared by people, extensions, departments; the rest is asserted where it matters."""

    people: dict[str, str]
    """Standing, by person."""
    extensions: dict[str, Any]
    """Number, fields, departments by group, primary department, enabled; by person."""
    departments: dict[str, tuple[str, Any]]
    """Name and flag, by group."""
    alarms: list[str]
    avatars: dict[str, str] = field(compare=False)
    """What the phone system shows, by person; photos are looked at when syncs have ended."""
    open_plans: list[int] = field(compare=False)
    running: list[str] = field(compare=False)
    wanted: Any = field(compare=False)
    doubles: list[str] = field(compare=False)
    """Whatever stands more than once, in words."""
    linked_lines: Counter[str] = field(compare=False)
    """How often the journal says that somebody got an extension.

    One that was created right before the process died is found again and adopted.
    """


async def load_end_state(url: str) -> EndState:
    """Read a database that nobody works on."""
    database = await Database.open(url)
    try:
        phones = BuiltInPhones(database, TENANT, SystemClock())
        own = [one async for page in phones.read_extensions() for one in page.extensions]
        marks = await phones.read_avatars([one.key for one in own])
        own_departments = {one.key: one for one in await phones.read_departments()}
        async with database.read() as tx:
            people = await load_people(tx, TENANT)
            pictured = await load_extensions(tx, TENANT)
            links = await load_all_links(tx, TENANT, pictured)
            departments = await load_departments(tx, TENANT)
            linked_departments = await load_department_links(tx, TENANT)
            alarms = await open_alarms(tx, TENANT)
            plans = await list_plans(tx, TENANT, limit=100)
            running = await list_runs(tx, TENANT, status=UNDER_WAY, limit=100)
            due = await load_due(tx, TENANT, "people")
            linked = Counter[str]()
            for kind in ("create_extension.done", "adopt_extension.done"):
                linked += await _subjects(tx, kind)
    finally:
        await database.close()
    groups = {link.key: group for group, link in linked_departments.items()}
    by_key = {one.key: one for one in own}
    return EndState(
        people={person: one.standing.value for person, one in people.items()},
        extensions={
            person: (
                by_key[link.key].number,
                by_key[link.key].fields,
                link.number == by_key[link.key].number,
                link.agreed,
                link.left,
                sorted(groups[one] for one in by_key[link.key].departments),
                groups.get(by_key[link.key].primary or ""),
                by_key[link.key].enabled,
            )
            for person, link in links.items()
        },
        departments={
            group: (own_departments[link.key].name, link.flag)
            for group, link in linked_departments.items()
        },
        avatars={person: marks[link.key] for person, link in links.items() if link.key in marks},
        alarms=sorted(alarm.kind for alarm in alarms),
        open_plans=[plan.id for plan in plans if plan.status in OPEN_PLANS],
        running=[run.flow for run in running],
        wanted=due.wanted,
        doubles=[
            *_repeated("extension of", [one.external_key for one in own]),
            *_repeated("number", [one.number for one in own]),
            *_repeated("department", [one.external_key for one in own_departments.values()]),
            *([] if len(own) == len(links) else [f"{len(own)} extensions, {len(links)} links"]),
            *([] if pictured == by_key else ["the picture of the phone system differs from it"]),
            *([] if departments == own_departments else ["the picture of departments differs"]),
        ],
        linked_lines=linked,
    )


async def _subjects(tx: Transaction, kind: str) -> Counter[str]:
    found = Counter[str]()
    before = None
    while True:
        page = await load_lines(tx, TENANT, JournalFilter(kind), before=before, limit=500)
        found.update(line.subject for line in page.lines)
        before = page.next
        if before is None:
            return found


def _repeated(what: str, values: list[Any]) -> list[str]:
    return [f"{count} x {what} {value}" for value, count in Counter(values).items() if count > 1]
