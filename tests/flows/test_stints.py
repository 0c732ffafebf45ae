"""How many pieces of a large run belong to one step."""

import pytest

from doubles.virtual_clock import VirtualClock
from jackfield.flows.steps import LARGE_PIECE, MOST_PIECES, STINT_S, Stint


def pieces(clock: VirtualClock, rows: int, takes_s: float) -> int:
    """How many pieces of so many rows a step does, each of which takes so long."""
    stint, done = Stint(clock), 1
    clock.advance(takes_s)
    while stint.goes_on(rows):
        clock.advance(takes_s)
        done += 1
    return done


@pytest.mark.parametrize(
    ("rows", "takes_s", "done"),
    [
        pytest.param(LARGE_PIECE, 0.0, MOST_PIECES, id="quick_ones_are_counted"),
        pytest.param(LARGE_PIECE, STINT_S / 2, 2, id="slow_ones_are_timed"),
        pytest.param(LARGE_PIECE, STINT_S * 9, 1, id="a_very_slow_one_is_a_step"),
        pytest.param(LARGE_PIECE - 1, 0.0, 1, id="a_small_one_is_a_step"),
    ],
)
def test_a_step_takes_large_pieces_for_a_while(rows: int, takes_s: float, done: int) -> None:
    """Progress is told twice a second, and not for each five hundred rows."""
    assert pieces(VirtualClock(), rows, takes_s) == done
