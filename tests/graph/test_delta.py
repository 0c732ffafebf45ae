from collections.abc import Callable

import pytest

from doubles.scripted_graph import ScriptedGraph, answer, refused
from jackfield.graph.client import GraphClient
from jackfield.graph.delta import (
    MOST_RESTARTS,
    Position,
    RoundEnd,
    Stage,
    next_groups_step,
    next_users_step,
    start_groups_round,
    start_users_round,
)
from jackfield.graph.errors import (
    CursorExpired,
    LinkRefused,
    MalformedAnswer,
    PermissionMissing,
    Unreachable,
)
from jackfield.graph.transport import TransportFailed

Make = Callable[..., GraphClient]
ROOT = "https://graph.microsoft.com/v1.0/users"
EXPIRED = refused(410, "syncStateNotFound")


def page(*ids: str, onward: str = "", cursor: str = "") -> object:
    body: dict[str, object] = {"value": [{"id": i, "userPrincipalName": f"{i}@x"} for i in ids]}
    if onward:
        body["@odata.nextLink"] = f"{ROOT}?$skiptoken={onward}"
    if cursor:
        body["@odata.deltaLink"] = f"{ROOT}/delta?$deltatoken={cursor}"
    return answer(body)


def link(cursor: str) -> str:
    return f"{ROOT}/delta?$deltatoken={cursor}"


async def walk(client: GraphClient, cursor: str | None, steps: int = 30) -> list[str]:
    """What a round reads, step by step, each position saved and loaded in between."""
    log: list[str] = []
    after: Position | RoundEnd = start_users_round(cursor)
    for _ in range(steps):
        if isinstance(after, RoundEnd):
            log.append(f"end {(after.cursor or 'none').rpartition('=')[2]} full={after.full}")
            return log
        step = await next_users_step(client, Position.decode(after.encode()))
        read = "-" if step.page is None else " ".join(step.page.users) or "empty"
        log.append(f"{after.stage}: {read}{' restarted' if step.restarted else ''}")
        after = step.after
    raise AssertionError(log)


async def test_a_full_round_lists_everybody_and_catches_up(client: Make):
    """Who is hired while the list is read is on no page of it."""
    graph = ScriptedGraph(
        page(cursor="from-now"),
        page("a", "b", onward="2"),
        page("c"),
        page("d", onward="3"),
        page("a", cursor="later"),
    )

    log = await walk(client(graph), None)

    assert log == [
        "bookmark: -",
        "list: a b",
        "list: c",
        "catch_up: d",
        "catch_up: a",
        "end later full=True",
    ]
    assert "$deltatoken=latest" in graph.sent[0].url
    assert graph.sent[3].url == link("from-now")


async def test_an_incremental_round_follows_its_cursor(client: Make):
    """Every minute, one small call."""
    graph = ScriptedGraph(page("a", onward="2"), page(cursor="new"))

    log = await walk(client(graph), link("old"))

    assert log == ["follow: a", "follow: empty", "end new full=False"]
    assert graph.sent[0].url == link("old")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(refused(400, "Request_BadRequest"), id="400"),
        pytest.param(refused(404, "Request_ResourceNotFound"), id="404"),
        pytest.param(refused(501, "NotImplemented"), id="501"),
        pytest.param(page(), id="no_link_at_all"),
    ],
)
async def test_without_latest_the_change_log_is_walked(client: Make, reply):
    """Not every Graph-speaking server knows `$deltatoken=latest`."""
    graph = ScriptedGraph(reply, page("a", onward="2"), page("b", cursor="c"))

    log = await walk(client(graph), None)

    assert log == ["bookmark: -", "walk: a", "walk: b", "end c full=True"]


async def test_a_server_that_ignores_latest_has_already_begun_the_walk(client: Make):
    """Its first page must not be read twice, and its link not be taken for a bookmark."""
    graph = ScriptedGraph(page("a", onward="2"), page("b", cursor="c"))

    log = await walk(client(graph), None)

    assert log == ["bookmark: a", "walk: b", "end c full=True"]


async def test_a_server_that_ignores_latest_may_have_only_one_page(client: Make):
    """Ten people come with a delta link at once: that is everybody, not a bookmark."""
    log = await walk(client(ScriptedGraph(page("a", "b", cursor="c"))), None)

    assert log == ["bookmark: a b", "end c full=True"]


async def test_without_a_change_log_everybody_is_listed_each_time(client: Make):
    """The smallest Graph there is; slower, and still right."""
    missing = refused(404, "ResourceNotFound")
    graph = ScriptedGraph(missing, missing, page("a", onward="2"), page("b"))

    log = await walk(client(graph), None)

    assert log == ["bookmark: -", "walk: -", "list: a", "list: b", "end none full=True"]


async def test_a_cursor_that_is_too_old_asks_for_a_full_round(client: Make):
    """After a week without Jackfield; the flow then starts without a cursor."""
    with pytest.raises(CursorExpired):
        await walk(client(ScriptedGraph(EXPIRED)), link("old"))


async def test_a_link_that_expires_within_a_round_begins_the_round_again(client: Make):
    """Next links live for an hour or so; the cursor the round began from still holds."""
    graph = ScriptedGraph(page("a", onward="2"), EXPIRED, page("a", onward="3"), page(cursor="new"))

    log = await walk(client(graph), link("old"))

    assert log == [
        "follow: a",
        "follow: - restarted",
        "follow: a",
        "follow: empty",
        "end new full=False",
    ]
    assert graph.sent[2].url == link("old")


async def test_a_list_that_expires_begins_with_a_new_bookmark(client: Make):
    """A machine that slept between two pages."""
    graph = ScriptedGraph(
        page(cursor="one"),
        page("a", onward="2"),
        EXPIRED,
        page(cursor="two"),
        page("a", "b"),
        page(cursor="end"),
    )

    log = await walk(client(graph), None)

    assert log == [
        "bookmark: -",
        "list: a",
        "list: - restarted",
        "bookmark: -",
        "list: a b",
        "catch_up: empty",
        "end end full=True",
    ]
    assert graph.sent[5].url == link("two")


async def test_rounds_do_not_begin_again_for_ever(client: Make):
    """A server whose next links never work must end in an error somebody sees."""
    graph = ScriptedGraph(*[page("a", onward="2"), EXPIRED] * 10)

    with pytest.raises(MalformedAnswer, match="4 times in one round"):
        await walk(client(graph), link("old"))

    assert len(graph.sent) == 2 * (MOST_RESTARTS + 1)


async def test_a_position_can_be_tried_again_after_an_error(client: Make):
    """The durable run repeats the step; nothing was saved, so nothing is skipped."""
    graph = ScriptedGraph(
        page(cursor="b"), page("a", onward="2"), TransportFailed("x", maybe_received=True)
    )
    door = client(graph, patience_s=0.5)
    start = await next_users_step(door, start_users_round(None))
    assert isinstance(start.after, Position)
    first = await next_users_step(door, start.after)
    assert isinstance(first.after, Position)
    with pytest.raises(Unreachable):
        await next_users_step(door, first.after)
    graph.replies.append(page("b"))

    again = await next_users_step(door, first.after)

    assert again.page is not None
    assert list(again.page.users) == ["b"]


async def test_a_missing_permission_is_not_taken_for_a_missing_change_log(client: Make):
    """Falling back to the list would hide the reason and fail one call later."""
    with pytest.raises(PermissionMissing):
        await walk(client(ScriptedGraph(refused(403, "Authorization_RequestDenied"))), None)


@pytest.mark.hostile
@pytest.mark.parametrize("length", [2, 3, 7, 50])
async def test_pages_that_lead_in_a_circle_are_noticed(client: Make, length):
    """Otherwise the night run reads the same pages until somebody looks."""
    circle = [page("a", onward=f"page-{n % length}") for n in range(1, 6 * length + 10)]
    graph = ScriptedGraph(page(cursor="b"), page("a", onward="page-0"), *circle)

    with pytest.raises(LinkRefused, match="in a circle"):
        await walk(client(graph), None, steps=1000)

    assert len(graph.sent) < 5 * length + 5


async def test_thousands_of_pages_are_no_circle(client: Make):
    """The guard must not stop a large tenant."""
    graph = ScriptedGraph(*[page("a", onward=str(n)) for n in range(2000)], page(cursor="c"))

    log = await walk(client(graph), link("old"), steps=3000)

    assert log[-1] == "end c full=False"


@pytest.mark.hostile
async def test_a_change_log_that_stops_without_a_link_is_an_error(client: Make):
    """Taken for the end, the next round would have no place to begin."""
    with pytest.raises(MalformedAnswer, match="without saying where to go on"):
        await walk(client(ScriptedGraph(page("a"))), link("old"))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"stage":"elsewhere"}', '{"link":"x"}', '{"stage":"list","pages":"x"}'],
)
def test_a_saved_position_that_cannot_be_read_means_a_full_round(text):
    """A forgotten cursor is no error, only more work."""
    with pytest.raises(CursorExpired):
        Position.decode(text)


def test_a_position_survives_being_saved():
    """It is kept as text between two processes."""
    position = Position(
        stage=Stage.CATCH_UP, link="l", bookmark="b", pages=7, mark=2**63 - 1, restarts=1
    )

    assert Position.decode(position.encode()) == position


@pytest.mark.parametrize(
    ("position", "full"),
    [
        (start_users_round(None), True),
        (start_users_round("c"), False),
        (start_groups_round(None), True),
        (Position(stage=Stage.LIST, bookmark="b"), True),
        (Position(stage=Stage.CATCH_UP, link="b"), True),
        (Position(stage=Stage.FOLLOW, link="c", pages=1), False),
    ],
)
def test_a_position_knows_its_round(position, full):
    """Who is missing at the end of a full round is missing; of another, nobody is."""
    assert position.is_full is full


async def test_groups_are_walked_by_their_change_log(client: Make):
    """Only it tells members with the groups."""
    graph = ScriptedGraph(
        answer({"value": [], "@odata.nextLink": ROOT + "?$skiptoken=2"}),
        answer({"value": [], "@odata.deltaLink": link("g")}),
    )
    door = client(graph)

    first = await next_groups_step(door, start_groups_round(None))
    assert isinstance(first.after, Position)
    second = await next_groups_step(door, first.after)

    assert graph.paths[0] == "/v1.0/groups/delta"
    assert second.after == RoundEnd(link("g"), full=True)
