"""The library O365, unmodified, over https on loopback.

It has no setting for another login authority or Graph host, but its classes are made to be derived
from: the protocol's address is a class attribute, the MSAL client a property.
"""

from collections.abc import Iterator
from typing import Any

import msal
import pytest
from O365 import Account, Connection, MSGraphProtocol
from O365.utils.token import MemoryTokenBackend
from requests import HTTPError


@pytest.fixture
def account(stage: Any) -> Iterator[Any]:
    """An account signed in with the app's secret."""

    class LocalConnection(Connection):  # type: ignore[misc]
        @property
        def msal_client(self) -> Any:
            if self._msal_client is None:
                self._msal_client = msal.ConfidentialClientApplication(
                    self.auth[0],
                    client_credential=self.auth[1],
                    authority=f"{stage.https}/{stage.tenant}",
                    instance_discovery=False,
                    token_cache=self.token_backend,
                    verify=self.verify_ssl,
                )
            return self._msal_client

    class LocalGraph(MSGraphProtocol):  # type: ignore[misc]
        _protocol_url = f"{stage.https}/"

    class LocalAccount(Account):  # type: ignore[misc]
        connection_constructor = LocalConnection

    account = LocalAccount(
        (stage.app_id, stage.secret),
        auth_flow_type="credentials",
        tenant_id=stage.tenant,
        protocol=LocalGraph(timezone="UTC"),
        verify_ssl=stage.authority_file,
        token_backend=MemoryTokenBackend(),
        requests_delay=0,
        request_retries=0,
    )
    assert account.authenticate(requested_scopes=["https://graph.microsoft.com/.default"])
    yield account
    if account.con.session is not None:
        account.con.session.close()


def test_o365_pages_through_the_users(stage: Any, account: Any) -> None:
    """Everybody once, by next links that it follows without looking inside."""
    users = list(account.directory(resource="").get_users(limit=None, batch=40))

    people = stage.play("GET", "/state")["directory"]["people"]
    assert len({user.object_id for user in users}) == len(users) == people
    assert all(user.user_principal_name for user in users)


def test_o365_finds_one_user_by_either_name(stage: Any, account: Any) -> None:
    """By id and by sign-in name, with the phones and the job title in place."""
    hired = stage.play(
        "POST",
        "/people",
        {
            "displayName": "Ann Field",
            "properties": {"jobTitle": "Director", "mobilePhone": "+44 7700 900101"},
        },
    )
    directory = account.directory(resource="")

    by_id = directory.get_user(hired["id"])
    by_name = directory.get_user(hired["userPrincipalName"])

    assert by_id == by_name
    assert (by_id.display_name, by_id.job_title) == ("Ann Field", "Director")
    assert by_id.mobile_phone == "+44 7700 900101"


def test_o365_filters_users(stage: Any, account: Any) -> None:
    """A filter that it wrote itself."""
    hired = stage.play(
        "POST", "/people", {"displayName": "Zacharias Quill", "properties": {"department": "Zoo"}}
    )
    directory = account.directory(resource="")
    query = directory.new_query().equals("department", "Zoo")

    found = list(directory.get_users(query=query))

    assert [user.object_id for user in found] == [hired["id"]]


def test_o365_reads_groups_and_their_members(stage: Any, account: Any) -> None:
    """Groups listed, one got by id and by mail, members and memberships both ways."""
    hired = stage.play("POST", "/people", {"displayName": "Ann Field"})
    made = stage.play(
        "POST",
        "/groups",
        {
            "displayName": "Choir",
            "members": [hired["id"]],
            "properties": {"groupTypes": ["Unified"]},
        },
    )
    groups = account.groups()

    listed = {group.object_id: group.display_name for group in groups.list_groups()}
    by_id = groups.get_group_by_id(made["id"])
    by_mail = groups.get_group_by_mail(made["mail"])
    members = by_id.get_group_members()
    joined = groups.get_user_groups(hired["id"])

    assert listed[made["id"]] == by_id.display_name == "Choir"
    assert by_mail == by_id
    assert [member.object_id for member in members] == [hired["id"]]
    assert made["id"] in {group.object_id for group in joined}


def test_o365_raises_what_graph_refuses(account: Any) -> None:
    """The message of Graph's error arrives in the exception."""
    with pytest.raises(HTTPError, match="does not exist") as refused:
        account.directory(resource="").get_user("nobody@nowhere.example")

    assert refused.value.response.status_code == 404


def test_o365_fetches_a_new_token_when_its_own_has_ended(stage: Any, account: Any) -> None:
    """A 401 after a revocation, and its cache still holding a token that looks good."""
    directory = account.directory(resource="")
    stage.play("POST", "/tokens/revoke")

    with pytest.raises(HTTPError) as refused:
        list(directory.get_users(limit=1))
    account.con.token_backend.remove_at(account.con.token_backend.get_access_token())
    account.authenticate(requested_scopes=["https://graph.microsoft.com/.default"])

    assert refused.value.response.status_code == 401
    assert len(list(directory.get_users(limit=1))) == 1
