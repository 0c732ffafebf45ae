"""The form of people sync: from settings to fields, and back with located errors.

`FIELDS` says which there are: a new choice is a row there, and its place on the page. What a value
means is decided in `core`; here a wrong one is said beside its field, and what was typed is kept as
it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import available_timezones

from litestar.datastructures import FormMultiDict

from jackfield.core.choice_words import FED_FIELDS, GUARDS, place_of_guard, value_told
from jackfield.core.choice_words import LABELS as CALLED
from jackfield.core.departments import DepartmentSource
from jackfield.core.numbering import NumberRange
from jackfield.core.people import LeaverCause, LeaverPolicy, Scope
from jackfield.core.rules import check_remove_after, missing_choices
from jackfield.core.schedule import check_schedule
from jackfield.store.settings import Approval, PeopleSettings
from jackfield.web.admin.attributes_form import attributes_of
from jackfield.web.admin.form_fields import (
    GROUPS,
    PART_PERCENT,
    PART_RANGES,
    PART_TEXT,
    PART_TICK,
    PART_TRIMMED,
    PEOPLE,
    TICK,
    TRIMMED,
    WHOLE,
    FormField,
    Typed,
    choice,
    placed,
    text_of,
)
from jackfield.web.admin.guards_form import guards_of
from jackfield.web.admin.numbers_form import numbers_of

_CAUSES = (LeaverCause.DELETED, LeaverCause.DISABLED, LeaverCause.OUT_OF_SCOPE)

FIELDS: Sequence[FormField] = (
    FormField("enabled", "enabled", TICK),
    FormField("scope", "rules.scope.scope", choice(Scope)),
    FormField("users", "rules.scope.selected_users", PEOPLE),
    FormField("scope_groups", "rules.scope.selected_groups", GROUPS),
    FormField("guests", "rules.scope.guests", TICK),
    FormField("mailbox_licence_only", "rules.scope.mailbox_licence_only", TICK),
    FormField("start", "rules.numbers.start", PART_TEXT),
    FormField("ranges", "rules.numbers.ranges", PART_RANGES),
    FormField("hold_days", "rules.numbers.hold_days", WHOLE),
    FormField("recreate", "rules.recreate", TICK),
    FormField("source", "rules.departments.source", choice(DepartmentSource)),
    FormField("department_groups", "rules.departments.groups", GROUPS),
    FormField("follow_details", "rules.attributes.follow_details", PART_TICK),
    FormField("photos", "photos", TICK),
    *(FormField(f"follows_{rule}", f"rules.attributes.{rule}", PART_TEXT) for rule in FED_FIELDS),
    FormField("caller_id_form", "rules.attributes.caller_id_form", PART_TEXT),
    FormField("country", "rules.attributes.default_country", PART_TRIMMED),
    *(FormField(f"on_{one}", f"rules.on_{one}", choice(LeaverPolicy)) for one in _CAUSES),
    *(FormField(f"remove_after_{one}", f"rules.remove_after.{one}", WHOLE) for one in _CAUSES),
    FormField("nightly_hour", "schedule.nightly_hour", WHOLE),
    FormField("time_zone", "schedule.time_zone", TRIMMED),
    FormField("interval", "schedule.delta_interval_s", WHOLE),
    FormField("approve", "approve", choice(Approval)),
    *(
        FormField(f"guard_{guard}_{part}", place_of_guard(guard, part), kind)
        for guard in GUARDS
        for part, kind in (("number", PART_TEXT), ("percent", PART_PERCENT))
    ),
)
"""What can be chosen, in the order of the form."""
PLACES: Mapping[str, str] = {one.name: one.place for one in FIELDS}
"""Where each field of the form stands in the settings."""
_NAMES: Mapping[str, str] = {place: name for name, place in PLACES.items()}
LABELS: Mapping[str, str] = {name: CALLED[place] for name, place in PLACES.items()}
"""What the fields of the form are called."""


@dataclass(frozen=True, slots=True)
class SyncForm:
    """The fields as they stand in the browser."""

    version: str
    typed: Mapping[str, Typed]
    """By the names of `FIELDS`."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """What is wrong, by field."""

    def __getitem__(self, name: str) -> Typed:
        return self.typed[name]

    def text(self, name: str) -> str:
        return str(self.typed[name])

    def ids(self, name: str) -> tuple[str, ...]:
        """What was chosen of a list."""
        chosen = self.typed[name]
        return chosen if isinstance(chosen, tuple) else ()

    def changed(self, **typed: Typed) -> SyncForm:
        """The same form with something else in some of its fields."""
        return replace(self, typed={**self.typed, **typed})


def form_of(stored: PeopleSettings, version: int) -> SyncForm:
    """The form as it opens."""
    return SyncForm(str(version), {one.name: one.shown(stored) for one in FIELDS})


def read_form(fields: FormMultiDict) -> SyncForm:
    """What was submitted; nothing is judged yet."""
    typed = {one.name: one.kind.read(fields, one.name) for one in FIELDS}
    return SyncForm(text_of(fields, "version"), typed)


def settings_of(
    form: SyncForm, stored: PeopleSettings, ranges: Sequence[NumberRange]
) -> tuple[PeopleSettings | None, Mapping[str, str]]:
    """The settings that the form asks for, or what is wrong with it, by field.

    `ranges` are the phone system's.
    """
    wanted = stored
    errors: dict[str, str] = {}
    for one in FIELDS:
        if one.kind.understand is None:
            continue
        try:
            value = one.kind.understand(form[one.name])
            # One at a time, so that each error is found beside its own field.
            _check(placed(PeopleSettings(), one.place, value))
            wanted = placed(wanted, one.place, value)
        except ValueError as error:
            errors[one.name] = str(error)
    errors |= {_NAMES[f"rules.{one.place}"]: str(one) for one in missing_choices(wanted.rules)}
    rules = replace(
        wanted.rules,
        numbers=numbers_of(
            form.text("start"), form.text("ranges"), wanted.rules.numbers, ranges, errors
        ),
        attributes=attributes_of(form.typed, errors),
        guards=guards_of(form.typed, stored.rules.guards, errors),
    )
    return (None, errors) if errors else (replace(wanted, rules=rules), errors)


def _check(settings: PeopleSettings) -> None:
    check_schedule(settings.schedule)
    check_remove_after(settings.rules.remove_after)


def changes_between(before: PeopleSettings, after: PeopleSettings) -> tuple[str, ...]:
    """What somebody else has changed, in words, for whoever was editing meanwhile."""
    one, other = form_of(before, 0), form_of(after, 0)
    return tuple(
        f"{label}: {shown(name, one[name])} became {shown(name, other[name])}."
        for name, label in LABELS.items()
        if one[name] != other[name]
    )


def shown(name: str, value: object) -> str:
    """A field's value in the words of the form."""
    return value_told(PLACES[name], value)


def time_zones() -> tuple[str, ...]:
    """The time zones there are, for the list beside the field."""
    return tuple(
        sorted(zone for zone in available_timezones() if "/" in zone and zone[0].isupper())
    )
