"""Users, Not synced, Departments, Numbers and Runs as CSV, filtered like their pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from litestar import get
from litestar.params import FromQuery
from litestar.response import Stream

from jackfield.core.fields import shown_name
from jackfield.core.number_forecast import outlook
from jackfield.core.wording import run_name
from jackfield.flows.coverage import load_refused, load_uncovered
from jackfield.store.groups import load_skus
from jackfield.store.phone_departments import load_departments
from jackfield.store.runs import list_runs
from jackfield.store.users import Order, UserFilter, list_users
from jackfield.web import tags
from jackfield.web.admin.asking import check_choice
from jackfield.web.admin.departments import load_rows
from jackfield.web.admin.exports import AT_ONCE, Pages, csv_file
from jackfield.web.admin.frame import AnyRequest
from jackfield.web.admin.users import wanted_users
from jackfield.web.licences import licence_names
from jackfield.web.rendering import run_told
from jackfield.web.rooms import House, Rooms

_USERS = (
    "number",
    "first name",
    "last name",
    "e-mail",
    "mobile",
    "job title",
    "company",
    "office",
    "outbound caller ID",
    "state",
    "source",
    "primary department",
    "departments",
    "licences",
    "sign-in name",
    "object ID",
    "leaver",
)
_UNCOVERED = ("name", "e-mail", "sign-in name", "object ID", "account", "licences", "why", "next")
_DEPARTMENTS = ("department", "follows the group", "group's object ID", "extensions", "state")
_NUMBERS = (
    "pool",
    "numbers",
    "size",
    "used",
    "held",
    "reserved",
    "free",
    "newcomers a day",
    "runs out",
)
_RUNS = ("run", "kind", "begun (UTC)", "ended (UTC)", "by", "result", "what came of it")


@get("/users.csv", include_in_schema=False)
async def users_csv(
    request: AnyRequest,  # noqa: ARG001 - a visitor is asked for
    house: House,
    q: FromQuery[str] = "",
    source: FromQuery[str] = "",
    department: FromQuery[str] = "",
    sku: FromQuery[str] = "",
    status: FromQuery[str] = "",
    order: FromQuery[str] = "",
) -> Stream:
    """All extensions that fit."""
    wanted = wanted_users(q, source, department, sku, status)
    check_choice("order", order, list(Order))
    return csv_file("users.csv", _USERS, _users(house, wanted, Order(order or Order.NAME)))


@get("/users/not-synced.csv", include_in_schema=False)
async def uncovered_csv(
    request: AnyRequest,  # noqa: ARG001 - a visitor is asked for
    house: House,
    q: FromQuery[str] = "",
) -> Stream:
    """All people without an extension that fit, each with the reason."""
    return csv_file("not-synced.csv", _UNCOVERED, _uncovered(house, q[:200]))


@get("/departments.csv", include_in_schema=False)
async def departments_csv(
    request: AnyRequest,  # noqa: ARG001 - a visitor is asked for
    house: House,
    q: FromQuery[str] = "",
) -> Stream:
    """All departments that fit."""
    return csv_file("departments.csv", _DEPARTMENTS, _departments(house, q))


@get("/numbers.csv", include_in_schema=False)
async def numbers_csv(
    request: AnyRequest,  # noqa: ARG001 - a visitor is asked for
    house: House,
) -> Stream:
    """Every pool of numbers."""
    return csv_file("numbers.csv", _NUMBERS, _pools(house))


@get("/runs.csv", include_in_schema=False)
async def runs_csv(
    request: AnyRequest,  # noqa: ARG001 - a visitor is asked for
    house: House,
    show_all: FromQuery[str] = "",
) -> Stream:
    """Runs, the newest first; quiet looks for changes only where asked for."""
    check_choice("show_all", show_all, ["yes"])
    return csv_file("runs.csv", _RUNS, _runs(house, noteworthy=not show_all))


async def _users(house: Rooms, wanted: UserFilter, order: Order) -> Pages:
    after: str | None = None
    while True:
        async with house.database.read() as tx:
            page = await list_users(
                tx, house.tenant, wanted, order=order, limit=AT_ONCE, after=after
            )
            departments = await load_departments(tx, house.tenant)
            skus = await load_skus(tx, house.tenant)
        names = {key: one.name for key, one in departments.items()}
        rows: list[Sequence[object]] = []
        for user in page.users:
            one, link, person = user.extension, user.link, user.person
            fields = one.fields
            rows.append(
                (
                    one.number,
                    fields.first_name,
                    fields.last_name,
                    fields.email,
                    fields.mobile,
                    fields.job_title,
                    fields.company,
                    fields.office,
                    fields.caller_id,
                    "enabled" if one.enabled else "disabled",
                    "Microsoft 365" if link else "by hand",
                    names.get(one.primary, "") if one.primary else "",
                    "; ".join(names.get(key, key) for key in one.departments),
                    "; ".join(licence_names(person.skus, skus)) if person else "",
                    person.upn if person else "",
                    link.person if link else "",
                    tags.LEAVER_TAGS[user.left].text if user.left else "",
                )
            )
        yield rows
        after = page.found.next
        if after is None:
            return


async def _uncovered(house: Rooms, q: str) -> Pages:
    after: str | None = None
    async with house.database.read() as tx:
        refused = await load_refused(tx, house.tenant)
    while True:
        async with house.database.read() as tx:
            page = await load_uncovered(
                tx, house.tenant, q, limit=AT_ONCE, after=after, refused=refused
            )
            skus = await load_skus(tx, house.tenant)
        yield [
            (
                shown_name(one.person),
                one.person.mail,
                one.person.upn,
                one.person.id,
                "enabled" if one.person.enabled else "disabled",
                "; ".join(licence_names(one.person.skus, skus)),
                one.because,
                one.next_step,
            )
            for one in page.people
        ]
        after = page.found.next
        if after is None:
            return


async def _departments(house: Rooms, q: str) -> Pages:
    async with house.database.read() as tx:
        found, _ = await load_rows(tx, house.tenant, q)
    rows: list[Sequence[object]] = []
    for row in found:
        link = row.link
        group = (row.group.name if row.group else link.group_name) if link else ""
        state = tags.FLAG_TAGS[link.flag].text if link and link.flag else "Follows its group"
        rows.append(
            (
                row.department.name,
                group,
                link.group if link else "",
                row.members,
                state if link else "Made by hand",
            )
        )
    yield rows


async def _pools(house: Rooms) -> Pages:
    yield [
        (
            one.name or "everybody",
            one.numbers,
            one.size,
            one.used,
            one.held,
            one.reserved,
            one.free,
            "" if one.per_day is None else f"{one.per_day:.2f}",
            outlook(one),
        )
        for one in await house.numbers.pools(house.tenant)
    ]


async def _runs(house: Rooms, *, noteworthy: bool) -> Pages:
    before: int | None = None
    while True:
        async with house.database.read() as tx:
            page = await list_runs(
                tx, house.tenant, noteworthy=noteworthy, limit=AT_ONCE, before=before
            )
        now = house.clock.now()
        yield [
            (
                one.id,
                run_name(one.mode),
                _moment(one.started_at),
                _moment(one.ended_at),
                one.by or "schedule",
                tags.RUN_TAGS[one.status].text,
                run_told(one, now),
            )
            for one in page
        ]
        if len(page) < AT_ONCE:
            return
        before = page[-1].id


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""


ROUTES = [users_csv, uncovered_csv, departments_csv, numbers_csv, runs_csv]
