"""Entra's way of saying no: OAuth's `error` with AADSTS codes, and the JSON that carries them.

Texts are Entra's own as far as public issue threads quote them; clients should look at the number.
Source: Entra docs, reference-error-codes and v2-oauth2-client-creds-grant-flow, read 2026-11.
"""

import uuid
from datetime import datetime

import msgspec
from starlette.responses import Response

_REVIEW = (
    "Review the documentation at "
    "https://learn.microsoft.com/entra/identity-platform/certificate-credentials ."
)
_SEE_KEYS = (
    "Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured "
    "keys for app Id '{app}'. Review the documentation at "
    "https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service "
    "endpoint and https://docs.microsoft.com/en-us/graph/api/application-get?view=graph-rest-1.0"
    "&tabs=http to build a query request URL, such as "
    "'https://graph.microsoft.com/beta/applications/{app}'"
)


class EntraError(Exception):
    """A refusal of the login authority: AADSTS number, OAuth error, sentence and HTTP status.

    `suberror` tells clients what would help, where Entra says it.
    """

    def __init__(
        self, code: int, error: str, message: str, status: int = 400, *, suberror: str = ""
    ) -> None:
        super().__init__(f"AADSTS{code}: {message}")
        self.code = code
        self.error = error
        self.message = message
        self.status = status
        self.suberror = suberror

    def described(self, now: datetime, trace_id: str, correlation_id: str) -> str:
        """The sentence with the ids and the time, as `error_description` carries it."""
        return (
            f"AADSTS{self.code}: {self.message} Trace ID: {trace_id} "
            f"Correlation ID: {correlation_id} Timestamp: {now:%Y-%m-%d %H:%M:%S}Z"
        )


def invalid_client(code: int, message: str) -> EntraError:
    return EntraError(code, "invalid_client", message, 401)


def unknown_tenant(tenant: str, *, discovery: bool = False) -> EntraError:
    """Entra separates names that could be tenants (90002) from those that never can (900023)."""
    error = "invalid_tenant" if discovery else "invalid_request"
    try:
        uuid.UUID(tenant)
    except ValueError:
        if "." not in tenant or tenant != tenant.strip(".") or "/" in tenant:
            return EntraError(
                900023,
                error,
                f"Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid "
                "external domain.",
            )
    return EntraError(
        90002,
        error,
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud. Check with your subscription administrator, this may "
        "happen if there are no active subscriptions for the tenant.",
    )


def no_tenant() -> EntraError:
    return EntraError(
        50059,
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any "
        "provided credentials.",
    )


def missing_parameter(name: str) -> EntraError:
    return EntraError(
        900144,
        "invalid_request",
        f"The request body must contain the following parameter: '{name}'.",
    )


def malformed_request(what: str) -> EntraError:
    return EntraError(9002313, "invalid_request", f"Invalid request. {what}")


def unsupported_grant(grant: str) -> EntraError:
    return EntraError(
        70003, "unsupported_grant_type", f"The app requested an unsupported grant type '{grant}'."
    )


def unknown_app(app_id: str, tenant_name: str) -> EntraError:
    return EntraError(
        700016,
        "unauthorized_client",
        f"Application with identifier '{app_id}' was not found in the directory '{tenant_name}'. "
        "This can happen if the application has not been installed by the administrator of the "
        "tenant or consented to by any user in the tenant. You may have sent your authentication "
        "request to the wrong tenant.",
    )


def disabled_app(app_id: str, name: str) -> EntraError:
    return EntraError(
        7000112, "unauthorized_client", f"Application '{app_id}'({name}) is disabled."
    )


def no_credential() -> EntraError:
    return invalid_client(
        7000216,
        "'client_assertion', 'client_secret' or 'request' is required for the "
        "'client_credentials' grant type.",
    )


def no_client_proof() -> EntraError:
    return invalid_client(
        7000218,
        "The request body must contain the following parameter: 'client_assertion' or "
        "'client_secret'.",
    )


def public_client_with_proof() -> EntraError:
    return invalid_client(
        700025,
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    )


def wrong_secret(app_id: str) -> EntraError:
    return invalid_client(
        7000215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the "
        f"client secret value, not the client secret ID, for a secret added to app '{app_id}'.",
    )


def expired_secret(app_id: str) -> EntraError:
    return invalid_client(
        7000222,
        f"The provided client secret keys for app '{app_id}' are expired. Visit the Azure portal "
        "to create new keys for your app: https://aka.ms/NewClientSecret, or consider using "
        "certificate credentials for added security: https://aka.ms/certCreds.",
    )


def malformed_assertion(why: str) -> EntraError:
    return invalid_client(50027, f"JWT token is invalid or malformed. {why}")


def unsupported_algorithm(name: str) -> EntraError:
    return invalid_client(
        5002738,
        f"Invalid JWT token. '{name}' is not a supported signature algorithm. Supported signing "
        "algorithms are: 'RS256, PS256'.",
    )


def unregistered_key(app_id: str, thumbprint: str) -> EntraError:
    return invalid_client(
        700027,
        "The certificate with identifier used to sign the client assertion is not registered on "
        "application. [Reason - The key was not found., Thumbprint of key used by client: "
        f"'{thumbprint}', {_SEE_KEYS.format(app=app_id)}].",
    )


def expired_key(app_id: str, starts_at: datetime, ends_at: datetime) -> EntraError:
    return invalid_client(
        700027,
        "Client assertion contains an invalid signature. [Reason - The key used is expired., "
        f"Found key 'Start={starts_at:%m/%d/%Y %H:%M:%S}, End={ends_at:%m/%d/%Y %H:%M:%S}', "
        f"{_SEE_KEYS.format(app=app_id)}].",
    )


def bad_signature(app_id: str, thumbprint: str) -> EntraError:
    return invalid_client(
        700027,
        "Client assertion contains an invalid signature. [Reason - The key was found, but "
        "verification of the signature using that key failed., Thumbprint of key used by client: "
        f"'{thumbprint}', {_SEE_KEYS.format(app=app_id)}].",
    )


def assertion_outside_its_time(now: datetime, starts_at: datetime, ends_at: datetime) -> EntraError:
    stamp = "%Y-%m-%dT%H:%M:%S.%f"
    return invalid_client(
        700024,
        "Client assertion is not within its valid time range. "
        f"Current time: {now.strftime(stamp)}0Z, "
        f"assertion valid from {starts_at.strftime(stamp)}0Z, "
        f"expiry time of assertion {ends_at.strftime(stamp)}0Z. {_REVIEW}",
    )


def wrong_assertion_audience() -> EntraError:
    return invalid_client(
        700023, f"Client assertion audience claim does not match Realm issuer. {_REVIEW}"
    )


def wrong_assertion_app() -> EntraError:
    return invalid_client(
        700021,
        "Client assertion application identifier doesn't match 'client_id' parameter. " + _REVIEW,
    )


def bad_scope(scope: str) -> EntraError:
    return EntraError(
        1002012,
        "invalid_scope",
        f"The provided value for scope {scope} is not valid. Client credential flows must have a "
        "scope value with /.default suffixed to the resource identifier (application ID URI).",
    )


def unreadable_scope(scope: str) -> EntraError:
    return EntraError(
        70011,
        "invalid_scope",
        "The provided request must include a 'scope' input parameter. The provided value for the "
        f"input parameter 'scope' is not valid. The scope {scope} is not valid.",
    )


def unknown_resource(resource: str, tenant_name: str) -> EntraError:
    return EntraError(
        500011,
        "invalid_resource",
        f"The resource principal named {resource} was not found in the tenant named "
        f"{tenant_name}. This can happen if the application has not been installed by the "
        "administrator of the tenant or consented to by any user in the tenant. You might have "
        "sent your authentication request to the wrong tenant.",
    )


def respond(error: EntraError, now: datetime, trace_id: str, correlation_id: str) -> Response:
    """The JSON of an Entra refusal, with the ids and the time in the sentence as well."""
    timestamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
    body = {
        "error": error.error,
        "error_description": error.described(now, trace_id, correlation_id),
        "error_codes": [error.code],
        "timestamp": timestamp,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
        "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
    }
    if error.suberror:
        body["suberror"] = error.suberror
    return Response(msgspec.json.encode(body), error.status, media_type="application/json")
