"""Which writes must keep their order among one another, when one of them stays unanswered.

A phone system that carries out writes one by one may lose an answer and go on. What it must not do
is give number 204 to a newcomer while it is not known whether its former holder was removed.
"""

from __future__ import annotations

from typing import assert_never

from jackfield.pbx.port import (
    CreateDepartmentWrite,
    CreateExtensionWrite,
    RemoveExtensionWrite,
    RenameDepartmentWrite,
    UpdateExtensionWrite,
    Write,
)


def touched(write: Write) -> frozenset[tuple[str, str]]:
    """What a write claims, frees or changes.

    Giving or taking a membership does not change the department.
    """
    match write:
        case CreateExtensionWrite():
            return frozenset({("person", write.external_key), ("number", write.number)})
        case UpdateExtensionWrite():
            claim = {("person", write.external_key)} if write.external_key is not None else set()
            return frozenset({("extension", str(write.key))} | claim)
        case RemoveExtensionWrite():
            return frozenset({("extension", write.key), ("number", write.expected_number)})
        case CreateDepartmentWrite():
            return frozenset({("group", write.external_key), ("name", write.name.casefold())})
        case RenameDepartmentWrite():
            names = {("name", write.name.casefold()), ("name", write.expected_name.casefold())}
            return frozenset({("department", str(write.key))} | names)
        case _:
            assert_never(write)


class Unsettled:
    """What the unanswered writes of one call touch; a write that touches it too has to wait."""

    def __init__(self) -> None:
        self._touched: set[tuple[str, str]] = set()
        self._removal = False
        self._claim = False

    def note(self, write: Write) -> None:
        """`write` was not answered, or has to wait."""
        self._touched |= touched(write)
        self._removal |= isinstance(write, RemoveExtensionWrite)
        self._claim |= _claims(write)

    def holds_up(self, write: Write) -> bool:
        """Whether `write` would overtake one that was not answered."""
        # A removal does not say whose extension it is, and whoever claims one may be that person:
        # found again by the external key before the removal, given a new one after it.
        if (self._removal and _claims(write)) or (
            self._claim and isinstance(write, RemoveExtensionWrite)
        ):
            return True
        return not self._touched.isdisjoint(touched(write))


def _claims(write: Write) -> bool:
    return any(kind == "person" for kind, _ in touched(write))
