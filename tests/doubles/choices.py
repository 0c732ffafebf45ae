"""The administrator's choices as a document, changed as a person would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge(into: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Change a document at any depth: what is not named stays."""
    for name, value in changes.items():
        if isinstance(value, Mapping):
            merge(into[name], value)
        else:
            into[name] = value
