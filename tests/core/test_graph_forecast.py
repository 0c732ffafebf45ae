"""What the next rounds will cost, told from the size of a tenant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.core.graph_forecast import Cost, Size, busiest_units, forecast, paced_s


@pytest.mark.parametrize(
    ("size", "full"),
    [
        pytest.param(Size(10, 0, 0), Cost(5, 7), id="a_few_people_take_a_page_of_each"),
        pytest.param(Size(999, 0, 0), Cost(5, 7), id="a_full_page"),
        pytest.param(Size(1000, 0, 0), Cost(6, 8), id="one_person_more_is_one_page_more"),
        pytest.param(Size(10, 5000, 0), Cost(54, 56), id="groups_are_estimated_at_first"),
        pytest.param(Size(10, 5000, 0, 3, 9), Cost(13, 15), id="and_counted_once_they_were_read"),
        pytest.param(Size(10, 0, 41), Cost(8, 7, 41), id="photos_are_asked_for_by_twenty"),
        pytest.param(Size(50_000, 0, 0, 3, 1), Cost(53, 55), id="more_people_than_were_counted"),
    ],
)
def test_a_full_sync_costs_its_pages_and_the_licences(size: Size, full: Cost) -> None:
    """The licences bought count three units, everything else one a page."""
    assert forecast(size, interval_s=0).full == full


def test_a_day_is_a_full_sync_and_a_look_at_every_interval() -> None:
    """Every five seconds is the demo's pace; 17,280 looks of two requests each."""
    expected = forecast(Size(10, 0, 0), interval_s=5)

    assert expected.looks == 17_280
    assert expected.day == Cost(5 + 34_560, 7 + 34_560)


def test_without_an_interval_a_day_is_the_nightly_sync_alone() -> None:
    """0 switches the looks off."""
    expected = forecast(Size(10, 0, 0), interval_s=0)

    assert (expected.looks, expected.day) == (0, expected.full)


@given(
    size=st.builds(Size, *(st.integers(0, 200_000) for _ in range(5))),
    interval_s=st.one_of(st.just(0), st.integers(5, 86_400)),
)
def test_more_to_read_never_costs_less(size: Size, interval_s: int) -> None:
    """A forecast that falls while the tenant grows would lull somebody."""
    more = Size(
        size.people + 1000, size.groups, size.photos + 20, size.user_pages, size.group_pages
    )
    now, then = forecast(size, interval_s=interval_s), forecast(more, interval_s=interval_s)

    assert now.full.requests < then.full.requests
    assert now.day.units <= then.day.units
    busiest = busiest_units(now, interval_s=interval_s, window_s=10)
    assert now.full.units <= busiest <= now.full.units + 2 * now.look.units


def test_work_beyond_the_pace_is_spread() -> None:
    """3,500 units at once, then 350 a second."""
    assert paced_s(3500, 3500, 10) == 0
    assert paced_s(7000, 3500, 10) == 10
