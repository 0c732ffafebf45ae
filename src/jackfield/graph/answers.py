"""What an answer of Graph means: a refusal becomes one of our errors.

Branches on the HTTP status first, then on `error.code` and the codes nested in it, never on
messages. Source: Graph docs, concepts/errors and concepts/throttling, read 2026-11.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from jackfield.graph.errors import (
    Call,
    CursorExpired,
    GraphError,
    MalformedAnswer,
    NotFound,
    PermissionMissing,
    Rejected,
    Throttled,
    TokenRejected,
    Unreachable,
)
from jackfield.graph.transport import Response

MAX_SHOWN = 300
LONGEST_WAIT_S = 86_400.0
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for foreign bytes: bad JSON, bad UTF-8, brackets without end."""
_STALE = re.compile(r"expired|resync|syncstate", re.IGNORECASE)
_PER_ITEM = {"erroraccessdenied", "errorsendasdenied", "extensionerror"}
"""403 of one mailbox: the customer's Exchange policy, not a missing permission."""
_OVERDUE = {"directory_concurrencyviolation"}


def refusal(
    response: Response, call: Call, *, needs: str | None, by_link: bool, now: datetime
) -> GraphError:
    """The error that stands for an answer whose status is not a success.

    `needs` is the least permission of the call. `by_link` says that the address came from Graph
    itself: then a 400 can only mean that the link is too old.
    """
    said_by_graph = _read(response.body)
    codes, message = said_by_graph or ([], "")
    call = call.with_status(response.status, codes[0] if codes else "")
    named = " ".join(str(part) for part in (response.status, call.code) if part)
    said = f" It says: {message}" if message else ""
    refused = f"Microsoft Graph refused {call.method} {call.path} ({named}).{said}"
    wait = retry_after_s(response, now)
    low = {code.lower() for code in codes}

    match response.status:
        case 429:
            return Throttled(
                "Microsoft 365 throttles Jackfield (429): it asks for fewer requests.",
                call=call,
                retry_after_s=wait or 0.0,
            )
        case 401 if "generalexception" in low:
            return _permission(refused, needs, call)
        case 401:
            return TokenRejected(
                f"Microsoft Graph does not accept the application's token ({named}).{said}",
                "Check that the tenant and the cloud are right and that the application still "
                "exists in Entra; then connect again.",
                call,
            )
        case 403 if "insufficient_claims" in response.headers.get("www-authenticate", ""):
            return TokenRejected(
                "A Conditional Access policy of the tenant blocks the application.",
                "Exempt the application in Entra, Conditional Access, policies for workload "
                "identities.",
                call,
            )
        case 403 if low & _PER_ITEM:
            return Rejected(refused, "Check the mailbox's Exchange permissions.", call)
        case 403 if said_by_graph:
            return _permission(refused, needs, call)
        case 404 if not _is_page(response.body):
            return NotFound(f"Microsoft Graph does not find {call.path} ({named}).{said}", "", call)
        case 410:
            return _expired(named, call)
        case 400 if by_link or any(_STALE.search(code) for code in codes):
            return _expired(named, call)
        case 409 if low & _OVERDUE:
            return Unreachable(refused, call=call)
        case 500 | 502 | 503 | 504:
            return Unreachable(
                f"Microsoft Graph cannot answer {call.method} {call.path} now ({named}).{said}",
                "Jackfield tries again by itself; if it lasts, look at the service health page of "
                "the Microsoft 365 admin centre.",
                call,
                retry_after_s=wait,
            )
        case status if 300 <= status < 400:
            return MalformedAnswer(
                f"{call.method} {call.path} was redirected ({status}); Graph never does that and "
                "Jackfield does not follow.",
                "Check the Graph address and any proxy between.",
                call,
            )
        case _ if not said_by_graph and not _is_json(response.body):
            return MalformedAnswer(
                f"{call.method} {call.path} got {response.status} with {describe(response.body)}, "
                "not Graph's JSON.",
                "A proxy or firewall may be answering in Graph's place: check the way to it.",
                call,
            )
        case _:
            return Rejected(refused, "Other items go on; this one is skipped.", call)


def retry_after_s(response: Response, now: datetime) -> float | None:
    """Retry-After in seconds, from either of its two forms; None if absent or unreadable."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        return _until(text, response.headers.get("date", ""), now)
    # NaN and negative numbers say nothing
    return min(seconds, LONGEST_WAIT_S) if seconds >= 0 else None


def claims_challenge(response: Response) -> str | None:
    """The claims a 401 asks the next token to carry (Entra's continuous access evaluation)."""
    found = re.search(
        r'claims="([A-Za-z0-9+/=_-]{1,8000})"', response.headers.get("www-authenticate", "")
    )
    return None if found is None else found.group(1)


def _is_page(body: bytes) -> bool:
    return body[:200].lstrip().startswith(b"<")


def _is_json(body: bytes) -> bool:
    return body[:200].lstrip()[:1] in {b"{", b"["}


def describe(body: bytes) -> str:
    """What a body that is not the expected JSON looks like, for a message."""
    start = body[:200].lstrip()
    if not start:
        return "an empty body"
    if _is_page(body):
        return "a web page (HTML)"
    if _is_json(body):
        return "JSON of another shape"
    return f"a body that begins {shown(start[:40].decode('utf-8', 'replace'))!r}"


def shown(text: str) -> str:
    """Foreign text fit to stand in a message: one line, no control characters, not endless."""
    flat = "".join(
        " " if unicodedata.category(mark) in {"Cc", "Zl", "Zp"} else mark for mark in text
    )
    flat = " ".join(flat.split())
    return flat if len(flat) <= MAX_SHOWN else flat[: MAX_SHOWN - 1] + "…"


def _permission(refused: str, needs: str | None, call: Call) -> PermissionMissing:
    named = f"the application permission {needs}" if needs else "an application permission"
    return PermissionMissing(
        f"The application lacks {named}, or nobody has consented to it. {refused}",
        f"In Entra, App registrations, API permissions: add {needs or 'it'} and grant admin "
        "consent; it takes a few minutes until it counts.",
        call,
        permission=needs,
    )


def _expired(named: str, call: Call) -> CursorExpired:
    return CursorExpired(
        f"Microsoft Graph no longer accepts the saved position in {call.path} ({named}).",
        "Jackfield reads everything again by itself.",
        call,
    )


def _read(body: bytes) -> tuple[list[str], str] | None:
    """`error.code`, then the nested codes; and the message. None if it is not Graph's error."""
    try:
        document = msgspec.json.decode(body)
    except UNREADABLE:
        return None
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return None
    message = error.get("message")
    if isinstance(message, dict):  # the older OData shape: {"lang": "en", "value": "..."}
        message = message.get("value")
    codes = [shown(code) for code in _codes(error) if code]
    return codes, shown(message) if isinstance(message, str) else ""


def _codes(error: dict[str, Any]) -> Iterator[str]:
    at: object = error
    for _ in range(8):
        if not isinstance(at, dict):
            return
        code = at.get("code")
        if isinstance(code, str):
            yield code
        at = at.get("innerError", at.get("innererror"))


def _until(date: str, answered: str, now: datetime) -> float | None:
    """Seconds until an HTTP date, by the answer's own clock where it shows one."""
    at = _moment(date)
    if at is None:
        return None
    return min(LONGEST_WAIT_S, max(0.0, (at - (_moment(answered) or now)).total_seconds()))


def _moment(date: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
