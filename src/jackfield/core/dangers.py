"""What the guards count in an action: the same for a plan being made and for those before it."""

from __future__ import annotations

from enum import StrEnum

from jackfield.core.actions import (
    Action,
    CreateDepartment,
    CreateExtension,
    DisableExtension,
    RemoveExtension,
    UpdateExtension,
)


class Danger(StrEnum):
    """What an action may cost somebody, or do twice. No value is a part of another."""

    REMOVES = "removes"
    DISABLES = "disables"
    MADE_AGAIN = "made_again"
    """The extension is gone from the phone system, or only was not found there."""
    RENUMBERS = "new_number"
    """It is made again with another number."""
    LEAVES = "leaves_department"
    REBUILDS = "department_anew"
    """The department is gone from the phone system, or only was not found there."""


def renumbers(action: CreateExtension) -> bool:
    """Whether a person gets another number than before."""
    return action.previous_number is not None and action.previous_number != action.number


def dangers_of(action: Action) -> tuple[Danger, ...]:
    """Everything that a guard counts in the action; nothing for most."""
    match action:
        case RemoveExtension():
            return (Danger.REMOVES,)
        case DisableExtension():
            return (Danger.DISABLES,)
        case CreateExtension() if renumbers(action):
            return (Danger.MADE_AGAIN, Danger.RENUMBERS)
        case CreateExtension() if action.previous_number is not None:
            return (Danger.MADE_AGAIN,)
        case UpdateExtension() if action.departments is not None and action.departments.remove:
            return (Danger.LEAVES,)
        case CreateDepartment() if action.previous is not None:
            return (Danger.REBUILDS,)
        case _:
            return ()
