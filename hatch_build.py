"""Fetches third-party page assets out of packages of the build group and writes them beside ours.

htmx comes from django-htmx and is checked against the hash below; the icons come from python-lucide
as one sprite, `vendor/icons.svg#NAME`. Nothing of it is committed, and neither package is needed
to run. Another icon: add its name to ICONS and run `make`.
"""

import hashlib
import importlib.metadata
import importlib.util
import sqlite3
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR: Final = Path("src/jackfield/web/static/vendor")

# htmx 2.0.10 as django-htmx 1.29.0 ships it.
HTMX_SHA256: Final = "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de"

ICONS: Final = (
    # rooms of the console
    "layout-dashboard users building-2 radio book-user mail clock plug scroll-text phone-call "
    "phone hash settings key-round history list-checks git-compare shield-check activity "
    "calendar-clock "
    # what happens, and how it went
    "play pause refresh-cw cloud-download user-plus user-x user-check download upload undo-2 "
    "trash-2 triangle-alert circle-check circle-x circle-help info bell check x lock "
    # moving about
    "search filter menu ellipsis moon sun chevron-left chevron-right chevron-down arrow-right "
    "external-link copy image log-out"
).split()

HTMX_LICENCE: Final = """\
htmx (htmx-2.min.js), https://htmx.org - Zero-Clause BSD (SPDX: 0BSD)

Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.

The file was taken from the package django-htmx, whose own licence follows.

"""

LUCIDE_LICENCE: Final = """\
Lucide icons (icons.svg), https://lucide.dev - ISC License (SPDX: ISC)

Copyright (c) for portions of Lucide are held by Cole Bemis 2013-2026 as part
of Feather (MIT). All other copyright (c) for Lucide are held by Lucide
Contributors 2026.

Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted, provided that the above
copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.

The MIT License (for portions derived from Feather)

Copyright (c) 2013-2026 Cole Bemis

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


class VendorHook(BuildHookInterface):  # type: ignore[type-arg]  # its parameter is the builder's own affair
    """Runs before each wheel, an editable one too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # the interface's
        vendor = Path(self.root) / VENDOR
        vendor.mkdir(parents=True, exist_ok=True)
        files = {
            "htmx-2.min.js": htmx(),
            "LICENSE.htmx.txt": (HTMX_LICENCE + licence_of("django-htmx")).encode(),
            "icons.svg": sprite(ICONS).encode(),
            "LICENSE.lucide.txt": LUCIDE_LICENCE.encode(),
        }
        for name, content in files.items():
            target = vendor / name
            if not target.exists() or target.read_bytes() != content:
                target.write_bytes(content)
        build_data["artifacts"].extend(f"/{VENDOR / name}" for name in files)


def htmx() -> bytes:
    """The minified htmx, refused if it is not byte for byte the one we reviewed."""
    content = (package_folder("django_htmx") / "static/django_htmx/htmx-2.min.js").read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != HTMX_SHA256:
        raise SystemExit(f"htmx-2.min.js has SHA-256 {found}, expected {HTMX_SHA256}")
    return content


def sprite(names: list[str]) -> str:
    """One SVG file with a `<symbol>` for each name; a renamed icon is found by its old name."""
    database = package_folder("lucide") / "data/lucide-icons.db"
    with sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True) as icons:
        symbols = [symbol(icons, name) for name in names]
    icons.close()
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{"".join(symbols)}</svg>\n'


def symbol(icons: sqlite3.Connection, name: str) -> str:
    row = icons.execute(
        "SELECT svg FROM icons WHERE name = ?1"
        " UNION ALL SELECT svg FROM icons JOIN icon_aliases USING (name) WHERE alias = ?1",
        (name,),
    ).fetchone()
    if row is None:
        raise SystemExit(f"python-lucide has no icon named {name!r}")
    shapes = []
    for shape in ET.fromstring(row[0]):  # noqa: S314  # a hash-pinned package's file
        tag = shape.tag.rpartition("}")[2]
        attributes = "".join(f' {key}="{value}"' for key, value in shape.attrib.items())
        shapes.append(f"<{tag}{attributes}/>")
    # The stroke is on the symbol: a page then needs `<svg><use href="...#name"/></svg>` and a size.
    return (
        f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
        ' stroke-width="2" stroke-linecap="round" stroke-linejoin="round">'
        f"{''.join(shapes)}</symbol>\n"
    )


def package_folder(package: str) -> Path:
    """Where a package lies, without importing it: django-htmx would ask for Django's settings."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"the build needs {package}: see requirements-build.lock")
    return Path(spec.origin).parent


def licence_of(distribution: str) -> str:
    for file in importlib.metadata.files(distribution) or []:
        if file.name == "LICENSE":
            return file.read_text()
    raise SystemExit(f"{distribution} came without its licence")
