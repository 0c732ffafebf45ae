"""How long a failed run waits for its next try."""

from datetime import timedelta

from jackfield.core.schedule import wait_after


def test_each_failure_in_a_row_doubles_the_wait_up_to_an_hour() -> None:
    """Soon back after a hiccup, and no burden on what is down for a weekend."""
    waits = [wait_after(failures) for failures in (0, 1, 2, 6, 7, 8, 10_000)]

    assert waits == [timedelta(seconds=s) for s in (30, 60, 120, 1920, 3600, 3600, 3600)]
