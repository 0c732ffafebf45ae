"""What is answered when something cannot be.

A calm page for browsers, one line for a part of a page, JSON for the API. The texts say what
happened and what to do next; what an exception carries inside goes to the log only.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import HTTPScope

from jackfield.store.errors import BrokenDocument, DatabaseUnusable
from jackfield.web.rendering import ENVIRONMENT

API = "/api/"
_log = structlog.get_logger("jackfield.web")

_TITLES = {
    400: "This request makes no sense",
    401: "You are not signed in",
    403: "This is not allowed",
    404: "There is no such page",
    405: "This page does not take that",
    409: "Somebody was faster",
    413: "That was too much",
    415: "This page takes a form",
    421: "Wrong address",
    429: "Too many tries",
    500: "Jackfield met a fault of its own",
    503: "Jackfield cannot work at the moment",
}
_TEXTS = {
    400: "The address or the form holds something that does not belong there. Go back, try again.",
    401: "Sign in, then open the page again.",
    403: "Reload the page and try again. If it stays so, your account may not do this.",
    404: "The page, or what it was about, is not here (any more). Begin at the overview.",
    405: "Open the page from the menu.",
    429: "Wait a minute, then try again.",
    500: "Nothing was half done: what a run had begun goes on by itself. The log has the details "
    "under the number below.",
}
_API_TEXTS = {
    400: "The question cannot be read; /schema/openapi.json says what it takes.",
    404: "There is no such address; /schema/openapi.json lists them all.",
    405: "This address does not take that method; the header Allow names those it takes.",
}


NO_WORKER = (
    "This cannot begin: the part of Jackfield that does the work is not (yet) running. Try again in"
    " some seconds; if it stays so, look at the log."
)


LONGEST_TEXT = 2_000
"""What was sent may be as long as a megabyte; nobody needs all of it back."""
NO_NUMBER = "“{name}” in the address takes a number that this page has given."


class Problem(msgspec.Struct, frozen=True):
    """An error of the JSON API."""

    status: int
    detail: str


def error_answer(
    scope: HTTPScope,
    status: int,
    text: str = "",
    *,
    next_step: str = "",
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    """The answer for one error, in the form that whoever asked can read."""
    if scope["path"].startswith(API):
        text = text or _API_TEXTS.get(status, "")
    text = text or _TEXTS.get(status, HTTPStatus(status).phrase + ".")
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]} …"
    asked = {name: value for name, value in scope["headers"] if name in {b"hx-request", b"accept"}}
    if scope["path"].startswith(API):
        body = msgspec.json.encode(Problem(status, f"{text} {next_step}".rstrip()))
        return Response(
            body,
            status_code=status,
            media_type="application/problem+json",
            headers=headers,
        )
    if asked.get(b"hx-request") == b"true":
        body = f"{text} {next_step}".rstrip().encode()
        return Response(body, status_code=status, media_type="text/plain", headers=headers)
    page = ENVIRONMENT.get_template("error.html").render(
        title=_TITLES.get(status, HTTPStatus(status).phrase),
        text=text,
        next_step=next_step,
        status=status,
        # What stands behind the question mark is what was wrong: without it the page is there.
        back=_own(scope["path"]) if status == 400 and scope["query_string"] else "",
        viewer=scope.get("user"),
        request=Request(scope),
    )
    return Response(
        page.encode("utf-8", "replace"),
        status_code=status,
        media_type="text/html",
        headers=headers,
    )


def answer_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Errors that a handler or the framework raised on purpose."""
    status = error.status_code
    if status >= 500:
        return answer_fault(request, error)
    # The framework's own words ("Not Found", "Validation failed for GET ...") help nobody.
    if isinstance(error, ValidationException):
        ours = _located(error)
    else:
        ours = "" if _is_plain(error) else error.detail
    headers = {str(name): str(value) for name, value in (error.headers or {}).items()}
    return error_answer(request.scope, status, ours, headers=headers)


def answer_unusable(request: Request[Any, Any, Any], error: DatabaseUnusable) -> Response[bytes]:
    """The database cannot be used: what is wrong with it, and the next step."""
    _log.error("web.database_unusable", path=request.url.path, error=str(error))
    text, _, _ = str(error).partition(error.next_step) if error.next_step else (str(error), "", "")
    return error_answer(
        request.scope,
        503,
        text.strip() or str(error),
        next_step=error.next_step,
        headers={"retry-after": "5"},
    )


def answer_broken(request: Request[Any, Any, Any], error: BrokenDocument) -> Response[bytes]:
    """Stored settings that cannot be read."""
    _log.error("web.settings_broken", path=request.url.path, error=str(error))
    return error_answer(
        request.scope, 503, str(error), next_step="Restore the database from a backup."
    )


def answer_fault(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Anything else: the log has it all, the page a number to find it by."""
    number = secrets.token_hex(4)
    _log.error(
        "web.fault", number=number, path=request.url.path, method=request.method, exc_info=error
    )
    return error_answer(request.scope, 500, next_step=f"Number {number}.")


def _own(path: str) -> str:
    """A path as a link that never leads to another host."""
    return "/" + quote(path.lstrip("/\\"))


def _located(error: ValidationException) -> str:
    """Which part of a page's address is wrong; those of its parts that are checked are numbers."""
    parts = error.extra if isinstance(error.extra, list) else []
    names = [str(one.get("key", "")) for one in parts if one.get("source") == "query"]
    return " ".join(NO_NUMBER.format(name=name) for name in names)


def _is_plain(error: HTTPException) -> bool:
    phrases = {HTTPStatus(error.status_code).phrase, type(error).__name__}
    return not error.detail or error.detail in phrases
