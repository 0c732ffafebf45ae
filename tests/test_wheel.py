"""The wheel is the product: it has to hold all that a page needs, with no network beside it."""

import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parent.parent
VENDOR = "jackfield/web/static/vendor"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return zipfile.Path(next(folder.glob("*.whl")))


def test_wheel_holds_htmx_and_the_licences(wheel: zipfile.Path) -> None:
    """They are ignored by git, so it is easy to ship a wheel without them."""
    vendor = wheel / VENDOR

    assert (vendor / "htmx-2.min.js").read_text(encoding="utf-8").startswith("var htmx=")
    assert "Zero-Clause BSD" in (vendor / "LICENSE.htmx.txt").read_text(encoding="utf-8")
    assert "ISC License" in (vendor / "LICENSE.lucide.txt").read_text(encoding="utf-8")


def test_wheel_holds_one_sprite_with_every_icon(wheel: zipfile.Path) -> None:
    """A page names icons by their Lucide names: `icons.svg#users`."""
    sprite = ET.fromstring((wheel / VENDOR / "icons.svg").read_text(encoding="utf-8"))

    symbols = {symbol.get("id"): symbol for symbol in sprite.iter(f"{SVG}symbol")}

    assert len(symbols) >= 50
    assert {"users", "building-2", "circle-help", "trash-2"} <= symbols.keys()
    assert all(len(symbol) for symbol in symbols.values())


def test_wheel_holds_both_packages_and_the_command(wheel: zipfile.Path) -> None:
    """The emulated tenant ships with the product: `jackfield demo` needs nothing else."""
    names = {entry.name for entry in wheel.iterdir()}
    entry_points = next(
        (entry / "entry_points.txt").read_text(encoding="utf-8")
        for entry in wheel.iterdir()
        if entry.name.endswith(".dist-info")
    )

    assert {"jackfield", "m365_emulator"} <= names
    assert "jackfield = jackfield.__main__:main" in entry_points
    assert (wheel / "jackfield" / "py.typed").exists()
