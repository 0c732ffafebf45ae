"""Charts, times, figures and initials: the small things that every page says."""

from datetime import UTC, datetime, timedelta

import pytest

from jackfield.core.actions import ActionKind, RefusalKind
from jackfield.core.extensions import DepartmentFlag
from jackfield.core.people import LeaverCause
from jackfield.store.alarms import Severity
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanStatus
from jackfield.store.runs import RunStatus
from jackfield.web import tags
from jackfield.web.charts import Bar, Line, Series, figure, lines, round_up, stacked_bars
from jackfield.web.licences import licence_names, licence_pairs, licence_titles
from jackfield.web.rendering import ago, counted, hue, initials, isolated, load_asset, utc

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ada Lovelace", "AL"),
        ("Ada", "A"),
        ("Ada Augusta King Lovelace", "AL"),
        ("王 芳", "王芳"),
        ("123", "?"),
        ("", "?"),
        ("(guest) Ada", "A"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    """Whatever a name looks like, the avatar has something to show."""
    assert initials(name) == letters


def test_the_colour_of_somebody_never_changes() -> None:
    """Or people would look like others after each restart."""
    assert hue("00000000-0000-4000-8000-000000000001") == hue(
        "00000000-0000-4000-8000-000000000001"
    )
    assert {hue(str(number)) for number in range(100)} == set(range(6))
    assert hue("\ud83d") in range(6)


@pytest.mark.parametrize(
    ("past", "text"),
    [
        (timedelta(), "just now"),
        (timedelta(seconds=1), "1 second ago"),
        (timedelta(seconds=59), "59 seconds ago"),
        (timedelta(minutes=90), "1 hour ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=-1), "just now"),
    ],
)
def test_how_long_ago(past: timedelta, text: str) -> None:
    """Also where a clock was set back."""
    assert ago(NOW - past, NOW) == text


def test_moments_say_that_they_are_utc() -> None:
    """A time without its zone is a riddle in an office with two."""
    assert utc(NOW) == "23 Nov 2026, 12:00 UTC"


def test_counts_have_separators_and_the_right_noun() -> None:
    assert counted(1, "extension") == "1 extension"
    assert counted(100_000, "person", "people") == "100,000 people"


def test_every_state_has_a_text_and_a_sign_of_its_own() -> None:
    """No state may be told by its colour alone, and none may be missing."""
    for table, states in (
        (tags.RUN_TAGS, RunStatus),
        (tags.PLAN_TAGS, PlanStatus),
        (tags.ACTION_TAGS, ActionStatus),
        (tags.ALARM_TAGS, Severity),
        (tags.FLAG_TAGS, DepartmentFlag),
        (tags.LEAVER_TAGS, LeaverCause),
    ):
        assert set(table) == set(states)
        assert all(tag.text and tag.sign for tag in table.values())
        assert len({tag.text for tag in table.values()}) == len(table)
    assert set(tags.ACTION_SIGNS) == set(ActionKind)
    assert set(tags.REFUSAL_TITLES) == set(RefusalKind)


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    """A missing one would be an empty square that nobody notices."""
    sprite = load_asset("vendor/icons.svg")
    assert sprite is not None
    named = {
        tag.sign
        for table in (tags.RUN_TAGS, tags.PLAN_TAGS, tags.ACTION_TAGS)
        for tag in table.values()
    }
    named |= {
        tag.sign
        for table in (tags.FLAG_TAGS, tags.LEAVER_TAGS, tags.ALARM_TAGS)
        for tag in table.values()
    }
    named |= set(tags.ACTION_SIGNS.values())

    missing = {name for name in named if f'id="{name}"'.encode() not in sprite.content}

    assert not missing


@pytest.mark.parametrize(("value", "top"), [(1, 3), (3, 3), (4, 6), (100, 150), (151, 300)])
def test_grid_lines_stand_at_round_figures(value: float, top: float) -> None:
    assert round_up(value) == top
    assert top % 3 == 0


def test_a_chart_without_figures_is_no_chart() -> None:
    """The page says instead that there is nothing yet."""
    assert stacked_bars("c", "Title", [Bar("a")], [Series("Done", (0.0,))]) == ""
    assert stacked_bars("c", "Title", [], []) == ""


def test_a_chart_can_be_read_without_seeing_it() -> None:
    """A title, a text for each bar, and all figures as a table."""
    drawn = stacked_bars(
        "c",
        "Changes <by> run",
        [Bar("12:00", NOW.isoformat()), Bar("13:00")],
        [Series("Created", (1200.0, 0.0)), Series("Failed", (0.0, 3.0), "bad")],
    )

    assert 'role="img" aria-label="Changes &lt;by&gt; run"' in drawn
    assert "<title>12:00: Created 1,200; Failed 0</title>" in drawn
    assert '<td class="num">1,200</td>' in drawn
    assert f'data-moment="{NOW.isoformat()}"' in drawn
    assert drawn.count('class="series-1" x=') == 1
    assert drawn.count('class="series-bad"') == 2  # the bar and its word
    assert "style=" not in drawn


def test_a_chart_of_lines_breaks_where_nothing_is_known() -> None:
    """No run in an hour is not a run of no length."""
    places = [Bar(f"{hour}:00") for hour in range(4)]

    drawn = lines(
        "c", "Longest", places, [Line("Full sync", (2.0, 3.0, None, 1.0))], lambda v: f"{v:g} s"
    )

    assert drawn.count("<polyline") == 1
    assert drawn.count("<circle") == 3
    assert "<title>2:00: Full sync –</title>" in drawn
    assert '<td class="num">3 s</td>' in drawn
    assert "style=" not in drawn


@pytest.mark.parametrize(
    "values", [pytest.param((), id="no_place"), pytest.param((None, None), id="nothing_known")]
)
def test_a_chart_of_lines_of_nothing_is_none(values: tuple[float | None, ...]) -> None:
    assert lines("c", "Longest", [Bar("x") for _ in values], [Line("a", values)], str) == ""


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (1.0, "1"), (12.5, "12"), (2e6, "2,000,000")]
)
def test_figures_of_charts(value: float, text: str) -> None:
    assert figure(value) == text


def test_licences_have_names_that_administrators_know() -> None:
    """By its stored name, Microsoft's product name, its short name; else how many."""
    skus = {"a": ("SPE_E3", ""), "b": ("NEW_THING", ""), "c": ("X", "Our own name")}

    assert licence_names(["a", "b", "c", "d"], skus) == (
        "Microsoft 365 E3",
        "NEW_THING",
        "Our own name",
        "Unknown licence",
    )
    assert licence_names(["a", "b"], {}) == ("2 licences",)
    assert licence_titles(["a", "b", "c", "d"], skus) == (
        "Microsoft 365 E3 (SPE_E3)",
        "NEW_THING",
        "Our own name (X)",
        "Unknown licence (d)",
    )
    assert licence_pairs(["a", "b"], skus) == (
        ("Microsoft 365 E3", "Microsoft 365 E3 (SPE_E3)"),
        ("NEW_THING", "NEW_THING"),
    )
    assert licence_pairs(["a"], {}) == (("1 licence", "Unknown licence (a)"),)
    assert licence_names([], skus) == ()
    no_teams = {"a": ("Microsoft_365_E3_(no_Teams)", "")}
    assert licence_names(["a"], no_teams) == ("Microsoft 365 E3 (no Teams)",)


@pytest.mark.parametrize(
    ("text", "names", "shown"),
    [
        pytest.param("Create 200 for Ada", ("Ada",), "Create 200 for Ada", id="latin"),
        pytest.param("200 for שלום 42", ("שלום 42",), "200 for <bdi>שלום 42</bdi>", id="name"),
        pytest.param(
            "The group “قسم” is gone", (), "The group “<bdi>قسم</bdi>” is gone", id="quoted"
        ),
        pytest.param("\u202ea", ("\u202ea",), "<bdi>\u202ea</bdi>", id="override"),
        pytest.param("<b>א</b>", ("<b>א</b>",), "<bdi>&lt;b&gt;א&lt;/b&gt;</bdi>", id="markup"),
        pytest.param("א <i>", (), "א &lt;i&gt;", id="no_name"),
        pytest.param("א", ("",), "א", id="an_empty_name"),
        pytest.param("a.c א abc", ("a.c",), "<bdi>a.c</bdi> א abc", id="no_pattern"),
    ],
)
def test_what_reads_from_right_to_left_is_set_apart(
    text: str, names: tuple[str, ...], shown: str
) -> None:
    """A name must not turn the words and numbers around it; and it stays text."""
    assert str(isolated(text, *names)) == shown
