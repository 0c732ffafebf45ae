"""What Entra says: tenants by their domain, and token errors in words an administrator can act on.

Source: Entra docs, reference-error-codes and v2-protocols-oidc, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NewType
from urllib.parse import quote

import msgspec

from jackfield.graph.answers import UNREADABLE, describe, retry_after_s, shown
from jackfield.graph.cloud import Cloud
from jackfield.graph.errors import (
    Call,
    GraphError,
    MalformedAnswer,
    Throttled,
    TokenRejected,
    Unreachable,
)
from jackfield.graph.transport import Request, Response, Transport, TransportFailed

TenantId = NewType("TenantId", str)
"""Entra's id of a Microsoft 365 organisation (`tid`), a GUID in lower case."""

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DOMAIN = re.compile(r"(?=.{3,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_AADSTS = re.compile(r"AADSTS(\d+)")
_MANY_TENANTS = {"common", "organizations", "consumers"}
NOTABLE_SKEW_S = 60.0


@dataclass(frozen=True, slots=True)
class Advice:
    """What one of Entra's codes means for us."""

    what: str
    next_step: str
    may_be_replicating: bool = False


_BLOCKED = Advice(
    "A Conditional Access policy of the tenant blocks the application.",
    "Exempt the application in Entra, Conditional Access, policies for workload identities.",
)
_BAD_SCOPE = Advice(
    "Entra does not know the scope Jackfield asked for.",
    "Check that the Graph address belongs to the same cloud as the login address.",
)
_BAD_TENANT = Advice(
    "The tenant id is not one Entra can read.",
    "Give the tenant's id (a GUID) or one of its verified domains.",
)
ADVICE: Mapping[int, Advice] = {
    700016: Advice(
        "The application (client) id is not known in this tenant.",
        "Check tenant and client id. Right after registering or consenting, wait a few minutes.",
        may_be_replicating=True,
    ),
    7000229: Advice(
        "The application has no service principal in this tenant.",
        "Let an administrator of the tenant consent to the application.",
        may_be_replicating=True,
    ),
    7000215: Advice(
        "The client secret is wrong.",
        "Give the secret's value; often its id is pasted by mistake. Entra shows the value once.",
    ),
    7000222: Advice(
        "The client secret has expired.",
        "Add a new secret to the application in Entra and give it to Jackfield, or use a "
        "certificate.",
    ),
    700027: Advice(
        "Entra does not accept the certificate: it is not registered with the application.",
        "Upload the certificate (without its key) in Entra, App registrations, Certificates and "
        "secrets. Right after uploading, wait a few minutes.",
        may_be_replicating=True,
    ),
    700024: Advice(
        "Entra finds Jackfield's signature outside its time: this machine's clock is wrong.",
        "Set the clock by NTP.",
    ),
    7000218: Advice(
        "Entra wants a secret or a certificate and got neither.", "Give the connection one of them."
    ),
    7000112: Advice(
        "The application is disabled in this tenant.",
        "Enable it in Entra, Enterprise applications, Properties.",
    ),
    90002: Advice(
        "The tenant does not exist in this cloud.",
        "Check the spelling of the tenant, and the cloud (--cloud usgov, dod or china).",
    ),
    900023: _BAD_TENANT,
    90013: _BAD_TENANT,
    500011: Advice(
        "The tenant has no Microsoft Graph under this address.",
        "Check that the Graph address belongs to the same cloud as the login address.",
    ),
    70011: _BAD_SCOPE,
    1002012: _BAD_SCOPE,
    53000: _BLOCKED,
    53001: _BLOCKED,
    53002: _BLOCKED,
    53003: _BLOCKED,
    50105: Advice(
        "The tenant demands an assignment before the application may be used.",
        "In Entra, Enterprise applications, Properties: switch 'Assignment required' off, or "
        "assign it.",
    ),
    65001: Advice(
        "Nobody has consented to the application in this tenant.",
        "Let an administrator of the tenant grant admin consent.",
        may_be_replicating=True,
    ),
    50196: Advice(
        "Entra has seen the same request too often in a short time.",
        "Wait a quarter of an hour; if it comes back, report it to Jackfield's makers.",
    ),
    9002313: Advice(
        "Entra cannot read Jackfield's request.", "Report it to Jackfield's makers, with the ids."
    ),
}


async def find_tenant(
    cloud: Cloud, name: str, transport: Transport, *, now: datetime, client_request_id: str
) -> TenantId:
    """The tenant id of a verified domain; an id is returned as it is, without asking anyone.

    Raises `TokenRejected` for a tenant that does not exist, `AgainLater` if Entra cannot be asked.
    """
    asked = name.strip().lower()
    if _GUID.fullmatch(asked):
        return TenantId(asked)
    if asked in _MANY_TENANTS or not _DOMAIN.fullmatch(asked):
        raise TokenRejected(
            f"{shown(name)!r} is neither a tenant id nor a domain.", _BAD_TENANT.next_step
        )
    path = f"/{quote(asked)}/v2.0/.well-known/openid-configuration"
    call = Call("GET", path, client_request_id=client_request_id)
    headers = {"Accept": "application/json", "client-request-id": client_request_id}
    request = Request("GET", cloud.login + path, headers)
    response, call = await ask_authority(request, call, transport, cloud)
    if response.status != 200:
        raise token_refusal(response, call, now=now)
    document = _document(response.body)
    issuer = document.get("issuer")
    found = _GUID.search(issuer.lower()) if isinstance(issuer, str) else None
    if found is None:
        raise MalformedAnswer(f"{cloud.login}{path} names no tenant.", call=call)
    return TenantId(found[0])


async def ask_authority(
    request: Request, call: Call, transport: Transport, cloud: Cloud
) -> tuple[Response, Call]:
    """One request to Entra, not repeated; raises `Unreachable` if no answer came."""
    try:
        response = await transport.send(request)
    except TransportFailed as error:
        raise Unreachable(
            f"Microsoft's sign-in service {cloud.login} cannot be reached: {error}.",
            "Jackfield tries again by itself; check network, name service and firewall.",
            call,
        ) from error
    return response, replace(
        call,
        status=response.status,
        request_id=shown(response.headers.get("x-ms-request-id", "")),
        date=shown(response.headers.get("date", "")),
    )


def token_refusal(response: Response, call: Call, *, now: datetime) -> GraphError:
    """The error that stands for a refusal of the token endpoint; `error_codes` decides."""
    document = _document(response.body)
    wait = retry_after_s(response, now)
    if response.status == 429:
        return Throttled(
            "Microsoft's sign-in service throttles Jackfield (429): it asks for fewer requests.",
            call=call,
            retry_after_s=wait or 0.0,
        )
    error = document.get("error")
    if response.status >= 500 or error in {"temporarily_unavailable", "server_error"}:
        return Unreachable(
            f"Microsoft's sign-in service cannot answer now ({response.status}).",
            call=call,
            retry_after_s=wait,
        )
    if not isinstance(error, str):
        return MalformedAnswer(
            f"{call.method} {call.path} got {response.status} with {describe(response.body)}, not "
            "Entra's JSON.",
            "Check the login address, and any proxy or firewall on the way to it.",
            call,
        )
    number = _code(document)
    named = f"AADSTS{number}" if number is not None else shown(error)
    trace = document.get("trace_id")
    call = replace(
        call,
        code=named,
        request_id=shown(trace) if isinstance(trace, str) else call.request_id,
    )
    advice = ADVICE.get(number or 0)
    if advice is None:
        description = document.get("error_description")
        said = shown(description) if isinstance(description, str) else "no reason given"
        return TokenRejected(
            f"Entra gives the application no token ({named}): {said}",
            "Look the code up at https://login.microsoftonline.com/error; then connect again.",
            call,
        )
    return TokenRejected(
        f"{advice.what}{_skew(number, call, now)} ({named})",
        advice.next_step,
        call,
        may_be_replicating=advice.may_be_replicating,
    )


def _skew(number: int | None, call: Call, now: datetime) -> str:
    """How far this machine's clock is from Entra's, where that is the trouble."""
    if number != 700024:
        return ""
    try:
        ahead = (now - parsedate_to_datetime(call.date)).total_seconds()
    except (ValueError, TypeError):
        return ""
    if abs(ahead) < NOTABLE_SKEW_S:
        return ""
    return f" It is {abs(ahead) / 60:.0f} minutes {'ahead of' if ahead > 0 else 'behind'} Entra's."


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(body)
    except UNREADABLE:
        return {}
    return document if isinstance(document, dict) else {}


def _code(document: Mapping[str, Any]) -> int | None:
    codes = document.get("error_codes")
    if isinstance(codes, list) and codes and isinstance(codes[0], int):
        return codes[0]
    description = document.get("error_description")
    found = _AADSTS.match(description) if isinstance(description, str) else None
    return int(found[1]) if found else None
