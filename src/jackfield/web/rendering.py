"""How pages are put into HTML: templates, assets with their hashes, and the small words.

Every template escapes by itself; nothing here marks text from outside as safe.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from jackfield.core.text import abridged, with_short_names
from jackfield.core.waiting import length
from jackfield.core.wording import run_name
from jackfield.store.runs import StoredRun
from jackfield.web import tags
from jackfield.web.addresses import At

HERE = Path(__file__).parent
HUES = 6
# Letters that are written from right to left, and marks that say so.
_TURNS = re.compile(
    "[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc"
    "\U00010800-\U00010fff\U0001e800-\U0001efff]"
)


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file, read once."""

    content: bytes
    media_type: str
    etag: str


def load_asset(name: str) -> Asset | None:
    """A file of `static/` by its path there; None for anything else."""
    return _assets().get(name)


@cache
def _assets() -> Mapping[str, Asset]:
    """Every file, by its path: what somebody asks for never becomes a path of the disk."""
    root = HERE / "static"
    found = {}
    for path in root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            etag = hashlib.sha256(content).hexdigest()[:16]
            found[path.relative_to(root).as_posix()] = Asset(content, media_type, etag)
    return found


def asset(name: str) -> str:
    """The address of a static file, with its hash, so that it may be kept for ever."""
    found = load_asset(name)
    return f"/static/{name}?v={found.etag if found else ''}"


def icon(name: str, size: str = "") -> Markup:
    """An icon of the sprite, hidden from screen readers: the text beside it says the same."""
    return Markup('<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        size, asset("vendor/icons.svg"), name
    )


def initials(name: str) -> str:
    """One or two letters for an avatar; "?" where the name has none."""
    letters = [word[0] for word in name.split() if word[0].isalpha()]
    return "".join((letters[0], letters[-1]) if len(letters) > 1 else letters).upper() or "?"


def hue(key: str) -> int:
    """Which of the avatar colours somebody has: always the same."""
    return zlib.crc32(key.encode("utf-8", "replace")) % HUES


def isolated(text: str, *names: str) -> Markup:
    """Text with what came from outside set apart, so that its direction turns nothing around it.

    Set apart is what stands in quotation marks, and each of the `names` where it comes first.
    """
    if not _TURNS.search(text):
        return escape(text)
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True) if name)
    foreign = re.compile(f"(?<=“)[^”]+(?=”){'|' if known else ''}{known}")
    parts = []
    at = 0
    for found in foreign.finditer(text):
        parts += [escape(text[at : found.start()]), Markup("<bdi>{}</bdi>").format(found[0])]
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])


def brief(text: str, *names: str) -> Markup:
    """Text with long names cut for a line, set apart; the whole of it belongs in a `title`."""
    return isolated(with_short_names(text, *names), *map(abridged, names))


def figure(number: float) -> str:
    """A number with thousands separators."""
    return f"{number:,.0f}"


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 extension, 2,000 extensions."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def utc(moment: datetime) -> str:
    """A moment as text that is right wherever it is read; a script puts it into local form."""
    return moment.astimezone(UTC).strftime("%-d %b %Y, %H:%M UTC")


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in words; a script keeps it true while the page is open."""
    past = (now - moment).total_seconds()
    for span, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if past >= span:
            return f"{counted(int(past // span), unit)} ago"
    return "just now"


def run_told(run: StoredRun, now: datetime) -> str:
    """A run in one sentence: what it waits for, what came of it, or what it is at."""
    return run.waits.said(now) if run.waits else run.text or run.stage


def make_environment() -> Environment:
    """The environment of all templates."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        asset=asset,
        icon=icon,
        initials=initials,
        hue=hue,
        counted=counted,
        ago=ago,
        run_name=run_name,
        run_told=run_told,
        tags=tags,
        menu=MENU,
        root=At(),
    )
    environment.filters.update(
        figure=figure, isolated=isolated, brief=brief, utc=utc, seconds=length
    )
    return environment


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A room of the console."""

    key: str
    label: str
    href: str
    icon: str


MENU = (
    MenuEntry("overview", "Overview", "/", "layout-dashboard"),
    MenuEntry("users", "Users", "/users", "users"),
    MenuEntry("departments", "Departments", "/departments", "building-2"),
    MenuEntry("numbers", "Numbers", "/numbers", "hash"),
    MenuEntry("plan", "Plan", "/plans", "list-checks"),
    MenuEntry("runs", "Runs", "/runs", "history"),
    MenuEntry("journal", "Journal", "/journal", "scroll-text"),
)

ENVIRONMENT = make_environment()
