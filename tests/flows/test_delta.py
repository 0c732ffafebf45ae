"""What changes in the tenant between two rounds, and what becomes of it in the phone system."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace as changed

from doubles.house import House, Interlude
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules
from jackfield.store.runs import RunStatus
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator

WEEK_S = 7 * 24 * 3600.0


async def office(house: House, *names: str) -> tuple[Emulator, dict[str, str]]:
    """A connected organisation of the named people, synced once."""
    stage = house.raise_stage(people=0)
    ids = {name: str(stage.tenant.hire(name).id) for name in names}
    await house.connect(stage)
    await house.choose(
        PeopleRules(on_deleted=LeaverPolicy.DISABLE, on_disabled=LeaverPolicy.DISABLE)
    )
    await house.sync(full=True)
    return stage, ids


def asked(stage: Emulator, after: int) -> list[str]:
    """Paths that were asked for since request number `after`."""
    return [one.path.removeprefix("/v1.0") for one in stage.journal.last(1000, after=after)]


async def test_nothing_changed_costs_two_requests_and_no_plan(house: House) -> None:
    """A look each minute must be free, for Microsoft and for us."""
    stage, _ = await office(house, "Ada One")
    await house.sync()  # looks at what the first sync wrote itself
    plans, before = await house.plans(), stage.journal.total

    run = await house.sync()

    assert asked(stage, before) == ["/users/delta", "/groups/delta"]
    assert await house.plans() == plans
    assert run.text == "Nothing to do for 1 person."


async def test_hired_renamed_disabled_deleted_and_back(house: House) -> None:
    """A working life, each step seen by the next delta, the number the same all along."""
    stage, ids = await office(house, "Ada One")
    tenant = stage.tenant
    story: list[tuple[str, bool]] = []

    async def look() -> None:
        await house.sync()
        one = next(one for one in await house.extensions() if one.number == "101")
        story.append((f"{one.fields.first_name} {one.fields.last_name}", one.enabled))

    ben = tenant.hire("Ben Two").id
    await look()
    tenant.rename(ben, display_name="Ben Married", upn=f"ben.married@{tenant.domain}")
    await look()
    tenant.disable(ben)
    await look()
    tenant.enable(ben)
    await look()
    tenant.delete(ben)
    await look()
    tenant.restore(ben)
    await look()
    tenant.delete(ben)
    tenant.purge(ben)
    await look()

    assert story == [
        ("Ben Two", True),
        ("Ben Married", True),
        ("Ben Married", False),
        ("Ben Married", True),
        ("Ben Married", False),
        ("Ben Married", True),
        ("Ben Married", False),
    ]
    assert [plan.scope for plan in (await house.plans())[:7]] == ["touched people"] * 7
    assert await house.number_of(ids["Ada One"]) == "100"


async def test_leavers_keep_their_phone_unless_the_administrator_says_otherwise(
    house: House,
) -> None:
    """The default is the phone system's own: whoever leaves stays, unchanged, and is shown."""
    stage, ids = await office(house, "Ada One", "Ben Two")
    await house.choose(PeopleRules())
    before = await house.extensions()

    stage.tenant.delete(ids["Ada One"])
    stage.tenant.disable(ids["Ben Two"])
    run = await house.sync()

    assert await house.extensions() == before
    assert run.counts["keep_leaver"] == 2
    assert {link.left for link in (await house.links()).values()} == {"deleted", "disabled"}


@pytest.mark.parametrize(
    "habits",
    [
        pytest.param({"short_pages": 0.7, "empty_pages": 0.4}, id="short_and_empty_pages"),
        pytest.param({"delta_duplicates": 0.5, "delta_replays": 0.5}, id="duplicates_and_replays"),
        pytest.param({"delta_page_objects": 1, "delta_page_members": 1}, id="tiny_pages"),
    ],
)
async def test_habits_of_the_real_service_change_nothing(
    house: House, habits: dict[str, float]
) -> None:
    """Documented behaviour that every client has to survive."""
    stage, ids = await office(house, "Ada One", "Ben Two", "Cem Three", "Dan Four")
    stage.tenant.quirks = changed(stage.tenant.quirks, **habits)
    for round_ in range(3):
        for name, person in ids.items():
            stage.tenant.update(person, jobTitle=f"{name} {round_}")
        await house.sync(full=round_ == 1)

        titles = [one.fields.job_title for one in await house.extensions()]
        assert titles == [f"{name} {round_}" for name in ids]

    assert len(await house.extensions()) == 4
    assert (await house.sync(full=True)).text.startswith("Nothing to do")


async def test_a_change_that_arrives_late_is_not_lost(house: House) -> None:
    """An empty round proves nothing: replication takes minutes now and then."""
    stage, _ = await office(house, "Ada One")
    stage.tenant.quirks = changed(stage.tenant.quirks, replication_delay_s=300.0)
    stage.tenant.hire("Nina Newcomer")

    await house.sync()
    at_first = await house.numbers()
    house.clock.advance(301)
    await house.sync()

    assert at_first.keys() == {"Ada One"}
    assert (await house.numbers()).keys() == {"Ada One", "Nina Newcomer"}


async def test_an_expired_delta_token_leads_to_a_full_round(house: House) -> None:
    """After eight days of standing still nothing is missed, and nobody has to click."""
    stage, ids = await office(house, "Ada One", "Ben Two")
    stage.tenant.delete(ids["Ada One"])
    stage.tenant.purge(ids["Ada One"])
    stage.tenant.hire("Nina Newcomer")
    house.clock.advance(WEEK_S + 24 * 3600)
    before = stage.journal.total

    run = await house.sync()

    states = {name: one.enabled for name, one in (await house.by_name()).items()}
    assert run.status is RunStatus.DONE
    assert states == {"Ada One": False, "Ben Two": True, "Nina Newcomer": True}
    assert "/users" in asked(stage, before)


async def test_a_link_that_expires_in_the_middle_of_a_round(house: House) -> None:
    """The round begins anew from where the last one ended: nobody is missed, nobody is gone."""
    stage, ids = await office(house, "Ada One", "Ben Two", "Cem Three")
    stage.tenant.quirks = changed(stage.tenant.quirks, delta_page_objects=1)
    for person in ids.values():
        stage.tenant.update(person, jobTitle="New")
    await house.restart(Interlude("page users", 1, lambda: house.clock.advance(2 * 3600)))

    run = await house.sync()

    assert run.status is RunStatus.DONE, run.text
    assert [one.fields.job_title for one in await house.extensions()] == ["New"] * 3


@pytest.mark.parametrize("full", [False, True], ids=["delta", "full"])
async def test_an_interrupted_round_goes_on_where_it_was(house: House, full: bool) -> None:
    """A hundred thousand people are not read twice because the line broke at the last page."""
    stage, ids = await office(house, "Ada One", "Ben Two", "Cem Three", "Dan Four")
    stage.tenant.quirks = changed(stage.tenant.quirks, delta_page_objects=1)
    stage.tenant.update(ids["Ada One"], jobTitle="New")
    stage.tenant.delete(ids["Dan Four"])
    stage.tenant.purge(ids["Dan Four"])
    cut = Order(kind=Kind.CUT_BEFORE, path="/v1.0/*")
    pages = 2 if full else 1
    await house.restart(Interlude("page users", pages, lambda: stage.faults.switch_on(cut)))

    broken = await house.sync(full=full)
    titles = {one.fields.job_title for one in await house.extensions()}
    before = stage.journal.total
    stage.faults.clear()
    await house.choose(enabled=True)
    await house.sweep(after_s=60)

    assert broken.status is RunStatus.FAILED
    assert "New" not in titles
    assert (await house.runs())[0].status is RunStatus.DONE
    assert (await house.by_name())["Ada One"].fields.job_title == "New"
    assert not (await house.by_name())["Dan Four"].enabled
    assert "/users" not in asked(stage, before)
    assert await house.alarms() == ()


Change = Callable[[Emulator, dict[str, str]], object]


@pytest.mark.parametrize("full", [False, True], ids=["delta", "full"])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda stage, _: stage.tenant.hire("Nina Newcomer"), id="hired"),
        pytest.param(
            lambda stage, ids: stage.tenant.rename(ids["Ben Two"], display_name="Ben Married"),
            id="renamed",
        ),
        pytest.param(lambda stage, ids: stage.tenant.delete(ids["Ben Two"]), id="deleted"),
    ],
)
async def test_people_who_change_while_a_round_is_read(
    house: House, change: Change, full: bool
) -> None:
    """Whatever page they stood on: at the latest the next look shows it."""
    stage, ids = await office(house, "Ada One", "Ben Two", "Cem Three")
    stage.tenant.quirks = changed(stage.tenant.quirks, delta_page_objects=1)
    for person in ids.values():
        stage.tenant.update(person, jobTitle="New")
    await house.restart(Interlude("page users", 1, lambda: change(stage, ids)))

    await house.sync(full=full)
    await house.sync()

    expected = {one.display_name or "": True for one in stage.tenant.people()}
    if len(expected) == 2:
        expected["Ben Two"] = False
    assert {name: one.enabled for name, one in (await house.by_name()).items()} == expected
    assert all(one.fields.job_title for one in await house.extensions())
