"""Rows on standard output as CSV, for a file or another program."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence


def print_rows(rows: Iterable[Sequence[object]]) -> None:
    """In UTF-8 whatever the terminal has: it goes into a file. No cell of it is a formula."""
    from jackfield.core.csv_text import written_rows

    sys.stdout.flush()
    sys.stdout.buffer.write(written_rows(rows).encode())
    sys.stdout.buffer.flush()
