"""The documents as data: pages, their links, headings, tables and commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, its indentation taken off."""

    page: Path
    language: str
    text: str


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a page in their order."""
    found = []
    for indent, language, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        plain = "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
        if language in languages:
            found.append(Block(page, language, plain))
    return found


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """What a page links to or shows."""
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        found.add(plain.replace(" ", "-"))
    return found


def rows(page: Path, head: str) -> list[list[str]]:
    """The rows of the table whose first column is called `head`, cell by cell."""
    return list(_rows(page, head))


def _rows(page: Path, head: str) -> Iterator[list[str]]:
    inside = False
    for line in prose(page).splitlines():
        if not line.lstrip().startswith("|"):
            inside = False
            continue
        # A bar inside a cell is written as \|.
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if cells[0] == head:
            inside = True
        elif inside and not set(cells[0]) <= {"-", ":"}:
            yield cells


def code(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", text)
