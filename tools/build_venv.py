"""Builds `.venv` from the hash-pinned locks; needs nothing but a Python and its package index.

`build_venv.py run` installs what the product needs, `build_venv.py dev` what its tests need as
well. pip installs uv by hash, uv the rest. Written without newer syntax (from 3.7 on), so that an
old Python can say that it is too old.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
RUN_LOCKS = ["requirements-uv.lock", "requirements-build.lock", "requirements.lock"]
DEV_LOCKS = [*RUN_LOCKS, "requirements-dev.lock"]
CANNOT = 2


def main(arguments: list[str]) -> int:
    wanted = arguments[0] if arguments else "run"
    if sys.version_info < (3, 11):  # noqa: UP036  # the one place that meets an older Python
        return complain(
            "Jackfield needs Python 3.11 or newer; python3 is {}.{}. With a newer one: "
            "make PYTHON=python3.12 ...".format(*sys.version_info[:2])
        )
    if not works(PYTHON):
        shutil.rmtree(VENV, ignore_errors=True)
        refused = make_venv()
        if refused:
            return complain(refused)
    locks = DEV_LOCKS if wanted == "dev" else RUN_LOCKS
    say("installing from the locks ({})".format("with tests" if wanted == "dev" else "run time"))
    if not uv_is_current():
        pip = [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        if run([*pip, "--no-cache-dir", "--require-hashes", "-r", "requirements-uv.lock"]):
            return complain("pip could not install uv: is the package index reachable?")
    # One call for all locks: `sync` removes whatever is not in the files it is given.
    sync = [UV, "pip", "sync", "-q", "--require-hashes", "--compile-bytecode", "--python", PYTHON]
    # uv trusts the authorities it brings; a site with its own index may need the system's.
    if run([*sync, *locks]) and run([*sync, "--system-certs", *locks]):
        return complain("uv could not install the locked packages (see above)")
    # Our own build requirements are in the locks, so nothing is fetched unpinned here.
    own = [UV, "pip", "install", "-q", "--no-build-isolation", "--no-deps", "--python", PYTHON]
    if run([*own, "-e", "."]):
        return complain("Jackfield itself could not be installed (see above)")
    return 0


def make_venv() -> str | None:
    """Make an empty `.venv`, or say what is missing."""
    say("making .venv with Python {}.{}.{}".format(*sys.version_info[:3]))
    if has_ensurepip() and run([sys.executable, "-m", "venv", VENV]) == 0:
        return None
    shutil.rmtree(VENV, ignore_errors=True)
    apt = shutil.which("apt-get")
    if apt is None:
        return "python3 lacks venv and ensurepip: install them from where this Python came"
    package = "python{}.{}-venv".format(*sys.version_info[:2])
    if os.geteuid() != 0:
        return f"python3 lacks venv; run this once: sudo apt-get install -y {package}"
    say(f"python3 lacks venv: installing {package}")
    install = [apt, "install", "-y", "-qq", "--no-install-recommends", package]
    if run(install, quiet=True) and (run([apt, "update", "-qq"]) or run(install)):
        return f"could not install {package}"
    if run([sys.executable, "-m", "venv", VENV]):
        return f"python3 still makes no venv although {package} is installed"
    return None


def has_ensurepip() -> bool:
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return False
    return True


def works(python: Path) -> bool:
    """Whether `.venv` can be built upon: a moved folder or a removed Python leaves a dead one."""
    probe = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    return python.exists() and run([python, "-c", probe], quiet=True) == 0


def uv_is_current() -> bool:
    pinned = (ROOT / "requirements-uv.lock").read_text().partition("uv==")[2].split()[0]
    if not UV.exists():
        return False
    said = subprocess.run([str(UV), "--version"], stdout=subprocess.PIPE, check=False).stdout
    return said.decode().split()[1:2] == [pinned]


def run(command: Sequence[object], *, quiet: bool = False) -> int:
    silent = subprocess.DEVNULL if quiet else None
    return subprocess.run(
        [str(part) for part in command],
        cwd=str(ROOT),
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=silent,
        stderr=silent,
        check=False,
    ).returncode


def environment() -> dict[str, str]:
    """Ours, with uv's cache where we may write: HOME may be missing, empty or read-only."""
    env = dict(os.environ, UV_PYTHON_DOWNLOADS="never", DEBIAN_FRONTEND="noninteractive")
    env.pop("VIRTUAL_ENV", None)
    # `--compile-bytecode` is for the first start; this variable would forbid it.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    if "UV_CACHE_DIR" not in env:
        env["UV_CACHE_DIR"] = str(cache_folder())
    return env


def cache_folder() -> Path:
    """The user's own cache folder if it can be written; only trying tells, for root above all."""
    own = VENV / "cache"
    try:
        shared = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uv"
        shared.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=str(shared)):
            return shared
    except (OSError, RuntimeError):  # the latter: no home at all
        return own


def say(line: str) -> None:
    print(f"venv: {line}", file=sys.stderr, flush=True)


def complain(line: str) -> int:
    say(line)
    return CANNOT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
