"""Microsoft's own MSAL, unmodified, over https on loopback.

MSAL asks login.microsoftonline.com about an authority it does not know, unless it is told another
address for that question or told not to ask; both are settings of its own.
"""

from pathlib import Path
from typing import Any

import msal
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
from joserfc import jwt
from joserfc.jwk import KeySet

GRAPH = ["https://graph.microsoft.com/.default"]


def application(stage: Any, credential: Any, **settings: Any) -> Any:
    return msal.ConfidentialClientApplication(
        stage.app_id,
        client_credential=credential,
        verify=stage.authority_file,
        **({"authority": f"{stage.https}/{stage.tenant}", "instance_discovery": False} | settings),
    )


def claims_of(stage: Any, answer: dict[str, Any]) -> dict[str, Any]:
    """What the token says, checked with the keys that the stage publishes."""
    assert "access_token" in answer, answer
    keys = stage.ask("GET", f"/{stage.tenant}/discovery/v2.0/keys")["keys"]
    for key in keys:
        del key["issuer"], key["cloud_instance_name"]
    known = KeySet.import_key_set({"keys": keys})
    return dict(jwt.decode(answer["access_token"], known, algorithms=["RS256"]).claims)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="by_id"),
        pytest.param({"authority": "{https}/{domain}"}, id="by_domain"),
        pytest.param(
            {"instance_discovery": "{https}/common/discovery/instance"}, id="asking_the_instance"
        ),
        pytest.param({"authority": None, "oidc_authority": "{https}/{tenant}/v2.0"}, id="by_oidc"),
    ],
)
def test_msal_gets_a_token_for_a_secret(stage: Any, settings: dict[str, str | None]) -> None:
    """Discovery, the token request and the answer are as Entra's to Entra's own client."""
    filled = {
        name: value and value.format(https=stage.https, tenant=stage.tenant, domain=stage.domain)
        for name, value in settings.items()
    }

    answer = application(stage, stage.secret, **filled).acquire_token_for_client(GRAPH)

    claims = claims_of(stage, answer)
    assert (claims["tid"], claims["appid"]) == (stage.tenant, stage.app_id)
    assert "User.Read.All" in claims["roles"]


@pytest.mark.parametrize("form", ["thumbprint_rs256", "chain_in_header_ps256", "pfx_ps256"])
def test_msal_gets_a_token_for_a_certificate(stage: Any, tmp_path: Path, form: str) -> None:
    """Every way in which MSAL can be given one, with every header it makes of them."""
    key, certificate = stage.credential.key, stage.credential.certificate
    credential: dict[str, Any] = {"private_key": stage.key_pem.decode()}
    match form:
        case "thumbprint_rs256":
            credential["thumbprint"] = certificate.fingerprint(hashes.SHA1()).hex()
        case "chain_in_header_ps256":
            credential["public_certificate"] = stage.credential.pem.decode()
        case "pfx_ps256":
            pfx = tmp_path / "app.pfx"
            pfx.write_bytes(
                pkcs12.serialize_key_and_certificates(None, key, certificate, None, NoEncryption())
            )
            credential = {"private_key_pfx_path": str(pfx), "public_certificate": True}

    answer = application(stage, credential).acquire_token_for_client(GRAPH)

    assert claims_of(stage, answer)["appidacr"] == "2"


def test_msal_serves_the_second_call_from_its_cache(stage: Any) -> None:
    """The lifetime that the stage tells is believed."""
    client = application(stage, stage.secret)

    first = client.acquire_token_for_client(GRAPH)
    second = client.acquire_token_for_client(GRAPH)

    assert second["access_token"] == first["access_token"]
    assert second["token_source"] == "cache"
    assert stage.play("GET", "/state")["counters"]["tokensIssued"] == 1


def test_msal_sends_one_assertion_more_than_once(stage: Any) -> None:
    """Why the stage lets a replayed assertion through: Entra must, for Entra's own client."""
    credential = {
        "private_key": stage.key_pem.decode(),
        "public_certificate": stage.credential.pem.decode(),
    }
    client = application(stage, credential)

    answers = [
        client.acquire_token_for_client([f"{resource}/.default"])
        for resource in ("https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000")
    ]

    assert [answer["token_source"] for answer in answers] == ["identity_provider"] * 2


def test_msal_reads_the_refusal(stage: Any) -> None:
    """Error, codes and correlation id arrive where MSAL's users look for them."""
    answer = application(stage, "wrong").acquire_token_for_client(GRAPH)

    assert answer["error"] == "invalid_client"
    assert answer["error_codes"] == [7000215]
    assert answer["correlation_id"]


def test_msal_is_told_of_an_unknown_tenant(stage: Any) -> None:
    """Already its discovery fails."""
    with pytest.raises(ValueError, match="double check your tenant name"):
        application(stage, stage.secret, authority=f"{stage.https}/nowhere.example")
