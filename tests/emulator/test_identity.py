import base64
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry

from m365_emulator.apps import Application
from m365_emulator.clock import Clock
from m365_emulator.server import Emulator

GRAPH = "https://graph.microsoft.com/.default"
SECRET = "correct~horse+battery&staple"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class WideRegistry(JWSRegistry):
    max_header_length = 32 * 1024


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
def token_url(emulator: Emulator) -> str:
    return f"/{emulator.tenant.id}/oauth2/v2.0/token"


@pytest.fixture
def form(app: Application) -> dict[str, str]:
    """A request that is granted."""
    return {
        "grant_type": "client_credentials",
        "client_id": app.app_id,
        "client_secret": SECRET,
        "scope": GRAPH,
    }


@pytest.fixture
def assertion_of(
    emulator: Emulator, app: Application, credential: Any, clock: Clock, token_url: str
) -> Callable[..., str]:
    """Signs an assertion as a client would; keywords change one thing about it."""
    emulator.registrations.add_certificate(app.app_id, credential.pem)

    def sign(
        *,
        algorithm: str = "PS256",
        thumbprint: str = "x5t#S256",
        signer: Any = credential,
        shown: Any = credential,
        headers: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        digest = hashes.SHA1() if thumbprint == "x5t" else hashes.SHA256()
        header = {
            "alg": algorithm,
            "typ": "JWT",
            thumbprint: b64url(shown.certificate.fingerprint(digest)),
            **(headers or {}),
        }
        now = int(clock().timestamp())
        claims = {
            "aud": f"http://localhost{token_url}",
            "iss": app.app_id,
            "sub": app.app_id,
            "jti": "5f3c0c55-0000-4000-8000-000000000001",
            "nbf": now,
            "iat": now,
            "exp": now + 600,
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        key = RSAKey.import_key(signer.key)
        registry = WideRegistry(algorithms=[algorithm], strict_check_header=False)
        return jwt.encode(header, kept, key, algorithms=[algorithm], registry=registry)

    return sign


@pytest.fixture
def with_assertion(form: dict[str, str]) -> Callable[[str], dict[str, str]]:
    def make(assertion: str) -> dict[str, str]:
        del form["client_secret"]
        return form | {"client_assertion_type": JWT_BEARER, "client_assertion": assertion}

    return make


# --- discovery -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["id", "domain", "initial_domain"])
async def test_a_tenant_is_found_by_its_id_and_by_its_domains(
    emulator: Emulator, client: Any, name: str
) -> None:
    """An administrator types whichever they know; the issuer always names the id."""
    asked = getattr(emulator.tenant, name)

    document = (await client.get(f"/{asked}/v2.0/.well-known/openid-configuration")).json()

    tenant = f"http://localhost/{emulator.tenant.id}"
    assert document["issuer"] == f"{tenant}/v2.0"
    assert document["token_endpoint"] == f"{tenant}/oauth2/v2.0/token"
    assert document["jwks_uri"] == f"{tenant}/discovery/v2.0/keys"


@pytest.mark.parametrize("name", ["common", "organizations"])
async def test_the_names_of_many_tenants_have_a_template_for_an_issuer(
    client: Any, name: str
) -> None:
    """A client must put the token's tid into it before it compares."""
    document = (await client.get(f"/{name}/v2.0/.well-known/openid-configuration")).json()

    assert document["issuer"] == "http://localhost/{tenantid}/v2.0"
    assert document["token_endpoint"] == f"http://localhost/{name}/oauth2/v2.0/token"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("11111111-aaaa-4bbb-8ccc-222222222222", 90002, id="another_id"),
        pytest.param("nowhere.example", 90002, id="another_domain"),
        pytest.param("nonsense", 900023, id="not_a_name_of_a_tenant"),
    ],
)
async def test_an_unknown_tenant_is_refused_as_entra_does(
    client: Any, name: str, code: int
) -> None:
    """The wizard tells a typo from a wrong cloud by this."""
    reply = await client.get(f"/{name}/v2.0/.well-known/openid-configuration")

    assert reply.status == 400
    assert reply.json()["error"] == "invalid_tenant"
    assert reply.aadsts == code


async def test_the_published_key_verifies_an_access_token(
    emulator: Emulator, client: Any, form: dict[str, str], token_url: str
) -> None:
    """The signature is real: whoever checks it finds the key by its kid."""
    token = (await client.post_form(token_url, form)).json()["access_token"]

    keys = (await client.get(f"/{emulator.tenant.id}/discovery/v2.0/keys")).json()

    known = ("kty", "use", "kid", "n", "e", "x5t", "x5c")
    key_set = KeySet.import_key_set(
        {"keys": [{name: key[name] for name in known} for key in keys["keys"]]}
    )
    assert jwt.decode(token, key_set, algorithms=["RS256"]).claims["tid"] == emulator.tenant.id


async def test_msal_is_told_where_the_tenant_s_document_is(client: Any) -> None:
    """MSAL asks this of an authority that it does not know by heart."""
    reply = await client.get(
        "/common/discovery/instance?api-version=1.1"
        "&authorization_endpoint=https%3A%2F%2Flocalhost%2Fcontoso.example%2Foauth2%2Fv2.0%2Fauthorize"
    )

    assert reply.json()["tenant_discovery_endpoint"] == (
        "http://localhost/contoso.example/v2.0/.well-known/openid-configuration"
    )


async def test_an_instance_question_without_an_endpoint_is_refused(client: Any) -> None:
    """Entra's words for it are what MSAL looks for."""
    reply = await client.get("/common/discovery/instance?api-version=1.1")

    assert (reply.status, reply.json()["error"]) == (400, "invalid_instance")


# --- tokens for a secret -------------------------------------------------------------------------


async def test_a_secret_buys_a_token_with_the_granted_roles(
    emulator: Emulator, app: Application, client: Any, form: dict[str, str], token_url: str
) -> None:
    """The claims are those that Entra puts into an app-only token for Graph."""
    reply = await client.post_form(token_url, form)

    said = reply.json()
    claims = jwt.decode(said["access_token"], _any_key(), algorithms=["RS256"]).claims
    assert reply.status == 200
    assert said["token_type"] == "Bearer"
    assert said["ext_expires_in"] == said["expires_in"]
    assert "refresh_token" not in said
    assert claims["aud"] == "https://graph.microsoft.com"
    assert claims["tid"] == emulator.tenant.id
    assert claims["appid"] == app.app_id
    assert claims["oid"] == claims["sub"] == app.principal_id
    assert claims["idtyp"] == "app"
    assert claims["appidacr"] == "1"
    assert claims["roles"] == [
        "GroupMember.Read.All",
        "LicenseAssignment.Read.All",
        "User.Read.All",
    ]


def _any_key() -> RSAKey:
    from m365_emulator.tokens import signing_key

    return signing_key().key


async def test_a_token_lives_between_60_and_90_minutes(
    client: Any, form: dict[str, str], token_url: str
) -> None:
    """Entra draws the lifetime; a client that counts on an hour will be wrong."""
    lives = [(await client.post_form(token_url, form)).json()["expires_in"] for _ in range(40)]

    assert min(lives) >= 3599
    assert max(lives) < 5400
    assert len(set(lives)) > 10


@pytest.mark.parametrize("capability", ["cp1", "CP1"])
async def test_a_client_that_can_be_challenged_gets_a_day(
    client: Any, form: dict[str, str], token_url: str, capability: str
) -> None:
    """Continuous access evaluation: a long life, revoked by a challenge instead of by expiry.

    The documents write cp1, azure-identity CP1.
    """
    form["claims"] = f'{{"access_token":{{"xms_cc":{{"values":["{capability}"]}}}}}}'

    said = (await client.post_form(token_url, form)).json()

    claims = jwt.decode(said["access_token"], _any_key(), algorithms=["RS256"]).claims
    assert 24 * 3600 <= said["expires_in"] + 1 < 28 * 3600
    assert claims["xms_cc"] == ["cp1"]


async def test_the_credential_may_come_by_basic_authentication(
    app: Application, client: Any, form: dict[str, str], token_url: str
) -> None:
    """Discovery offers client_secret_basic, and some OAuth libraries take it first."""
    del form["client_id"], form["client_secret"]
    pair = f"{app.app_id}:{SECRET.replace('+', '%2B').replace('&', '%26')}"
    basic = base64.b64encode(pair.encode()).decode()

    reply = await client.post_form(token_url, form, authorization=f"Basic {basic}")

    assert reply.status == 200


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param("00000003-0000-0000-c000-000000000000", id="app_id"),
        pytest.param("https://graph.microsoft.us", id="us_government"),
        pytest.param("http://127.0.0.1:8365", id="the_stage_itself"),
    ],
)
async def test_graph_has_more_than_one_name(
    client: Any, form: dict[str, str], token_url: str, resource: str
) -> None:
    """The product may be told any of them as its Graph address."""
    form["scope"] = f"{resource}/.default"

    token = (await client.post_form(token_url, form)).json()["access_token"]

    assert jwt.decode(token, _any_key(), algorithms=["RS256"]).claims["aud"] == resource


async def test_roles_granted_later_come_with_the_next_token(
    emulator: Emulator, app: Application, client: Any, form: dict[str, str], token_url: str
) -> None:
    """Consent changes nothing about a token that is out already."""
    emulator.registrations.grant(app.app_id, ["User.Read.All"])

    token = (await client.post_form(token_url, form)).json()["access_token"]

    assert jwt.decode(token, _any_key(), algorithms=["RS256"]).claims["roles"] == ["User.Read.All"]


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        pytest.param({"client_secret": "no"}, 401, "invalid_client", 7000215, id="wrong_secret"),
        pytest.param({"client_secret": None}, 401, "invalid_client", 7000216, id="no_credential"),
        pytest.param({"client_secret": ""}, 401, "invalid_client", 7000216, id="empty_secret"),
        pytest.param(
            {"client_id": "9c1f0000-0000-4000-8000-00000000dead"},
            400,
            "unauthorized_client",
            700016,
            id="unknown_app",
        ),
        pytest.param({"client_id": None}, 400, "invalid_request", 900144, id="no_client_id"),
        pytest.param({"scope": None}, 400, "invalid_request", 900144, id="no_scope"),
        pytest.param({"grant_type": None}, 400, "invalid_request", 900144, id="no_grant_type"),
        pytest.param(
            {"scope": "User.Read.All"}, 400, "invalid_scope", 1002012, id="scope_without_default"
        ),
        pytest.param({"scope": f"{GRAPH} {GRAPH}"}, 400, "invalid_scope", 70011, id="two_scopes"),
        pytest.param(
            {"scope": "https://vault.azure.net/.default"},
            400,
            "invalid_resource",
            500011,
            id="another_resource",
        ),
        pytest.param(
            {"grant_type": "password"},
            400,
            "unsupported_grant_type",
            70003,
            id="a_grant_with_a_person",
        ),
        pytest.param({"claims": "{"}, 400, "invalid_request", 9002313, id="claims_not_json"),
    ],
)
async def test_a_request_is_refused_with_entra_s_code(
    client: Any,
    form: dict[str, str],
    token_url: str,
    changes: dict[str, str | None],
    status: int,
    error: str,
    code: int,
) -> None:
    """The product tells the administrator what to do by the number, never by the text."""
    changed = {name: value for name, value in (form | changes).items() if value is not None}

    reply = await client.post_form(token_url, changed)

    assert (reply.status, reply.json()["error"], reply.aadsts) == (status, error, code)


async def test_a_refusal_has_the_whole_shape_of_entra_s(
    client: Any, form: dict[str, str], token_url: str
) -> None:
    """Support asks for the trace id; clients send a correlation id of their own."""
    form["client_secret"] = "no"
    correlation = "77ab0000-0000-4000-8000-000000000001"

    reply = await client.post_form(token_url, form, client_request_id=correlation)

    said = reply.json()
    assert set(said) == {
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
        "error_uri",
    }
    assert said["correlation_id"] == correlation
    assert said["timestamp"] == "2026-11-23 12:00:00Z"
    assert said["error_uri"].endswith("?code=7000215")
    assert said["error_description"].startswith("AADSTS7000215: Invalid client secret provided.")
    assert said["error_description"].endswith(
        f"Trace ID: {said['trace_id']} Correlation ID: {correlation} "
        "Timestamp: 2026-11-23 12:00:00Z"
    )
    assert reply.headers["x-ms-request-id"] == said["trace_id"]
    assert "no-store" in reply.headers["cache-control"]


async def test_an_expired_secret_is_told_from_a_wrong_one(
    emulator: Emulator, app: Application, client: Any, form: dict[str, str], clock: Clock
) -> None:
    """Wrong means ask again; expired means rotate."""
    clock.advance(timedelta(days=366))

    reply = await client.post_form(f"/{emulator.tenant.id}/oauth2/v2.0/token", form)

    assert (reply.status, reply.aadsts) == (401, 7000222)
    assert app.app_id in reply.json()["error_description"]


async def test_a_second_secret_works_beside_an_expired_one(
    emulator: Emulator, app: Application, client: Any, form: dict[str, str], token_url: str
) -> None:
    """Rotation: the new secret is added before the old one ends."""
    emulator.registrations.add_secret(app.app_id, emulator.clock(), value="the new one")

    reply = await client.post_form(token_url, form | {"client_secret": "the new one"})

    assert reply.status == 200


async def test_a_disabled_app_gets_no_token(
    emulator: Emulator, app: Application, client: Any, form: dict[str, str], token_url: str
) -> None:
    """An administrator may switch an app off without deleting it."""
    emulator.registrations.enable(app.app_id, enabled=False)

    reply = await client.post_form(token_url, form)

    assert (reply.status, reply.json()["error"], reply.aadsts) == (
        400,
        "unauthorized_client",
        7000112,
    )


@pytest.mark.parametrize(
    ("tenant", "code"),
    [
        pytest.param("11111111-aaaa-4bbb-8ccc-222222222222", 90002, id="unknown"),
        pytest.param("common", 50059, id="common"),
        pytest.param("organizations", 50059, id="organizations"),
    ],
)
async def test_an_app_must_name_its_tenant(
    client: Any, form: dict[str, str], tenant: str, code: int
) -> None:
    """App-only tokens belong to one tenant."""
    reply = await client.post_form(f"/{tenant}/oauth2/v2.0/token", form)

    assert (reply.status, reply.json()["error"], reply.aadsts) == (400, "invalid_request", code)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b'{"grant_type":"client_credentials"}', "application/json", id="json"),
        pytest.param(b"", "application/x-www-form-urlencoded", id="nothing"),
        pytest.param(b"&&=&", "application/x-www-form-urlencoded", id="separators"),
        pytest.param(b"\xff\xfe", "application/x-www-form-urlencoded", id="not_text"),
        pytest.param(
            b"client_id=a&client_id=b", "application/x-www-form-urlencoded", id="twice_the_same"
        ),
    ],
)
async def test_a_malformed_request_is_refused_and_not_crashed_on(
    client: Any, token_url: str, body: bytes, kind: str
) -> None:
    """Whatever arrives, the answer is Entra's JSON."""
    reply = await client.send("POST", token_url, body, {"content-type": kind})

    assert reply.status == 400
    assert reply.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "path",
    ["/common/oauth2/authorize", "/common/oauth2/devicecode", "/common/oauth2/v2.0/introspect"],
)
async def test_what_the_login_authority_does_not_do_is_not_there(client: Any, path: str) -> None:
    """Never a pretended success."""
    assert (await client.get(path)).status == 404


# --- tokens for a certificate --------------------------------------------------------------------


@pytest.mark.parametrize("thumbprint", ["x5t", "x5t#S256"])
@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
async def test_a_certificate_buys_a_token(
    client: Any,
    token_url: str,
    assertion_of: Callable[..., str],
    with_assertion: Callable[[str], dict[str, str]],
    algorithm: str,
    thumbprint: str,
) -> None:
    """The old and the recommended form of the same proof."""
    assertion = assertion_of(algorithm=algorithm, thumbprint=thumbprint)

    reply = await client.post_form(token_url, with_assertion(assertion))

    claims = jwt.decode(reply.json()["access_token"], _any_key(), algorithms=["RS256"]).claims
    assert claims["appidacr"] == "2"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"nbf": None}, id="no_nbf"),
        pytest.param({"jti": None}, id="no_jti"),
        pytest.param({"exp": 1795435200.75 + 600}, id="fractional_exp"),
        pytest.param({"headers": {"x5c": ["A" * 6000]}}, id="certificate_chain_in_the_header"),
        pytest.param({"aud": "http://localhost/{tenant}/v2.0"}, id="issuer_as_audience"),
        pytest.param({"aud": "http://localhost/{domain}/oauth2/v2.0/token"}, id="domain_in_aud"),
    ],
)
async def test_what_real_clients_send_is_taken(
    emulator: Emulator,
    client: Any,
    token_url: str,
    assertion_of: Callable[..., str],
    with_assertion: Callable[[str], dict[str, str]],
    changes: dict[str, Any],
) -> None:
    """MSAL leaves nbf out, sends fractional times and its certificate chain."""
    if "aud" in changes:
        tenant = emulator.tenant
        changes = {"aud": changes["aud"].format(tenant=tenant.id, domain=tenant.domain)}

    reply = await client.post_form(token_url, with_assertion(assertion_of(**changes)))

    assert reply.status == 200, reply.body


@pytest.mark.parametrize("extra", [0, 1, 2])
async def test_padding_of_base64_is_tolerated(
    client: Any,
    token_url: str,
    credential: Any,
    assertion_of: Callable[..., str],
    with_assertion: Callable[[str], dict[str, str]],
    extra: int,
) -> None:
    """azure-identity pads all three parts and signs them so; MSAL pads the thumbprint."""
    header, claims, _ = assertion_of(algorithm="RS256", jti="j" * extra).split(".")
    signed = ".".join(part + "=" * (-len(part) % 4) for part in (header, claims))
    signature = credential.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    assertion = f"{signed}.{base64.urlsafe_b64encode(signature).decode()}"

    reply = await client.post_form(token_url, with_assertion(assertion))

    assert reply.status == 200, reply.body


async def test_the_client_id_may_be_left_to_the_assertion(
    client: Any,
    token_url: str,
    assertion_of: Callable[..., str],
    with_assertion: Callable[[str], dict[str, str]],
) -> None:
    """RFC 7521 makes it optional, for the assertion says who it is."""
    form = with_assertion(assertion_of())
    del form["client_id"]

    assert (await client.post_form(token_url, form)).status == 200


async def test_an_assertion_may_be_sent_again(
    client: Any,
    token_url: str,
    assertion_of: Callable[..., str],
    with_assertion: Callable[[str], dict[str, str]],
) -> None:
    """Entra allows it, and MSAL relies on it for nine minutes."""
    form = with_assertion(assertion_of())

    replies = [(await client.post_form(token_url, form)).status for _ in range(2)]

    assert replies == [200, 200]


def _minutes(count: int) -> int:
    return int((datetime.fromisoformat("2026-11-23T12:00:00+00:00")).timestamp()) + count * 60


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"exp": _minutes(-6)}, 700024, id="expired"),
        pytest.param({"nbf": _minutes(6)}, 700024, id="not_yet"),
        pytest.param({"exp": None}, 50027, id="without_an_end"),
        pytest.param({"exp": "soon"}, 50027, id="end_is_no_number"),
        pytest.param({"exp": 1e300}, 50027, id="end_is_beyond_time"),
        pytest.param({"aud": "https://login.microsoftonline.com/common/v2.0"}, 700023, id="aud"),
        pytest.param({"aud": None}, 700023, id="no_aud"),
        pytest.param({"iss": "9c1f0000-0000-4000-8000-00000000dead"}, 700021, id="iss"),
        pytest.param({"sub": None}, 700021, id="no_sub"),
        pytest.param({"thumbprint": "typ"}, 50027, id="no_thumbprint"),
        pytest.param({"algorithm": "RS384"}, 5002738, id="algorithm"),
    ],
)
async def test_an_assertion_that_proves_nothing_is_refused_with_entra_s_code(
    client: Any,
    token_url: str,
    assertion_of: Callable[..., str],
    with_assertion: Callable[[str], dict[str, str]],
    changes: dict[str, Any],
    code: int,
) -> None:
    """A skewed clock, a wrong endpoint and a wrong key each need another remedy."""
    reply = await client.post_form(token_url, with_assertion(assertion_of(**changes)))

    assert (reply.status, reply.json()["error"], reply.aadsts) == (401, "invalid_client", code)


async def test_a_certificate_nobody_registered_is_refused(
    client: Any,
    expired_credential: Any,
    token_url: str,
    assertion_of: Callable[..., str],
    with_assertion: Callable[[str], dict[str, str]],
) -> None:
    """The thumbprint in the message is what the administrator compares."""
    assertion = assertion_of(signer=expired_credential, shown=expired_credential)

    reply = await client.post_form(token_url, with_assertion(assertion))

    fingerprint = expired_credential.certificate.fingerprint(hashes.SHA256()).hex().upper()
    assert (reply.status, reply.aadsts) == (401, 700027)
    assert "The key was not found" in reply.json()["error_description"]
    assert fingerprint in reply.json()["error_description"]


async def test_an_expired_certificate_is_refused_though_registered(
    emulator: Emulator,
    app: Application,
    client: Any,
    expired_credential: Any,
    token_url: str,
    assertion_of: Callable[..., str],
    with_assertion: Callable[[str], dict[str, str]],
) -> None:
    """A certificate ends in silence unless somebody watches it."""
    emulator.registrations.add_certificate(app.app_id, expired_credential.pem)
    assertion = assertion_of(signer=expired_credential, shown=expired_credential)

    reply = await client.post_form(token_url, with_assertion(assertion))

    assert (reply.status, reply.aadsts) == (401, 700027)
    assert "The key used is expired" in reply.json()["error_description"]


async def test_a_signature_by_another_key_is_refused(
    client: Any,
    expired_credential: Any,
    token_url: str,
    assertion_of: Callable[..., str],
    with_assertion: Callable[[str], dict[str, str]],
) -> None:
    """Showing a registered thumbprint is not holding its key."""
    reply = await client.post_form(
        token_url, with_assertion(assertion_of(signer=expired_credential))
    )

    assert (reply.status, reply.aadsts) == (401, 700027)
    assert "verification of the signature" in reply.json()["error_description"]


@pytest.mark.parametrize(
    "assertion",
    [
        pytest.param("x", id="one_part"),
        pytest.param("a.b.c", id="not_base64_json"),
        pytest.param("e30.e30.", id="unsigned"),
        pytest.param("W10.W10.W10", id="lists"),
        pytest.param("ÿ.ÿ.ÿ", id="not_ascii"),
    ],
)
async def test_what_is_no_jwt_is_refused_and_not_crashed_on(
    client: Any,
    token_url: str,
    with_assertion: Callable[[str], dict[str, str]],
    assertion: str,
) -> None:
    """An assertion is untrusted input."""
    reply = await client.post_form(token_url, with_assertion(assertion))

    assert (reply.status, reply.aadsts) == (401, 50027)


def test_a_certificate_that_entra_would_not_take_cannot_be_registered(
    emulator: Emulator, app: Application, clock: Clock, credential: Any
) -> None:
    """Better refused when it is uploaded than when it is used."""
    small = type(credential)(clock(), clock() + timedelta(days=1), bits=1024)

    with pytest.raises(ValueError, match="2048"):
        emulator.registrations.add_certificate(app.app_id, small.pem)


def test_a_certificate_is_known_by_both_thumbprints(
    emulator: Emulator, app: Application, credential: Any
) -> None:
    """Old clients name SHA-1, new ones SHA-256."""
    registered = emulator.registrations.add_certificate(app.app_id, credential.pem)

    assert registered.der == credential.certificate.public_bytes(Encoding.DER)
    assert bytes.fromhex(registered.sha1) == credential.certificate.fingerprint(hashes.SHA1())
    assert bytes.fromhex(registered.sha256) == credential.certificate.fingerprint(hashes.SHA256())


def test_a_made_up_secret_looks_like_one_of_entra_s(emulator: Emulator, app: Application) -> None:
    """People recognise a secret's value by its tilde, and confuse it with its id."""
    secret = emulator.registrations.add_secret(app.app_id, emulator.clock())

    assert len(secret.value) == 40
    assert secret.value[3:6] == "8Q~"
    assert secret.hint == secret.value[:3]
    uuid.UUID(secret.key_id)


def test_a_permission_that_graph_has_not_is_refused(emulator: Emulator) -> None:
    """A typo in a role would look like a missing consent."""
    with pytest.raises(ValueError, match=r"User\.Read\.Everything"):
        emulator.register(roles=["User.Read.Everything"])


def test_a_client_id_is_registered_once(emulator: Emulator, app: Application) -> None:
    """Upper and lower case are one id."""
    with pytest.raises(ValueError, match="already"):
        emulator.register(app_id=app.app_id.upper())
