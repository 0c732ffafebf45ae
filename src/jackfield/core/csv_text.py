"""Rows as CSV that a spreadsheet shows and never carries out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

JOURNAL_HEADS = ("time (UTC)", "kind", "name", "object ID", "text", "run", "by")
"""The columns of the journal, wherever it is written."""
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=[ ]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")
"""Where something begins that a spreadsheet would carry out, full-width signs too.

A semicolon begins a new cell where numbers are written with a comma. Source: OWASP, CSV injection.
"""


def written_rows(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV: every cell in quotes, no cell a formula, lines ending as RFC 4180 has them."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(
        [[_harmless(str(cell)) for cell in row] for row in rows]
    )
    return text.getvalue()


def _harmless(cell: str) -> str:
    return _FORMULA.sub(r"\1'", cell)
