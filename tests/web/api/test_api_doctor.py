"""What `/status` and `jackfield doctor` make of the same installation."""

from urllib.parse import parse_qsl

from core.sketches import AT_ONCE
from doubles.api_caller import ApiCaller
from doubles.keyboard import HouseDoor
from jackfield.cli.doctor import Finding, examine_inside
from jackfield.cli.door import Answer
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules
from jackfield.flows.failures import GRAPH_AWAY
from jackfield.store.alarms import begin_alarm
from jackfield.store.runs import Trigger, begin_run
from jackfield.store.settings import Approval
from jackfield.store.vault import forget_every_secret
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator


class _Door:
    """The way of a command to the API, without a process between them."""

    def __init__(self, api: ApiCaller) -> None:
        self._api = api

    async def ask(self, method: str, path: str, body: object = None, *, tenant: str = "") -> Answer:
        assert tenant in {"", "1"}
        plain, _, query = path.partition("?")
        answer = await self._api.ask(method, plain, body, **dict(parse_qsl(query)))
        return Answer(answer.status, answer.body)


async def doctor(api: ApiCaller) -> dict[str, Finding]:
    """Its findings by what they are about; two about one thing would be one too many."""
    findings = await examine_inside(_Door(api))
    assert len({one.what for one in findings}) == len(findings)
    return {one.what: one for one in findings}


async def accident(api: ApiCaller) -> None:
    """Six of ten people are deleted; the guard holds all six removals (plan 2)."""
    stage, ids = await office(api)
    await api.house.choose(
        PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE), enabled=True
    )
    await api.house.sync(full=True)
    for person in ids[:6]:
        stage.tenant.delete(person)
    await api.house.sync()


async def office(api: ApiCaller, *, sync: bool = True) -> tuple[Emulator, list[str]]:
    stage = api.house.raise_stage(people=0)
    ids = [str(stage.tenant.hire(f"Person {at:02}").id) for at in range(10)]
    await api.house.connect(stage, sync=sync)
    return stage, ids


async def test_status_names_the_plan_and_what_it_holds(api: ApiCaller) -> None:
    """A monitor asks nothing else."""
    await accident(api)

    status = await api.get("/status")
    await api.house.approve(2, release=True)
    after = await api.get("/status")

    assert (status["waiting_plan"], status["people"], status["in_sync"]) == (2, 4, 4)
    assert (status["held"]["plans"], status["held"]["actions"]) == ([2], {"remove_extension": 6})
    assert status["last_run"]["status"] == "refused"
    assert "4 people, where there were 10" in status["held"]["because"]
    assert (after["waiting_plan"], after["held"], after["linked"]) == (None, None, 4)


async def test_what_a_guard_holds_is_one_finding(api: ApiCaller) -> None:
    """With the plan, how many of what, why, and the command."""
    await accident(api)

    found = await doctor(api)

    held = found["Held back"]
    assert not held.good
    assert held.text.startswith("A guard holds back 6 extensions to remove (plan 2)")
    assert "4 people, where there were 10" in held.text
    assert "jackfield plan approve 2 --release-held" in held.next_step
    assert found["People sync"].text == "4 of 4 people have an extension."
    assert not found["Last run"].good
    assert "Alarm" not in found


async def test_sync_that_is_switched_off_is_no_fault(api: ApiCaller) -> None:
    """`jackfield connect --no-sync` is a way to begin that the documents teach."""
    await office(api, sync=False)

    sync = (await doctor(api))["People sync"]

    assert sync.good
    assert sync.text == "Switched off: nothing is read or changed by itself."
    assert "Users > M365" in sync.next_step


async def test_that_every_plan_waits_is_said(api: ApiCaller) -> None:
    """Approving an undo switches to it; weeks later somebody wonders why nothing happens."""
    await office(api)
    await api.house.choose(approval=Approval.BY_HAND)

    sync = (await doctor(api))["People sync"]

    assert sync.good
    assert sync.text.endswith("people have an extension. Every plan waits for your approval.")


async def test_a_run_that_a_dead_server_left_is_told(api: ApiCaller) -> None:
    """It reads as running, and nobody is there."""
    await office(api)
    async with api.house.database.write() as tx:
        await begin_run(
            tx,
            1,
            "flow",
            kind="people",
            trigger=Trigger.SCHEDULE,
            mode="full",
            now=api.house.clock.now(),
        )

    found = {one.what: one for one in await examine_inside(_Door(api), alone=True)}
    finding = found["Interrupted run"]

    assert not finding.good
    assert finding.text.startswith("Run 1 was cut off (Starting)")


async def test_doubtful_matches_are_counted(api: ApiCaller) -> None:
    """Nobody looks at a page that says nothing; it is no fault, and it waits."""
    stage, _ = await office(api)
    stage.tenant.hire("Ada One", mail="ada@kestrel.example")
    for number in ("300", "301"):
        await api.post(
            "/extensions", {"number": number, "first_name": "A.", "email": "ada@kestrel.example"}
        )

    run = await api.house.sync(full=True)
    finding = (await doctor(api))["Doubtful matches"]

    assert "1 doubtful match waits for a decision under Users > Doubtful matches." in run.text
    assert finding.good
    assert finding.text.startswith("1 wait")


async def test_in_an_outage_the_connection_is_not_called_well(api: ApiCaller) -> None:
    """One finding says it, not one that is well and one that is not."""
    stage, ids = await office(api)
    await api.house.sync(full=True)
    stage.faults.switch_on(Order(kind=Kind.UNAVAILABLE, path="/v1.0/*"))
    await api.house.sync(person=ids[0])
    async with api.house.database.write() as tx:
        text, now = "Microsoft 365 cannot be reached.", api.house.clock.now()
        await begin_alarm(tx, 1, GRAPH_AWAY, text=text, next_step="Wait.", now=now)

    found = await doctor(api)

    away = found["Microsoft 365"]
    assert (away.good, away.text, away.next_step) == (False, text, "Wait.")
    assert "Alarm" not in found
    assert found["Last run"].text.startswith("10 extensions created. (Run 1, ended ")
    assert found["Asked for since"].text.startswith("Run ")
    assert "503" in found["Asked for since"].text


async def test_doctor_names_a_plan_that_waits_and_one_that_was_turned_down(api: ApiCaller) -> None:
    """All is well otherwise, and nobody gets a phone."""
    await office(api)
    await api.house.choose(approval=Approval.BY_HAND, enabled=True)
    await api.house.sync(full=True)

    waits = (await doctor(api))["Undecided"]
    status = await api.get("/status")
    await api.house.people.turn_down(1, 1, by="admin")
    refused = (await doctor(api))["Undecided"]

    assert waits.text == "Plan 1 with 10 actions waits for approval."
    assert "jackfield plan show 1" in waits.next_step
    assert (status["undecided"]["waiting"], status["undecided"]["text"]) == ([1], waits.text)
    assert refused.text.startswith("10 people have no extension since plan 1 was turned down")


class _TroubledDoor(HouseDoor):
    """One tenant cannot be asked about; lists come one by one."""

    async def ask(self, method: str, path: str, body: object = None, *, tenant: str = "") -> Answer:
        if tenant == "2":
            return Answer(500, {"detail": "The settings cannot be read."})
        return await super().ask(method, path.replace("limit=500", "limit=1"), body, tenant=tenant)


async def test_what_is_wrong_with_one_tenant_hides_no_other(api: ApiCaller) -> None:
    """A provider runs one doctor for all customers, however many there are."""
    await api.house.tenants.add("Broken", by="admin")
    await api.house.tenants.add("Last", by="admin")

    findings = await examine_inside(_TroubledDoor(api))

    found = {one.what: one for one in findings}
    broken = found["Broken: Looking at it"]
    assert (broken.text, broken.good) == ("The settings cannot be read.", False)
    assert broken.next_step == "Look at it alone: jackfield doctor --tenant 2"
    assert found["Last: Microsoft 365"].text == "Not connected."
    assert len([one for one in findings if one.what.endswith("Microsoft 365")]) == 2


async def test_a_forgotten_credential_is_not_called_well(api: ApiCaller) -> None:
    """After `restore --forget-secrets` nothing but connecting again helps."""
    await office(api)
    before = await api.get("/connection")
    async with api.house.database.write() as tx:
        await forget_every_secret(tx)
    await api.house.connections.renew(1)  # as a process that starts on what was restored

    run = await api.house.sync(full=True)
    found = await doctor(api)
    after = await api.get("/connection")

    assert before["credential_forgotten"] == ""
    assert after["credential_forgotten"].startswith("The client secret is not stored any more")
    assert not found["Credential"].good
    assert found["Credential"].text == after["credential_forgotten"]
    assert "jackfield connect --tenant-id" in found["Credential"].next_step
    assert not found["Microsoft 365"].good
    assert after["credential_forgotten"] in run.text
    assert "jackfield connect" in run.text
