"""When a system counts as away, since when, and when that is over."""

from datetime import UTC, datetime, timedelta

import pytest

from jackfield.core.reach import OUTAGE_AFTER, OVER_AFTER, PAUSE_AFTER, SILENT_AFTER, Reach
from jackfield.core.waiting import MICROSOFT, TURN, Waits, at, length

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def away(began: float = 0.0) -> Reach:
    """A system whose first call has failed."""
    reach = Reach(MICROSOFT)
    reach.failed("No connection.", "Look at the network.", after(began))
    return reach


def test_nothing_is_wrong_before_anything_was_asked() -> None:
    """A process that has just started knows neither good nor bad."""
    reach = Reach(MICROSOFT)

    assert reach.trouble(NOON) is None
    assert not reach.is_over(after(1e6))


def test_trouble_counts_from_its_first_failure() -> None:
    """Each further failure is the same outage, with its newest cause."""
    reach = away()
    reach.failed("503.", "", after(9), until=after(40))

    trouble = reach.trouble(after(12))

    assert trouble is not None
    assert (trouble.since, trouble.what, trouble.until) == (NOON, "503.", after(40))


@pytest.mark.parametrize(
    ("at_s", "felt", "outage"),
    [
        pytest.param(1, False, False, id="a_stutter"),
        pytest.param(5, True, False, id="whoever_waits_is_told"),
        pytest.param(OUTAGE_AFTER.seconds, True, True, id="an_outage"),
    ],
)
def test_a_failure_grows_into_an_outage(at_s: float, felt: bool, outage: bool) -> None:
    """Within fifteen seconds it is said, and no single refusal is one."""
    trouble = away().trouble(after(at_s))

    assert trouble is not None
    assert (trouble.is_felt(after(at_s)), trouble.is_outage(after(at_s))) == (felt, outage)


@pytest.mark.parametrize(("pause_s", "outage"), [(17, False), (PAUSE_AFTER.seconds, True)])
def test_a_long_pause_is_said_at_once_and_a_short_one_never(pause_s: float, outage: bool) -> None:
    """A good day has many short ones; of five minutes one wants to know now."""
    reach = Reach(MICROSOFT)
    reach.failed("429.", "", NOON, until=after(pause_s), throttled=True)

    trouble = reach.trouble(after(1))

    assert trouble is not None
    assert trouble.is_felt(after(1))
    assert trouble.is_outage(after(1)) is outage


def test_silence_is_noticed_while_the_call_is_still_out() -> None:
    """A call may take a minute until it fails; nobody is left without a word for so long."""
    reach = Reach(MICROSOFT)
    reach.asking("call", "Microsoft Graph", NOON)

    before, missed = reach.trouble(after(4)), reach.trouble(after(SILENT_AFTER.seconds))

    assert before is None
    assert missed is not None
    assert missed.what == "Microsoft Graph has not answered for more than 5 seconds."
    assert missed.since == NOON


def test_when_the_next_try_is_under_way_no_time_is_named() -> None:
    """A moment in the past is no answer to "until when?"."""
    reach = away()
    reach.retried_at(after(30))

    waiting, trying = reach.trouble(after(29)), reach.trouble(after(31))

    assert waiting is not None
    assert trying is not None
    assert (waiting.until, trying.until) == (after(30), None)


def test_an_answer_ends_the_trouble_and_a_while_later_the_outage() -> None:
    """A connection that comes and goes is one outage, not one each minute."""
    reach = away()
    reach.answered(after(60))
    good, over = reach.trouble(after(61)), reach.is_over(after(61))
    reach.answered(after(70))

    assert good is None
    assert not over
    assert reach.is_over(after(60 + OVER_AFTER.seconds))
    reach.failed("Again.", "", after(90))
    reach.answered(after(91))
    assert not reach.is_over(after(100))


def test_a_slow_answer_is_no_proof_that_all_is_well() -> None:
    """Else each page that takes ten seconds would end one outage and begin another."""
    reach = Reach(MICROSOFT)
    reach.answered(NOON)
    reach.asking("call", "Microsoft Graph", after(30))
    reach.returned("call", after(45))
    reach.answered(after(45))

    assert not reach.is_over(after(46))


@pytest.mark.parametrize(
    ("waits", "said"),
    [
        pytest.param(
            Waits(MICROSOFT, "No connection.", NOON, after(30)),
            "Waits for Microsoft 365 since 12:00:00 UTC: No connection. Next try at 12:00:30 UTC.",
            id="until",
        ),
        pytest.param(
            Waits(MICROSOFT, "No connection.", NOON, after(3)),
            "Waits for Microsoft 365 since 12:00:00 UTC: No connection. Trying again now.",
            id="a_try_is_under_way",
        ),
        pytest.param(
            Waits(TURN, "Full sync 3 is not finished.", after(-86_400)),
            "Waits for its turn since 22 Nov, 12:00 UTC: Full sync 3 is not finished.",
            id="turn_since_yesterday",
        ),
    ],
)
def test_waiting_in_words(waits: Waits, said: str) -> None:
    """What, since when, why, until when."""
    assert waits.said(after(10)) == said


def test_the_date_stands_where_it_is_another_day() -> None:
    """A time of day alone would be read as today's."""
    assert at(NOON, after(5)) == "12:00:00 UTC"
    assert at(NOON, after(86_400)) == "23 Nov, 12:00 UTC"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.412, "412 ms"),
        (1.4, "1 s"),
        (89, "89 s"),
        (125, "2 min 5 s"),
        (1800, "30 min"),
        (7260, "2 h 1 min"),
        (7200, "2 h"),
    ],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    """As one would say them."""
    assert length(seconds) == text
