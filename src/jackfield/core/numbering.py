"""Which extension number the next person gets: the lowest free one, never below the starting number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Numbers `first` to `last`, both included, digits of one length or growing; "0200" keeps its zero."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class NumberRules:
    """Where numbering starts. Without a start the phone system's first user range serves."""

    start: str | None = None
    """A floor, not the end of a range: "0200" or "1000"."""
