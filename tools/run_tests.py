"""Runs the tests in stages, fetches what they need first, and says at the end what it took.

A test belongs to exactly one stage, by its markers. The table at the end holds each stage against
its share of CI's 20 minutes and names every skip. With CI=true a skip fails the run: that machine
is meant to have everything. `run_tests.py fast browser -- -k name` runs two stages of a few tests.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BUDGET_S: Final = 20 * 60
CHECK_SHARE_S: Final = 60
SETUP_SHARE_S: Final = 90

# A reason that begins so names no missing thing: the test does not belong on this kind of machine.
BY_DESIGN: Final = "not on "


@dataclass(frozen=True, slots=True)
class Stage:
    """Tests of one kind; `share_s` is a plan to notice growth by, `limit_s` ends a hung run."""

    name: str
    title: str
    marker: str | None
    share_s: int
    options: tuple[str, ...] = ()

    @property
    def limit_s(self) -> int:
        return max(900, self.share_s * 5)


# The order is also the precedence of markers: a hostile test on PostgreSQL is a hostile one.
STAGES: Final = (
    Stage("fast", "fast", None, 60, ("-n", "2")),
    Stage("flows", "whole flows", "flows", 60, ("-n", "2")),
    Stage("postgres", "PostgreSQL", "postgres", 120, ("-n", "2")),
    Stage("hostile", "hostile input", "hostile", 50),
    Stage("e2e", "the real thing", "e2e", 380, ("-n", "2")),
    Stage("sim", "simulations", "sim", 90),
    Stage("kill9", "kill -9", "kill9", 180, ("-n", "2")),
    Stage("browser", "browser", "browser", 110),
)


@dataclass(slots=True)
class Outcome:
    """What one stage brought."""

    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skips: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)


def main(arguments: Sequence[str]) -> int:
    """Run the wanted stages; 0 if nothing failed and nothing that should be here is missing."""
    wanted, passed_on = split(arguments)
    environment = surroundings(os.environ)

    begun = time.monotonic()
    if "browser" in wanted:
        prepare_browser(environment)
    setup_s = time.monotonic() - begun

    outcomes: dict[Stage, Outcome] = {}
    for stage in STAGES:
        if stage.name in wanted:
            print(f"\n--- {stage.title}", flush=True)
            outcomes[stage] = run(stage, passed_on, environment)
    return report(outcomes, setup_s)


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The wanted stages, and after a `--` what goes to pytest as it is."""
    at = list(arguments).index("--") if "--" in arguments else len(arguments)
    names = [stage.name for stage in STAGES]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"one of {', '.join(names)}")
    wanted = parser.parse_args(arguments[:at]).stages
    if unknown := set(wanted) - set(names):
        parser.error(f"no such stage: {', '.join(sorted(unknown))}")
    return wanted or names, list(arguments[at + 1 :])


# --- what the tests need ---------------------------------------------------------------------


def surroundings(outer: Mapping[str, str]) -> dict[str, str]:
    """The environment of the tests: a HOME that can be written, and bytecode that is kept.

    Many containers forbid it; here every worker and every process under test would compile our
    sources again, and pytest rewrite every test, which takes longer than a third of the tests.
    """
    kept = {k: v for k, v in outer.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "HOME": writable_home()}


def writable_home() -> str:
    """HOME, or a folder of ours where HOME cannot be written: browsers keep a profile there."""
    home = os.environ.get("HOME", "")
    if home and os.access(home, os.W_OK):
        try:
            with tempfile.TemporaryFile(dir=home):
                return home
        except OSError:
            pass  # a read-only disk tells root so only when it writes
    folder = ROOT / ".venv" / "home"
    folder.mkdir(exist_ok=True)
    return str(folder)


def prepare_browser(environment: dict[str, str]) -> None:
    """Chromium and a font of known shape: by apt if we are root, else Playwright's own Chromium.

    What cannot be had is left to the tests, which skip with the reason.
    """
    missing = [
        package
        for package, found in (
            ("chromium", Path("/usr/bin/chromium").exists()),
            ("fonts-inter", any(Path("/usr/share/fonts").glob("*/inter"))),
        )
        if not found
    ]
    if not missing:
        return
    if Path("/usr/bin/apt-get").exists() and os.geteuid() == 0:
        print(f"setup: installing {' and '.join(missing)} by apt", flush=True)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
        apt = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
        if not quietly(["apt-get", "update", "-qq"], apt) and not quietly(install, apt):
            return
        print("setup: apt could not install them", flush=True)
    if "chromium" in missing:
        print("setup: fetching Playwright's own Chromium", flush=True)
        playwright = [sys.executable, "-m", "playwright", "install", "chromium-headless-shell"]
        if quietly(playwright, environment):
            print("setup: no Chromium to be had; the browser's tests will be skipped", flush=True)


def quietly(command: list[str], environment: dict[str, str]) -> int:
    """Run a command within five minutes; its output is shown only if it fails."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"setup: {command[0]} took longer than five minutes", flush=True)
        return 1
    if done.returncode:
        print(done.stdout.decode(errors="replace")[-2_000:], flush=True)
    return done.returncode


# --- the stages ------------------------------------------------------------------------------


def expression(stage: Stage) -> str:
    """The pytest marker expression that gives each test to one stage."""
    later = [s.marker for s in STAGES[STAGES.index(stage) + 1 :] if s.marker]
    own = [stage.marker] if stage.marker else []
    return " and ".join([*own, *(f"not {marker}" for marker in later)])


def run(stage: Stage, passed_on: Sequence[str], environment: dict[str, str]) -> Outcome:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="jf-tests-") as folder:
        written = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={written}"]
        if chosen := expression(stage):
            command += ["-m", chosen]
        # A session of its own, so that a stage that hangs ends with everything it started.
        pytest = subprocess.Popen(
            [*command, *stage.options, *passed_on],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        trouble = None
        try:
            code = pytest.wait(timeout=stage.limit_s)
        except subprocess.TimeoutExpired:
            trouble = f"stopped after {stage.limit_s} s"
            code = end(pytest)
        except KeyboardInterrupt:
            end(pytest)
            raise
        outcome = read(written) if written.exists() else Outcome()
    # 0 passed, 1 some failed, 5 no test in this stage; the rest is pytest's own trouble.
    if trouble is None and code not in {0, 1, 5}:
        trouble = f"pytest ended with exit code {code}"
    if trouble is None and code == 1 and not outcome.failed:
        trouble = "pytest failed outside its tests"
    if trouble:
        outcome.troubles.append(trouble)
        outcome.failed += 1
    outcome.seconds = time.monotonic() - begun
    return outcome


def end(process: subprocess.Popen[bytes]) -> int:
    """Ask the whole session to end, then make it."""
    for how, patience_s in ((signal.SIGINT, 15), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, how)
            return process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            break
    return process.wait()


def read(written: Path) -> Outcome:
    """Count what pytest's JUnit file tells; a test that failed twice, in its end too, is one."""
    outcome = Outcome()
    verdicts: dict[tuple[str, str], str] = {}
    for case in ET.parse(written).iter("testcase"):  # noqa: S314  # written by pytest a moment ago
        test = (case.get("classname", ""), case.get("name", ""))
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            verdicts[test] = "failed"
        elif skipped is not None:
            if verdicts.setdefault(test, "skipped") == "skipped":
                outcome.skips[skipped.get("message", "no reason given")] += 1
        else:
            verdicts.setdefault(test, "passed")
    count = Counter(verdicts.values())
    outcome.passed, outcome.failed = count["passed"], count["failed"]
    return outcome


# --- the report ------------------------------------------------------------------------------


def report(outcomes: dict[Stage, Outcome], setup_s: float) -> int:
    """Print the table, the skips and the closing line."""
    in_ci = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
    check_s = float(os.environ.get("CHECK_SECONDS") or 0)  # 0: not run beside us
    print(f"\n{'stage':<16}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}{'share':>7}")
    row("set-up", None, setup_s, SETUP_SHARE_S)
    if check_s:
        row("check", None, check_s, CHECK_SHARE_S)
    for stage, outcome in outcomes.items():
        row(stage.title, outcome, outcome.seconds, stage.share_s)
    total_s = setup_s + check_s + sum(outcome.seconds for outcome in outcomes.values())
    row("everything", None, total_s, BUDGET_S)

    missing = 0
    for stage, outcome in outcomes.items():
        for trouble in outcome.troubles:
            print(f"TROUBLE {stage.title}: {trouble}")
        for reason, count in sorted(outcome.skips.items()):
            print(f"SKIPPED {stage.title}: {count} x {reason}")
            missing += 0 if reason.startswith(BY_DESIGN) else count
    if in_ci and missing:
        print(f"CI=true: {missing} skipped for want of something this machine should have")

    passed = sum(o.passed for o in outcomes.values())
    failed = sum(o.failed for o in outcomes.values())
    skipped = sum(o.skips.total() for o in outcomes.values())
    closing = f"{passed} passed, {failed} failed"
    print(f"\n{closing}, {skipped} skipped" if skipped else f"\n{closing}", flush=True)
    return 1 if failed or not passed or (in_ci and missing) else 0


def row(title: str, outcome: Outcome | None, seconds: float, share_s: int) -> None:
    counts = ("", "", "")
    if outcome is not None:
        counts = (str(outcome.passed), str(outcome.failed), str(outcome.skips.total()))
    over = "  over" if seconds > share_s else ""
    print(f"{title:<16}{counts[0]:>8}{counts[1]:>8}{counts[2]:>9}{seconds:>9.0f}{share_s:>7}{over}")


if __name__ == "__main__":
    # Asked to end in either way, the stage that runs is ended first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
