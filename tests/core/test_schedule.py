"""When a run is due: every night once, whatever the clocks do, and in between what changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.core.schedule import (
    Mode,
    ScheduleError,
    ScheduleRules,
    check_schedule,
    due,
    last_nightly,
    wait_after,
)

BERLIN = ScheduleRules(time_zone="Europe/Berlin")
ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Apia",
    "Africa/Casablanca",
    "UTC",
)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NIGHTS = [
    pytest.param("Europe/Berlin", 2, "2026-11-23T12:00", "2026-11-23T01:00", id="winter"),
    pytest.param("Europe/Berlin", 2, "2026-07-23T12:00", "2026-07-23T00:00", id="summer"),
    pytest.param("Europe/Berlin", 2, "2026-11-23T00:59", "2026-11-22T01:00", id="before_the_hour"),
    pytest.param("Europe/Berlin", 2, "2026-11-23T01:00", "2026-11-23T01:00", id="on_the_hour"),
    pytest.param("Europe/Berlin", 0, "2026-11-22T23:30", "2026-11-22T23:00", id="midnight"),
    pytest.param("Europe/Berlin", 23, "2026-11-23T21:59", "2026-11-22T22:00", id="late_evening"),
    pytest.param("America/New_York", 2, "2026-11-23T06:59", "2026-11-22T07:00", id="west"),
    pytest.param("Pacific/Kiritimati", 2, "2026-11-23T11:59", "2026-11-22T12:00", id="far_east"),
    pytest.param("Asia/Kathmandu", 2, "2026-11-23T12:00", "2026-11-22T20:15", id="odd_minutes"),
    # On 29 March 2026 the clocks of Berlin go from 2 to 3 at 01:00 UTC: the hour is skipped, and
    # counts when it would have been. On 25 October it comes twice, at 00:00 and 01:00 UTC.
    pytest.param("Europe/Berlin", 2, "2026-03-29T00:59", "2026-03-28T01:00", id="gap_not_yet"),
    pytest.param("Europe/Berlin", 2, "2026-03-29T01:00", "2026-03-29T01:00", id="gap_skipped"),
    pytest.param("Europe/Berlin", 2, "2026-03-29T23:00", "2026-03-29T01:00", id="gap_afterwards"),
    pytest.param("Europe/Berlin", 2, "2026-10-25T00:00", "2026-10-25T00:00", id="overlap_first"),
    pytest.param("Europe/Berlin", 2, "2026-10-25T01:30", "2026-10-25T00:00", id="overlap_second"),
    pytest.param("Europe/Berlin", 3, "2026-10-25T01:30", "2026-10-24T01:00", id="overlap_later"),
    pytest.param("Europe/Berlin", 2, "2026-10-26T00:59", "2026-10-25T00:00", id="a_long_day"),
    # Lord Howe moves by half an hour. Source: IANA time zone database, australasia.
    pytest.param("Australia/Lord_Howe", 2, "2026-10-03T15:30", "2026-10-03T15:30", id="half_gap"),
]


@pytest.mark.parametrize(("zone", "hour", "now", "expected"), NIGHTS)
def test_the_night_begins_at_the_administrators_hour(
    zone: str, hour: int, now: str, expected: str
) -> None:
    """In the office's own time, summer and winter, and on the two nights in between."""
    rules = ScheduleRules(nightly_hour=hour, time_zone=zone)

    assert last_nightly(rules, utc(now)) == utc(expected)


def test_without_a_zone_the_hosts_own_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine installations in ten stand in the office they serve."""
    import time

    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        begun = last_nightly(ScheduleRules(), utc("2026-11-23T12:00"))
    finally:
        monkeypatch.undo()
        time.tzset()

    assert begun == utc("2026-11-22T20:15")


@given(
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_there_is_a_night_every_day_and_never_in_the_future(
    zone: str, hour: int, now: datetime
) -> None:
    """Whatever the zone does: at most a day and the shift of the clocks ago, at that hour."""
    rules = ScheduleRules(nightly_hour=hour, time_zone=zone)

    begun = last_nightly(rules, now)

    assert begun <= now
    assert now - begun < timedelta(hours=26)
    local = begun.astimezone(ZoneInfo(zone))
    skipped = local.replace(hour=hour, minute=0)
    assert local.hour == hour or skipped.astimezone(UTC).astimezone(ZoneInfo(zone)) != skipped
    assert last_nightly(rules, begun) == begun


@given(
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2034, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    steps=st.lists(st.integers(1, 36 * 60), min_size=1, max_size=40),
)
def test_nights_follow_one_another_and_each_comes_once(
    zone: str, hour: int, start: datetime, steps: list[int]
) -> None:
    """A process that looks now and then runs each night once: no night twice, none backwards."""
    rules = ScheduleRules(nightly_hour=hour, time_zone=zone, delta_interval_s=0)
    now = start
    last_full_at: datetime | None = None
    nights: list[datetime] = []

    for minutes in steps:
        now += timedelta(minutes=minutes)
        mode = due(rules, now=now, last_full_at=last_full_at, last_delta_at=None, wanted=None)
        if mode is Mode.FULL:
            last_full_at = now
            nights.append(last_nightly(rules, now))
        else:
            assert mode is None
            assert last_full_at is not None
            assert last_full_at >= last_nightly(rules, now)

    assert nights == sorted(set(nights))


NOW = utc("2026-11-23T12:00")
LAST_NIGHT = utc("2026-11-23T01:00")
DUE = [
    pytest.param(None, None, None, Mode.FULL, id="never_ran"),
    pytest.param(None, NOW, None, Mode.FULL, id="only_ever_delta"),
    pytest.param(LAST_NIGHT, NOW, None, None, id="nothing"),
    pytest.param(LAST_NIGHT - MINUTE, NOW, None, Mode.FULL, id="night_missed"),
    pytest.param(LAST_NIGHT, NOW - MINUTE, None, Mode.DELTA, id="interval_over"),
    pytest.param(LAST_NIGHT, NOW - timedelta(seconds=59), None, None, id="interval_not_over"),
    pytest.param(NOW, LAST_NIGHT, None, None, id="a_full_run_counts_as_delta"),
    pytest.param(LAST_NIGHT, None, None, Mode.DELTA, id="no_delta_yet"),
    pytest.param(NOW, NOW, Mode.DELTA, Mode.DELTA, id="delta_wanted"),
    pytest.param(NOW, NOW, Mode.FULL, Mode.FULL, id="full_wanted"),
    pytest.param(LAST_NIGHT - HOUR, NOW, Mode.DELTA, Mode.FULL, id="the_night_beats_a_wish"),
    pytest.param(NOW + HOUR, NOW + HOUR, None, Mode.DELTA, id="clock_set_back"),
    pytest.param(NOW + HOUR, None, None, Mode.DELTA, id="clock_set_back_after_full"),
    pytest.param(LAST_NIGHT, NOW + MINUTE, None, Mode.DELTA, id="clock_set_back_a_little"),
]


@pytest.mark.parametrize(("full", "delta", "wanted", "expected"), DUE)
def test_what_is_due(
    full: datetime | None, delta: datetime | None, wanted: Mode | None, expected: Mode | None
) -> None:
    """The night first, then what somebody asked for, then the interval."""
    found = due(BERLIN, now=NOW, last_full_at=full, last_delta_at=delta, wanted=wanted)

    assert found is expected


@pytest.mark.parametrize(
    ("delta", "wanted", "expected"),
    [
        pytest.param(None, None, None, id="never"),
        pytest.param(LAST_NIGHT, None, None, id="long_ago"),
        pytest.param(NOW + HOUR, None, None, id="clock_set_back"),
        pytest.param(LAST_NIGHT, Mode.DELTA, Mode.DELTA, id="asked_for"),
    ],
)
def test_with_the_interval_off_only_the_night_and_wishes_count(
    delta: datetime | None, wanted: Mode | None, expected: Mode | None
) -> None:
    """As the manual has it: once a night."""
    rules = ScheduleRules(delta_interval_s=0, time_zone="Europe/Berlin")

    found = due(rules, now=NOW, last_full_at=LAST_NIGHT, last_delta_at=delta, wanted=wanted)

    assert found is expected


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        pytest.param(ScheduleRules(nightly_hour=24), "is 24; it takes 0 to 23", id="hour_24"),
        pytest.param(ScheduleRules(nightly_hour=-1), "is -1; it takes 0 to 23", id="hour_below"),
        pytest.param(ScheduleRules(delta_interval_s=4), "5 to 86,400", id="too_often"),
        pytest.param(ScheduleRules(delta_interval_s=86_401), "5 to 86,400", id="too_rarely"),
        pytest.param(ScheduleRules(delta_interval_s=-5), "0 (off) or", id="negative"),
        pytest.param(ScheduleRules(time_zone="Mars"), "no time zone 'Mars'", id="no_such_zone"),
        pytest.param(ScheduleRules(time_zone="Europe"), "no time zone", id="a_folder"),
        pytest.param(ScheduleRules(time_zone="/etc/localtime"), "no time zone", id="a_path"),
        pytest.param(ScheduleRules(time_zone="../../etc/passwd"), "no time zone", id="a_way_up"),
        pytest.param(ScheduleRules(time_zone="a\0b"), "no time zone", id="nul"),
        pytest.param(ScheduleRules(time_zone="x" * 9999), "no time zone", id="endless"),
        pytest.param(ScheduleRules(time_zone=" "), "no time zone", id="blank"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(rules: ScheduleRules, says: str) -> None:
    """The text says which part, and what would be right."""
    with pytest.raises(ScheduleError) as refused:
        check_schedule(rules)

    assert says in str(refused.value)


@pytest.mark.parametrize(
    "rules",
    [
        ScheduleRules(),
        ScheduleRules(delta_interval_s=0, nightly_hour=0),
        ScheduleRules(delta_interval_s=5, nightly_hour=23),
        ScheduleRules(delta_interval_s=86_400),
        *(ScheduleRules(time_zone=zone) for zone in ZONES),
    ],
)
def test_a_schedule_at_the_ends_of_what_it_takes_is_kept(rules: ScheduleRules) -> None:
    """The ends belong to it."""
    check_schedule(rules)


def test_each_failure_in_a_row_doubles_the_wait_up_to_an_hour() -> None:
    """Soon back after a hiccup, and no burden on what is down for a weekend."""
    waits = [wait_after(failures) for failures in (0, 1, 2, 6, 7, 8, 10_000)]

    assert waits == [timedelta(seconds=s) for s in (30, 60, 120, 1920, 3600, 3600, 3600)]


def test_after_an_outage_nobody_waits_longer_than_a_minute() -> None:
    """However long it lasted: a newcomer's telephone does not wait for our own patience."""
    waits = [wait_after(failures, away=True) for failures in (0, 1, 2, 10_000)]

    assert waits == [timedelta(seconds=s) for s in (30, 60, 60, 60)]
