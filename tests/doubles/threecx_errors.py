"""3CX's error answers, in the phone port's words.

Classified by `details[].target` and `details[].message`, never by prose.
Source: field reports on XAPI (github.com/SSIG-IT/3cx-mcp-server and others, read 2026-11).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from doubles.threecx_pbx import Answer
from jackfield.pbx.port import PhoneSystemRefusesUs, PhoneSystemUnreachable, RefusalCode, Refused


class RefusedByPbx(Exception):
    """A 400 or 404, in the port's words."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.text)
        self.refused = refused


# Codes come with a prefix, "WARNINGS." or "WARNINGS.XAPI."; what they concern is in `target`.
_CODES: tuple[tuple[str, Callable[[str], RefusalCode]], ...] = (
    (
        "ALREADY_IN_USE DUPLICATE",
        lambda target: RefusalCode.NUMBER_TAKEN if target == "Number" else RefusalCode.NAME_TAKEN,
    ),
    (
        "INVALID OUT_OF_THE_RANGE REQUIRED CAN_NOT_BE_EMPTY_STRING",
        lambda target: (
            RefusalCode.NUMBER_INVALID if target == "Number" else RefusalCode.VALUE_INVALID
        ),
    ),
    (
        "INVALID_EXTENSION_NUMBER_LENGTH DN_NUMBER_CANNOT_BE_USED",
        lambda _: RefusalCode.NUMBER_INVALID,
    ),
    ("NOT_FOUND NON_EXISTENT_EXT_NUMBER", lambda _: RefusalCode.NOT_FOUND),
    (
        "LIMIT_REACHED NO_MORE_NUMBERS_AVAILABLE INVALID_LICENSE_TYPE",
        lambda _: RefusalCode.LIMIT,
    ),
    (
        (
            "FORBIDDEN_CHANGE NOT_SUPPORTED USER_ROLE_DOWNGRADE USER_EXTENSION_CANNOT_BE_DELETED"
            " OPERATOR_CANNOT_BE_DELETED GROUP_WITH_MEMBERS_CANNOT_BE_DELETED"
        ),
        lambda _: RefusalCode.PROTECTED,
    ),
)


def refusal(code: str, target: str) -> Refused:
    """3CX's code and what it concerns, in the port's words."""
    bare = code.removeprefix("WARNINGS.").removeprefix("XAPI.")
    text = f"3CX: {bare} ({target})" if target else f"3CX: {bare}"
    for codes, meaning in _CODES:
        if bare in codes.split():
            return Refused(meaning(target), text)
    if bare.startswith("LENGTH_NOT_MORE"):
        return Refused(RefusalCode.VALUE_INVALID, text)
    return Refused(RefusalCode.OTHER, text)


def accepted(answer: Answer) -> Any:
    """The body of a 2xx; everything else is raised. Bodies come in four shapes, one is empty."""
    status, body = answer
    match status, body:
        case ((200 | 201 | 204), _):
            return body
        case ((401 | 403), _):
            raise PhoneSystemRefusesUs(f"3CX answered {status}: {body}")
        case 404, _:
            raise RefusedByPbx(Refused(RefusalCode.NOT_FOUND, "3CX: not found"))
        case 400, {"error": {"details": [{"message": code, "target": target}, *_]}}:
            raise RefusedByPbx(refusal(code, target))
        case 400, {"error": {"message": message}}:
            target, _, code = message.rpartition("\n")
            raise RefusedByPbx(refusal(code, target.removesuffix(":")))
        case 400, _:
            raise RefusedByPbx(Refused(RefusalCode.OTHER, f"3CX: {body}"))
        case _:
            raise PhoneSystemUnreachable(f"3CX answered {status}")
