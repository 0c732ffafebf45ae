"""A phone system with 3CX's habits, so that the phone port is not shaped by its only implementer.

The port's promises, kept over `threecx_pbx`: what one call of the port needs several requests for,
what 3CX does not keep (our external keys), and what a lost answer leaves half done. An adapter for
a real 3CX will do the same with other means: `Notes` is what it has to keep in the archive.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from doubles.order import Unsettled
from doubles.threecx_errors import RefusedByPbx, accepted
from doubles.threecx_pbx import PAGE_CAP, TEXT_LIMIT, AnswerLost, Line
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
)
from jackfield.core.numbering import NumberRange
from jackfield.pbx.port import (
    WRITE_LIMIT,
    AvatarWrite,
    Capabilities,
    CreateDepartmentWrite,
    CreateExtensionWrite,
    Done,
    ExtensionsPage,
    Outcome,
    PhoneSystemForgot,
    PhoneSystemUnreachable,
    RefusalCode,
    Refused,
    RemoveExtensionWrite,
    RenameDepartmentWrite,
    Unanswered,
    UpdateExtensionWrite,
    Write,
)

READ_TRIES = 6
"""Reads may be repeated at once; writes are left to the caller, as `Unanswered`."""

WIRE_NAMES = {
    Field.FIRST_NAME: "FirstName",
    Field.LAST_NAME: "LastName",
    Field.EMAIL: "EmailAddress",
    Field.MOBILE: "Mobile",
    Field.CALLER_ID: "OutboundCallerID",
}


@dataclass
class Note:
    """What we meant to create, written down before the request leaves."""

    name: str
    """The number of an extension, the name of a department."""
    email: str
    newer_than: int
    """The highest id before the request: what is not newer was not made by us."""
    id: int | None = None
    """Known when the creation is finished, every step of it."""


class NoteBook:
    """Notes by external key."""

    def __init__(self) -> None:
        self._notes: dict[str, Note] = {}
        self._keys: dict[int, str] = {}

    def get(self, external_key: str) -> Note | None:
        return self._notes.get(external_key)

    def key_of(self, id_: int) -> str | None:
        """Whose finished creation (or adoption) it is. Ids are never given twice."""
        return self._keys.get(id_)

    def intend(self, external_key: str, note: Note) -> None:
        self._notes[external_key] = note

    def forget(self, external_key: str) -> None:
        del self._notes[external_key]

    def release(self, id_: int) -> None:
        if (external_key := self._keys.pop(id_, None)) is not None:
            del self._notes[external_key]

    def finish(self, external_key: str, id_: int) -> None:
        self._notes[external_key].id = id_
        self._keys[id_] = external_key


@dataclass
class Notes:
    """Outlive the adapter object, as rows of the archive would."""

    extensions: NoteBook = field(default_factory=NoteBook)
    departments: NoteBook = field(default_factory=NoteBook)


class ThreeCxHabits:
    """`PhoneSystem` over one `Line`."""

    def __init__(self, line: Line, notes: Notes) -> None:
        self._line = line
        self._notes = notes

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            name="Double with 3CX's habits",
            ranges=(NumberRange("100", "99999"),),
            name_length=TEXT_LIMIT,
            fields=frozenset(WIRE_NAMES),
        )

    # --- reading

    async def read_identity(self) -> str:
        name: str = (await self._ask("GET", "SystemStatus"))["FQDN"]
        return name

    async def read_extensions(self, cursor: str | None = None) -> AsyncIterator[ExtensionsPage]:
        if cursor is not None:
            raise PhoneSystemForgot("3CX does not tell what changed: read everything")
        async for rows in self._pages("Users", {"$expand": "Groups"}):
            yield ExtensionsPage(tuple(self._extension(row) for row in rows))

    async def read_departments(self) -> tuple[Department, ...]:
        return tuple([self._department(row) for row in await self._all("Groups")])

    async def read_used_numbers(self) -> frozenset[str]:
        return frozenset([row["Number"] for row in await self._all("Peers")])

    async def read_avatars(self, keys: Sequence[ExtensionKey]) -> Mapping[ExtensionKey, str]:
        """`ContactImage` is read-only, in a form that nobody has documented."""
        del keys
        return {}

    async def write_avatars(self, writes: Sequence[AvatarWrite]) -> list[Outcome]:
        if len(writes) > WRITE_LIMIT:
            raise ValueError(f"{len(writes)} writes in one call, at most {WRITE_LIMIT}")
        refused = Refused(RefusalCode.OTHER, "The phone system takes no pictures.")
        return [refused for _ in writes]

    async def _pages(
        self, entity: str, query: Mapping[str, str]
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """By "Id gt": with `$skip` a row deleted between two pages would hide another one."""
        last = 0
        while True:
            page = {"$filter": f"Id gt {last}", "$orderby": "Id", "$top": str(PAGE_CAP)}
            rows = (await self._ask("GET", entity, {**query, **page}))["value"]
            if not rows:
                return
            yield rows
            last = rows[-1]["Id"]

    async def _all(self, entity: str) -> list[dict[str, Any]]:
        return [row async for rows in self._pages(entity, {}) for row in rows]

    async def _highest_id(self, entity: str) -> int:
        newest = await self._ask("GET", entity, {"$orderby": "Id desc", "$top": "1"})
        return newest["value"][0]["Id"] if newest["value"] else 0

    async def _user(self, key: ExtensionKey | int) -> dict[str, Any] | None:
        return await self._one("Users", str(key), {"$expand": "Groups"})

    async def _one(
        self, entity: str, key: str, query: Mapping[str, str] | None = None
    ) -> dict[str, Any] | None:
        """A record by its key; None for one that is not there, or is no key of a 3CX at all."""
        if not (key.isascii() and key.isdecimal()):
            return None
        try:
            row: dict[str, Any] = await self._ask("GET", f"{entity}({key})", query)
        except RefusedByPbx as error:
            if error.refused.code is RefusalCode.NOT_FOUND:
                return None
            raise
        return row

    async def _user_by_number(self, number: str) -> dict[str, Any] | None:
        # A quote ends the literal early; doubled it stands for itself.
        quoted = number.replace("'", "''")
        query = {"$filter": f"Number eq '{quoted}'", "$expand": "Groups"}
        rows = (await self._ask("GET", "Users", query))["value"]
        return rows[0] if rows else None

    # --- requests and their answers

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        tries = READ_TRIES if method == "GET" else 1
        while True:
            try:
                return accepted(await self._line.send(method, path, query, body))
            except AnswerLost as error:
                tries -= 1
                if not tries and method == "GET":
                    raise PhoneSystemUnreachable(str(error)) from error
                if not tries:
                    raise

    def _extension(self, row: Mapping[str, Any]) -> Extension:
        return Extension(
            key=ExtensionKey(str(row["Id"])),
            number=ExtensionNumber(row["Number"]),
            fields=ExtensionFields(**{f.value: row[name] for f, name in WIRE_NAMES.items()}),
            departments=tuple([DepartmentKey(str(item["GroupId"])) for item in row["Groups"]]),
            primary=DepartmentKey(str(row["PrimaryGroupId"])),
            enabled=row["Enabled"],
            external_key=self._notes.extensions.key_of(row["Id"]),
        )

    def _department(self, row: Mapping[str, Any]) -> Department:
        external_key = self._notes.departments.key_of(row["Id"])
        return Department(DepartmentKey(str(row["Id"])), row["Name"], external_key)

    # --- writing

    async def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """One by one: there is no batch create."""
        if len(writes) > WRITE_LIMIT:
            raise ValueError(f"{len(writes)} writes in one call, at most {WRITE_LIMIT}")
        outcomes: list[Outcome] = []
        unsettled = Unsettled()
        for write in writes:
            if unsettled.holds_up(write):
                outcome: Outcome = Unanswered("waits for one before it that was not answered")
            else:
                try:
                    outcome = await self._carry_out(write)
                except PhoneSystemUnreachable as error:
                    if not outcomes:
                        raise
                    # What was answered before the line broke is not thrown away.
                    return outcomes + [Unanswered(str(error))] * (len(writes) - len(outcomes))
            if isinstance(outcome, Unanswered):
                unsettled.note(write)
            outcomes.append(outcome)
        return outcomes

    async def _carry_out(self, write: Write) -> Outcome:
        try:
            match write:
                case CreateExtensionWrite():
                    return await self._create_extension(write)
                case UpdateExtensionWrite():
                    return await self._update_extension(write)
                case RemoveExtensionWrite():
                    return await self._remove_extension(write)
                case CreateDepartmentWrite():
                    return await self._create_department(write)
                case RenameDepartmentWrite():
                    return await self._rename_department(write)
                case _:
                    assert_never(write)
        except AnswerLost as error:
            return Unanswered(str(error))
        except RefusedByPbx as error:
            return error.refused

    async def _create_extension(self, write: CreateExtensionWrite) -> Outcome:
        if not write.external_key:
            return Refused(RefusalCode.VALUE_INVALID, "an external key is needed")
        note = self._notes.extensions.get(write.external_key)
        if note is not None and (row := await self._made_extension(note)) is not None:
            if note.id is None:
                row = await self._finish_extension(row, write)
            return Done(extension=self._extension(row))
        groups = await self._known_groups(write.departments)
        if write.primary is not None and write.primary not in write.departments:
            return Refused(RefusalCode.VALUE_INVALID, "the primary department is not among them")
        note = Note(write.number, write.fields.email, await self._highest_id("Users"))
        self._notes.extensions.intend(write.external_key, note)
        body = {name: getattr(write.fields, f.value) for f, name in WIRE_NAMES.items()}
        body |= {
            "Number": write.number,
            "Groups": _as_groups(groups),
            "Enabled": write.enabled,
        }
        try:
            made = await self._ask("POST", "Users", body=body)
        except RefusedByPbx:
            self._notes.extensions.forget(write.external_key)
            raise
        row = await self._finish_extension(made, write)
        return Done(extension=self._extension(row), created=True)

    async def _made_extension(self, note: Note) -> dict[str, Any] | None:
        if note.id is not None:
            return await self._user(note.id)
        row = await self._user_by_number(note.name)
        if row is None or row["Id"] <= note.newer_than:
            return None
        return row if row["EmailAddress"].casefold() == note.email.casefold() else None

    async def _finish_extension(
        self, row: Mapping[str, Any], write: CreateExtensionWrite
    ) -> dict[str, Any]:
        """The second step of a creation: the primary department, once the membership stands."""
        key = row["Id"]
        if write.primary is not None and str(row["PrimaryGroupId"]) != write.primary:
            # Refused only where somebody changed the memberships meanwhile: the record shows it.
            with contextlib.suppress(RefusedByPbx):
                body = {"PrimaryGroupId": int(write.primary)}
                await self._ask("PATCH", f"Users({key})", body=body)
        self._notes.extensions.finish(write.external_key, key)
        return await self._stands(key)

    async def _stands(self, key: int) -> dict[str, Any]:
        row = await self._user(key)
        if row is None:
            raise RefusedByPbx(Refused(RefusalCode.NOT_FOUND, f"user {key} was just removed"))
        return row

    async def _update_extension(self, write: UpdateExtensionWrite) -> Outcome:
        row = await self._user(write.key)
        if row is None:
            return Refused(RefusalCode.NOT_FOUND, f"no user {write.key}")
        if strange := (write.changes.keys() | write.expected.keys()) - WIRE_NAMES.keys():
            return Refused(RefusalCode.VALUE_INVALID, f"3CX has no {', '.join(sorted(strange))}")
        for name, expected in write.expected.items():
            stands = row[WIRE_NAMES[name]]
            if stands not in {expected, write.changes.get(name, expected)}:
                return Refused(RefusalCode.STALE, f"{name} is {stands!r}, not {expected!r}")
        if write.external_key is not None and not await self._can_bind(write.external_key, row):
            return Refused(RefusalCode.KEY_TAKEN, "bound to another one")
        add = await self._known_groups(write.add_departments)
        if set(write.add_departments) & set(write.remove_departments):
            return Refused(RefusalCode.VALUE_INVALID, "one department is added and removed")
        before = {item["GroupId"] for item in row["Groups"]}
        after = (before | add) - {int(k) for k in write.remove_departments if k.isdecimal()}
        if write.primary is not None and write.primary not in {str(group) for group in after}:
            return Refused(RefusalCode.VALUE_INVALID, "the primary department is not among them")

        changes: dict[str, Any] = {WIRE_NAMES[name]: text for name, text in write.changes.items()}
        if write.enabled is not None:
            changes["Enabled"] = write.enabled
        if after != before:
            changes["Groups"] = _as_groups(after)
        if any(row.get(name) != value for name, value in changes.items()):
            await self._ask("PATCH", f"Users({row['Id']})", body=changes)
            row = await self._stands(row["Id"])
        if write.primary is not None and str(row["PrimaryGroupId"]) != write.primary:
            body = {"PrimaryGroupId": int(write.primary)}
            await self._ask("PATCH", f"Users({row['Id']})", body=body)
            row = await self._stands(row["Id"])
        if write.external_key is not None:
            note = Note(row["Number"], row["EmailAddress"], row["Id"] - 1)
            self._notes.extensions.intend(write.external_key, note)
            self._notes.extensions.finish(write.external_key, row["Id"])
        if write.release:
            self._notes.extensions.release(row["Id"])
        return Done(extension=self._extension(row))

    async def _can_bind(self, external_key: str, row: Mapping[str, Any]) -> bool:
        if self._extension(row).external_key not in {None, external_key}:
            return False
        note = self._notes.extensions.get(external_key)
        if note is None or note.id == row["Id"]:
            return True
        return await self._made_extension(note) is None

    async def _remove_extension(self, write: RemoveExtensionWrite) -> Outcome:
        row = await self._user(write.key)
        if row is None:
            return Done()
        if row["Number"] != write.expected_number:
            text = f"user {write.key} has number {row['Number']}, not {write.expected_number}"
            return Refused(RefusalCode.STALE, text)
        try:
            await self._ask("DELETE", f"Users({write.key})")
        except RefusedByPbx as error:
            if error.refused.code is not RefusalCode.NOT_FOUND:
                raise
        return Done()

    async def _create_department(self, write: CreateDepartmentWrite) -> Outcome:
        if not write.external_key:
            return Refused(RefusalCode.VALUE_INVALID, "an external key is needed")
        groups = await self._all("Groups")
        note = self._notes.departments.get(write.external_key)
        if note is not None and (row := _made_group(groups, note)) is not None:
            self._notes.departments.finish(write.external_key, row["Id"])
            return Done(department=self._department(row))
        if any(_same_name(row["Name"], write.name) for row in groups):
            return Refused(RefusalCode.NAME_TAKEN, f"a department {write.name!r} stands already")
        note = Note(write.name, "", max(row["Id"] for row in groups))
        self._notes.departments.intend(write.external_key, note)
        try:
            row = await self._ask("POST", "Groups", body={"Name": write.name})
        except RefusedByPbx:
            self._notes.departments.forget(write.external_key)
            raise
        self._notes.departments.finish(write.external_key, row["Id"])
        return Done(department=self._department(row), created=True)

    async def _rename_department(self, write: RenameDepartmentWrite) -> Outcome:
        row = await self._one("Groups", write.key)
        if row is None:
            return Refused(RefusalCode.NOT_FOUND, f"no group {write.key}")
        if row["Name"] == write.name:
            return Done(department=self._department(row))
        if row["Name"] != write.expected_name:
            return Refused(RefusalCode.STALE, f"it is called {row['Name']!r} now")
        others = [other for other in await self._all("Groups") if other["Id"] != row["Id"]]
        if any(_same_name(other["Name"], write.name) for other in others):
            return Refused(RefusalCode.NAME_TAKEN, f"a department {write.name!r} stands already")
        await self._ask("PATCH", f"Groups({row['Id']})", body={"Name": write.name})
        return Done(department=replace(self._department(row), name=write.name))

    async def _known_groups(self, keys: Sequence[DepartmentKey]) -> set[int]:
        """Their ids; refuses the write before its first request where one does not exist."""
        known: set[int] = set()
        for key in keys:
            if await self._one("Groups", key) is None:
                raise RefusedByPbx(Refused(RefusalCode.NOT_FOUND, f"no group {key}"))
            known.add(int(key))
        return known


def _as_groups(ids: set[int]) -> list[dict[str, Any]]:
    return [{"GroupId": group} for group in sorted(ids)]


def _same_name(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _made_group(groups: Sequence[dict[str, Any]], note: Note) -> dict[str, Any] | None:
    """The group that a note tells of: by its id, else by name among those newer than the note."""
    for row in groups:
        if note.id is not None and row["Id"] == note.id:
            return row
        if note.id is None and row["Id"] > note.newer_than and row["Name"] == note.name:
            return row
    return None
