"""The far side of a 3CX v20, in memory: what people sync needs of its XAPI, with its habits.

Users and Groups by OData requests, answered as `(status, body)`; pages of at most 100 without a
next link, numbers that cannot change, lists that a PATCH replaces, a primary department only after
the membership, four shapes of error. `Line` is the way there: seeded, it loses one answer in
twenty. Not here: tokens, licences, anything about calls.

Source: 3CX's OpenAPI document of XAPI 20.0.10 (github.com/3cx/xapi-tutorial, read 2026-11) for
paths, fields and the error body; field reports (github.com/SSIG-IT/3cx-mcp-server,
matthttam/3cx_sync and others, read 2026-11) for page cap, codes, replaced lists and the primary
department. Assumed, as the harder case: a user is always in a department, else in the default one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Answer = tuple[int, Any]

PAGE_CAP = 100
TEXT_LIMIT = 100
"""Not documented ("LENGTH_NOT_MORE_..."); another figure than anybody else's, on purpose."""
NUMBER_LENGTHS = range(3, 6)  # SystemParameters.ENLRange


class WireError(Exception):
    """A 400 with one detail."""

    def __init__(self, target: str, code: str) -> None:
        super().__init__(target, code)
        self.body = {
            "error": {
                "code": "",
                "message": f"{target}:\n{code}",
                "details": [{"code": "", "message": code, "target": target}],
            }
        }


@dataclass
class User:
    id: int
    number: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    mobile: str = ""
    caller_id: str = ""
    enabled: bool = True
    status: str = "Available"
    """`CurrentProfileName`: to be polled, nothing tells of a change."""
    groups: tuple[int, ...] = ()
    primary: int = 0

    def seen(self, query: Mapping[str, str]) -> dict[str, Any]:
        names = [part for part in (self.last_name, self.first_name) if part]
        seen: dict[str, Any] = {
            "Id": self.id,
            "Number": self.number,
            "FirstName": self.first_name,
            "LastName": self.last_name,
            "DisplayName": ", ".join(names) or self.number,  # computed; a PATCH of it is ignored
            "EmailAddress": self.email,
            "Mobile": self.mobile,
            "OutboundCallerID": self.caller_id,
            "Enabled": self.enabled,
            "CurrentProfileName": self.status,
            "PrimaryGroupId": self.primary,
        }
        if query.get("$expand") == "Groups":
            seen["Groups"] = [{"GroupId": group} for group in self.groups]
        return seen


@dataclass
class Group:
    id: int
    name: str
    is_default: bool = False

    def seen(self, query: Mapping[str, str]) -> dict[str, Any]:  # noqa: ARG002
        return {"Id": self.id, "Name": self.name, "IsDefault": self.is_default}


@dataclass
class Peer:
    """Whatever has a number."""

    id: int
    number: str

    def seen(self, query: Mapping[str, str]) -> dict[str, Any]:  # noqa: ARG002
        return {"Id": self.id, "Number": self.number}


_TEXTS = {
    "FirstName": "first_name",
    "LastName": "last_name",
    "EmailAddress": "email",
    "Mobile": "mobile",
    "OutboundCallerID": "caller_id",
}


@dataclass
class ThreeCx:
    """One PBX. `occupied` are the numbers of queues, service principals and the like."""

    fqdn: str = "pbx.example.org"
    """What it calls itself; another installation has another name."""
    capacity: int = 100_000
    occupied: set[str] = field(default_factory=lambda: {"800", "900"})
    operators: set[int] = field(default_factory=set)
    """Users that an administrator made a department's operator: they cannot be deleted."""
    users: dict[int, User] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    outage: Answer | None = None
    """What it answers to everything while it is set, e.g. `(503, "")`."""

    def __post_init__(self) -> None:
        self._last_id = 27  # far from zero: ids are shared by everything that a PBX holds
        self._default = self._next_id()
        self.groups[self._default] = Group(self._default, "DEFAULT", is_default=True)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Carry out one request."""
        if self.outage is not None:
            return self.outage
        query, body = query or {}, body or {}
        entity, _, rest = path.partition("(")
        try:
            match method, entity, rest.removesuffix(")"):
                case "GET", "Users", "":
                    return _list(self.users.values(), query)
                case "GET", "Groups", "":
                    return _list(self.groups.values(), query)
                case "GET", "SystemStatus", "":
                    return 200, {"FQDN": self.fqdn}
                case "GET", "Peers", "":
                    others = [Peer(n, v) for n, v in enumerate(sorted(self.occupied), 1)]
                    users = [Peer(user.id, user.number) for user in self.users.values()]
                    return _list(others + users, query)
                case "POST", "Users", "":
                    return self._create_user(body)
                case "POST", "Groups", "":
                    return self._create_group(body)
                case _, "Users", key if key.isdecimal():
                    return self._user(method, int(key), body, query)
                case _, "Groups", key if key.isdecimal():
                    return self._group(method, int(key), body)
                case _:
                    return 404, {"error": "Resource not found"}
        except WireError as error:
            return 400, error.body

    # --- users

    def _create_user(self, body: Mapping[str, Any]) -> Answer:
        number = body["Number"]
        if not re.fullmatch(r"[0-9]+", number):
            raise WireError("Number", "WARNINGS.XAPI.INVALID")
        if len(number) not in NUMBER_LENGTHS:
            raise WireError("Number", "WARNINGS.INVALID_EXTENSION_NUMBER_LENGTH")
        if number in self.occupied or any(u.number == number for u in self.users.values()):
            raise WireError("Number", "WARNINGS.XAPI.ALREADY_IN_USE")
        if len(self.users) >= self.capacity:
            raise WireError("", "WARNINGS.LIMIT_REACHED")
        user = User(0, number)
        self._apply(user, body)
        if not user.groups:
            user.groups, user.primary = (self._default,), self._default
        user.id = self._next_id()
        self.users[user.id] = user
        return 201, user.seen({})

    def _user(
        self, method: str, key: int, body: Mapping[str, Any], query: Mapping[str, str]
    ) -> Answer:
        if (user := self.users.get(key)) is None:
            return 404, {"error": "Resource not found"}
        match method:
            case "GET":
                return 200, user.seen(query)
            case "PATCH":
                if "Number" in body and body["Number"] != user.number:
                    raise WireError("Number", "WARNINGS.XAPI.FORBIDDEN_CHANGE")
                self._apply(user, body)
                return 204, ""
            case "DELETE":
                if key in self.operators:
                    raise WireError("Number", "WARNINGS.XAPI.OPERATOR_CANNOT_BE_DELETED")
                del self.users[key]
                return 204, ""
            case _:
                return 405, ""

    def _apply(self, user: User, body: Mapping[str, Any]) -> None:
        """Check everything, then change; collections replace what stood there."""
        for name in _TEXTS.keys() & body.keys():
            _check_text(name, body[name])
        groups = user.groups
        if "Groups" in body:
            groups = tuple(sorted({item["GroupId"] for item in body["Groups"]}))
            if any(group not in self.groups for group in groups):
                raise WireError("Groups", "WARNINGS.XAPI.NOT_FOUND")
            groups = groups or (self._default,)
        # The membership that stood before this request counts, not the one it brings.
        if "PrimaryGroupId" in body and body["PrimaryGroupId"] not in user.groups:
            raise WireError("PrimaryGroupId", "WARNINGS.XAPI.INVALID")
        for name in _TEXTS.keys() & body.keys():
            setattr(user, _TEXTS[name], body[name])
        user.enabled = body.get("Enabled", user.enabled)
        user.groups = groups
        user.primary = body.get("PrimaryGroupId", user.primary)
        if groups and user.primary not in groups:
            user.primary = groups[0]

    # --- groups

    def _create_group(self, body: Mapping[str, Any]) -> Answer:
        """Names are not unique here: whoever wants that has to look first."""
        _check_name(body["Name"])
        group = Group(self._next_id(), body["Name"])
        self.groups[group.id] = group
        return 201, group.seen({})

    def _group(self, method: str, key: int, body: Mapping[str, Any]) -> Answer:
        if (group := self.groups.get(key)) is None:
            return 404, {"error": "Resource not found"}
        match method:
            case "GET":
                return 200, group.seen({})
            case "PATCH":
                if group.is_default:
                    raise WireError("Name", "WARNINGS.XAPI.FORBIDDEN_CHANGE")
                _check_name(body["Name"])
                group.name = body["Name"]
                return 204, ""
            case _:
                return 405, ""


def _list(rows: Iterable[User | Group | Peer], query: Mapping[str, str]) -> Answer:
    match query.get("$filter", "").split(" ", 2):
        case [""]:
            chosen = list(rows)
        case ["Id", "gt", value]:
            chosen = [row for row in rows if row.id > int(value)]
        case ["Number", "eq", value]:
            chosen = [row for row in rows if f"'{getattr(row, 'number', None)}'" == value]
        case _:
            return 500, ""  # what it does not like it answers without a body
    chosen.sort(key=lambda row: row.id, reverse=query.get("$orderby") == "Id desc")
    skip, top = int(query.get("$skip", 0)), min(int(query.get("$top", PAGE_CAP)), PAGE_CAP)
    answer: dict[str, Any] = {"value": [row.seen(query) for row in chosen[skip : skip + top]]}
    if query.get("$count") == "true":
        answer["@odata.count"] = len(chosen)
    return 200, answer


def _check_text(name: str, text: str) -> None:
    if len(text) > TEXT_LIMIT:
        raise WireError(name, f"WARNINGS.LENGTH_NOT_MORE_{TEXT_LIMIT}")
    if any(c < " " or "\ud800" <= c <= "\udfff" for c in text):
        raise WireError(name, "WARNINGS.XAPI.INVALID")


def _check_name(name: str) -> None:
    if not name:
        raise WireError("Name", "WARNINGS.XAPI.CAN_NOT_BE_EMPTY_STRING")
    _check_text("Name", name)


class AnswerLost(Exception):
    """The connection broke: nobody here knows whether the request arrived."""


class Line:
    """The way to a PBX: it loses one request or answer in `lost_of`, by seed; none with 0."""

    def __init__(self, pbx: ThreeCx, *, seed: int = 0, lost_of: int = 20) -> None:
        self._pbx = pbx
        self._rng = random.Random(seed)
        self._lost_of = lost_of
        self.lost = 0

    async def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One request; `AnswerLost` before or after it was carried out."""
        fate = self._rng.randrange(2 * self._lost_of) if self._lost_of else -1
        if fate == 0:
            self.lost += 1
            raise AnswerLost(f"{method} {path}: cut before it arrived")
        answer = self._pbx.answer(method, path, query, body)
        if fate == 1:
            self.lost += 1
            raise AnswerLost(f"{method} {path}: cut before the answer")
        return answer
