"""An administrator's choices in words: what each field is called, and what its values are.

Fields are named by their place in the settings document, as the API has it. A page, a refusal and
the journal call the same choice by the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from jackfield.core.attributes import EXTENSION_ATTRIBUTES, NumberForm, Source
from jackfield.core.departments import DepartmentSource
from jackfield.core.people import LeaverPolicy, Scope

SCOPES: Mapping[Scope, str] = {
    Scope.ALL: "Everyone",
    Scope.ALL_EXCEPT_SELECTED: "Everyone except selected people",
    Scope.SELECTED: "Selected people",
    Scope.SELECTED_GROUPS: "Members of selected groups",
}
DEPARTMENTS: Mapping[DepartmentSource, str] = {
    DepartmentSource.SCOPE: "The groups selected above",
    DepartmentSource.CHOSEN: "These groups",
    DepartmentSource.ALL: "Every group with a member who is synchronised",
    DepartmentSource.NONE: "None",
}
POLICIES: Mapping[LeaverPolicy, str] = {
    LeaverPolicy.KEEP: "Keep the extension",
    LeaverPolicy.DISABLE: "Disable the extension",
    LeaverPolicy.REMOVE: "Remove the extension",
}
APPROVALS: Mapping[str, str] = {
    "automatic": "Carry plans out by themselves",
    "by_hand": "Every plan waits for an administrator",
}
ATTRIBUTES: Mapping[Source, str] = {
    Source.GIVEN_NAME_AND_SURNAME: "First and last name (givenName, surname)",
    Source.DISPLAY_NAME: "Display name as one (displayName)",
    Source.MAIL_ELSE_UPN: "Mail, else the sign-in name",
    Source.MAIL: "Mail (mail)",
    Source.USER_PRINCIPAL_NAME: "Sign-in name (userPrincipalName)",
    Source.MOBILE_PHONE: "Mobile phone (mobilePhone)",
    Source.BUSINESS_PHONES: "Office phone (businessPhones)",
    Source.JOB_TITLE: "Job title (jobTitle)",
    Source.COMPANY_NAME: "Company (companyName)",
    Source.DEPARTMENT: "Department attribute (department)",
    Source.OFFICE_LOCATION: "Office (officeLocation)",
    **{
        source: f"Extension attribute {number} ({source})"
        for number, source in enumerate(EXTENSION_ATTRIBUTES, 1)
    },
    Source.NOT_SYNCED: "Not synced",
}
NUMBER_FORMS: Mapping[NumberForm, str] = {
    NumberForm.E164: "International (+442079460101)",
    NumberForm.AS_IT_CAME: "As it stands in Microsoft 365",
}
FED_FIELDS: Mapping[str, str] = {
    "name": "Name",
    "email": "E-mail",
    "mobile": "Mobile",
    "job_title": "Job title",
    "company": "Company",
    "office": "Office",
    "caller_id": "Outbound caller ID",
}
"""The fields that follow an attribute, in the order of the form."""
GUARDS: Mapping[str, tuple[str, str]] = {
    "removals": ("Extensions removed", "of the linked people"),
    "disables": ("Extensions disabled", "of the linked people"),
    "renumberings": ("People who get another number", "of the linked people"),
    "memberships": ("People who lose a department", "of the linked people"),
    "losses": ("Extensions gone from the phone system", "of the linked people"),
    "departments": ("Departments gone from the phone system", "of the linked departments"),
    "shrink": ("People missing from Microsoft 365", "of those the last reading had"),
}
"""What each guard counts, and of what its percentage is."""


def place_of_guard(guard: str, part: str) -> str:
    """Where a figure of a guard stands; `part` is "number" or "percent"."""
    between = "_" if guard == "shrink" else "."
    return f"rules.guards.{guard}{between}{part}"


LABELS: Mapping[str, str] = {
    "enabled": "People sync",
    "rules.scope.scope": "Who is synchronised",
    "rules.scope.selected_users": "People who are selected",
    "rules.scope.selected_groups": "Selected groups",
    "rules.scope.guests": "Include guests",
    "rules.scope.mailbox_licence_only": "Only people with a mailbox licence",
    "rules.numbers.start": "Starting number",
    "rules.numbers.ranges": "Ranges for newcomers",
    "rules.numbers.departments": "Ranges of departments",
    "rules.numbers.reserved": "Reserved numbers",
    "rules.numbers.hold_days": "Days for which a released number is held",
    "rules.recreate": "Make deleted extensions again",
    "rules.not_recreated": "People whose extension is not made again",
    "rules.departments.source": "Departments",
    "rules.departments.groups": "Groups for departments",
    "rules.attributes.follow_details": "Keep the details of people up to date",
    "photos": "Photos",
    **{f"rules.attributes.{rule}": f"{label} follows" for rule, label in FED_FIELDS.items()},
    "rules.attributes.caller_id_form": "Form of the outbound caller ID",
    "rules.attributes.default_country": "Default country",
    "rules.on_deleted": "Deleted in Microsoft 365",
    "rules.on_disabled": "Disabled in Microsoft 365",
    "rules.on_out_of_scope": "No longer in scope",
    "rules.remove_after.deleted": "Days until a deleted account's extension is removed",
    "rules.remove_after.disabled": "Days until a disabled account's extension is removed",
    "rules.remove_after.out_of_scope": (
        "Days until the extension is removed of who is out of scope"
    ),
    "schedule.nightly_hour": "Hour of the nightly sync",
    "schedule.time_zone": "Time zone",
    "schedule.delta_interval_s": "Seconds between looks for changes",
    "approve": "Approval",
    **{
        place_of_guard(guard, part): f"Guard, {label[:1].lower()}{label[1:]}, {part}"
        for guard, (label, _) in GUARDS.items()
        for part in ("number", "percent")
    },
}
"""What every choice is called, in the order of the form."""
VALUES: Mapping[str, Mapping[Any, str]] = {
    "rules.scope.scope": SCOPES,
    "rules.departments.source": DEPARTMENTS,
    "approve": APPROVALS,
    **{f"rules.attributes.{rule}": ATTRIBUTES for rule in FED_FIELDS},
    "rules.attributes.caller_id_form": NUMBER_FORMS,
    "rules.on_deleted": POLICIES,
    "rules.on_disabled": POLICIES,
    "rules.on_out_of_scope": POLICIES,
}
"""The words for the values of a choice out of few."""
LONGEST_SHOWN = 60
NAMED = 3
"""How many entries of a list are named that came or went."""


def changes_told(
    before: Any, after: Any, names: Mapping[str, str] = MappingProxyType({})
) -> tuple[str, ...]:
    """Each choice that differs between two documents, with both values, in the form's order.

    `names` are those of people and groups, by object ID; who has none is told by it.
    """
    places = list(LABELS)
    differing = sorted(
        _differences(before, after, ""),
        key=lambda one: places.index(one[0]) if one[0] in LABELS else len(places),
    )
    return tuple(_told(*one, names) for one in differing)


def mentioned(before: Any, after: Any) -> frozenset[str]:
    """The object IDs that `changes_told` would name."""
    return frozenset(
        id_
        for _, old, new in _differences(before, after, "")
        if isinstance(old, list) and isinstance(new, list)
        for entries in _came_and_gone(old, new)
        for one in entries[:NAMED]
        if (id_ := _whose(one))
    )


def value_told(place: str, value: object) -> str:
    """A value as the form shows it; of a list how many there are."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return f"{len(value):,} chosen"
    if isinstance(value, float):
        return f"“{value:g}”"
    if value is None or value == "":
        return "nothing"
    text = VALUES.get(place, {}).get(str(value), str(value))
    return f"“{text if len(text) <= LONGEST_SHOWN else f'{text[: LONGEST_SHOWN - 1]}…'}”"


def _differences(before: Any, after: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            inside = f"{place}.{name}" if place else name
            yield from _differences(before.get(name), after.get(name), inside)
    elif before != after:
        yield place, before, after


def _told(place: str, before: Any, after: Any, names: Mapping[str, str]) -> str:
    label = LABELS.get(place, place)
    if isinstance(before, list) and isinstance(after, list):
        if place == "rules.numbers.ranges":
            return f"{label} from {_listed(before)} to {_listed(after)}"
        parts = [
            f"{what} {_named(entries, names)}"
            for what, entries in zip(
                ("added", "taken out"), _came_and_gone(before, after), strict=True
            )
            if entries
        ]
        told = "; ".join(parts) or "another order"
        return f"{label} from {len(before):,} to {len(after):,} ({told})"
    return f"{label} from {value_told(place, before)} to {value_told(place, after)}"


def _came_and_gone(before: Sequence[Any], after: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    return (
        [one for one in after if one not in before],
        [one for one in before if one not in after],
    )


def _whose(one: Any) -> str:
    """The person or group that an entry of a list is about, by object ID; "" = none."""
    if isinstance(one, dict):
        return str(one.get("person") or one.get("group") or "")
    return str(one)


def _entry(one: Any, names: Mapping[str, str]) -> str:
    """An entry of a list: an object ID, a range, a department's ranges, or a reservation."""
    who = names.get(_whose(one), _whose(one))
    if not isinstance(one, dict):
        return who
    if "first" in one:
        same = one["first"] == one.get("last")
        return str(one["first"]) if same else f"{one['first']}-{one.get('last')}"
    if "ranges" in one:
        return f"{', '.join(_entry(each, names) for each in one['ranges'])} for {who}"
    whose = f" for {who}" if who else ""
    note = f", {one['note']}" if one.get("note") else ""
    return f"{_entry(one.get('numbers', {}), names)}{whose}{note}"


def _named(entries: Sequence[Any], names: Mapping[str, str]) -> str:
    more = f" and {len(entries) - NAMED:,} more" if len(entries) > NAMED else ""
    return f"{', '.join(_entry(one, names) for one in entries[:NAMED])}{more}"


def _listed(ranges: Sequence[Any]) -> str:
    return f"“{_named(ranges, {})}”" if ranges else "nothing"
