import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles.scripted_graph import ScriptedGraph, answer, refused
from jackfield.core.departments import Group, GroupKind
from jackfield.core.people import GroupId, ObjectId, Person, Standing, UserType
from jackfield.graph.asking import Answer
from jackfield.graph.client import GraphClient
from jackfield.graph.directory import (
    DELTA_USERS,
    MemberChange,
    Removed,
    UsersPage,
    fetch_groups_page,
    fetch_standing,
    fetch_user,
    fetch_users_page,
    parse_user,
    record_hash,
)
from jackfield.graph.errors import Call, MalformedAnswer, NotFound
from jackfield.graph.wire import USER_SELECT, read_users

Make = Callable[..., GraphClient]
ANN = "5d0e3c1a-7b52-4a55-9d1b-0c8a2f2f4a10"
BOB = "77c10000-0000-4000-8000-000000000000"
CYD = "88d20000-0000-4000-8000-000000000000"
EXCHANGE = "9aaf7827-d63c-4b61-89c3-182f06f82e5c"
TEAMS = "57ff2da0-773e-42df-b2af-ffb7a2317929"


def user(user_id: object = ANN, **fields: object) -> dict[str, object]:
    return {"id": user_id, "userPrincipalName": "ann@example.org", **fields}


async def read(client: Make, *records: object, delta: bool = False) -> UsersPage:
    door = client(ScriptedGraph(answer({"value": records})))
    return await fetch_users_page(door, DELTA_USERS) if delta else await fetch_users_page(door)


async def person(client: Make, **fields: object) -> Person:
    return (await read(client, user(**fields))).people()[0]


async def test_a_user_of_graph_becomes_a_person(client: Make):
    """Every field that somebody reads later, in our words."""
    record = user(
        ANN.upper(),
        displayName="Ann Field",
        givenName="Ann",
        surname="Field",
        mail="ann.field@example.org",
        mobilePhone="+44 7700 900101",
        businessPhones=["+44 20 7946 0101"],
        jobTitle="Engineer",
        companyName="Example",
        department="Sales",
        officeLocation="London",
        usageLocation="gb",
        preferredLanguage="en-GB",
        accountEnabled=False,
        userType="Guest",
        assignedLicenses=[{"skuId": "3B555118-DA6A-4418-894F-7DF1E2096870", "disabledPlans": []}],
        assignedPlans=[
            {"servicePlanId": EXCHANGE, "capabilityStatus": "Enabled", "service": "exchange"},
            {"servicePlanId": TEAMS, "capabilityStatus": "Deleted", "service": "TeamspaceAPI"},
        ],
    )

    people = (await read(client, record)).people()

    assert people == [
        Person(
            id=ObjectId(ANN),
            upn="ann@example.org",
            display_name="Ann Field",
            given_name="Ann",
            surname="Field",
            mail="ann.field@example.org",
            mobile_phone="+44 7700 900101",
            business_phone="+44 20 7946 0101",
            job_title="Engineer",
            company_name="Example",
            department="Sales",
            office_location="London",
            usage_location="GB",
            preferred_language="en-GB",
            enabled=False,
            user_type=UserType.GUEST,
            skus=("3b555118-da6a-4418-894f-7df1e2096870",),
            has_mailbox=True,
            has_teams=False,
        )
    ]


async def test_only_what_is_used_is_asked_for(client: Make):
    """A hundred thousand people times ten unused fields is a minute of somebody's morning."""
    graph = ScriptedGraph(answer({"value": []}))

    await fetch_users_page(client(graph))

    assert graph.sent[0].url == (
        "https://graph.microsoft.com/v1.0/users?$select=id,userPrincipalName,displayName,givenName,"
        "surname,mail,accountEnabled,userType,businessPhones,mobilePhone,department,companyName,"
        "officeLocation,jobTitle,preferredLanguage,usageLocation,assignedPlans,assignedLicenses"
        "&$top=999"
    )


async def test_null_and_absent_are_the_same(client: Make):
    """Graph sends null in lists and leaves the field out of delta; neither is a change."""
    absent = user(displayName="Ann")
    null = {**absent, "mail": None, "jobTitle": None, "assignedPlans": None, "faxNumber": None}

    one = await read(client, absent, delta=True)
    other = await read(client, null)

    assert one.people() == other.people()
    assert one.hashes == other.hashes


@pytest.mark.parametrize(
    ("fields", "differs"),
    [
        pytest.param({"displayName": "Anne"}, True, id="name"),
        pytest.param({"accountEnabled": False}, True, id="disabled"),
        pytest.param({"businessPhones": ["+44 1"]}, True, id="phone"),
        pytest.param({"faxNumber": "+44 2"}, False, id="unused_field"),
        pytest.param(
            {"assignedPlans": [{"assignedDateTime": "2026-01-01T00:00:00Z"}]},
            False,
            id="date_of_a_plan",
        ),
    ],
)
async def test_the_hash_follows_what_we_read(client: Make, fields, differs):
    """Everything that counts must change it; what nobody reads must not."""
    record = user(displayName="Ann", accountEnabled=True, assignedPlans=[{}])

    before = await read(client, record)
    after = await read(client, {**record, **fields})

    assert (before.hashes != after.hashes) is differs


async def test_hashes_stay_the_same_from_one_version_to_the_next(client: Make):
    """They are stored: another value makes a hundred thousand people look changed once."""
    page = await read(client, user(displayName="Ann", businessPhones=["+44 20 7946 0101"]))

    assert page.hashes == {ANN: HASH_OF_ANN}
    assert all(0 <= value < 2**63 for value in page.hashes.values())


HASH_OF_ANN = 3450439039120223328


async def test_only_changed_people_are_parsed(client: Make):
    """The night run reads everybody and finds ten changed."""
    page = await read(client, user(ANN), user(BOB))
    known = dict(page.hashes)
    known[ObjectId(BOB)] += 1

    assert [seen.person.id for seen in page.changed(known)] == [BOB]
    assert [seen.record_hash for seen in page.changed({})] == list(page.hashes.values())
    assert list(page.changed(page.hashes)) == []


async def test_the_last_word_on_somebody_counts(client: Make):
    """Delta may name a person twice on one page, in any order."""
    page = await read(
        client,
        user(ANN, displayName="Old"),
        user(BOB),
        {"id": CYD, "@removed": {"reason": "changed"}},
        user(ANN.upper(), displayName="New"),
        {"id": BOB, "@removed": {"reason": "deleted"}},
        user(CYD),
        delta=True,
    )

    assert [one.display_name for one in page.people()] == ["New", ""]
    assert list(page.users) == [ANN, CYD]
    assert page.removed == (Removed(ObjectId(BOB), Standing.GONE),)


@pytest.mark.parametrize(
    ("reason", "standing"),
    [
        ("changed", Standing.RECYCLED),
        ("deleted", Standing.GONE),
        (None, Standing.RECYCLED),
        ("other", Standing.RECYCLED),
    ],
)
async def test_a_removed_user_stands_in_the_bin_or_is_gone(client: Make, reason, standing):
    """Who is in the bin may come back within thirty days, with the old number."""
    page = await read(client, {"id": BOB, "@removed": {"reason": reason}}, delta=True)

    assert page.removed == (Removed(ObjectId(BOB), standing),)
    assert page.people() == []


async def test_a_delta_record_with_only_the_change_is_completed(client: Make):
    """Some servers send what changed and nothing else; the rest must not be wiped out."""
    graph = ScriptedGraph(
        answer({"value": [{"id": ANN, "displayName": "New"}, {"id": BOB, "mail": "b@x.org"}]}),
        answer(user(ANN, displayName="New", jobTitle="Engineer")),
        refused(404, "Request_ResourceNotFound"),
    )

    page = await fetch_users_page(client(graph), DELTA_USERS)

    assert [(one.display_name, one.job_title) for one in page.people()] == [("New", "Engineer")]
    assert graph.paths[1:] == [f"/v1.0/users/{ANN}", f"/v1.0/users/{BOB}"]


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("record", "who"),
    [
        pytest.param(user(BOB, displayName=7), BOB, id="number_for_name"),
        pytest.param(user(BOB, accountEnabled="yes"), BOB, id="text_for_flag"),
        pytest.param(user(BOB, businessPhones="+44 1"), BOB, id="text_for_list"),
        pytest.param(user(BOB, businessPhones=[{}]), BOB, id="object_for_phone"),
        pytest.param(user(BOB, assignedPlans=[3]), BOB, id="number_for_plan"),
        pytest.param(user(BOB.upper(), mail=[]), BOB, id="id_in_other_case"),
        pytest.param({"displayName": "No id"}, None, id="no_id"),
        pytest.param(user(None), None, id="null_id"),
        pytest.param(user(12), None, id="number_for_id"),
        pytest.param(user(""), None, id="empty_id"),
        pytest.param(user("a b"), None, id="id_with_space"),
        pytest.param(user("a\u0000b"), None, id="id_with_nul"),
        pytest.param(user("x" * 200), None, id="endless_id"),
        pytest.param("ann", None, id="text_for_user"),
        pytest.param(None, None, id="null_for_user"),
        pytest.param([], None, id="list_for_user"),
    ],
)
async def test_one_bad_record_leaves_its_page_alone(client: Make, record, who):
    """One broken account must not keep 998 others from their extensions."""
    page = await read(client, user(ANN), record, user(CYD))

    assert list(page.users) == [ANN, CYD]
    assert [(one.id, one.position) for one in page.rejected] == [(who, 1)]
    assert page.rejected[0].why


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("x" * 300, "x" * 300, id="300_letters"),
        pytest.param("Ann\x00Field", "Ann Field", id="nul"),
        pytest.param("\r\nAnn\tField\x1b[31m\x85", "Ann Field [31m", id="control_characters"),
        pytest.param("  Ann  ", "Ann", id="spaces_around"),
        pytest.param("\u200fשרה כהן\u200f", "\u200fשרה כהן\u200f", id="right_to_left"),
        pytest.param("👩\u200d🔧 Ann", "👩\u200d🔧 Ann", id="joined_emoji"),
        pytest.param("Zoë", "Zoë", id="composed"),
        pytest.param("\u202egnal", "\u202egnal", id="direction_override_is_kept"),
        pytest.param("<script>alert(1)</script>", "<script>alert(1)</script>", id="markup"),
    ],
)
async def test_names_come_as_they_are_but_for_control_characters(client: Make, text, expected):
    """PostgreSQL refuses NUL and a phone's display does what an escape tells it."""
    assert (await person(client, displayName=text)).display_name == expected


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("raw", "name"),
    [
        pytest.param(rb'"Ann \ud83d"', "Ann \ufffd", id="half_a_surrogate_pair"),
        pytest.param(rb'"\ude00 Ann"', "\ufffd Ann", id="the_other_half"),
        pytest.param(rb'"\\ud83d \ud83d\ude00"', "\\ud83d 😀", id="escaped_backslash_and_pair"),
        pytest.param(b'"Ann \xff"', "Ann \ufffd", id="not_utf8"),
    ],
)
async def test_text_that_is_no_unicode_does_not_spoil_the_page(client: Make, raw, name):
    """Old synchronised directories hold names cut in the middle of an emoji."""
    body = b'{"value":[{"id":"b","userPrincipalName":"b"},{"id":"a","displayName":%s}]}' % raw
    broken = body.replace(b"},{", b',"mail":"\\ud800"},{')

    page = await fetch_users_page(client(ScriptedGraph(answer(broken))))

    assert [one.display_name for one in page.people()] == ["", name]


@pytest.mark.hostile
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<!DOCTYPE html><p>Sign in", id="html"),
        pytest.param(b'{"value":[{"id":"a"}', id="truncated"),
        pytest.param(b'{"value":{}}', id="object_for_list"),
        pytest.param(b'{"value":null}', id="null_for_list"),
        pytest.param(b'{"error":{"code":"x"}}', id="error_with_200"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"value":[' + b'{"id":"a","x":' + b"[" * 99_999, id="endless_depth"),
        pytest.param(b'{"value":[],"@odata.nextLink":5}', id="number_for_link"),
    ],
)
async def test_what_is_no_page_is_an_error_and_never_an_empty_page(client: Make, body):
    """An empty page would look as if everybody had left."""
    with pytest.raises(MalformedAnswer, match=r"GET /users"):
        await fetch_users_page(client(ScriptedGraph(answer(body))))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*USER_SELECT.split(","), "@removed", "value", "@odata.nextLink"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@pytest.mark.hostile
@given(records=st.lists(JSON, max_size=5), cut=st.integers(0, 40), noise=st.binary(max_size=4))
def test_no_answer_whatever_breaks_the_reader(records, cut, noise):
    """Every record is read or named as rejected, or the page as a whole is refused."""
    body = json.dumps({"value": [user(ANN), *records]}).encode()
    half = body[: len(body) - cut] + noise if cut else body

    try:
        page = read_users(Answer(half, {}, Call("GET", "/users")))
    except MalformedAnswer:
        assert cut
        return

    assert cut or len(page.records) + len(page.rejected) == len(records) + 1
    for record in page.records:
        parse_user(record)
        record_hash(record)


@pytest.mark.hostile
async def test_ten_megabytes_on_one_page_are_read(client: Make):
    """Tenants with a hundred service plans a person have such pages."""
    plan = {"servicePlanId": EXCHANGE, "capabilityStatus": "Enabled", "service": "exchange"}
    records = [user(f"{n:08x}", assignedPlans=[plan] * 100) for n in range(999)]
    body = json.dumps({"value": records}).encode()

    page = await fetch_users_page(client(ScriptedGraph(answer(body))))

    assert len(body) > 10_000_000
    assert all(one.has_mailbox for one in page.people())


@pytest.mark.parametrize(
    ("user_type", "expected"),
    [
        ("Member", UserType.MEMBER),
        ("member", UserType.MEMBER),
        (None, UserType.MEMBER),
        ("", UserType.MEMBER),
        ("Guest", UserType.GUEST),
        ("GUEST", UserType.GUEST),
        pytest.param("External", UserType.GUEST, id="unknown_is_not_trusted"),
    ],
)
async def test_user_types(client: Make, user_type, expected):
    """Old synchronised accounts have none; a kind of tomorrow must not get a phone by itself."""
    assert (await person(client, userType=user_type)).user_type is expected


@pytest.mark.parametrize(
    ("enabled", "expected"), [(True, True), (False, False), (None, True)], ids=str
)
async def test_only_a_plain_no_disables(client: Make, enabled, expected):
    """With too few permissions the field is missing; that must not disable a whole company."""
    assert (await person(client, accountEnabled=enabled)).enabled is expected


@pytest.mark.parametrize(
    ("phones", "expected"),
    [
        ([], ""),
        (None, ""),
        ([None, " ", "+44 1"], "+44 1"),
        (["+44 1", "+44 2"], "+44 1"),
        (["call me"], "call me"),
    ],
    ids=str,
)
async def test_the_first_business_phone_counts(client: Make, phones, expected):
    """Cloud users have at most one; synchronised ones may have blanks before it."""
    assert (await person(client, businessPhones=phones)).business_phone == expected


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param(ANN, f"/v1.0/users/{ANN}", id="object_id"),
        pytest.param("joe#EXT#@x.org", "/v1.0/users/joe%23EXT%23%40x.org", id="guest"),
        pytest.param("$o'x@x.org", "/v1.0/users('%24o%27%27x%40x.org')", id="dollar_and_quote"),
        pytest.param("../me?x", "/v1.0/users/..%2Fme%3Fx", id="no_way_out_of_the_path"),
    ],
)
async def test_one_user_is_asked_for_safely(client: Make, name, path):
    """Names come from the command line and contain whatever people type."""
    graph = ScriptedGraph(answer(user()))

    seen = await fetch_user(client(graph), name)

    assert graph.paths == [path]
    assert seen.person.id == ANN


@pytest.mark.parametrize(
    ("replies", "standing"),
    [
        pytest.param([answer(user())], Standing.PRESENT, id="there_after_all"),
        pytest.param(
            [refused(404, "Request_ResourceNotFound"), answer({"id": ANN})],
            Standing.RECYCLED,
            id="recycled",
        ),
        pytest.param([refused(404, "Request_ResourceNotFound")] * 2, Standing.GONE, id="gone"),
    ],
)
async def test_who_was_missing_is_looked_for(client: Make, replies, standing):
    """Missing from a list may mean a slow replica; nobody loses a phone for that."""
    assert await fetch_standing(client(ScriptedGraph(*replies)), ObjectId(ANN)) is standing


async def test_an_unknown_user_is_not_found(client: Make):
    """`jackfield sync people --person` with a typing error."""
    with pytest.raises(NotFound):
        await fetch_user(client(ScriptedGraph(refused(404, "Request_ResourceNotFound"))), "x@y")


# --- groups ----------------------------------------------------------------------------------

SALES, TEAM = "c2f70000-0000-4000-8000-000000000000", "d3f70000-0000-4000-8000-000000000000"


async def read_group(client: Make, **fields: object) -> Group:
    record = {"id": SALES, "displayName": "Sales", **fields}
    page = await fetch_groups_page(client(ScriptedGraph(answer({"value": [record]}))))
    return page.groups[0]


@pytest.mark.parametrize(
    ("types", "mail", "security", "kind"),
    [
        (["Unified"], True, False, GroupKind.MICROSOFT_365),
        (["Unified"], True, True, GroupKind.MICROSOFT_365),
        ([], False, True, GroupKind.SECURITY),
        ([], True, True, GroupKind.MAIL_SECURITY),
        ([], True, False, GroupKind.DISTRIBUTION),
        (None, None, None, GroupKind.SECURITY),
    ],
)
async def test_kinds_of_groups(client: Make, types, mail, security, kind):
    """Administrators pick groups by these names."""
    group = await read_group(client, groupTypes=types, mailEnabled=mail, securityEnabled=security)

    assert group.kind is kind


async def test_a_dynamic_group_is_marked(client: Make):
    """Its members follow a rule, minutes to hours late; people ask why."""
    assert (await read_group(client, groupTypes=["DynamicMembership"])).dynamic


async def test_members_come_and_go_in_graphs_order(client: Make):
    """A large group is spread over pages and repeated; it is merged, never replaced."""
    joined = {"@odata.type": "#microsoft.graph.user", "id": ANN.upper()}
    nested = {"@odata.type": "#microsoft.graph.group", "id": TEAM}
    left = {"@odata.type": "#microsoft.graph.user", "id": BOB, "@removed": {"reason": "deleted"}}
    graph = ScriptedGraph(
        answer(
            {
                "value": [
                    {"id": SALES, "displayName": "Sales", "members@delta": [joined, nested]},
                    {"id": SALES.upper(), "displayName": "Sales", "members@delta": [left]},
                ]
            }
        )
    )

    page = await fetch_groups_page(client(graph))

    sales = GroupId(SALES)
    assert [group.name for group in page.groups] == ["Sales"]
    assert page.member_changes == (
        MemberChange(sales, ObjectId(ANN), is_group=False, removed=False),
        MemberChange(sales, ObjectId(TEAM), is_group=True, removed=False),
        MemberChange(sales, ObjectId(BOB), is_group=False, removed=True),
    )


async def test_a_group_of_which_only_members_changed_keeps_its_name(client: Make):
    """An absent name means unchanged, not empty."""
    member = {"@odata.type": "#microsoft.graph.user", "id": ANN}
    body = {"value": [{"id": SALES, "members@delta": [member]}]}

    page = await fetch_groups_page(client(ScriptedGraph(answer(body))))

    assert page.groups == ()
    assert len(page.member_changes) == 1


async def test_a_removed_group_is_told(client: Make):
    """Its department stays, flagged; only an administrator takes it away."""
    body = {
        "value": [
            {"id": SALES, "displayName": "Sales"},
            {"id": SALES, "@removed": {"reason": "deleted"}},
        ]
    }

    page = await fetch_groups_page(client(ScriptedGraph(answer(body))))

    assert page.groups == ()
    assert page.removed == (Removed(ObjectId(SALES), Standing.GONE),)


@pytest.mark.hostile
async def test_one_bad_group_leaves_its_page_alone(client: Make):
    """As with people."""
    body = {"value": [{"id": SALES, "displayName": []}, {"id": TEAM, "displayName": "Team"}]}

    page = await fetch_groups_page(client(ScriptedGraph(answer(body))))

    assert [group.id for group in page.groups] == [TEAM]
    assert [one.id for one in page.rejected] == [SALES]


BESIDE = ("onPremisesExtensionAttributes",)


async def test_free_attributes_are_asked_for_on_demand(client: Make):
    """They may hold what is nobody's business; a rule that follows one needs them."""
    graph = ScriptedGraph(answer({"value": []}), answer({"value": []}), answer(user()))

    await fetch_users_page(client(graph), extras=BESIDE)
    await fetch_users_page(client(graph), DELTA_USERS, extras=BESIDE)
    await fetch_user(client(graph), ANN, extras=BESIDE)

    assert [
        one.url.split("$select=")[1]
        .split("&")[0]
        .endswith("Licenses,onPremisesExtensionAttributes")
        for one in graph.sent
    ] == [True, True, True]


@pytest.mark.parametrize(
    ("attributes", "read_"),
    [
        pytest.param({"extensionAttribute2": "Two\n"}, ("", "Two"), id="one"),
        pytest.param({"extensionAttribute1": "One", "extensionAttribute9": None}, ("One",), id="n"),
        pytest.param({f"extensionAttribute{n}": None for n in range(1, 16)}, (), id="null"),
        pytest.param({"extensionAttribute16": "x"}, (), id="unheard_of"),
        pytest.param({}, (), id="empty"),
        pytest.param(None, (), id="none_at_all"),
    ],
)
async def test_free_attributes_are_read_by_number(client: Make, attributes, read_):
    """Those that are not set at the end are left out."""
    graph = ScriptedGraph(answer({"value": [user(onPremisesExtensionAttributes=attributes)]}))

    page = await fetch_users_page(client(graph), extras=BESIDE)

    assert [one.extension_attributes for one in page.people()] == [read_]


async def test_not_asked_for_is_not_the_same_as_not_set(client: Make):
    """Whoever has none is known to have none once it was asked for, so the hash differs."""
    record = user(displayName="Ann")
    none = {f"extensionAttribute{n}": None for n in range(1, 16)}

    usual = await read(client, record)
    asked = await fetch_users_page(
        client(ScriptedGraph(answer({"value": [record]}))), extras=BESIDE
    )
    null = await fetch_users_page(
        client(ScriptedGraph(answer({"value": [{**record, BESIDE[0]: none}]}))),
        extras=BESIDE,
    )

    assert [one.extension_attributes for one in usual.people()] == [None]
    assert [one.extension_attributes for one in asked.people()] == [()]
    assert usual.hashes != asked.hashes == null.hashes
