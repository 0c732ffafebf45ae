"""Rules of the house that no linter knows: what may be committed, and how a module begins."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted(ROOT.glob("requirements*.lock"))
MODULES = sorted((ROOT / "src").rglob("*.py"))
LONGEST = 450
LOCKED_LINE = re.compile(
    r"[\w.-]+(\[[\w,.-]+\])?==[\w.]+( ; [^/]+)?( \\)?|    --hash=sha256:[0-9a-f]{64}( \\)?|    #.*|"
)
"""A package, a hash, whose wish it was: no option, and so no index."""
USED_BY_NAME = {
    "httptools": "uvicorn's fast parser",
    "tzdata": "time zones where the system has none",
}
"""Packages that we need and never import, and what takes them up."""
TEXT = {".cfg", ".css", ".html", ".in", ".ini", ".js", ".json", ".lock", ".mako", ".md", ".py"}
TEXT |= {".sh", ".sql", ".svg", ".toml", ".txt", ".yaml", ".yml", ""}


@pytest.fixture(scope="module")
def committed() -> list[Path]:
    """Every file that git knows, relative to the repository."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not on an unpacked archive: only a git checkout knows what is committed")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    names = listed.stdout.decode().split("\0")
    return [Path(name) for name in names if name and (ROOT / name).exists()]


def test_nothing_third_party_or_generated_is_committed(committed: list[Path]) -> None:
    """Such files come with the build, checked by hash, so that nobody has to review a blob."""
    ignored = subprocess.run(
        ["git", "ls-files", "-ci", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    blobs = {".js.map", ".min.js", ".min.css", ".whl", ".so", ".woff", ".woff2", ".ttf", ".db"}

    found = [
        path
        for path in committed
        if any(path.name.endswith(end) for end in blobs)
        or {"vendor", "node_modules", "dist"} & set(path.parts)
        or (path.suffix == ".png" and path.parts[0] != "docs")
    ]

    assert not found
    assert not ignored.stdout.decode()


def test_no_file_names_a_machine(committed: list[Path]) -> None:
    """A path of somebody's own machine works nowhere else, and tells where we sit."""
    machine = re.compile(r"/(?:work|root|home/\w+|Users/\w+)/|\.pyenv|pythonhosted")
    this = Path(__file__).resolve()

    found = [
        f"{path}: {match.group()}"
        for path in committed
        if path.suffix in TEXT and (ROOT / path).resolve() != this
        for match in machine.finditer((ROOT / path).read_text(encoding="utf-8"))
    ]

    assert not found


@pytest.mark.parametrize(
    "module", [pytest.param(path, id=str(path.relative_to(ROOT / "src"))) for path in MODULES]
)
def test_every_module_begins_with_a_caption(module: Path) -> None:
    """A stranger finds the way by captions alone: what is decided here, and what is not."""
    caption = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))

    assert caption
    assert len(caption.split()) >= 4


def test_no_file_is_longer_than_450_lines() -> None:
    """A file is one concept; a long one holds several, and is parted where they meet.

    Migrations are exempt: what has once run in somebody's database is not written anew.
    """
    lengths = {
        str(module.relative_to(ROOT)): len(module.read_text(encoding="utf-8").splitlines())
        for module in MODULES
        if module.parent.name != "versions"
    }

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


@pytest.mark.parametrize("lock", [pytest.param(path, id=path.name) for path in LOCKS])
def test_every_locked_package_has_a_hash_and_no_address(lock: Path) -> None:
    """What is installed is what was reviewed, from whichever index a site uses."""
    text = lock.read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())

    assert len(entries) >= 1
    assert all(re.match(r"[\w.-]+==[\w.]+", entry) for entry in entries)
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert [line for line in text.splitlines() if not LOCKED_LINE.fullmatch(line)] == []


def test_the_locks_agree_with_each_other() -> None:
    """They are installed in one call, which two versions of one package would break."""
    pinned: dict[str, dict[str, set[str]]] = {}
    for lock in LOCKS:
        for name, version in re.findall(
            r"^([\w.-]+)==(\S+)", lock.read_text("utf-8"), re.MULTILINE
        ):
            pinned.setdefault(name, {}).setdefault(lock.name, set()).add(version)

    quarrels = {
        name: where
        for name, where in pinned.items()
        if any(versions != next(iter(where.values())) for versions in where.values())
    }

    assert not quarrels


def test_what_is_imported_is_asked_for_and_nothing_else() -> None:
    """A package that only comes along with another one leaves us the day that one drops it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {_name(entry) for entry in project["project"]["dependencies"]}
    brought_by = {module: name for name in declared for module in _modules(name)}

    imported = {
        module: str(path.relative_to(ROOT))
        for path in MODULES
        for module in _outside(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert {module: path for module, path in imported.items() if module not in brought_by} == {}
    used = {brought_by[module] for module in imported}
    assert declared - used == USED_BY_NAME.keys()


def _modules(name: str) -> set[str]:
    """What can be imported once a package is installed, by the files it has installed."""
    return {
        file.parts[0].partition(".")[0]
        for file in distribution(name).files or ()
        if file.suffix in {".py", ".so"}
    }


def _outside(tree: ast.Module) -> set[str]:
    """Packages that a module imports, wherever in it, from neither Python nor ourselves."""
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    return imported - sys.stdlib_module_names - {"jackfield", "m365_emulator"}


def _name(requirement: str) -> str:
    """The normalised name of a package, without extras and versions."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


def test_the_build_asks_for_what_the_lock_pins() -> None:
    """`make` builds without isolation, everyone else with it: both get the same assets."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    asked_for = set(project["build-system"]["requires"])

    assert asked_for <= set(project["dependency-groups"]["build"])
