"""Rows for the pages: many people with extensions, and texts meant to do harm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from jackfield.core.actions import (
    CreateDepartment,
    CreateExtension,
    DisableExtension,
    FieldChange,
    FlagDepartment,
    Notice,
    Plan,
    Refusal,
    RefusalKind,
    UpdateExtension,
)
from jackfield.core.departments import Group, GroupKind
from jackfield.core.extensions import (
    Department,
    DepartmentFlag,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
    Link,
)
from jackfield.core.people import GroupId, LeaverCause, ObjectId, Person
from jackfield.store.alarms import begin_alarm
from jackfield.store.groups import Member, apply_member_changes, save_groups, save_skus
from jackfield.store.journal import Line, append_lines
from jackfield.store.links import save_department_links, save_links
from jackfield.store.people_rounds import save_people
from jackfield.store.phone_departments import add_departments
from jackfield.store.phones import save_extensions
from jackfield.store.plans import Versions, save_plan
from jackfield.store.runs import RunStatus, Trigger, begin_run, end_run, report_progress
from jackfield.store.tenants import Connection, CredentialKind, save_connection
from jackfield.store.transaction import Transaction

SKU = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"


def person_id(number: int) -> ObjectId:
    return ObjectId(f"00000000-0000-4000-8000-{number:012d}")


def group_id(number: int) -> GroupId:
    return GroupId(f"00000000-0000-4000-9000-{number:012d}")


def extension_key(number: int) -> ExtensionKey:
    return ExtensionKey(f"x{number}")


def a_person(number: int, name: str = "", **more: object) -> Person:
    given = {
        "display_name": name or f"Person {number:04d}",
        "given_name": "Person",
        "surname": f"{number:04d}",
        "mail": f"person{number}@contoso.example",
        "has_mailbox": True,
        "skus": (SKU,),
        **more,
    }
    return Person(person_id(number), f"person{number}@contoso.example", **given)  # type: ignore[arg-type]


async def connect(tx: Transaction, now: datetime, organisation: str = "Contoso") -> None:
    await save_connection(
        tx,
        1,
        Connection(
            tid="11111111-2222-4333-8444-555555555555",
            organisation=organisation,
            client_id="66666666-7777-4888-8999-000000000000",
            credential=CredentialKind.SECRET,
            secret_name="graph.credential",
            connected_at=now,
        ),
    )


async def save_persons(tx: Transaction, persons: Sequence[Person], now: datetime) -> None:
    await save_people(tx, 1, persons, {one.id: 1 for one in persons}, 1, now=now)


async def give_extensions(tx: Transaction, persons: Sequence[Person], now: datetime) -> None:
    """An extension for each, linked."""
    extensions = []
    for at, one in enumerate(persons):
        fields = ExtensionFields(one.given_name, one.surname, one.mail, one.mobile_phone)
        extensions.append(
            Extension(extension_key(at), ExtensionNumber(str(200 + at)), fields, enabled=True)
        )
    await save_extensions(tx, 1, extensions, 1)
    await save_links(
        tx,
        1,
        [
            Link(one.id, extension.key, extension.number, extension.fields)
            for one, extension in zip(persons, extensions, strict=True)
        ],
        now=now,
    )


async def fill(tx: Transaction, count: int, now: datetime) -> list[Person]:
    """So many people, each with an extension."""
    await connect(tx, now)
    persons = [a_person(number) for number in range(count)]
    await save_persons(tx, persons, now)
    await give_extensions(tx, persons, now)
    return persons


async def fill_with(tx: Transaction, text: str, now: datetime) -> None:
    """One of everything that a page may show, with `text` wherever text comes from outside."""
    await connect(tx, now, text)
    everywhere = dict.fromkeys(
        [
            "given_name",
            "surname",
            "mail",
            "mobile_phone",
            "business_phone",
            "job_title",
            "company_name",
            "department",
            "office_location",
        ],
        text,
    )
    linked, leaver, alone = (a_person(n, text, **everywhere) for n in range(3))
    await save_persons(tx, [linked, leaver, alone], now)
    await save_skus(tx, 1, {SKU: (text, text)})
    department = Department(DepartmentKey(f"d{text}"), text)
    flagged = Department(DepartmentKey("d2"), text + "2")
    await add_departments(tx, 1, [department, flagged])
    fields = ExtensionFields(*[text] * len(Field))
    extensions = [
        Extension(
            ExtensionKey(f"{n}{text}"),
            ExtensionNumber(str(200 + n)),
            fields,
            (department.key,),
            department.key,
            enabled=n != 1,
        )
        for n in range(3)
    ]
    await save_extensions(tx, 1, extensions, 1)
    await save_links(
        tx,
        1,
        [
            Link(linked.id, extensions[0].key, extensions[0].number, fields),
            Link(
                leaver.id,
                extensions[1].key,
                extensions[1].number,
                fields,
                left=LeaverCause.DISABLED,
            ),
        ],
        now=now,
    )
    groups = [
        Group(group_id(n), text, GroupKind.SECURITY, description=text, mail=text) for n in range(3)
    ]
    await save_groups(tx, 1, groups, 1, now=now)
    await apply_member_changes(tx, 1, [Member(group_id(0), linked.id)], [], 1)
    await save_department_links(
        tx,
        1,
        [
            DepartmentLink(group_id(0), department.key, text, text),
            DepartmentLink(group_id(1), flagged.key, text, text, DepartmentFlag.VANISHED),
        ],
    )
    await begin_alarm(tx, 1, "people.guard", text=text, next_step=text, now=now)
    await begin_alarm(tx, 1, "graph.groups", text=text, next_step=text, now=now)
    lines = [
        Line("create_extension.done", text, subject=linked.id, name=text, run="1", by=text),
        Line("settings.changed", text, subject=group_id(0), name=text, by=text),
    ]
    await append_lines(tx, 1, lines, now=now)
    run = await begin_run(
        tx, 1, "flow", kind="people", trigger=Trigger.ADMINISTRATOR, mode="full", now=now, by=text
    )
    await end_run(
        tx,
        1,
        run.id,
        RunStatus.DONE,
        now=now,
        counts={"changes": 3, "people": 3, "create_extension": 1},
        text=text,
    )
    running = await begin_run(
        tx, 1, "flow2", kind="people", trigger=Trigger.ADMINISTRATOR, mode=text, now=now, by=text
    )
    await report_progress(tx, 1, running.id, 1, 3, stage=text)
    number = ExtensionNumber("200")
    plan = Plan(
        actions=(
            CreateDepartment(group_id(0), text, text, text),
            FlagDepartment(group_id(1), department.key, text, DepartmentFlag.DESELECTED, text),
            CreateExtension(linked.id, text, number, fields, (group_id(0),), group_id(0), text),
            UpdateExtension(
                linked.id,
                text,
                extensions[0].key,
                number,
                tuple(FieldChange(field, text, text + "!", text) for field in Field),
                None,
                text,
            ),
        ),
        held=(
            DisableExtension(
                leaver.id, text, extensions[1].key, number, LeaverCause.DISABLED, text
            ),
        ),
        refusals=(
            Refusal(RefusalKind.TOO_MANY_DISABLES, "", "", text, text, 1),
            Refusal(RefusalKind.DOUBTFUL_MATCH, alone.id, text, text, text),
        ),
        notices=(Notice(linked.id, text, text),),
    )
    await save_plan(
        tx, 1, plan, now=now, made_by=text, versions=Versions(), people_now=3, run="flow"
    )
