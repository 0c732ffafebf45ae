"""What a fault does to an answer: instead of it, or to its body. No decision is taken here.

Source for the shapes: Graph docs, concepts/errors and concepts/throttling; Entra docs,
reference-error-codes; read 2026-11.
"""

from typing import Any, assert_never
from urllib.parse import urlsplit, urlunsplit

import msgspec

from m365_emulator import tokens
from m365_emulator.access import EXCHANGE_DENIES
from m365_emulator.entra_errors import EntraError
from m365_emulator.errors import GraphError
from m365_emulator.exchange import Answer
from m365_emulator.faults import Kind, Order

LINKS = ("@odata.nextLink", "@odata.deltaLink")


def graph_refusal(order: Order, login_origin: str) -> GraphError:
    """What Graph says in place of an answer."""
    headers = retry_after(order)
    match order.kind:
        case Kind.THROTTLED:
            return GraphError(429, "TooManyRequests", "Too many requests.", headers=headers)
        case Kind.UNAVAILABLE:
            return GraphError(
                503, "serviceNotAvailable", "The service is unavailable.", headers=headers
            )
        case Kind.GATEWAY_TIMEOUT:
            return GraphError(
                504, "gatewayTimeout", "The gateway got no answer in time.", headers=headers
            )
        case Kind.DENIED:
            return GraphError(403, *EXCHANGE_DENIES)
        case Kind.EXPIRED_TOKEN:
            return tokens.expired(login_origin)
        case _:
            raise ValueError(f"{order.kind} is not a refusal")


def entra_refusal(order: Order) -> EntraError:
    """What the token endpoint says in place of an answer."""
    match order.kind:
        case Kind.THROTTLED:
            return EntraError(
                90055, "temporarily_unavailable", "There are too many incoming requests.", 429
            )
        case Kind.UNAVAILABLE | Kind.EXPIRED_TOKEN:
            return EntraError(
                90033,
                "temporarily_unavailable",
                "A transient error has occurred. Please try again.",
                503,
            )
        case Kind.GATEWAY_TIMEOUT:
            return EntraError(
                90006, "temporarily_unavailable", "The service is temporarily unavailable.", 504
            )
        case Kind.DENIED:
            return EntraError(
                53003, "invalid_grant", "Access has been blocked by Conditional Access policies."
            )
        case _:
            raise ValueError(f"{order.kind} is not a refusal")


def retry_after(order: Order) -> dict[str, str]:
    seconds = order.retry_after_s
    return {} if seconds is None else {"Retry-After": str(seconds)}


def html_error(order: Order) -> Answer:
    """A gateway's own page, as clients meet when the answer is not from the service at all."""
    page = (
        "<!DOCTYPE html><html><head><title>Our services aren't available right now</title></head>"
        "<body><h2>Our services aren't available right now</h2>"
        "<p>We're working to restore all services as soon as possible.</p></body></html>"
    )
    headers = {"content-type": "text/html"}
    headers |= {name.lower(): value for name, value in retry_after(order).items()}
    return Answer(order.status, headers, page.encode())


def touches(order_kind: Kind, answer: Answer) -> bool:
    """Whether a fault of this kind could do anything to this answer."""
    if answer.status != 200:
        return False
    match order_kind:
        case Kind.CUT_MIDDLE:
            return len(answer.body) > 1
        case Kind.TRUNCATED_JSON | Kind.MALFORMED_JSON:
            return answer.is_json
        case Kind.EMPTY_VALUE:
            return answer.is_json and bool(_collection(answer).get("value"))
        case Kind.FOREIGN_NEXT_LINK:
            return answer.is_json and any(name in _collection(answer) for name in LINKS)
        case _:
            return False


def tamper(order: Order, answer: Answer) -> None:
    """Change the body; a cut in the middle is the connection's business, not the body's."""
    match order.kind:
        case Kind.TRUNCATED_JSON:
            answer.body = answer.body[: len(answer.body) * 2 // 3]
        case Kind.MALFORMED_JSON:
            answer.body = answer.body[:-1] + b",}"
        case Kind.EMPTY_VALUE:
            body = _collection(answer)
            body["value"] = []
            if "/delta" not in body.get("@odata.nextLink", ""):
                body.pop("@odata.nextLink", None)
            answer.body = msgspec.json.encode(body)
        case Kind.FOREIGN_NEXT_LINK:
            body = _collection(answer)
            for name in LINKS:
                if name in body:
                    body[name] = urlunsplit(urlsplit(body[name])._replace(netloc=order.host))
            answer.body = msgspec.json.encode(body)
        case (
            Kind.THROTTLED
            | Kind.UNAVAILABLE
            | Kind.GATEWAY_TIMEOUT
            | Kind.HTML_ERROR
            | Kind.DENIED
            | Kind.EXPIRED_TOKEN
            | Kind.CUT_BEFORE
            | Kind.CUT_MIDDLE
            | Kind.SLOW
        ):
            raise ValueError(f"{order.kind} does nothing to a body")
        case _:
            assert_never(order.kind)


def _collection(answer: Answer) -> dict[str, Any]:
    body = msgspec.json.decode(answer.body)
    return body if isinstance(body, dict) else {}
