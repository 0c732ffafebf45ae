"""The figures of the guards as fields of a form: a number and a percentage each, located errors."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jackfield.core.choice_words import GUARDS
from jackfield.core.rules import GuardRules, RulesError, Threshold, check_guards
from jackfield.web.admin.form_fields import Typed

FIGURES = tuple(f"guard_{guard}_{part}" for guard in GUARDS for part in ("number", "percent"))


def guards_of(typed: Mapping[str, Typed], stored: GuardRules, errors: dict[str, str]) -> GuardRules:
    """The guards as typed; what is wrong goes to `errors`, by field.

    A form that has none of the figures leaves them as they are.
    """
    if not any(typed[name] for name in FIGURES):
        return stored
    thresholds = {guard: _threshold(guard, typed, errors) for guard in GUARDS}
    shrink = thresholds.pop("shrink")
    return GuardRules(**thresholds, shrink_number=shrink.number, shrink_percent=shrink.percent)


def _threshold(guard: str, typed: Mapping[str, Typed], errors: dict[str, str]) -> Threshold:
    found: dict[str, float] = {}
    for part, pattern, what in (
        ("number", r"\d{1,8}", "a whole number"),
        ("percent", r"\d{1,3}([.,]\d{1,6})?", "a percentage"),
    ):
        name = f"guard_{guard}_{part}"
        text = str(typed[name]).strip()
        if not re.fullmatch(pattern, text, re.ASCII):
            errors[name] = f"“{text}” is not {what}." if text else "This takes a number."
            continue
        found[part] = float(text.replace(",", "."))
    threshold = Threshold(int(found.get("number", 0)), found.get("percent", 0.0))
    try:
        check_guards(GuardRules(removals=threshold))
    except RulesError as error:
        errors[f"guard_{guard}_percent"] = str(error)
    return threshold
