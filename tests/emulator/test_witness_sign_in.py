"""People sign in through clients that we have not written: MSAL and Authlib, unmodified.

Both run against the process, MSAL over https on loopback as it demands. The browser is played by
forms over the socket.
"""

from typing import Any

import msal
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
CALLBACK = "https://pbx.example.org/auth/callback"
SETUP = ["Application.ReadWrite.All", "User.Read"]


@pytest.fixture
def web(stage: Any) -> None:
    """The application of the process signs people in."""
    stage.play(
        "PATCH",
        f"/apps/{stage.app_id}",
        {"properties": {"web": {"redirectUris": [CALLBACK]}}},
    )


@pytest.mark.usefixtures("web")
@pytest.mark.parametrize("credential", ["secret", "certificate"])
def test_msal_signs_somebody_in_by_code_and_refreshes(
    stage: Any, forms: Any, administrator: str, credential: str
) -> None:
    """Its own state, nonce and PKCE; the account it remembers; and the token it renews."""
    certificate = {
        "private_key": stage.key_pem.decode(),
        "public_certificate": stage.credential.pem.decode(),
    }
    client = msal.ConfidentialClientApplication(
        stage.app_id,
        client_credential=stage.secret if credential == "secret" else certificate,
        authority=f"{stage.https}/{stage.tenant}",
        instance_discovery=False,
        verify=stage.authority_file,
    )
    flow = client.initiate_auth_code_flow(
        ["User.Read"], redirect_uri=CALLBACK, response_mode="form_post"
    )

    forms.open(flow["auth_uri"])
    forms.sign_in(administrator)
    forms.press("consent")
    answer = client.acquire_token_by_auth_code_flow(flow, forms.posted)
    (account,) = client.get_accounts()
    cached = client.acquire_token_silent(["User.Read"], account)
    renewed = client.acquire_token_silent(["User.Read"], account, force_refresh=True)

    assert "access_token" in answer, answer
    assert answer["id_token_claims"]["preferred_username"] == administrator
    assert account["username"] == administrator
    assert cached["access_token"] == answer["access_token"]
    assert renewed["access_token"] != answer["access_token"]


def test_msal_signs_an_administrator_in_by_device_code(
    stage: Any, forms: Any, administrator: str
) -> None:
    """The bootstrap of a setup, with Microsoft's own public client."""
    client = msal.PublicClientApplication(
        TOOLS,
        authority=f"{stage.https}/{stage.tenant}",
        instance_discovery=False,
        verify=stage.authority_file,
    )
    flow = client.initiate_device_flow(SETUP)

    forms.open(flow["verification_uri"])
    forms.press("", otc=flow["user_code"])
    forms.sign_in(administrator)
    forms.press("confirm")
    forms.press("consent")
    answer = client.acquire_token_by_device_flow(flow)

    assert "access_token" in answer, answer
    assert set(SETUP) <= set(answer["scope"].split())
    assert answer["id_token_claims"]["tid"] == stage.tenant


def test_msal_reads_that_the_device_was_declined(stage: Any, forms: Any) -> None:
    """It stops polling and says why."""
    client = msal.PublicClientApplication(
        TOOLS,
        authority=f"{stage.https}/{stage.tenant}",
        instance_discovery=False,
        verify=stage.authority_file,
    )
    flow = client.initiate_device_flow(SETUP)
    forms.open(flow["verification_uri"])
    forms.press("", otc=flow["user_code"])
    forms.press("cancel")

    answer = client.acquire_token_by_device_flow(flow)

    assert answer["error"] == "authorization_declined"


@pytest.mark.usefixtures("web")
def test_authlib_signs_somebody_in_with_pkce(stage: Any, forms: Any, administrator: str) -> None:
    """A client of OpenID Connect that knows nothing of Microsoft: discovery, code, claims."""
    discovery = stage.ask("GET", f"/{stage.tenant}/v2.0/.well-known/openid-configuration")
    https = {
        name: value.replace(stage.url, stage.https)
        for name, value in discovery.items()
        if isinstance(value, str)
    }
    with OAuth2Session(
        stage.app_id,
        stage.secret,
        scope="openid profile email offline_access",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_post",
    ) as client:
        client.verify = stage.authority_file
        verifier = "authlib-verifier-" + "x" * 40
        url, state = client.create_authorization_url(
            https["authorization_endpoint"], code_verifier=verifier, nonce="nonce-1"
        )

        forms.open(url)
        forms.sign_in(administrator)
        forms.press("consent")
        token = client.fetch_token(
            https["token_endpoint"],
            authorization_response=forms.left_for,
            state=state,
            code_verifier=verifier,
        )
        told = client.get(https["userinfo_endpoint"]).json()
        refreshed = client.refresh_token(https["token_endpoint"])

    keys = stage.ask("GET", f"/{stage.tenant}/discovery/v2.0/keys")["keys"]
    for key in keys:
        del key["issuer"], key["cloud_instance_name"]
    claims = CodeIDToken(
        jwt.decode(token["id_token"], KeySet.import_key_set({"keys": keys})).claims,
        {"alg": "RS256"},
        options={
            "iss": {"essential": True, "value": https["issuer"]},
            "aud": {"essential": True, "value": stage.app_id},
            "nonce": {"value": "nonce-1"},
        },
        params={"nonce": "nonce-1", "access_token": token["access_token"]},
    )
    claims.validate()
    assert claims["preferred_username"] == administrator
    assert told["sub"] == claims["sub"]
    assert refreshed["access_token"] != token["access_token"]


@pytest.mark.usefixtures("web")
def test_authlib_reads_that_a_code_was_used_before(
    stage: Any, forms: Any, administrator: str
) -> None:
    """The error and its sentence arrive where users of Authlib look for them."""
    base = f"{stage.https}/{stage.tenant}/oauth2/v2.0"
    with OAuth2Session(
        stage.app_id,
        stage.secret,
        scope="openid",
        redirect_uri=CALLBACK,
        token_endpoint_auth_method="client_secret_post",
    ) as client:
        client.verify = stage.authority_file
        url, state = client.create_authorization_url(f"{base}/authorize")
        forms.open(url)
        forms.sign_in(administrator)
        forms.press("consent")
        back = {"authorization_response": forms.left_for, "state": state}
        client.fetch_token(f"{base}/token", **back)

        with pytest.raises(OAuthError, match="AADSTS54005") as refused:
            client.fetch_token(f"{base}/token", **back)

    assert refused.value.error == "invalid_grant"
