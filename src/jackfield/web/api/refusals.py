"""How the API says no: one form of error, the place where something is wrong, and the next step.

400: the question cannot be read; 404: there is no such thing; 409: what stands there forbids it;
422: a value cannot be used; 503: somebody else has to answer first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, assert_never

import msgspec
from litestar import Request, Response
from litestar.exceptions import ClientException, HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ExceptionHandlersMap

from jackfield.core.numbering import NumberingError
from jackfield.flows.by_hand import HandRefused, Reason
from jackfield.flows.doubts import DecisionRefused, NothingThere
from jackfield.flows.keys import PeersAtWork
from jackfield.flows.number_rules import NoSuchRule, NumbersInUse, RuleRefused, UnusableRule
from jackfield.flows.numbers import NotHeld
from jackfield.flows.people import PlanNotOpen
from jackfield.flows.photos import PhotosOff
from jackfield.flows.replacing import NotReplaced, PhonesSilent
from jackfield.flows.scope_changes import ManyLeavers
from jackfield.flows.setup import SetupRefused
from jackfield.flows.signin import AccountRefused, NoSuchAccount, UnusableAccount
from jackfield.flows.tenants import NoSuchTenant, TenantRefused, UnusableName
from jackfield.flows.undo import NotUndoable, UnknownPlan
from jackfield.store.errors import SecretUnreadable, VersionMoved
from jackfield.web.errors import Problem, answer_http, error_answer

_MEANINGS = {
    400: "The question cannot be read; the detail names the place.",
    401: "No token, or one that is wrong, expired or revoked.",
    403: "The token may not do this, or the form token of a session is missing.",
    404: "There is no such thing (any more), or no such tenant.",
    409: "What stands there is in the way; look again, then decide.",
    422: "A value cannot be used; the detail says which and why.",
    503: "The phone system or the database does not answer; try again later.",
}
_DECODER_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`")
_MISSING = re.compile(r"^Missing required query parameter '(?P<name>\w+)'")
_DECODER_BYTE = re.compile(r"\(byte (?P<byte>\d+)\)")
AnyRequest = Request[Any, Any, Any]


class Unreadable(HTTPException):
    """A question that cannot be read; the text names the place."""

    status_code = 400


class Unusable(HTTPException):
    """A value that was understood and cannot be used; the text names its place."""

    status_code = 422


class Ambiguous(HTTPException):
    """A name that several bear; the text says how to tell them apart."""

    status_code = 409


def told(*statuses: int) -> Mapping[int, ResponseSpec]:
    """The errors of a route, for OpenAPI; every route may answer 400, 401, 403 and 404."""
    return {
        status: ResponseSpec(
            Problem,
            description=_MEANINGS[status],
            media_type="application/problem+json",
            generate_examples=False,
        )
        for status in sorted({400, 401, 403, 404, *statuses})
    }


def located(error: ValidationException, request: AnyRequest) -> str:
    """What is wrong with a question, each part with its place."""
    parts = []
    for one in error.extra if isinstance(error.extra, list) else []:
        key, source = str(one.get("key", "")), str(one.get("source", "body"))
        field, _, inside = key.partition(".")
        if source != "body":
            where = f"the parameter {key!r}"
            takes = _members(_annotation(request, key))
        elif key == "data":
            where, takes = "the body", ()
        else:
            where = f"the body's `{key}`"
            takes = _members_inside(_annotation(request, "data"), [field, *inside.split(".")])
        said = str(one.get("message", "")).rstrip(".")
        parts.append(f"{where}: {said}" + (f"; it takes {', '.join(takes)}" if takes else ""))
    if missing := _MISSING.search(str(error.detail)):
        name = missing["name"]
        return f"The parameter {name!r} is missing: give it in the address, as ?{name}=..."
    if not parts:
        return str(error.detail).rstrip(".") + "."
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def in_place(message: str) -> str:
    """A decoder's words with the place in front: "`rules.scope`: Expected `object`, got `int`"."""
    match = _DECODER_PLACE.search(message)
    if match is None:
        return message.rstrip(".") + "."
    return f"The body's `{match['place']}`: {message[: match.start()].rstrip('.')}."


def _answer_validation(request: AnyRequest, error: ValidationException) -> Response[bytes]:
    status = 422 if _is_against_a_rule(error) else 400
    return error_answer(request.scope, status, located(error, request))


def _is_against_a_rule(error: ValidationException) -> bool:
    """Whether a value of the body could be read, and a rule of ours then refused it."""
    decoder = error.__cause__
    rule = None if decoder is None else decoder.__cause__
    return isinstance(decoder, msgspec.ValidationError) and isinstance(rule, ValueError)


def _answer_client(request: AnyRequest, error: ClientException) -> Response[bytes]:
    """The framework's complaint about a body that is no JSON; its own kinds are said elsewhere."""
    if type(error) is not ClientException:
        return answer_http(request, error)
    byte = _DECODER_BYTE.search(str(error.detail))
    where = f" from byte {byte['byte']} on" if byte else ""
    text = f"The body is not JSON{where}: send one JSON document in UTF-8."
    return error_answer(request.scope, 400, text)


def _answer_depth(request: AnyRequest, _error: RecursionError) -> Response[bytes]:
    return error_answer(request.scope, 400, "The body is nested more deeply than anything here.")


def _answer_hand(request: AnyRequest, error: HandRefused) -> Response[bytes]:
    match error.reason:
        case Reason.UNKNOWN:
            status = 404
        case Reason.UNUSABLE:
            status = 422
        case Reason.CONFLICT:
            status = 409
        case Reason.UNREACHABLE:
            status = 503
        case _:
            assert_never(error.reason)
    return error_answer(request.scope, status, str(error))


def _answer_conflict(
    request: AnyRequest,
    error: NotReplaced | PeersAtWork | PhotosOff | PlanNotOpen | SecretUnreadable | VersionMoved,
) -> Response[bytes]:
    return error_answer(request.scope, 409, str(error))


def _answer_leavers(request: AnyRequest, error: ManyLeavers) -> Response[bytes]:
    step = (
        "POST /settings/people/preview names them; to save it all the same, send"
        f' "leavers": {error.leaving.count} beside "settings".'
    )
    text = f"Not saved: {error.leaving.text}"
    return error_answer(request.scope, 409, text, next_step=step)


def _answer_decision(request: AnyRequest, error: DecisionRefused) -> Response[bytes]:
    status = 404 if isinstance(error, NothingThere) else 409
    return error_answer(request.scope, status, str(error))


def _answer_phones(request: AnyRequest, error: PhonesSilent) -> Response[bytes]:
    return error_answer(request.scope, 503, str(error), next_step=error.next_step)


def _answer_undo(request: AnyRequest, error: NotUndoable) -> Response[bytes]:
    return error_answer(request.scope, 404 if isinstance(error, UnknownPlan) else 409, str(error))


def _answer_number(request: AnyRequest, error: NotHeld | NumberingError) -> Response[bytes]:
    """A number is part of an address only: there is none such."""
    return error_answer(request.scope, 404, str(error))


def _answer_rule(request: AnyRequest, error: RuleRefused) -> Response[bytes]:
    if isinstance(error, UnusableRule):
        return error_answer(request.scope, 422, f"In `{error.part}`: {error}")
    step = ""
    if isinstance(error, NumbersInUse):
        step = 'To reserve it all the same, send "confirm": true.'
    status = 404 if isinstance(error, NoSuchRule) else 409
    return error_answer(request.scope, status, str(error), next_step=step)


def _answer_setup(request: AnyRequest, error: SetupRefused) -> Response[bytes]:
    return error_answer(request.scope, 422, error.text, next_step=error.next_step)


def _answer_refused(request: AnyRequest, error: AccountRefused | TenantRefused) -> Response[bytes]:
    missing = isinstance(error, NoSuchAccount | NoSuchTenant)
    unusable = isinstance(error, UnusableAccount | UnusableName)
    status = 404 if missing else 422 if unusable else 409
    return error_answer(request.scope, status, str(error))


ANSWERS: ExceptionHandlersMap = {
    ValidationException: _answer_validation,
    ClientException: _answer_client,
    RecursionError: _answer_depth,
    HandRefused: _answer_hand,
    ManyLeavers: _answer_leavers,
    NotReplaced: _answer_conflict,
    PeersAtWork: _answer_conflict,
    PhotosOff: _answer_conflict,
    PlanNotOpen: _answer_conflict,
    SecretUnreadable: _answer_conflict,
    VersionMoved: _answer_conflict,
    DecisionRefused: _answer_decision,
    NotHeld: _answer_number,
    NumberingError: _answer_number,
    RuleRefused: _answer_rule,
    PhonesSilent: _answer_phones,
    SetupRefused: _answer_setup,
    AccountRefused: _answer_refused,
    TenantRefused: _answer_refused,
    NotUndoable: _answer_undo,
}


def _annotation(request: AnyRequest, name: str) -> Any:
    field = request.route_handler.parsed_fn_signature.parameters.get(name)
    return None if field is None else field.annotation


def _members(annotation: Any) -> tuple[str, ...]:
    """The values of an enumeration; () for any other type."""
    kinds = getattr(annotation, "__args__", ()) or (annotation,)
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            return tuple(str(member.value) for member in kind)
    return ()


def _members_inside(annotation: Any, path: list[str]) -> tuple[str, ...]:
    """The same for a field inside a body, found by its path."""
    try:
        at: Any = msgspec.inspect.type_info(annotation)
    except TypeError:
        return ()
    for name in path:
        if isinstance(at, msgspec.inspect.UnionType):
            at = next((one for one in at.types if hasattr(one, "fields")), at)
        if not name:
            continue
        fields = {one.encode_name: one.type for one in getattr(at, "fields", ())}
        if name not in fields:
            return ()
        at = fields[name]
        while isinstance(at, msgspec.inspect.Metadata):
            at = at.type
    options = at.types if isinstance(at, msgspec.inspect.UnionType) else (at,)
    for one in options:
        if isinstance(one, msgspec.inspect.EnumType):
            return tuple(str(member.value) for member in one.cls)
        if isinstance(one, msgspec.inspect.LiteralType):
            return tuple(str(value) for value in one.values)
    return ()
