"""The runner of the tests is trusted by CI, so it is tested like the product."""

import itertools
from collections import Counter
from pathlib import Path

import pytest

import run_tests

MARKERS = [stage.marker for stage in run_tests.STAGES if stage.marker]
FAST = run_tests.STAGES[0]

REPORT = """<testsuites><testsuite>
<testcase classname="tests.a" name="passes" />
<testcase classname="tests.a" name="fails"><failure message="1 != 2" /></testcase>
<testcase classname="tests.a" name="fails_at_its_end" />
<testcase classname="tests.a" name="fails_at_its_end"><error message="left a thread" /></testcase>
<testcase classname="tests.a" name="skips"><skipped message="no Chromium: none found" /></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize(
    "marked",
    [
        pytest.param(set(chosen), id="+".join(chosen) or "unmarked")
        for size in range(3)
        for chosen in itertools.combinations(MARKERS, size)
    ],
)
def test_each_test_runs_in_exactly_one_stage(marked: set[str]) -> None:
    """In none it would be forgotten, in two it would be counted twice."""
    names = {marker: marker in marked for marker in MARKERS}

    stages = [s.name for s in run_tests.STAGES if eval(run_tests.expression(s) or "True", names)]

    assert len(stages) == 1
    assert (stages == ["fast"]) == (not marked)


def test_the_shares_leave_room_in_the_budget() -> None:
    """CI has its 20 minutes for all stages together."""
    shares = [stage.share_s for stage in run_tests.STAGES]

    total = sum(shares) + run_tests.CHECK_SHARE_S + run_tests.SETUP_SHARE_S

    assert total <= run_tests.BUDGET_S


def test_a_test_that_fails_at_its_end_is_one_failure(tmp_path: Path) -> None:
    """pytest writes such a test twice, once as passed."""
    written = tmp_path / "report.xml"
    written.write_text(REPORT)

    outcome = run_tests.read(written)

    assert (outcome.passed, outcome.failed) == (1, 2)
    assert outcome.skips == {"no Chromium: none found": 1}


@pytest.mark.parametrize(
    ("ci", "reason", "code"),
    [
        pytest.param("true", "no Chromium: none found", 1, id="missing_in_ci_fails"),
        pytest.param("true", "not on musl: no such build", 0, id="by_design_passes"),
        pytest.param("", "no Chromium: none found", 0, id="missing_elsewhere_passes"),
    ],
)
def test_a_skip_in_ci_fails_the_run(
    ci: str,
    reason: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A test that quietly stops running is worse than one that fails."""
    monkeypatch.setenv("CI", ci)
    outcome = run_tests.Outcome(seconds=1, passed=3, skips=Counter({reason: 1}))

    assert run_tests.report({FAST: outcome}, setup_s=0) == code

    said = capsys.readouterr().out
    assert reason in said
    assert said.splitlines()[-1] == "3 passed, 0 failed, 1 skipped"


def test_a_run_without_any_test_fails() -> None:
    """A wrong expression selects nothing, which must not look like success."""
    assert run_tests.report({FAST: run_tests.Outcome()}, setup_s=0) == 1


def test_bytecode_is_kept_whatever_the_container_says() -> None:
    """Compiling our sources again in every process takes longer than a third of the tests."""
    outer = {"PYTHONDONTWRITEBYTECODE": "1", "LANG": "de_DE.UTF-8"}

    inner = run_tests.surroundings(outer)

    assert "PYTHONDONTWRITEBYTECODE" not in inner
    assert inner["LANG"] == "de_DE.UTF-8"
