"""The words that both runners share, without a runner: values, names, schedules."""

import enum
import math

import pytest

from jackfield.durable import Lane, NotJsonError
from jackfield.durable.catalogue import Catalogue, fruitless_starts, key_of, run_id
from jackfield.durable.run import RunId, recordable

LANE = Lane("lane", poll=0.5, concurrency=1)


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        pytest.param((1, 2), "it: a builtins.tuple", id="tuple"),
        pytest.param({"a": [0, {"b": {1}}]}, r"it\['a'\]\[1\]\['b'\]: a builtins.set", id="deep"),
        pytest.param({1: "one"}, "it: the key 1 is a int, not a str", id="number_as_key"),
        pytest.param(Colour.RED, "Colour is not plain JSON", id="enum"),
        pytest.param({Colour.RED: 1}, "is a Colour, not a str", id="enum_as_key"),
        pytest.param(b"bytes", "it: a builtins.bytes", id="bytes"),
        pytest.param(math.nan, "it: nan is not JSON", id="nan"),
        pytest.param(-math.inf, "it: -inf is not JSON", id="infinity"),
        pytest.param("\ud83d", "it: text with half a character pair", id="half_a_pair"),
        pytest.param(object(), "it: a builtins.object", id="object"),
    ],
)
def test_what_would_come_back_changed_is_refused_with_its_place(value, complaint):
    """The complaint must lead to the line of the flow that returned it."""
    with pytest.raises(NotJsonError, match=complaint):
        recordable(value, "it")


def test_what_is_recorded_is_a_copy():
    """A flow that goes on changing a list must not differ from its own replay."""
    value = {"list": [1, {"deep": "er"}]}

    copied = recordable(value, "it")
    value["list"].append(2)

    assert copied == {"list": [1, {"deep": "er"}]}


@pytest.mark.parametrize("key", [None, "", "tenant", "tenant:1", "a:b:c", "%_'", "ø 🙂"])
def test_a_runs_id_gives_its_key_back(key):
    """After a takeover the id is all that still knows the key."""
    run = run_id("people.sync", key, "0a1b")

    assert key_of(run, "people.sync") == key


def test_a_scheduled_run_has_no_key():
    """DBOS names it, and its time is full of colons."""
    assert key_of(RunId("sched-due-2026-11-23T12:00:00+00:00"), "due") is None


@pytest.mark.parametrize(
    ("before", "recorded", "after"),
    [
        pytest.param((0, 1), 0, (0, 2), id="died_before_its_first_step"),
        pytest.param((0, 1), 4, (4, 1), id="got_on"),
        pytest.param((4, 7), 4, (4, 8), id="stuck"),
        pytest.param((4, 7), 5, (5, 1), id="got_on_after_all"),
    ],
)
def test_only_starts_without_a_finished_step_count(before, recorded, after):
    """A run that gets on is never given up."""
    assert fruitless_starts(before, recorded) == after


async def _flow(_run: object) -> None:
    pass


async def _flow_with_argument(_run: object, _tenant: str) -> None:
    pass


@pytest.mark.parametrize("name", ["", "People", "people:sync", "people sync", "-people", "7up"])
def test_a_name_that_could_not_be_told_apart_is_refused(name):
    """A colon in a flow's name would make its runs another flow's."""
    with pytest.raises(ValueError, match="a name is lower-case letters"):
        Catalogue((LANE,)).define(name, LANE, _flow)


def test_a_catalogue_refuses_what_contradicts_itself():
    """Wrong wiring fails when the product starts, not at three in the morning."""
    catalogue = Catalogue((LANE,))
    catalogue.define("due", LANE, _flow)
    catalogue.define("sync", LANE, _flow_with_argument)
    catalogue.every("* * * * *", "due")

    with pytest.raises(ValueError, match="flow due is defined twice"):
        catalogue.define("due", LANE, _flow)
    with pytest.raises(ValueError, match="its lane other is not one of"):
        catalogue.define("other", Lane("other", 1, 1), _flow)
    with pytest.raises(ValueError, match="flow due has two schedules"):
        catalogue.every("0 * * * *", "due")
    with pytest.raises(TypeError, match="missing a required argument"):
        catalogue.every("0 * * * *", "sync")
    with pytest.raises(ValueError, match="two lanes have the same name"):
        Catalogue((LANE, Lane("lane", 1, 1)))
    with pytest.raises(ValueError, match="poll and concurrency must be positive"):
        Lane("none", 0.5, 0)
