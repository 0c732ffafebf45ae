"""One SQL function for both databases: whether a text holds another one, byte by byte.

LIKE will not do: it reads % and _ in what people type, and SQLite's folds the case of ASCII letters
only.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class contains(GenericFunction[bool]):  # noqa: N801 - SQL functions are written small
    """`contains(text, part)`: true where `part` stands somewhere in `text`."""

    type = Boolean()
    name = "contains"
    inherit_cache = True


@compiles(contains, "sqlite")
def _instr(element: ColumnElement[bool], compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)}) > 0"


@compiles(contains, "postgresql")
def _strpos(element: ColumnElement[bool], compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)}) > 0"
