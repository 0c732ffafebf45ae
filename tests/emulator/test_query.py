"""Query options: what is answered, what needs the advanced parameters, and how it is refused."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from m365_emulator.clock import Clock
from m365_emulator.errors import GraphError
from m365_emulator.filter_support import check_filter
from m365_emulator.filters import parse_filter, predicate_of
from m365_emulator.licences import BUSINESS_PREMIUM, licences_of, plans_of
from m365_emulator.resources import GROUP, USER, Group, ObjectId, User
from m365_emulator.search import parse_search
from m365_emulator.server import Emulator

ADA = User(
    id=ObjectId("11111111-aaaa-4bbb-8ccc-222222222222"),
    user_principal_name="ada@northgate.example",
    display_name="Ada O'Neill-Byron",
    mail="Ada.Byron@northgate.example",
    business_phones=("+44 20 7946 0101",),
    department="Sales",
    usage_location="GB",
    proxy_addresses=("SMTP:ada.byron@northgate.example", "smtp:ada@old.example"),
    assigned_licenses=licences_of((BUSINESS_PREMIUM,)),
    assigned_plans=plans_of((BUSINESS_PREMIUM,), "2026-01-07T10:00:00Z"),
    created_date_time="2026-01-07T10:00:00Z",
)
TEAMS1 = "57ff2da0-773e-42df-b2af-ffb7a2317929"


def _fits(text: str) -> bool:
    return predicate_of(parse_filter(text, USER))(ADA)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accountEnabled eq true", True),
        ("accountEnabled eq false", False),
        ("department eq 'SALES'", True),
        ("Department EQ 'sales'", True),
        ("department ne 'IT'", True),
        ("jobTitle ne 'Buyer'", True),
        ("jobTitle eq null", True),
        ("department ne null", True),
        ("department in ('IT','Sales')", True),
        ("department in ('IT')", False),
        ("displayName eq 'Ada O''Neill-Byron'", True),
        ("startswith(displayName,'ada o')", True),
        ("startsWith(displayName, 'byron')", False),
        ("startswith(displayName,'Ada') eq false", False),
        ("endsWith(mail,'@NORTHGATE.example')", True),
        ("id eq '11111111-AAAA-4bbb-8ccc-222222222222'", True),
        ("proxyAddresses/any(p:p eq 'smtp:ada@old.example')", True),
        ("proxyAddresses/any(p:startswith(p,'sip:'))", False),
        ("proxyAddresses/any()", True),
        ("otherMails/any()", False),
        ("businessPhones/any(b:startswith(b,'+44'))", True),
        (f"assignedLicenses/any(l:l/skuId eq {BUSINESS_PREMIUM.id})", True),
        (f"assignedLicenses/any(l:l/skuId eq {TEAMS1})", False),
        (
            f"assignedPlans/any(p:p/servicePlanId eq {TEAMS1} and p/capabilityStatus eq 'Enabled')",
            True,
        ),
        (
            f"assignedPlans/any(p:p/servicePlanId eq {TEAMS1} and p/capabilityStatus eq 'Deleted')",
            False,
        ),
        ("assignedLicenses/$count ne 0", True),
        ("assignedLicenses/$count eq 2", False),
        ("not(department eq 'Sales')", False),
        ("not startswith(mail,'x')", True),
        ("department eq 'IT' or department eq 'Sales' and accountEnabled eq false", False),
        ("(department eq 'IT' or department eq 'Sales') and accountEnabled eq true", True),
        ("createdDateTime ge 2026-01-07T11:00:00+01:00", True),
        ("createdDateTime gt 2026-01-07T10:00:00Z", False),
        ("createdDateTime le 2026-01-08", True),
        ("deletedDateTime le 2026-01-08", False),
        ("displayName ge 'ada'", True),
        ("displayName lt 'ada'", False),
    ],
)
def test_filters_compare_as_the_directory_does(text: str, expected: bool) -> None:
    """Case does not count, null equals only null, lambdas look at each element."""
    assert _fits(text) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "shoeSize eq 43",
            "Could not find a property named 'shoeSize' on type 'microsoft.graph.user'",
        ),
        ("department eq 'Sales", "unterminated string literal at position 14"),
        ("department", "Syntax error at position 10"),
        ("department eq", "Syntax error at position 13"),
        ("department eq Sales", "Syntax error at position 14"),
        ("department is 'Sales'", "Syntax error at position 11"),
        ("(department eq 'Sales'", "Syntax error at position 22"),
        ("department eq 'Sales')", "Syntax error at position 21"),
        ("department eq 'a' & mail eq 'b'", "character '&' is not valid at position 18"),
        ("proxyAddresses eq 'x'", "Syntax error"),
        ("proxyAddresses/all(p:p eq 'x')", "Syntax error"),
        ("department/any(d:d eq 'x')", "Syntax error"),
        ("assignedLicenses/any(l:l/size eq 1)", "Could not find a property named 'size'"),
        ("accountEnabled eq 'true'", "'Edm.Boolean' and 'Edm.String' for operator kind 'Equal'"),
        ("department eq 7", "'Edm.String' and 'Edm.Int32'"),
        (f"assignedLicenses/any(l:l/skuId eq '{TEAMS1}')", "'Edm.Guid' and 'Edm.String'"),
        ("createdDateTime ge 2026-13-40", "literal '2026-13-40'"),
        ("startswith(accountEnabled,'t')", "No function signature"),
        ("department in ()", "Syntax error"),
        ("", "Syntax error at position 0"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_with_the_place(text: str, message: str) -> None:
    """Graph says where the filter breaks; a client's log is useless without that."""
    with pytest.raises(GraphError) as refused:
        parse_filter(text, USER)

    assert (refused.value.status, refused.value.code) == (400, "BadRequest")
    assert message in refused.value.message


@dataclass(frozen=True)
class Gate:
    """A filter, and what the refusal without the advanced parameters says."""

    text: str
    message: str


GATES = [
    Gate("department ne 'Sales'", "Operator 'ne' is not supported"),
    Gate("not(department eq 'Sales')", "Operator 'not' is not supported"),
    Gate("endsWith(mail,'@x.example')", "Operator 'endsWith' is not supported"),
    Gate("department eq null", "for property 'department' of resource 'User'"),
    Gate("assignedLicenses/$count ne 0", "Operator '$count' is not supported"),
    Gate("companyName eq 'x'", "for property 'companyName' of resource 'User'"),
    Gate("mobilePhone eq 'x'", "for property 'mobilePhone' of resource 'User'"),
    Gate("businessPhones/any(b:startswith(b,'+44'))", "for property 'businessPhones'"),
    Gate(f"assignedPlans/any(p:p/servicePlanId eq {TEAMS1})", "for property 'assignedPlans'"),
]


@pytest.mark.parametrize("gate", [pytest.param(gate, id=gate.text) for gate in GATES])
def test_advanced_filters_need_header_and_count(gate: Gate) -> None:
    """Without the gate here, a client would pass every test and fail at the first customer."""
    node = parse_filter(gate.text, USER)

    with pytest.raises(GraphError) as refused:
        check_filter(node, USER, advanced=False)
    check_filter(node, USER, advanced=True)

    assert refused.value.code == "Request_UnsupportedQuery"
    assert gate.message in refused.value.message


@pytest.mark.parametrize(
    "text",
    [
        "accountEnabled eq true",
        "userType eq 'Member'",
        "department in ('Sales','IT')",
        "startswith(displayName,'A') and mail eq 'x'",
        "proxyAddresses/any(p:p eq 'smtp:x@example.org')",
        f"assignedLicenses/any(l:l/skuId eq {TEAMS1})",
        "businessPhones/any(b:b eq 'x')",
        "createdDateTime ge 2026-01-01T00:00:00Z",
        "id in ('a','b')",
    ],
)
def test_plain_filters_need_no_header(text: str) -> None:
    """Asking for the header everywhere would be as wrong as asking nowhere."""
    check_filter(parse_filter(text, USER), USER, advanced=False)


@pytest.mark.parametrize(
    ("text", "resource"),
    [
        ("contains(displayName,'x')", USER),
        ("endsWith(displayName,'x')", USER),
        ("startswith(userType,'M')", USER),
        ("faxNumber eq 'x' and startswith(id,'1')", USER),
        ("visibility eq 'Private'", GROUP),
        ("startswith(visibility,'P')", GROUP),
    ],
)
def test_some_questions_are_never_answered(text: str, resource: Any) -> None:
    """The index does not know everything, whatever the header."""
    with pytest.raises(GraphError) as refused:
        check_filter(parse_filter(text, resource), resource, advanced=True)

    assert refused.value.code == "Request_UnsupportedQuery"


def test_more_than_fifteen_values_are_too_many() -> None:
    """Graph counts the clauses of an `or` and the values of an `in`."""
    fifteen = ",".join(f"'{number}'" for number in range(15))
    check_filter(parse_filter(f"id in ({fifteen})", USER), USER, advanced=False)

    ors = " or ".join(f"id eq '{number}'" for number in range(16))
    with pytest.raises(GraphError, match="Max allowed: 15"):
        check_filter(parse_filter(f"id in ({fifteen},'15')", USER), USER, advanced=False)
    with pytest.raises(GraphError, match="Max allowed: 15"):
        check_filter(parse_filter(ors, USER), USER, advanced=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"displayName:byr"', True),
        ('"displayName:Byron ada"', True),
        ('"displayName:yron"', False),
        ('"displayName:oneill"', True),
        ('"mail:ada.by"', True),
        ('"mail:byron"', False),
        ('"proxyAddresses:smtp:ada@old"', True),
        ('"mail:x" OR "displayName:ada"', True),
        ('"mail:x" AND "displayName:ada"', False),
        ('"mail:ada" AND ("displayName:x" OR "displayName:byron")', True),
    ],
)
def test_search_matches_beginnings_of_words(text: str, expected: bool) -> None:
    """A picker that searches people depends on what counts as a word."""
    assert parse_search(text, USER)(ADA) is expected


def test_search_splits_words_at_a_change_of_case() -> None:
    """`OneVideo` is found under `video`."""
    group = Group(id=ObjectId("g"), display_name="OneVideo")

    assert parse_search('"displayName:video"', GROUP)(group)
    assert parse_search('"displayName:OneVideo"', GROUP)(group)


@pytest.mark.parametrize(
    "text",
    [
        "displayName:ada",
        '"displayName:ada',
        '"ada"',
        '"shoeSize:43"',
        '"a:b" or "c:d"',
        '("mail:x"',
        "",
    ],
)
def test_a_search_that_cannot_be_read_is_refused(text: str) -> None:
    """Clauses stand in double quotes, with a property, joined by capital AND and OR."""
    with pytest.raises(GraphError) as refused:
        parse_search(text, USER)

    assert refused.value.status == 400


@pytest.fixture
def emulator(clock: Clock) -> Emulator:
    """More than a page of people."""
    return Emulator(people=150, seed=3, clock=clock)


@pytest.mark.parametrize(
    ("query", "status", "code", "message"),
    [
        ("$top=1000", 400, "Request_UnsupportedQuery", "Must be between 1 and 999 inclusive"),
        ("$top=0", 400, "Request_UnsupportedQuery", "Invalid page size specified: '0'"),
        ("$top=many", 400, "BadRequest", "$top"),
        ("$skip=5", 400, "Request_BadRequest", "'$skip' is not supported by the service."),
        ("$select=shoeSize", 400, "BadRequest", "Could not find a property named 'shoeSize'"),
        ("$select=aboutMe", 501, "NotImplemented", "aboutMe"),
        ("$expand=manager", 501, "NotImplemented", "expand"),
        ("$apply=groupby", 400, "Request_UnsupportedQuery", "'$apply'"),
        ("$top=5&$top=6", 400, "BadRequest", "more than once"),
        ("$orderby=department", 400, "Request_UnsupportedQuery", "Unsupported sort property"),
        ("$orderby=shoeSize", 400, "BadRequest", "shoeSize"),
        ("$orderby=displayName sideways", 400, "BadRequest", "Syntax error"),
        ("$orderby=createdDateTime", 400, "Request_UnsupportedQuery", "'createdDateTime'"),
        (
            "$orderby=displayName&$filter=accountEnabled eq true",
            400,
            "Request_UnsupportedQuery",
            "Sorting not supported for current query.",
        ),
        ('$search="displayName:a"', 400, "Request_UnsupportedQuery", "ConsistencyLevel: eventual"),
        ("$skiptoken=nonsense", 400, "Request_BadRequest", "Badly formed token."),
    ],
)
async def test_refused_options_are_refused_in_graphs_words(
    graph: Any, query: str, status: int, code: str, message: str
) -> None:
    """Clients branch on these codes, and administrators read these words."""
    reply = await graph.get(f"/v1.0/users?{quote(query, safe='$=&')}")

    assert (reply.status, reply.code) == (status, code)
    assert message in reply.json()["error"]["message"]


async def test_a_count_is_given_only_with_the_header(graph: Any) -> None:
    """Without ConsistencyLevel `$count=true` is overlooked, and `/$count` refused."""
    plain = await graph.get("/v1.0/users?$count=true")
    eventual = await graph.get("/v1.0/users?$count=true", ConsistencyLevel="eventual")
    segment = await graph.get("/v1.0/users/$count")
    number = await graph.get("/v1.0/users/$count", ConsistencyLevel="Eventual")

    assert "@odata.count" not in plain.json()
    assert eventual.json()["@odata.count"] == 150
    assert (segment.code, segment.status) == ("Request_BadRequest", 400)
    assert (number.body, number.headers["content-type"][:10]) == (b"150", "text/plain")


async def test_the_count_stands_on_the_first_page_only(graph: Any) -> None:
    """A client that reads it from a later page must find nothing."""
    first = await graph.get("/v1.0/users?$count=true&$top=100", ConsistencyLevel="eventual")
    second = await graph.get(first.json()["@odata.nextLink"], ConsistencyLevel="eventual")

    assert "@odata.count" not in second.json()


async def test_an_advanced_query_needs_its_header_on_every_page(graph: Any) -> None:
    """The next link does not carry headers; a client that drops them is refused mid-way."""
    url = f"/v1.0/users?$count=true&$top=10&$filter={quote('department ne null')}"
    first = await graph.get(url, ConsistencyLevel="eventual")

    second = await graph.get(first.json()["@odata.nextLink"])

    assert first.status == 200
    assert second.code == "Request_UnsupportedQuery"


async def test_sorting_pages_through_everybody_in_order(graph: Any) -> None:
    """Sorted lists are paged too, downwards as well, with equal names kept apart."""
    for direction, backwards in (("", False), (" desc", True)):
        url = f"/v1.0/users?$select=id,displayName&$top=40&$orderby=displayName{quote(direction)}"
        found = []
        while url:
            page = (await graph.get(url)).json()
            found += page["value"]
            url = page.get("@odata.nextLink")
        names = [(each["displayName"] or "").casefold() for each in found]

        assert names == sorted(names, reverse=backwards)
        assert len({each["id"] for each in found}) == len(found) == 150
