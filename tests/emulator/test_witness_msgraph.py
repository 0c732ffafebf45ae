"""Microsoft's Graph SDK for Python with azure-identity, both unmodified, over https on loopback.

What it is told: the login authority, the Graph address, and whose certificate to trust. Every
answer goes through the SDK's typed models; what they do not know stays in `additional_data`, where
only OData's own annotations (names with an @) may be found.
"""

import contextlib
import ssl
import uuid
import warnings
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import pytest
from azure.identity import DeviceCodeCredential
from azure.identity.aio import CertificateCredential, ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.store import BackedModel
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph_core import GraphClientFactory, PageIterator

from m365_emulator.resources import GROUP, USER

with warnings.catch_warnings():
    # The generated builders use a name of Kiota's that Kiota has since deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from msgraph.generated.applications.item.add_password.add_password_post_request_body import (
        AddPasswordPostRequestBody,
    )
    from msgraph.generated.groups.delta.delta_request_builder import (
        DeltaRequestBuilder as GroupsDelta,
    )
    from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
    from msgraph.generated.groups.item.transitive_members.graph_user.graph_user_request_builder import (  # noqa: E501
        GraphUserRequestBuilder,
    )
    from msgraph.generated.models.app_role_assignment import AppRoleAssignment
    from msgraph.generated.models.application import Application
    from msgraph.generated.models.group import Group
    from msgraph.generated.models.o_auth2_permission_grant import OAuth2PermissionGrant
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError
    from msgraph.generated.models.password_credential import PasswordCredential
    from msgraph.generated.models.service_principal import ServicePrincipal
    from msgraph.generated.models.user import User
    from msgraph.generated.users.delta.delta_request_builder import (
        DeltaRequestBuilder as UsersDelta,
    )
    from msgraph.generated.users.item.transitive_member_of.graph_group.graph_group_request_builder import (  # noqa: E501
        GraphGroupRequestBuilder,
    )
    from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder

pytestmark = [
    pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This class is deprecated:DeprecationWarning"),
]

GRAPH = "https://graph.microsoft.com/.default"
UsersBelow = GraphUserRequestBuilder.GraphUserRequestBuilderGetQueryParameters
GroupsAbove = GraphGroupRequestBuilder.GraphGroupRequestBuilderGetQueryParameters


@contextlib.asynccontextmanager
async def graph_client(
    stage: Any, credential: Any, plain_credential: Any = None, scopes: Iterable[str] = (GRAPH,)
) -> AsyncIterator[GraphServiceClient]:
    """The SDK on a transport of ours, for its own does not pass on that it is to be closed.

    A credential without async is closed by who made it.
    """
    trust = ssl.create_default_context(cafile=stage.authority_file)
    provider = AzureIdentityAuthenticationProvider(
        plain_credential or credential, scopes=list(scopes), allowed_hosts=["localhost"]
    )
    opened = credential or contextlib.nullcontext()
    async with opened, httpx.AsyncHTTPTransport(verify=trust) as transport:
        plain = httpx.AsyncClient(transport=transport, base_url=f"{stage.https}/v1.0")
        http = GraphClientFactory.create_with_default_middleware(client=plain)
        adapter = GraphRequestAdapter(provider, http)
        adapter.base_url = f"{stage.https}/v1.0"
        yield GraphServiceClient(request_adapter=adapter)


@pytest.fixture
async def graph(stage: Any) -> AsyncIterator[GraphServiceClient]:
    """The SDK, signed in with the app's secret."""
    credential = ClientSecretCredential(
        stage.tenant,
        stage.app_id,
        stage.secret,
        authority=stage.https,
        disable_instance_discovery=True,
        connection_verify=stage.authority_file,
    )
    async with graph_client(stage, credential) as client:
        yield client


def unknown(model: Any, where: str = "answer") -> list[str]:
    """Names that the SDK's models have no place for, anywhere below `model`."""
    found: list[str] = []
    if isinstance(model, list | tuple):
        for number, each in enumerate(model):
            found += unknown(each, f"{where}[{number}]")
    elif isinstance(model, BackedModel):
        for name, value in model.backing_store.enumerate_():
            if name == "additional_data":
                found += [f"{where}.{key}" for key in value if "@" not in key]
            else:
                found += unknown(value, f"{where}.{name}")
    return found


async def everything(client: GraphServiceClient, first: Any) -> list[Any]:
    """All objects of a paged answer, by the SDK's own iterator."""
    found: list[Any] = []
    iterator = PageIterator(first, client.request_adapter)

    def take(each: Any) -> bool:
        found.append(each)
        return True

    await iterator.iterate(take)
    return found


def advanced(parameters: Any) -> Any:
    """What Graph asks for where its plain index does not answer."""
    configuration = RequestConfiguration(query_parameters=parameters(count=True))
    configuration.headers.add("ConsistencyLevel", "eventual")
    return configuration


# The SDK takes four milliseconds to read one person: where one is enough, one is asked for.
ONE_PERSON: Any = RequestConfiguration(
    query_parameters=UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(top=1)
)


def told(names: Iterable[str]) -> list[str]:
    return sorted(names)


# --- users -------------------------------------------------------------------------------------


async def test_the_sdk_lists_everybody_page_by_page(stage: Any, graph: GraphServiceClient) -> None:
    """Next links followed by its own iterator, every page parsed without a rest."""
    parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(top=40)

    first = await graph.users.get(RequestConfiguration(query_parameters=parameters))
    people = await everything(graph, first)

    assert first is not None
    assert first.odata_next_link is not None
    assert len({person.id for person in people}) == len(people)
    assert len(people) == stage.play("GET", "/state")["directory"]["people"]
    assert unknown(first) == unknown(people) == []


async def test_every_property_of_a_user_has_its_place_in_the_model(
    graph: GraphServiceClient,
) -> None:
    """Names and types are Graph's, not our memory of them."""
    parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        top=999, select=told(USER.properties)
    )

    answer = await graph.users.get(RequestConfiguration(query_parameters=parameters))

    assert answer is not None
    assert answer.value
    assert unknown(answer) == []
    licensed = next(person for person in answer.value if person.assigned_plans)
    assert licensed.assigned_plans[0].assigned_date_time.tzinfo is not None
    assert isinstance(licensed.account_enabled, bool)
    assert licensed.created_date_time.tzinfo is not None


async def test_the_sdk_gets_one_user_by_id_and_by_name(
    stage: Any, graph: GraphServiceClient
) -> None:
    """As the product's sign-in and its doctor do."""
    hired = stage.play("POST", "/people", {"displayName": "Ann Field"})
    select = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(
        select=["id", "displayName", "businessPhones", "onPremisesExtensionAttributes"]
    )

    by_id = await graph.users.by_user_id(hired["id"]).get(
        RequestConfiguration(query_parameters=select)
    )
    by_name = await graph.users.by_user_id(hired["userPrincipalName"]).get()

    assert by_id is not None
    assert by_name is not None
    assert (by_id.id, by_id.display_name) == (by_name.id, "Ann Field")
    assert unknown(by_id) == unknown(by_name) == []


async def test_the_sdk_counts_and_searches_with_consistency(
    stage: Any, graph: GraphServiceClient
) -> None:
    """Advanced queries need the header; with it they answer."""
    stage.play("POST", "/people", {"displayName": "Zacharias Quill"})
    parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        search='"displayName:Quill"', count=True
    )
    eventual = RequestConfiguration(query_parameters=parameters)
    eventual.headers.add("ConsistencyLevel", "eventual")

    found = await graph.users.get(eventual)
    with pytest.raises(ODataError) as refused:
        await graph.users.get(RequestConfiguration(query_parameters=parameters))

    assert found is not None
    assert found.odata_count == 1
    assert [person.display_name for person in found.value or []] == ["Zacharias Quill"]
    assert refused.value.response_status_code == 400


async def test_the_sdk_follows_a_delta_link(stage: Any, graph: GraphServiceClient) -> None:
    """A full round, then only what has happened since: a newcomer, a change and a leaver."""
    select = told(USER.properties.keys() - {"deletedDateTime"})
    parameters = UsersDelta.DeltaRequestBuilderGetQueryParameters(select=select)
    page = await graph.users.delta.get(RequestConfiguration(query_parameters=parameters))
    seen: set[str] = set()
    while page is not None and page.odata_delta_link is None:
        assert unknown(page) == []
        seen |= {str(person.id) for person in page.value or []}
        assert page.odata_next_link is not None
        page = await graph.users.delta.with_url(page.odata_next_link).get()
    assert page is not None
    assert page.odata_delta_link is not None
    seen |= {str(person.id) for person in page.value or []}
    leaver, stayer = sorted(seen)[:2]

    hired = stage.play("POST", "/people", {"displayName": "Ann Field"})
    stage.play("PATCH", f"/people/{stayer}", {"jobTitle": "Director"})
    stage.play("POST", f"/people/{leaver}/delete")
    since = await graph.users.delta.with_url(page.odata_delta_link).get()

    assert since is not None
    assert unknown(since) == []
    changed = {str(person.id): person for person in since.value or []}
    assert set(changed) == {hired["id"], stayer, leaver}
    assert changed[stayer].job_title == "Director"
    assert changed[leaver].additional_data["@removed"] == {"reason": "changed"}
    assert len(seen) == stage.play("GET", "/state")["directory"]["people"] - 1


# --- groups ------------------------------------------------------------------------------------


async def test_every_property_of_a_group_has_its_place_in_the_model(
    graph: GraphServiceClient,
) -> None:
    """Groups carry the departments."""
    parameters = GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters(
        top=999, select=told(GROUP.properties)
    )

    answer = await graph.groups.get(RequestConfiguration(query_parameters=parameters))

    assert answer is not None
    assert answer.value
    assert unknown(answer) == []


async def test_the_sdk_reads_members_as_what_they_are(
    stage: Any, graph: GraphServiceClient
) -> None:
    """Users and groups in one list, told apart by their OData type; nested ones below."""
    ann = stage.play("POST", "/people", {"displayName": "Ann Field"})
    bob = stage.play("POST", "/people", {"displayName": "Bob Hill"})
    inner = stage.play("POST", "/groups", {"displayName": "Inner", "members": [bob["id"]]})
    outer = stage.play(
        "POST", "/groups", {"displayName": "Outer", "members": [ann["id"], inner["id"]]}
    )
    item = graph.groups.by_group_id(outer["id"])

    direct = await item.members.get()
    below = await item.transitive_members.get()
    users = await item.transitive_members.graph_user.get(advanced(UsersBelow))
    of_bob = graph.users.by_user_id(bob["id"]).transitive_member_of
    joined = await of_bob.graph_group.get(advanced(GroupsAbove))

    assert direct is not None
    assert below is not None
    assert users is not None
    assert joined is not None
    kinds = {str(member.id): type(member) for member in direct.value or []}
    assert kinds == {ann["id"]: User, inner["id"]: Group}
    assert {member.id for member in below.value or []} == {ann["id"], bob["id"], inner["id"]}
    assert {member.id for member in users.value or []} == {ann["id"], bob["id"]}
    assert {inner["id"], outer["id"]} <= {group.id for group in joined.value or []}
    assert unknown([direct, below, users, joined]) == []


async def test_the_sdk_follows_a_delta_link_of_groups(
    stage: Any, graph: GraphServiceClient
) -> None:
    """Members come and go as an annotation; everything else has its place."""
    made = stage.play("POST", "/groups", {"displayName": "Choir"})
    ann = stage.play("POST", "/people", {"displayName": "Ann Field"})
    parameters = GroupsDelta.DeltaRequestBuilderGetQueryParameters(
        select=["id", "displayName", "members"]
    )
    page = await graph.groups.delta.get(RequestConfiguration(query_parameters=parameters))
    while page is not None and page.odata_delta_link is None:
        assert unknown(page) == []
        assert page.odata_next_link is not None
        page = await graph.groups.delta.with_url(page.odata_next_link).get()
    assert page is not None
    assert page.odata_delta_link is not None

    stage.play("POST", f"/groups/{made['id']}/members", {"add": [ann["id"]]})
    since = await graph.groups.delta.with_url(page.odata_delta_link).get()

    assert since is not None
    assert unknown([page, since]) == []
    choir = next(group for group in since.value or [] if group.id == made["id"])
    members = choir.additional_data["members@delta"]
    assert [str(member["id"]) for member in members] == [ann["id"]]


# --- the tenant, errors, tokens ------- ---------------------------------------------------------


async def test_the_sdk_reads_the_organization_and_the_licences(
    stage: Any, graph: GraphServiceClient
) -> None:
    """Name, domains, and what the subscriptions are called."""
    organization = await graph.organization.get()
    skus = await graph.subscribed_skus.get()

    assert organization is not None
    assert skus is not None
    assert [each.id for each in organization.value or []] == [stage.tenant]
    domains = (organization.value or [])[0].verified_domains or []
    assert stage.domain in {domain.name for domain in domains}
    assert all(sku.service_plans and sku.sku_part_number for sku in skus.value or [])
    assert unknown([organization, skus]) == []


async def test_the_sdk_raises_graph_s_error_with_its_ids(graph: GraphServiceClient) -> None:
    """Code, message, time and request id arrive in the typed error."""
    with pytest.raises(ODataError) as refused:
        await graph.users.by_user_id("nobody@nowhere.example").get()

    error = refused.value.error
    assert error is not None
    assert error.inner_error is not None
    assert (refused.value.response_status_code, error.code) == (404, "Request_ResourceNotFound")
    assert error.inner_error.request_id
    assert error.inner_error.client_request_id
    assert error.inner_error.date is not None
    assert unknown(refused.value) == []


async def test_the_sdk_is_refused_without_the_permission(
    stage: Any, graph: GraphServiceClient
) -> None:
    """403 as the directory gives it."""
    stage.play("PATCH", f"/apps/{stage.app_id}", {"roles": ["GroupMember.Read.All"]})

    with pytest.raises(ODataError) as refused:
        await graph.users.get()

    assert refused.value.response_status_code == 403
    assert refused.value.error is not None
    assert refused.value.error.code == "Authorization_RequestDenied"


async def test_the_sdk_answers_a_challenge_with_a_new_token(
    stage: Any, graph: GraphServiceClient
) -> None:
    """Continuous access evaluation: revoked in between, and the caller notices nothing."""
    first = await graph.users.get(ONE_PERSON)
    stage.play("POST", "/tokens/revoke")

    second = await graph.users.get(ONE_PERSON)

    assert first is not None
    assert second is not None
    statuses = [each["status"] for each in stage.play("GET", "/requests?last=4")["requests"]]
    assert statuses == [200, 401, 200, 200]


async def test_the_sdk_reads_photos_and_their_absence(
    stage: Any, graph: GraphServiceClient
) -> None:
    """Metadata by its own model, pictures as bytes, and a missing photo as the error it knows."""
    (person,) = stage.play("GET", "/people?search=a&limit=1")["people"]
    stage.play("POST", f"/people/{person['id']}/photo", {"kind": "portrait"})
    user = graph.users.by_user_id(person["id"])

    metadata = await user.photo.get()
    whole = await user.photo.content.get()
    sizes = await user.photos.get()
    small = await user.photos.by_profile_photo_id("96x96").content.get()
    stage.play("DELETE", f"/people/{person['id']}/photo")
    with pytest.raises(ODataError) as missing:
        await user.photo.get()

    assert metadata is not None
    assert (metadata.id, metadata.width, metadata.height) == ("504x504", 504, 504)
    assert unknown(metadata) == []
    assert whole is not None
    assert small is not None
    assert whole[:2] == small[:2] == b"\xff\xd8"
    assert sizes is not None
    assert [each.width for each in sizes.value or []][-1] == 504
    assert missing.value.error is not None
    assert missing.value.error.code == "ImageNotFound"


async def test_the_sdk_waits_and_tries_again(stage: Any, graph: GraphServiceClient) -> None:
    """Its retry handler takes a 429 of the stage for what it is, and obeys it."""
    stage.play("POST", "/faults", {"kind": "throttled", "count": 1, "retryAfterS": 1})

    answer = await graph.users.get(ONE_PERSON)

    assert answer is not None
    statuses = [each["status"] for each in stage.play("GET", "/requests?last=2")["requests"]]
    assert statuses == [429, 200]


async def test_azure_identity_gets_a_token_for_a_certificate(stage: Any) -> None:
    """It leaves padding on the signature, which the stage must bear."""
    credential = CertificateCredential(
        stage.tenant,
        stage.app_id,
        certificate_data=stage.key_pem + stage.credential.pem,
        send_certificate_chain=True,
        authority=stage.https,
        disable_instance_discovery=True,
        connection_verify=stage.authority_file,
    )

    async with graph_client(stage, credential) as client:
        answer = await client.users.get(ONE_PERSON)

    assert answer is not None
    assert answer.value


TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
USER_READ_ALL = uuid.UUID("df021288-bdef-4463-88db-98f22de89214")


@pytest.fixture
async def as_administrator(
    stage: Any, forms: Any, administrator: str
) -> AsyncIterator[GraphServiceClient]:
    """The SDK in an administrator's name, by azure-identity's device code."""

    def prompt(uri: str, user_code: str, _ends_at: Any) -> None:
        forms.open(uri)
        forms.press("", otc=user_code)
        forms.sign_in(administrator)
        forms.press("confirm")
        forms.press("consent")

    credential = DeviceCodeCredential(
        TOOLS,
        tenant_id=stage.tenant,
        prompt_callback=prompt,
        authority=stage.https,
        disable_instance_discovery=True,
        connection_verify=stage.authority_file,
    )
    permissions = ("Application", "AppRoleAssignment", "DelegatedPermissionGrant")
    scopes = [f"https://graph.microsoft.com/{each}.ReadWrite.All" for each in permissions]
    with contextlib.closing(credential):
        async with graph_client(stage, None, credential, scopes) as client:
            yield client


async def test_the_sdk_registers_and_grants_an_application(
    as_administrator: GraphServiceClient,
) -> None:
    """The calls of a setup, in order, by Microsoft's own request builders and models."""
    graph = as_administrator
    wished: Any = RequestConfiguration()
    wished.headers.add("Prefer", "create-if-missing")

    made = await graph.applications_with_unique_name("jackfield-sdk").patch(
        Application(display_name="Jackfield", sign_in_audience="AzureADMyOrg"), wished
    )
    assert made is not None
    own = await graph.service_principals.post(ServicePrincipal(app_id=made.app_id))
    microsoft = await graph.service_principals_with_app_id(
        "00000003-0000-0000-c000-000000000000"
    ).get()
    assert own is not None
    assert microsoft is not None
    assigned = await graph.service_principals.by_service_principal_id(
        str(microsoft.id)
    ).app_role_assigned_to.post(
        AppRoleAssignment(
            principal_id=uuid.UUID(own.id),
            resource_id=uuid.UUID(microsoft.id),
            app_role_id=USER_READ_ALL,
        )
    )
    granted = await graph.oauth2_permission_grants.post(
        OAuth2PermissionGrant(
            client_id=own.id,
            consent_type="AllPrincipals",
            resource_id=microsoft.id,
            scope="openid User.Read",
        )
    )
    secret = await graph.applications.by_application_id(str(made.id)).add_password.post(
        AddPasswordPostRequestBody(password_credential=PasswordCredential(display_name="sdk"))
    )

    assert secret is not None
    assert secret.secret_text
    for answer in (made, own, microsoft, assigned, granted, secret):
        assert unknown(answer) == []
