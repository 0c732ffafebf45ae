"""Runs and plans over the API: begun, followed, looked at, approved once."""

import asyncio
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest

from doubles.api_caller import ApiCaller
from jackfield.store.plans import PlanStatus
from m365_emulator.tenant import Tenant


async def waiting(api: ApiCaller, tenant: Tenant, people: int = 3) -> int:
    """A plan that waits for approval: some newcomers."""
    await api.choose(approve="by_hand")
    for number in range(people):
        tenant.hire(f"Newcomer {number}")
    run = await api.sync(full=True)
    plan: int = run["plan"]
    return plan


async def mass_leaving(api: ApiCaller, tenant: Tenant) -> int:
    """A plan of which a guard holds twelve removals back."""
    people = [tenant.hire(f"Person {number:02}") for number in range(40)]
    await api.choose(rules={"on_disabled": "remove", "remove_after": {"disabled": 0}})
    await api.sync(full=True)
    for one in people[:12]:
        tenant.disable(one.id)
    run = await api.sync()
    assert run["status"] == "refused"
    plan: int = run["plan"]
    return plan


async def test_a_run_is_followed_from_queue_to_end(api: ApiCaller, tenant: Tenant) -> None:
    """By what its start has answered, and by its number; both tell the same."""
    tenant.hire("Ada Lovelace")

    begun = await api.post("/people/sync", {"full": True})
    again = await api.post("/people/sync", {"full": True})
    before = await api.get(f"/runs/{quote(begun['id'])}")
    await api.house.runner.idle()
    ended = await api.get(f"/runs/{quote(begun['id'])}")

    assert begun["status"] == "queued"
    assert before["status"] in {"queued", "running"}
    assert begun["text"] == "Waiting for its turn"
    assert again["id"] in {begun["id"], ended["id"]}
    assert ended == await api.get(f"/runs/{ended['id']}")
    assert (ended["status"], ended["mode"], ended["by"]) == ("done", "full", "token test")
    assert (ended["done"], ended["total"], ended["counts"]["changes"]) == (1, 1, 1)
    ended_at, started_at = map(datetime.fromisoformat, (ended["ended_at"], ended["started_at"]))
    assert ended_at >= started_at


@pytest.mark.parametrize(
    "name",
    ["0", "2", "007x", "none", "people.sync:people:1:0000", "9" * 30, "٣", "1.0", "-1"],
)
async def test_an_unknown_run_is_no_queued_one(api: ApiCaller, tenant: Tenant, name: str) -> None:
    """A script would wait for it for ever."""
    tenant.hire("Ada Lovelace")
    await api.sync(full=True)

    answer = await api.ask("GET", f"/runs/{quote(name)}")

    assert answer.status == 404
    assert answer.detail.startswith(f"There is no run {name}")


@pytest.mark.parametrize("given", ["id", "upn"])
async def test_one_person_is_synced_on_demand(api: ApiCaller, tenant: Tenant, given: str) -> None:
    """The others wait for their turn."""
    await api.sync(full=True)
    ada, ben = tenant.hire("Ada Lovelace"), tenant.hire("Ben Bitdiddle")
    name = ada.id if given == "id" else ada.user_principal_name

    run = await api.sync(person=name)

    assert (run["status"], run["mode"]) == ("done", "person")
    assert (await api.get(f"/people/{ada.id}"))["number"] == "100"
    assert (await api.ask("GET", f"/people/{ben.id}")).status == 404


async def test_syncing_nobody_fails_with_the_name(api: ApiCaller, tenant: Tenant) -> None:
    """A run of its own, which says what to give."""
    tenant.hire("Ada Lovelace")

    run = await api.sync(person="nobody@kestrelfoods.example")

    assert run["status"] == "failed"
    assert "nobody@kestrelfoods.example" in run["text"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"person": ""}, "`person`", id="nobody"),
        pytest.param({"person": "x" * 201}, "`person`", id="too_long"),
        pytest.param({"person": ["a"]}, "`person`: Expected `str | null`", id="several"),
        pytest.param({"full": "perhaps"}, "`full`: Expected `bool`", id="no_switch"),
        pytest.param([], "Expected `object | null`, got `array`", id="no_object"),
        pytest.param("everyone", "Expected `object | null`, got `str`", id="a_word"),
    ],
)
async def test_a_sync_of_nonsense_is_refused(api: ApiCaller, body: Any, says: str) -> None:
    """Before anything is begun."""
    answer = await api.ask("POST", "/people/sync", body)

    assert answer.status == 400
    assert says in answer.detail
    assert (await api.get("/runs"))["runs"] == []


async def test_a_sync_without_connection_fails_with_the_next_step(api: ApiCaller) -> None:
    """The first thing a newcomer tries."""
    run = await api.sync()

    assert run["status"] == "failed"
    assert "not connected" in run["text"]
    assert (await api.get("/alarms"))["alarms"][0]["next_step"].startswith("Connect it first")


async def test_runs_and_plans_are_paged_the_newest_first(api: ApiCaller, tenant: Tenant) -> None:
    """The list leads back to the very first one."""
    for number in range(5):
        tenant.hire(f"Person {number}")
        await api.sync(full=True)

    for path, name, by in (("/runs", "runs", str), ("/plans", "plans", int)):
        seen = []
        before = None
        while True:
            page = await api.get(path, limit=2, before=before)
            seen += [one["id"] for one in page[name]]
            before = page["next"]
            if before is None:
                break
        assert seen == [by(number) for number in (5, 4, 3, 2, 1)]
    whole = await api.get("/runs", limit=5)
    assert whole["next"] is None
    assert [one["id"] for one in (await api.get("/plans", status="applied", limit=2))["plans"]] == [
        5,
        4,
    ]
    assert (await api.get("/plans", status="refused"))["plans"] == []


async def test_a_preview_shows_and_changes_nothing(api: ApiCaller, tenant: Tenant) -> None:
    """What is shown is what an approval will do."""
    tenant.hire("Ada Lovelace", jobTitle="Countess", officeLocation=None)

    run = await api.ended((await api.post("/people/plan"))["id"])

    plan = await api.get(f"/plans/{run['plan']}")
    (action,) = (await api.get(f"/plans/{run['plan']}/actions"))["actions"]
    assert (await api.get("/extensions"))["extensions"] == []
    assert (plan["status"], plan["counts"]) == ("proposed", {"create_extension": 1})
    assert (plan["text"], plan["scope"], plan["guarded"]) == ("1 action", "everyone", False)
    assert (await api.get("/status"))["waiting_plan"] == plan["id"]
    assert action["title"] == "Create extension 100 for Ada Lovelace"
    assert {one["label"]: one["after"] for one in action["differences"]} == {
        "Number": "100",
        "First name": "Ada",
        "Last name": "Lovelace",
        "E-mail": "ada.lovelace@kestrelfoods.example",
        "Job title": "Countess",
    } | {one["label"]: one["after"] for one in action["differences"] if one["label"] == "Company"}


async def test_a_plan_is_approved_once(api: ApiCaller, tenant: Tenant) -> None:
    """Two administrators press the button; it is carried out once, and the second is told."""
    plan = await waiting(api, tenant)

    first, second = await asyncio.gather(
        *(api.ask("POST", f"/plans/{plan}/approve", {}) for _ in range(2))
    )
    ended = await api.ended(first.body["id"])
    third = await api.ask("POST", f"/plans/{plan}/approve")

    assert (second.status, third.status) == (409, 409)
    assert (
        f"Plan {plan} is approved already (decided by token test); only a proposed plan can be"
        in second.detail
    )
    assert f"Plan {plan} has been carried out" in third.detail
    assert (ended["status"], ended["mode"], ended["counts"]["changes"]) == ("done", "approved", 3)
    after = await api.get(f"/plans/{plan}")
    assert (after["status"], after["outcomes"]) == ("applied", {"done": 3})


async def test_a_plan_approved_meanwhile_is_turned_down_on_purpose_only(
    api: ApiCaller, tenant: Tenant
) -> None:
    """A no that did not know of the yes is told of it; one that does counts."""
    plan = await waiting(api, tenant)
    await api.house.decide(plan, PlanStatus.APPROVED, by="Somebody else")

    late = await api.ask("POST", f"/plans/{plan}/refuse")
    knowing = await api.post(f"/plans/{plan}/refuse", {"also_approved": True})

    assert late.status == 409
    assert late.detail.startswith(f"Plan {plan} is approved already (decided by ")
    assert "`also_approved`" in late.detail
    assert knowing["status"] == "refused"
    assert (await api.get("/extensions"))["extensions"] == []


async def test_a_refused_plan_stays_undone(api: ApiCaller, tenant: Tenant) -> None:
    """Once; then neither approval nor another refusal does anything."""
    plan = await waiting(api, tenant)

    refused = await api.post(f"/plans/{plan}/refuse")
    again = await api.ask("POST", f"/plans/{plan}/refuse")
    approve = await api.ask("POST", f"/plans/{plan}/approve")

    assert (refused["status"], refused["outcomes"]) == ("refused", {"pending": 3})
    assert (again.status, approve.status) == (409, 409)
    assert again.detail == (
        f"Plan {plan} was turned down (decided by token test). There is nothing to decide about it."
    )
    assert (await api.get("/extensions"))["extensions"] == []


async def test_a_newer_plan_takes_the_place_of_an_older_one(api: ApiCaller, tenant: Tenant) -> None:
    """Approving what was shown yesterday must not do what is wrong today."""
    old = await waiting(api, tenant)
    tenant.hire("Newcomer 9")
    new = (await api.sync(full=True))["plan"]

    answer = await api.ask("POST", f"/plans/{old}/approve")

    assert answer.status == 409
    assert f"Plan {old} was replaced by plan {new}" in answer.detail
    assert (await api.get(f"/plans/{new}"))["counts"] == {"create_extension": 4}


async def test_held_actions_wait_until_they_are_released(api: ApiCaller, tenant: Tenant) -> None:
    """A guard stops what is dangerous; a person says whether it is meant."""
    plan = await mass_leaving(api, tenant)
    told = await api.get(f"/plans/{plan}")
    held = await api.get(f"/plans/{plan}/actions", held=True, limit=500)
    before = len((await api.get("/extensions", limit=500))["extensions"])

    released = await api.post(f"/plans/{plan}/approve", {"release_held": True})
    ended = await api.ended(released["id"])

    assert (told["guarded"], told["held"]) == (True, {"remove_extension": 12})
    assert told["refusals"][0]["kind"] == "too_many_removals"
    assert told["refusals"][0]["held"] == 12
    page = await api.get(f"/plans/{told['id']}/refusals", limit=1)
    assert page == {
        "refusals": told["refusals"][:1],
        "total": len(told["refusals"]),
        "next": 1 if len(told["refusals"]) > 1 else None,
    }
    assert {one["kind"] for one in held["actions"]} == {"remove_extension"}
    assert before == 40
    assert ended["status"] == "done"
    assert len((await api.get("/extensions", limit=500))["extensions"]) == 28
    again = await api.ask("POST", f"/plans/{plan}/approve", {"release_held": True})
    assert again.status == 409


async def test_a_plan_that_a_guard_holds_whole_is_not_approved(
    api: ApiCaller, tenant: Tenant
) -> None:
    """A script that only approves is told what is held, why, and how to let it go."""
    plan = await mass_leaving(api, tenant)

    refused = await api.ask("POST", f"/plans/{plan}/approve", {})
    after = await api.get(f"/plans/{plan}")
    await api.ended((await api.post(f"/plans/{plan}/approve", {"release_held": True}))["id"])
    released = await api.get(f"/plans/{plan}")

    assert refused.status == 409
    assert "It holds 12 extensions to remove." in refused.detail
    assert "12 extensions would be removed, out of 40 linked people" in refused.detail
    assert "`release_held`" in refused.detail
    assert (after["releasable"], after["held"]) == (True, {"remove_extension": 12})
    assert released["releasable"] is False


async def test_actions_are_filtered_searched_and_paged(synced: ApiCaller) -> None:
    """Of thousands somebody looks for one."""
    whole = await synced.get("/plans/1/actions", limit=500)
    seen: list[Any] = []
    after = None
    while True:
        page = await synced.get("/plans/1/actions", limit=7, after=after)
        seen += page["actions"]
        after = page["next"]
        if after is None:
            break
    name = whole["actions"][3]["name"]

    assert seen == whole["actions"]
    assert whole["total"] == len(seen)
    found = await synced.get("/plans/1/actions", text=name.upper())
    assert name in {one["name"] for one in found["actions"]}
    done = await synced.get("/plans/1/actions", status="done", held=False, limit=500)
    assert done == whole
    assert (await synced.get("/plans/1/actions", kind="remove_extension"))["total"] == 0


@pytest.mark.parametrize("verb", ["", "/actions", "/approve", "/refuse"])
async def test_a_plan_that_is_none_is_not_found(api: ApiCaller, verb: str) -> None:
    """404 for what never was, 409 for what cannot be any more."""
    method = "GET" if verb in {"", "/actions"} else "POST"

    answer = await api.ask(method, f"/plans/77{verb}")

    assert answer.status == 404
    assert answer.detail == "There is no plan 77."


@pytest.mark.usefixtures("tenant")
@pytest.mark.parametrize("person", ["a/b", "a?b", "a%2Fb", "ann#EXT#@kestrel.example", "~", ".."])
async def test_the_run_of_whomever_can_be_asked_for(api: ApiCaller, person: str) -> None:
    """Its id is part of an address; a guest's sign-in name holds a #."""
    begun = await api.post("/people/sync", {"person": person})

    run = await api.ended(begun["id"])

    assert "/" not in begun["id"]
    assert "There is no user" in run["text"]
