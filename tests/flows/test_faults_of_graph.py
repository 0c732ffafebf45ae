"""Microsoft 365 throttles, breaks off, answers nonsense, or is away: nobody suffers."""

import pytest
from msgspec.structs import replace as changed

from core.sketches import AT_ONCE
from doubles.house import House
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules
from jackfield.core.schedule import ScheduleRules
from jackfield.store.alarms import list_alarms
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.runs import RunStatus
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator

# What differs between the databases is tried by the other stories.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)

HOUR_S = 3600.0
ANY = "/v1.0/*"


async def office(house: House, people: int = 40) -> Emulator:
    """A connected organisation that was never synced; whoever is missing would be removed."""
    stage = house.raise_stage(people=people)
    await house.connect(stage)
    await house.choose(
        PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE),
        schedule=ScheduleRules(time_zone="UTC"),
    )
    return stage


async def assert_complete(house: House, stage: Emulator) -> None:
    """The phone system holds what the tenant says: one extension for each, no failed action."""
    extensions, links = await house.extensions(), await house.links()
    assert len(extensions) == len(links) > 20
    assert {one.external_key for one in extensions} == {str(person) for person in links}
    for plan in await house.plans():
        assert {one.status for one in await house.actions(plan.id)} <= {ActionStatus.DONE}
    run = await house.sync(full=True)
    assert run.text.startswith("Nothing to do"), run.text
    assert {str(person) for person in links} <= {str(one.id) for one in stage.tenant.people()}


@pytest.mark.sim
@pytest.mark.parametrize("seed", range(3))
async def test_a_fifth_of_all_answers_is_a_refusal(house: House, seed: int) -> None:
    """A whole first sync under 429 and 503: completes, waits as long as asked, nobody failed."""
    stage = await office(house)
    stage.tenant.quirks = changed(stage.tenant.quirks, delta_page_objects=3)
    for kind, wait in ((Kind.THROTTLED, 17), (Kind.UNAVAILABLE, 5)):
        stage.faults.switch_on(
            Order(kind=kind, path=ANY, probability=0.2, seed=seed, retry_after_s=wait)
        )

    run = await house.sync(full=True)

    assert run.status is RunStatus.DONE
    assert obeyed(stage)
    stage.faults.clear()
    await assert_complete(house, stage)
    assert await house.alarms() == ()


def obeyed(stage: Emulator) -> bool:
    """Whether after each refusal nothing came before the time that it named."""
    waits = {Kind.THROTTLED: 17.0, Kind.UNAVAILABLE: 5.0}
    until = None
    refused = False
    for one in stage.journal.last(1000):
        if not one.path.startswith("/v1.0/"):
            continue
        if until is not None and one.at.timestamp() < until:
            return False
        until = None
        if one.fault in waits:
            refused = True
            until = one.at.timestamp() + waits[Kind(one.fault)]
    return refused


async def test_a_pause_of_ten_minutes_is_kept(house: House) -> None:
    """Longer than any call may wait: the run sleeps, and not one request is sent meanwhile."""
    stage = await office(house)
    stage.faults.switch_on(
        Order(kind=Kind.THROTTLED, path="/v1.0/users*", retry_after_s=600, count=1)
    )

    run = await house.sync(full=True)

    calls = [one for one in stage.journal.last(1000) if one.path.startswith("/v1.0/")]
    at = next(at for at, one in enumerate(calls) if one.fault == Kind.THROTTLED)
    assert run.status is RunStatus.DONE
    assert 600 <= (calls[at + 1].at - calls[at].at).total_seconds() < 700
    await assert_complete(house, stage)


async def test_a_person_on_demand_does_not_wait_out_a_pause(house: House) -> None:
    """Whoever stands at the desk is told that Microsoft asks for patience."""
    stage = await office(house)
    await house.sync(full=True)
    ada = next(iter(await house.links()))
    stage.faults.switch_on(
        Order(kind=Kind.THROTTLED, path="/v1.0/users*", retry_after_s=600, count=1)
    )
    before = house.clock.monotonic()

    run = await house.sync(person=ada)

    assert run.status is RunStatus.FAILED
    assert house.clock.monotonic() - before < 15


@pytest.mark.sim
@pytest.mark.parametrize(
    "order",
    [
        pytest.param(Order(kind=Kind.CUT_BEFORE, path=ANY, probability=0.3), id="cut_before"),
        pytest.param(
            Order(kind=Kind.CUT_MIDDLE, path=ANY, probability=0.3), id="cut_in_the_middle"
        ),
        pytest.param(Order(kind=Kind.SLOW, path=ANY, delay_s=40.0), id="slow"),
        pytest.param(Order(kind=Kind.HTML_ERROR, path=ANY, probability=0.3), id="html"),
        pytest.param(Order(kind=Kind.GATEWAY_TIMEOUT, path=ANY, probability=0.3), id="gateway"),
        pytest.param(Order(kind=Kind.MALFORMED_JSON, path=ANY, probability=0.3), id="malformed"),
        pytest.param(Order(kind=Kind.TRUNCATED_JSON, path=ANY, probability=0.3), id="truncated"),
        pytest.param(Order(kind=Kind.EXPIRED_TOKEN, path=ANY, probability=0.3), id="expired_token"),
        pytest.param(
            Order(kind=Kind.UNAVAILABLE, path="/*/oauth2/v2.0/token", probability=0.5),
            id="no_token_now",
        ),
    ],
)
async def test_a_first_sync_on_a_bad_day(house: House, order: Order) -> None:
    """Whatever goes wrong now and then: in the end everybody is there, once."""
    stage = await office(house)
    await house.choose(
        PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE), enabled=True
    )
    stage.faults.switch_on(order)

    for _ in range(20):
        await house.sweep(after_s=60)
        if any(run.mode == "full" and run.status is RunStatus.DONE for run in await house.runs()):
            break
    stage.faults.clear()
    await house.sweep(after_s=HOUR_S)

    await assert_complete(house, stage)
    assert await house.alarms() == ()


async def test_a_link_to_another_host_is_never_followed(house: House) -> None:
    """The token must not travel; the round stops, is said, and goes on when the answer is right."""
    stage = await office(house)
    stage.faults.switch_on(Order(kind=Kind.FOREIGN_NEXT_LINK, path=ANY))

    run = await house.sync(full=True)
    standing = await house.alarms()
    stage.faults.clear()
    await house.sync(full=True)

    assert run.status is RunStatus.FAILED
    assert "graph.example.net" in run.text
    assert [one.kind for one in standing] == ["people.sync"]
    await assert_complete(house, stage)
    assert await house.alarms() == ()


@pytest.mark.sim
async def test_away_for_an_hour_and_back(house: House) -> None:
    """Said once when it begins and once when it ends; nobody loses anything."""
    stage = await office(house)
    await house.choose(enabled=True)
    await house.sweep()
    before = await house.extensions()
    stage.faults.switch_on(Order(kind=Kind.CUT_BEFORE, path="/*"))
    began = house.clock.now()
    seen: set[tuple[str, ...]] = set()
    while (house.clock.now() - began).total_seconds() < HOUR_S:
        await house.sweep(after_s=30)
        seen.add(tuple(one.kind for one in await house.alarms()))
    stage.faults.clear()
    while await house.alarms():
        await house.sweep(after_s=30)

    waited = (house.clock.now() - began).total_seconds() - HOUR_S
    async with house.database.read() as tx:
        (alarm,) = await list_alarms(tx, 1)
    assert seen <= {(), ("graph.away",)}
    assert "cannot be reached" in alarm.text
    assert "network" in alarm.next_step
    assert waited < HOUR_S
    assert await house.extensions() == before


@pytest.mark.parametrize("delay_s", [4.0, 25.0])
async def test_a_tenant_that_answers_slowly_for_an_hour(house: House, delay_s: float) -> None:
    """Every run comes to its end, nobody is lost, newcomers come; what the wait is for is shown."""
    stage = await office(house)
    await house.choose(enabled=True)
    await house.sweep()
    stage.faults.switch_on(Order(kind=Kind.SLOW, path=ANY, delay_s=delay_s))
    began = house.clock.now()
    hired: list[str] = []
    while (house.clock.now() - began).total_seconds() < HOUR_S:
        hired.append(stage.tenant.hire(f"Late {len(hired)}").display_name)
        await house.sweep(after_s=300)
        await house.outages.look()
    stage.faults.clear()
    while await house.alarms():
        await house.sweep(after_s=30)
        await house.outages.look()

    async with house.database.read() as tx:
        said = [one.kind for one in await list_alarms(tx, 1)]
    longest_s = max((one.ended_at - one.started_at).total_seconds() for one in await house.runs())
    assert {one.status for one in await house.runs()} == {RunStatus.DONE}
    assert longest_s < HOUR_S / 2
    assert set(said) <= {"graph.away"}
    assert len(said) <= 1
    assert set(hired) <= set(await house.numbers())
    await assert_complete(house, stage)


async def test_a_revoked_token_is_asked_for_anew(house: House) -> None:
    """Somebody ended all sessions of the application: one more request, and on it goes."""
    stage = await office(house)
    await house.sync(full=True)
    stage.tokens.revoke()

    run = await house.sync(full=True)

    assert run.status is RunStatus.DONE
    assert await house.alarms() == ()


async def test_a_secret_that_is_wrong_from_now_on(house: House) -> None:
    """Said with Entra's code and the next step; nothing is taken for gone; ends when mended."""
    stage = await office(house)
    await house.choose(enabled=True)
    await house.sweep()
    before = await house.extensions()
    app = house.apps["localhost:8365"]
    (secret,) = stage.registrations.find(app).secrets  # type: ignore[union-attr]
    stage.registrations.remove_credential(app, secret.key_id)
    stage.registrations.add_secret(app, house.clock.now(), value="a-new-secret")
    stage.tokens.revoke()

    runs = [await house.sync(), await house.sync(full=True)]
    (alarm,) = await house.alarms()
    await house.connect(stage, secret="a-new-secret")
    await house.sweep()

    assert [run.status for run in runs] == [RunStatus.FAILED] * 2
    assert alarm.kind == "people.sync"
    assert "AADSTS7000215" in alarm.text
    assert "secret's value" in alarm.next_step
    assert await house.alarms() == ()
    assert (await house.runs())[0].status is RunStatus.DONE
    assert await house.extensions() == before


async def test_without_the_permission_for_users_nothing_is_taken_for_gone(house: House) -> None:
    """Consent was withdrawn: the permission is named, and everybody keeps the phone."""
    stage = await office(house)
    await house.sync(full=True)
    before = await house.extensions()
    app = house.apps["localhost:8365"]
    stage.registrations.grant(app, ["GroupMember.Read.All"])
    stage.tokens.revoke()

    run = await house.sync(full=True)

    (alarm,) = await house.alarms()
    assert run.status is RunStatus.FAILED
    assert "User.Read.All" in alarm.text + alarm.next_step
    assert await house.extensions() == before
