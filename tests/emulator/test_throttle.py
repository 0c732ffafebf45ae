from datetime import UTC, datetime, timedelta

import pytest

from m365_emulator.clock import Clock
from m365_emulator.errors import GraphError
from m365_emulator.throttle import Throttle, cost_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
APP, TENANT = "9c1f0000-0000-4000-8000-000000000001", "11111111-aaaa-4bbb-8ccc-222222222222"


@pytest.fixture
def clock() -> Clock:
    return Clock.standing(NOON)


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    made = Throttle(clock, lambda: 250)
    made.own_limit = 100
    return made


def spend(throttle: Throttle, units: int) -> dict[str, str]:
    return throttle.charge(APP, TENANT, units)


@pytest.mark.parametrize(
    ("method", "path", "query", "units"),
    [
        pytest.param("GET", "/users", {}, 2, id="list"),
        pytest.param("GET", "/users", {"$select": "id"}, 1, id="list_select"),
        pytest.param("GET", "/users", {"$select": "id", "$top": "999"}, 1, id="list_select_large"),
        pytest.param("GET", "/users", {"$top": "5"}, 1, id="list_small_page"),
        pytest.param("GET", "/users", {"$top": "5", "$select": "id"}, 1, id="never_below_one"),
        pytest.param("GET", "/users", {"$expand": "manager"}, 3, id="list_expand"),
        pytest.param("GET", "/users/5d0e", {}, 1, id="one_user"),
        pytest.param("GET", "/users/delta", {}, 1, id="delta"),
        pytest.param("GET", "/groups", {}, 1, id="groups"),
        pytest.param("GET", "/groups/77c1/members", {}, 3, id="members"),
        pytest.param("GET", "/groups/77c1/members/microsoft.graph.user", {}, 3, id="members_cast"),
        pytest.param("GET", "/groups/77c1/transitiveMembers", {}, 5, id="transitive"),
        pytest.param("GET", "/groups/77c1/transitiveMembers", {"$select": "id"}, 4, id="trans_sel"),
        pytest.param("GET", "/users/5d0e/memberOf", {}, 2, id="member_of"),
        pytest.param("POST", "/users/5d0e/checkMemberGroups", {}, 4, id="check_member_groups"),
        pytest.param("POST", "/users/5d0e/getMemberGroups", {}, 2, id="get_member_groups"),
        pytest.param("GET", "/users/5d0e/licenseDetails", {}, 2, id="licence_details"),
        pytest.param("GET", "/subscribedSkus", {}, 3, id="skus"),
        pytest.param("POST", "/directoryObjects/getByIds", {}, 3, id="get_by_ids"),
        pytest.param("GET", "/organization", {}, 1, id="organization"),
    ],
)
def test_a_request_costs_what_microsoft_publishes(
    method: str, path: str, query: dict[str, str], units: int
) -> None:
    """The product sizes its pace by these costs."""
    assert cost_of(method, path, query) == units


@pytest.mark.parametrize(
    ("people", "limit"),
    [
        pytest.param(49, 3500, id="small"),
        pytest.param(50, 5000, id="medium"),
        pytest.param(500, 5000, id="medium_still"),
        pytest.param(501, 8000, id="large"),
    ],
)
def test_the_limit_follows_the_size_of_the_tenant(clock: Clock, people: int, limit: int) -> None:
    """A pace that suits a large tenant is throttled in a small one."""
    assert Throttle(clock, lambda: people).limit == limit


def test_every_answer_says_what_it_cost(throttle: Throttle) -> None:
    """A client that listens can slow down before it is told to."""
    assert spend(throttle, 3) == {"x-ms-resource-unit": "3"}


def test_from_four_fifths_on_the_share_is_told(throttle: Throttle) -> None:
    """The warning comes before the refusal."""
    spend(throttle, 79)

    assert spend(throttle, 1)["x-ms-throttle-limit-percentage"] == "0.80"


def test_an_empty_bucket_refuses_with_a_time_to_wait(throttle: Throttle) -> None:
    """Retry-After, scope and reason are what a client and its administrator act on."""
    spend(throttle, 100)

    with pytest.raises(GraphError) as refused:
        spend(throttle, 5)

    error = refused.value
    assert (error.status, error.code) == (429, "Request_ThrottledTemporarily")
    assert error.headers["Retry-After"] == "1"
    assert error.headers["x-ms-throttle-scope"] == f"Tenant_Application/ReadWrite/{APP}/{TENANT}"
    assert error.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"


def test_waiting_as_told_is_enough(throttle: Throttle, clock: Clock) -> None:
    """A Retry-After that is obeyed and refused again would teach clients to disobey."""
    spend(throttle, 100)
    with pytest.raises(GraphError) as refused:
        spend(throttle, 5)

    clock.advance(timedelta(seconds=int(refused.value.headers["Retry-After"])))

    assert spend(throttle, 5)["x-ms-resource-unit"] == "5"


def test_hammering_makes_the_wait_longer(throttle: Throttle) -> None:
    """Refused requests count against the quota, as Microsoft warns."""
    spend(throttle, 100)
    waits = []

    for _ in range(30):
        with pytest.raises(GraphError) as refused:
            spend(throttle, 5)
        waits.append(int(refused.value.headers["Retry-After"]))

    assert waits == sorted(waits)
    assert waits[-1] == 9
    assert refused.value.headers["x-ms-throttle-limit-percentage"] == "1.80"


def test_one_app_does_not_use_up_the_quota_of_another(throttle: Throttle) -> None:
    """The bucket is per app and tenant."""
    spend(throttle, 100)

    headers = throttle.charge("another app", TENANT, 5)

    assert headers == {"x-ms-resource-unit": "5"}


def test_the_bucket_fills_up_again_with_time(throttle: Throttle, clock: Clock) -> None:
    """Ten seconds are a whole window."""
    spend(throttle, 100)

    clock.advance(timedelta(seconds=10))

    assert spend(throttle, 1) == {"x-ms-resource-unit": "1"}


def test_forgetting_gives_back_quota_and_limit(throttle: Throttle) -> None:
    """A reset stage must not remember what an earlier test spent."""
    spend(throttle, 100)

    throttle.forget()

    assert throttle.limit == 5000
    assert spend(throttle, 1) == {"x-ms-resource-unit": "1"}
