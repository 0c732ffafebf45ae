"""The journal and a plan's actions as CSV, filtered like their pages; and how any list is written.

A file comes in pieces, so that its length does not matter.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from litestar import get
from litestar.params import FromQuery
from litestar.response import Stream

from jackfield.core.actions import ActionKind, groups_of
from jackfield.core.csv_text import JOURNAL_HEADS, written_rows
from jackfield.core.journal_kinds import IN_INSTALLATION
from jackfield.core.wording import KIND_LABELS, differences, title
from jackfield.store.groups import load_groups
from jackfield.store.journal import JournalFilter, load_lines
from jackfield.store.phone_departments import load_departments
from jackfield.store.plan_actions import ActionFilter, load_actions
from jackfield.store.schema import INSTALLATION
from jackfield.web.admin.asking import Days, Number, check_choice
from jackfield.web.admin.frame import AnyRequest
from jackfield.web.admin.journal import asked_lines
from jackfield.web.admin.plans import HELD, load_known_plan
from jackfield.web.rooms import House, Rooms
from jackfield.web.tenancy import ABOUT, About

AT_ONCE = 500
"""Rows that are read in one go."""
Pages = AsyncIterator[list[Sequence[object]]]


@get("/journal.csv", include_in_schema=False)
async def journal_csv(
    request: AnyRequest,  # noqa: ARG001 - a visitor is asked for
    house: House,
    q: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    person: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    zone: FromQuery[str] = "",
) -> Stream:
    """All lines that fit, the newest first."""
    asked = asked_lines(q, kind, person, Days(since, until, zone))
    lines = _lines(house, house.tenant, asked.in_file)
    return csv_file("journal.csv", JOURNAL_HEADS, lines)


@get("/tenants/journal.csv", opt={ABOUT: About.INSTALLATION}, include_in_schema=False)
async def installation_journal_csv(
    request: AnyRequest,  # noqa: ARG001 - a visitor is asked for
    house: House,
    q: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    zone: FromQuery[str] = "",
) -> Stream:
    """All lines of the installation's journal that fit, the newest first."""
    asked = asked_lines(q, kind, "", Days(since, until, zone), IN_INSTALLATION)
    lines = _lines(house, INSTALLATION, asked.in_file)
    return csv_file("installation.csv", JOURNAL_HEADS, lines)


@get("/plans/{plan:int}/actions.csv", include_in_schema=False)
async def actions_csv(
    request: AnyRequest,  # noqa: ARG001 - a visitor is asked for
    house: House,
    plan: Number,
    kind: FromQuery[str] = "",
    q: FromQuery[str] = "",
    held: FromQuery[str] = "",
) -> Stream:
    """All actions that fit, in their order; one row for each difference."""
    check_choice("kind", kind, list(ActionKind))
    check_choice("held", held, list(HELD))
    async with house.database.read() as tx:
        await load_known_plan(tx, house, plan)
    wanted = ActionFilter(
        kind=ActionKind(kind) if kind else None, held=HELD.get(held), text=q[:200]
    )
    heads = (
        "action",
        "kind",
        "what",
        "name",
        "object ID",
        "state",
        "why",
        "came of it",
        "field",
        "before",
        "after",
    )
    return csv_file(f"plan-{plan}.csv", heads, _actions(house, plan, wanted))


async def _lines(house: Rooms, tenant: int, wanted: JournalFilter) -> Pages:
    before: int | None = None
    while True:
        async with house.database.read() as tx:
            page = await load_lines(tx, tenant, wanted, before=before, limit=AT_ONCE)
        yield [
            (
                f"{one.at:%Y-%m-%d %H:%M:%S}",
                one.kind,
                one.name,
                one.subject,
                one.text,
                one.run,
                one.by,
            )
            for one in page.lines
        ]
        before = page.next
        if before is None:
            return


async def _actions(house: Rooms, plan: int, wanted: ActionFilter) -> Pages:
    after: int | None = None
    while True:
        async with house.database.read() as tx:
            page = await load_actions(tx, house.tenant, plan, wanted, after=after, limit=AT_ONCE)
            known = await load_groups(
                tx, house.tenant, groups_of(one.action for one in page.actions)
            )
            groups = {id_: group.name for id_, group in known.items()}
            departments = {
                key: one.name for key, one in (await load_departments(tx, house.tenant)).items()
            }
        rows: list[Sequence[object]] = []
        for one in page.actions:
            head = (
                one.seq,
                KIND_LABELS[one.action.kind],
                title(one.action),
                one.name,
                one.subject,
                "held back" if one.held else one.status.value,
                one.action.because,
                one.text,
            )
            lines = differences(one.action, departments, groups)
            rows += [(*head, line.label, line.before, line.after) for line in lines] or [
                (*head, "", "", "")
            ]
        yield rows
        after = page.next
        if after is None:
            return


def csv_file(name: str, heads: Sequence[str], pages: Pages) -> Stream:
    """A list as a file, to be saved under a name; no cell of it is a formula."""

    async def pieces() -> AsyncIterator[bytes]:
        # Spreadsheets take a file for UTF-8 by this mark alone.
        yield b"\xef\xbb\xbf" + written_rows([heads]).encode()
        async for rows in pages:
            yield written_rows(rows).encode()

    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Stream(pieces(), media_type="text/csv", headers=headers)


ROUTES = [journal_csv, installation_journal_csv, actions_csv]
