"""Writes carried out on records in memory: the rules of the built-in phone directory.

Decided here: what is refused and in which words, what a repeat finds, what a write changes. The
records it needs are found, and its changes saved, by `jackfield.pbx.builtin`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
)
from jackfield.core.fields import LABELS
from jackfield.core.numbering import NumberingError, NumberRange, parse_number
from jackfield.pbx.port import (
    AvatarWrite,
    CreateDepartmentWrite,
    CreateExtensionWrite,
    Done,
    RefusalCode,
    Refused,
    RemoveExtensionWrite,
    RenameDepartmentWrite,
    UpdateExtensionWrite,
    Write,
)

TEXT_LENGTH = 256
"""Characters of a field, a department's name, an external key."""

# Controls, which a phone cannot show and PostgreSQL in part not store, and halves of characters.
_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class _Refusal(Exception):
    def __init__(self, code: RefusalCode, text: str) -> None:
        super().__init__(text)
        self.refused = Refused(code, text)


def is_text(text: str) -> bool:
    """Whether it may stand in a record."""
    return len(text) <= TEXT_LENGTH and _NO_TEXT.search(text) is None


def judge_avatar(write: AvatarWrite, extension: Extension | None, stands: str) -> Done | Refused:
    """What an avatar write comes to, by the digest of the avatar that stands ("" for none)."""
    if extension is None:
        return Refused(RefusalCode.NOT_FOUND, "The extension was removed meanwhile.")
    wanted = "" if write.avatar is None else write.avatar.digest
    if write.expected is not None and stands not in {write.expected, wanted}:
        return Refused(
            RefusalCode.STALE, f"{_who(extension)} has been given another picture meanwhile."
        )
    return Done(extension=extension, avatar=wanted)


@dataclass
class Ledger:
    """The records that a call's writes may meet, and what becomes of them.

    It has to hold every record that bears a key, external key, number or name which a write names.
    """

    ranges: Sequence[NumberRange]
    new_keys: Iterator[str]
    extensions: dict[ExtensionKey, Extension] = field(default_factory=dict)
    departments: dict[DepartmentKey, Department] = field(default_factory=dict)
    changed: set[ExtensionKey] = field(default_factory=set)
    removed: set[ExtensionKey] = field(default_factory=set)
    changed_departments: set[DepartmentKey] = field(default_factory=set)
    _by_number: dict[str, ExtensionKey] = field(default_factory=dict)
    _by_external_key: dict[str, ExtensionKey] = field(default_factory=dict)
    _departments_by_name: dict[str, DepartmentKey] = field(default_factory=dict)
    _departments_by_external_key: dict[str, DepartmentKey] = field(default_factory=dict)

    def hold(self, extensions: Iterable[Extension], departments: Iterable[Department]) -> None:
        """Take in records as they stand."""
        for extension in extensions:
            self._put(extension)
        for department in departments:
            self._put_department(department)

    def carry_out(self, write: Write) -> Done | Refused:
        """Do it, or say why not; a refused write leaves nothing behind."""
        try:
            match write:
                case CreateExtensionWrite():
                    return self._create(write)
                case UpdateExtensionWrite():
                    return self._update(write)
                case RemoveExtensionWrite():
                    return self._remove(write)
                case CreateDepartmentWrite():
                    return self._create_department(write)
                case RenameDepartmentWrite():
                    return self._rename_department(write)
                case _:
                    assert_never(write)
        except _Refusal as refusal:
            return refusal.refused

    def create_extension(
        self,
        external_key: str | None,
        number: str,
        fields: ExtensionFields,
        departments: Sequence[DepartmentKey],
        primary: DepartmentKey | None,
        *,
        enabled: bool = True,
    ) -> Done | Refused:
        """A new extension; without an external key it was made by hand."""
        try:
            self._check_number(number)
            self._check_fields({name: getattr(fields, name) for name in Field})
            self._check_departments(departments, primary, departments)
        except _Refusal as refusal:
            return refusal.refused
        extension = Extension(
            key=ExtensionKey(next(self.new_keys)),
            number=ExtensionNumber(number),
            fields=fields,
            departments=tuple(sorted(set(departments))),
            primary=primary,
            enabled=enabled,
            external_key=external_key,
        )
        self._change(extension)
        return Done(extension=extension, created=True)

    def create_department(self, external_key: str | None, name: str) -> Done | Refused:
        """A new department; without an external key it was made by hand."""
        try:
            self._check_name(name)
        except _Refusal as refusal:
            return refusal.refused
        department = Department(DepartmentKey(next(self.new_keys)), name, external_key)
        self._put_department(department)
        self.changed_departments.add(department.key)
        return Done(department=department, created=True)

    # --- the five writes

    def _create(self, write: CreateExtensionWrite) -> Done | Refused:
        self._check_external_key(write.external_key)
        if (key := self._by_external_key.get(write.external_key)) is not None:
            return Done(extension=self.extensions[key])
        return self.create_extension(
            write.external_key,
            write.number,
            write.fields,
            write.departments,
            write.primary,
            enabled=write.enabled,
        )

    def _update(self, write: UpdateExtensionWrite) -> Done:
        before = self.extensions.get(write.key)
        if before is None:
            raise _Refusal(RefusalCode.NOT_FOUND, "The extension was removed meanwhile.")
        for name, expected in write.expected.items():
            stands = getattr(before.fields, name)
            if stands not in {expected, write.changes.get(name, expected)}:
                raise _Refusal(
                    RefusalCode.STALE,
                    f"{LABELS[name]} of {_who(before)} was changed meanwhile: it is “{stands}”"
                    f" and no longer “{expected}”.",
                )
        if write.external_key is not None:
            self._check_binding(before, write.external_key)
        self._check_fields(write.changes)
        joined = {*before.departments, *write.add_departments} - {*write.remove_departments}
        if contradiction := {*write.add_departments} & {*write.remove_departments}:
            raise _Refusal(
                RefusalCode.VALUE_INVALID,
                f"{_who(before)} cannot join and leave a department in one go"
                f" (its key is {min(contradiction)}).",
            )
        self._check_departments(write.add_departments, write.primary, joined)
        primary = write.primary or before.primary
        after = Extension(
            key=before.key,
            number=before.number,
            fields=replace(before.fields, **{name.value: v for name, v in write.changes.items()}),
            departments=tuple(sorted(joined)),
            primary=primary if primary in joined else None,
            enabled=before.enabled if write.enabled is None else write.enabled,
            external_key=None if write.release else write.external_key or before.external_key,
        )
        if write.release and before.external_key is not None:
            del self._by_external_key[before.external_key]
        if after != before:
            self._change(after)
        return Done(extension=after)

    def _remove(self, write: RemoveExtensionWrite) -> Done:
        extension = self.extensions.get(write.key)
        if extension is None:
            return Done()
        if extension.number != write.expected_number:
            raise _Refusal(
                RefusalCode.STALE,
                f"It was number {write.expected_number} that should be removed, but the extension"
                f" is {_who(extension)}.",
            )
        del self.extensions[write.key], self._by_number[extension.number]
        if extension.external_key is not None:
            del self._by_external_key[extension.external_key]
        self.changed.discard(write.key)
        self.removed.add(write.key)
        return Done()

    def _create_department(self, write: CreateDepartmentWrite) -> Done | Refused:
        self._check_external_key(write.external_key)
        key = self._departments_by_external_key.get(write.external_key)
        if key is not None:
            return Done(department=self.departments[key])
        return self.create_department(write.external_key, write.name)

    def _rename_department(self, write: RenameDepartmentWrite) -> Done:
        before = self.departments.get(write.key)
        if before is None:
            raise _Refusal(RefusalCode.NOT_FOUND, "The department was removed meanwhile.")
        if before.name == write.name:
            return Done(department=before)
        if before.name != write.expected_name:
            raise _Refusal(
                RefusalCode.STALE,
                f"The department “{write.expected_name}” was renamed meanwhile: it is called"
                f" “{before.name}”.",
            )
        self._check_name(write.name, bearer=before.key)
        del self._departments_by_name[before.name.casefold()]
        after = replace(before, name=write.name)
        self._put_department(after)
        self.changed_departments.add(after.key)
        return Done(department=after)

    # --- checks

    def _check_number(self, number: str) -> None:
        try:
            written = parse_number(number)
        except NumberingError as error:
            raise _Refusal(RefusalCode.NUMBER_INVALID, str(error)) from error
        if written != number:
            raise _Refusal(
                RefusalCode.NUMBER_INVALID, f"The number “{number}” has spaces around it."
            )
        if not any(number in range_ for range_ in self.ranges):
            raise _Refusal(
                RefusalCode.NUMBER_INVALID,
                f"Number {number} lies outside {', '.join(map(str, self.ranges))}.",
            )
        if (key := self._by_number.get(number)) is not None:
            fields = self.extensions[key].fields
            whose = f"{fields.first_name} {fields.last_name}".strip() or "another extension"
            raise _Refusal(RefusalCode.NUMBER_TAKEN, f"Number {number} is taken by {whose}.")

    @staticmethod
    def _check_fields(values: Mapping[Field, str]) -> None:
        for name, value in values.items():
            _check_text(LABELS[name], value)

    def _check_name(self, name: str, bearer: DepartmentKey | None = None) -> None:
        if not name.strip():
            raise _Refusal(RefusalCode.VALUE_INVALID, "A department needs a name.")
        _check_text("The name of the department", name)
        key = self._departments_by_name.get(name.casefold())
        if key not in {None, bearer}:
            raise _Refusal(
                RefusalCode.NAME_TAKEN, f"There is a department called “{name}” already."
            )

    @staticmethod
    def _check_external_key(external_key: str) -> None:
        if not external_key or not is_text(external_key):
            raise _Refusal(RefusalCode.VALUE_INVALID, "What was asked for bears no usable key.")

    def _check_binding(self, extension: Extension, external_key: str) -> None:
        self._check_external_key(external_key)
        if extension.external_key not in {None, external_key}:
            raise _Refusal(
                RefusalCode.KEY_TAKEN, f"{_who(extension)} belongs to somebody else already."
            )
        if self._by_external_key.get(external_key, extension.key) != extension.key:
            holder = self.extensions[self._by_external_key[external_key]]
            raise _Refusal(
                RefusalCode.KEY_TAKEN, f"The person has an extension already: {_who(holder)}."
            )

    def _check_departments(
        self,
        named: Iterable[DepartmentKey],
        primary: DepartmentKey | None,
        joined: Iterable[DepartmentKey],
    ) -> None:
        for key in named:
            if key not in self.departments:
                raise _Refusal(
                    RefusalCode.NOT_FOUND,
                    f"The department with the key {key} was removed meanwhile.",
                )
        if primary is not None and primary not in joined:
            raise _Refusal(
                RefusalCode.VALUE_INVALID, "The primary department must be one of the departments."
            )

    # --- records

    def _put(self, extension: Extension) -> None:
        self.extensions[extension.key] = extension
        self._by_number[extension.number] = extension.key
        if extension.external_key is not None:
            self._by_external_key[extension.external_key] = extension.key

    def _change(self, extension: Extension) -> None:
        self._put(extension)
        self.changed.add(extension.key)

    def _put_department(self, department: Department) -> None:
        self.departments[department.key] = department
        self._departments_by_name[department.name.casefold()] = department.key
        if department.external_key is not None:
            self._departments_by_external_key[department.external_key] = department.key


def _check_text(what: str, text: str) -> None:
    if len(text) > TEXT_LENGTH:
        raise _Refusal(
            RefusalCode.VALUE_INVALID, f"{what} has {len(text)} characters; at most {TEXT_LENGTH}."
        )
    if _NO_TEXT.search(text):
        raise _Refusal(RefusalCode.VALUE_INVALID, f"{what} has characters that are no text.")


def _who(extension: Extension) -> str:
    """An extension as an administrator knows it: "204 (Ada Lovelace)"."""
    name = f"{extension.fields.first_name} {extension.fields.last_name}".strip()
    return f"{extension.number} ({name})" if name else str(extension.number)
