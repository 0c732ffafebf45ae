"""The form of people sync: from settings to fields, and back with located errors.

What a value means is decided in `core`; here a wrong one is said beside its field, and what was
typed is kept as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from zoneinfo import available_timezones

from litestar.datastructures import FormMultiDict

from jackfield.core.attributes import AttributeRules, NumberForm
from jackfield.core.choice_words import FED_FIELDS, GUARDS, place_of_guard, value_told
from jackfield.core.choice_words import LABELS as CALLED
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.numbering import NumberRange, written_ranges
from jackfield.core.people import GroupId, LeaverCause, LeaverPolicy, ObjectId, Scope, ScopeRules
from jackfield.core.rules import RemoveAfter, RulesError, check_remove_after
from jackfield.core.schedule import ScheduleError, ScheduleRules, check_schedule
from jackfield.store.settings import Approval, PeopleSettings
from jackfield.web.admin.attributes_form import attributes_of
from jackfield.web.admin.guards_form import FIGURES, figures_of, guards_of
from jackfield.web.admin.numbers_form import numbers_of

MOST_PEOPLE = 100_000
MOST_GROUPS = 5_000
LONGEST_ID = 64
LONGEST_RANGES = 4_000

_USUAL = AttributeRules()


@dataclass(frozen=True, slots=True)
class SyncForm:
    """The fields as they stand in the browser: text, as typed."""

    version: str = "0"
    enabled: bool = False
    scope: str = Scope.ALL.value
    users: tuple[str, ...] = ()
    scope_groups: tuple[str, ...] = ()
    guests: bool = False
    mailbox_licence_only: bool = True
    start: str = ""
    ranges: str = ""
    hold_days: str = "30"
    recreate: bool = True
    source: str = DepartmentSource.SCOPE.value
    department_groups: tuple[str, ...] = ()
    follow_details: bool = True
    follows_name: str = _USUAL.name.value
    follows_email: str = _USUAL.email.value
    follows_mobile: str = _USUAL.mobile.value
    follows_job_title: str = _USUAL.job_title.value
    follows_company: str = _USUAL.company.value
    follows_office: str = _USUAL.office.value
    follows_caller_id: str = _USUAL.caller_id.value
    caller_id_form: str = NumberForm.E164.value
    country: str = ""
    on_deleted: str = LeaverPolicy.KEEP.value
    on_disabled: str = LeaverPolicy.KEEP.value
    on_out_of_scope: str = LeaverPolicy.KEEP.value
    remove_after_deleted: str = "30"
    remove_after_disabled: str = "30"
    remove_after_out_of_scope: str = "30"
    nightly_hour: str = "2"
    time_zone: str = ""
    interval: str = "60"
    approve: str = Approval.AUTOMATIC.value
    photos: bool = True
    guard_removals_number: str = ""
    guard_removals_percent: str = ""
    guard_disables_number: str = ""
    guard_disables_percent: str = ""
    guard_renumberings_number: str = ""
    guard_renumberings_percent: str = ""
    guard_memberships_number: str = ""
    guard_memberships_percent: str = ""
    guard_losses_number: str = ""
    guard_losses_percent: str = ""
    guard_departments_number: str = ""
    guard_departments_percent: str = ""
    guard_shrink_number: str = ""
    guard_shrink_percent: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    """What is wrong, by field."""


def form_of(stored: PeopleSettings, version: int) -> SyncForm:
    """The form as it opens."""
    rules, schedule = stored.rules, stored.schedule
    chosen: dict[str, Any] = {
        f"follows_{rule}": getattr(rules.attributes, rule).value for rule in FED_FIELDS
    }
    chosen |= figures_of(rules.guards)
    return SyncForm(
        version=str(version),
        enabled=stored.enabled,
        scope=rules.scope.scope.value,
        users=tuple(sorted(rules.scope.selected_users)),
        scope_groups=rules.scope.selected_groups,
        guests=rules.scope.guests,
        mailbox_licence_only=rules.scope.mailbox_licence_only,
        start=rules.numbers.start or "",
        ranges=written_ranges(rules.numbers.ranges),
        hold_days=str(rules.numbers.hold_days),
        recreate=rules.recreate,
        source=rules.departments.source.value,
        department_groups=rules.departments.groups,
        follow_details=rules.attributes.follow_details,
        **chosen,
        caller_id_form=rules.attributes.caller_id_form.value,
        country=rules.attributes.default_country,
        on_deleted=rules.on_deleted.value,
        on_disabled=rules.on_disabled.value,
        on_out_of_scope=rules.on_out_of_scope.value,
        remove_after_deleted=str(rules.remove_after.deleted),
        remove_after_disabled=str(rules.remove_after.disabled),
        remove_after_out_of_scope=str(rules.remove_after.out_of_scope),
        nightly_hour=str(schedule.nightly_hour),
        time_zone=schedule.time_zone,
        interval=str(schedule.delta_interval_s),
        approve=stored.approve.value,
        photos=stored.photos,
    )


def read_form(fields: FormMultiDict) -> SyncForm:
    """What was submitted; nothing is judged yet, except that no text is endless."""

    def text(name: str) -> str:
        return str(fields.get(name, ""))[:200]

    chosen: dict[str, Any] = {f"follows_{rule}": text(f"follows_{rule}") for rule in FED_FIELDS}
    chosen |= {name: text(name) for name in FIGURES}
    return SyncForm(
        version=text("version"),
        enabled=bool(text("enabled")),
        scope=text("scope"),
        users=ids_of(str(fields.get("users", ""))),
        scope_groups=_several(fields.getall("scope_groups", [])),
        guests=bool(text("guests")),
        mailbox_licence_only=bool(text("mailbox_licence_only")),
        start=text("start"),
        ranges=str(fields.get("ranges", ""))[:LONGEST_RANGES],
        hold_days=text("hold_days"),
        recreate=bool(text("recreate")),
        source=text("source"),
        department_groups=_several(fields.getall("department_groups", [])),
        follow_details=bool(text("follow_details")),
        **chosen,
        caller_id_form=text("caller_id_form"),
        country=text("country").strip(),
        on_deleted=text("on_deleted"),
        on_disabled=text("on_disabled"),
        on_out_of_scope=text("on_out_of_scope"),
        remove_after_deleted=text("remove_after_deleted"),
        remove_after_disabled=text("remove_after_disabled"),
        remove_after_out_of_scope=text("remove_after_out_of_scope"),
        nightly_hour=text("nightly_hour"),
        time_zone=text("time_zone").strip(),
        interval=text("interval"),
        approve=text("approve"),
        photos=bool(text("photos")),
    )


def ids_of(text: str) -> tuple[str, ...]:
    """Object IDs as one field carries them: each once, spaces between."""
    return tuple(dict.fromkeys(part[:LONGEST_ID] for part in text.split()))


def settings_of(
    form: SyncForm, stored: PeopleSettings, ranges: Sequence[NumberRange]
) -> tuple[PeopleSettings | None, Mapping[str, str]]:
    """The settings that the form asks for, or what is wrong with it, by field."""
    errors: dict[str, str] = {}
    scope = _one_of(Scope, form.scope, "scope", errors)
    source = _one_of(DepartmentSource, form.source, "source", errors)
    approve = _one_of(Approval, form.approve, "approve", errors)
    for name in ("on_deleted", "on_disabled", "on_out_of_scope"):
        _one_of(LeaverPolicy, getattr(form, name), name, errors)
    if scope is Scope.SELECTED and not form.users:
        errors["users"] = "Nobody is selected. Select at least one person, or another scope."
    if scope is Scope.SELECTED_GROUPS and not form.scope_groups:
        errors["scope_groups"] = "No group is selected. Select at least one, or another scope."
    if source is DepartmentSource.CHOSEN and not form.department_groups:
        errors["department_groups"] = "No group is chosen. Choose at least one, or another source."
    if len(form.users) > MOST_PEOPLE:
        errors["users"] = f"More than {MOST_PEOPLE:,} people; use a group instead."
    for name in ("scope_groups", "department_groups"):
        if len(getattr(form, name)) > MOST_GROUPS:
            errors[name] = f"More than {MOST_GROUPS:,} groups."
    hold_days = _whole(form.hold_days, "hold_days", errors)
    numbers = numbers_of(form.start, form.ranges, hold_days, stored.rules.numbers, ranges, errors)
    typed = {rule: str(getattr(form, f"follows_{rule}")) for rule in FED_FIELDS}
    attributes = attributes_of(
        typed,
        form.caller_id_form,
        form.country,
        errors,
        follow_details=form.follow_details,
    )
    schedule = _schedule(form, errors)
    remove_after = _remove_after(form, errors)
    figures = {name: str(getattr(form, name)) for name in FIGURES}
    guards = guards_of(figures, stored.rules.guards, errors)
    if scope is None or source is None or approve is None or schedule is None:
        return None, errors
    if numbers is None or guards is None or errors:
        return None, errors
    rules = replace(
        stored.rules,
        scope=ScopeRules(
            scope,
            frozenset(map(ObjectId, form.users)),
            tuple(map(GroupId, form.scope_groups)),
            form.guests,
            form.mailbox_licence_only,
        ),
        numbers=numbers,
        recreate=form.recreate,
        departments=DepartmentRules(source, tuple(map(GroupId, form.department_groups))),
        on_deleted=LeaverPolicy(form.on_deleted),
        on_disabled=LeaverPolicy(form.on_disabled),
        on_out_of_scope=LeaverPolicy(form.on_out_of_scope),
        remove_after=remove_after,
        guards=guards,
        attributes=attributes,
    )
    return PeopleSettings(form.enabled, rules, schedule, approve, form.photos), {}


def changes_between(before: PeopleSettings, after: PeopleSettings) -> tuple[str, ...]:
    """What somebody else has changed, in words, for whoever was editing meanwhile."""
    one, other = form_of(before, 0), form_of(after, 0)
    return tuple(
        f"{label}: {shown(name, getattr(one, name))} became {shown(name, getattr(other, name))}."
        for name, label in LABELS.items()
        if getattr(one, name) != getattr(other, name)
    )


PLACES: Mapping[str, str] = {
    "enabled": "enabled",
    "scope": "rules.scope.scope",
    "users": "rules.scope.selected_users",
    "scope_groups": "rules.scope.selected_groups",
    "guests": "rules.scope.guests",
    "mailbox_licence_only": "rules.scope.mailbox_licence_only",
    "start": "rules.numbers.start",
    "ranges": "rules.numbers.ranges",
    "hold_days": "rules.numbers.hold_days",
    "recreate": "rules.recreate",
    "source": "rules.departments.source",
    "department_groups": "rules.departments.groups",
    "follow_details": "rules.attributes.follow_details",
    "photos": "photos",
    **{f"follows_{rule}": f"rules.attributes.{rule}" for rule in FED_FIELDS},
    "caller_id_form": "rules.attributes.caller_id_form",
    "country": "rules.attributes.default_country",
    **{
        f"{begin}{cause.value}": f"{place}{cause.value}"
        for begin, place in (("on_", "rules.on_"), ("remove_after_", "rules.remove_after."))
        for cause in (LeaverCause.DELETED, LeaverCause.DISABLED, LeaverCause.OUT_OF_SCOPE)
    },
    "nightly_hour": "schedule.nightly_hour",
    "time_zone": "schedule.time_zone",
    "interval": "schedule.delta_interval_s",
    "approve": "approve",
    **{
        f"guard_{guard}_{part}": place_of_guard(guard, part)
        for guard in GUARDS
        for part in ("number", "percent")
    },
}
"""Where each field of the form stands in the settings."""
LABELS: Mapping[str, str] = {name: CALLED[place] for name, place in PLACES.items()}
"""What the fields of the form are called."""


def time_zones() -> tuple[str, ...]:
    """The time zones there are, for the list beside the field."""
    return tuple(
        sorted(zone for zone in available_timezones() if "/" in zone and zone[0].isupper())
    )


E_ = TypeVar("E_", Scope, DepartmentSource, Approval, LeaverPolicy)


def _one_of(kind: type[E_], text: str, name: str, errors: dict[str, str]) -> E_ | None:
    try:
        return kind(text)
    except ValueError:
        errors[name] = "Choose one of these."
        return None


def _remove_after(form: SyncForm, errors: dict[str, str]) -> RemoveAfter:
    days: dict[str, int] = {}
    for cause in (LeaverCause.DELETED, LeaverCause.DISABLED, LeaverCause.OUT_OF_SCOPE):
        name = f"remove_after_{cause.value}"
        given = _whole(getattr(form, name), name, errors)
        if given is None:
            continue
        try:
            check_remove_after(RemoveAfter(**{cause.value: given}))
        except RulesError as error:
            errors[name] = str(error)
        days[cause.value] = given
    return RemoveAfter(**days)


def _schedule(form: SyncForm, errors: dict[str, str]) -> ScheduleRules | None:
    hour = _whole(form.nightly_hour, "nightly_hour", errors)
    interval = _whole(form.interval, "interval", errors)
    # One at a time, so that each error is found beside its own field.
    trials = {"time_zone": ScheduleRules(time_zone=form.time_zone)}
    if hour is not None:
        trials["nightly_hour"] = ScheduleRules(nightly_hour=hour)
    if interval is not None:
        trials["interval"] = ScheduleRules(delta_interval_s=interval)
    for name, rules in trials.items():
        try:
            check_schedule(rules)
        except ScheduleError as error:
            errors[name] = str(error)
    if hour is None or interval is None or errors.keys() & trials.keys():
        return None
    return ScheduleRules(interval, hour, form.time_zone)


def _whole(text: str, name: str, errors: dict[str, str]) -> int | None:
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 9:
        return int(text)
    errors[name] = f"“{text}” is not a whole number." if text else "This takes a number."
    return None


def _several(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(value)[:LONGEST_ID] for value in values if str(value).strip()))


def shown(name: str, value: object) -> str:
    """A field's value in the words of the form."""
    return value_told(PLACES[name], value)
