"""Delta queries for users and groups: rounds of pages over the change log.

A round covers the log from one sequence to another, both sealed into its tokens together with the
selection; what it tells of an object is its state at the moment of the page. A change that happens
while a round is read therefore shows in this round, in the next, or in both, but is never lost.
Source: Graph docs, concepts/delta-query-overview, -users, -groups; api/user-delta, group-delta.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.access import Caller, requires
from m365_emulator.directory import USER_ROLES
from m365_emulator.errors import GraphError, bad_request
from m365_emulator.filter_support import single_ids
from m365_emulator.filters import parse_filter
from m365_emulator.groups import GROUP_ROLES, HIDDEN_MEMBERS
from m365_emulator.listing import answer, bad_token
from m365_emulator.paging import BadToken, Seal, page_body, root_of
from m365_emulator.projection import Projection, projection
from m365_emulator.query import options_of, read_select
from m365_emulator.registers import EVERYTHING, Register
from m365_emulator.resources import GROUP, USER, Group, ObjectId, ResourceType, User
from m365_emulator.tenant import Tenant

TOKEN_DAYS = 7
MOST_IDS = 50
REPLAY_REACH = 1000

_OPTIONS = frozenset({"$select", "$filter", "$deltatoken", "$skiptoken", "$expand", "$format"})
_FROM_THE_START = -1
_BEHIND_ALL = "~"  # sorts behind every GUID


class Scope(msgspec.Struct, frozen=True, array_like=True):
    """What a chain of rounds watches; fixed by its first request."""

    kind: str
    select: tuple[str, ...] | None
    members: bool
    ids: tuple[str, ...]
    opened_at: float
    """When this tenant began: a token from an earlier life of the process means nothing now."""
    generation: int


class DeltaToken(msgspec.Struct, frozen=True, array_like=True):
    """Everything up to sequence `at` has been told."""

    scope: Scope
    at: int
    issued_at: float


class RoundToken(msgspec.Struct, frozen=True, array_like=True):
    """Where a round stands: objects up to `after` are told, and of `inside` some members."""

    scope: Scope
    since: int
    until: int
    after: str
    inside: str
    inside_after: str
    page: int
    issued_at: float


@dataclass(slots=True)
class _Touched:
    """What a stretch of the log did to one object."""

    properties: set[str] = field(default_factory=set)
    members: set[ObjectId] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A stretch of the log by object: ids in reading order, and what became of each."""

    ids: list[ObjectId]
    touched: dict[ObjectId, _Touched]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One object on a page; `told_until` is the last member told when more are to follow."""

    row: bytes
    members: int = 0
    told_until: str = ""


class Delta:
    """The delta routes of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._seal = Seal(tenant.id)
        self._stretches: dict[tuple[str, int, int, float], _Stretch] = {}

    def routes(self) -> list[Route]:
        return [
            Route(f"/{segment}/{spelling}", endpoint, methods=["GET"])
            for segment, endpoint in (("users", self.users), ("groups", self.groups))
            for spelling in ("delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()")
        ]

    @requires(*USER_ROLES)
    async def users(self, request: Request) -> Response:
        return self._answer(request, USER)

    @requires(*GROUP_ROLES)
    async def groups(self, request: Request) -> Response:
        return self._answer(request, GROUP)

    def _answer(self, request: Request, resource: ResourceType) -> Response:
        self._tenant.read()
        options = options_of(request, _OPTIONS)
        if "$skiptoken" in options:
            return self._page(request, resource, self._running(options["$skiptoken"], resource))
        token = options.get("$deltatoken", "")
        if token and token.lower() != "latest":
            known = self._known(request, token, resource)
            return self._page(request, resource, self._round(known.scope, known.at))
        scope = self._scope(options, resource)
        if token:
            link = self._delta_link(request, scope, self._tenant.replication.horizon)
            return answer(page_body(_context(request, resource, scope), (), link))
        return self._page(request, resource, self._round(scope, _FROM_THE_START))

    # Tokens.

    def _scope(self, options: dict[str, str], resource: ResourceType) -> Scope:
        select, members = options.get("$select"), resource is GROUP
        expand = {each.strip() for each in options.get("$expand", "").split(",")} - {""}
        if expand - {"members"} or (expand and resource is USER):
            raise bad_request("The query parameter '$expand' is not supported.", "BadRequest")
        if select is not None and resource is GROUP:
            names = [each.strip() for each in select.split(",")]
            kept = [each for each in names if each.lower() != "members"]
            members = len(kept) < len(names) or bool(expand)
            select = ",".join(kept) or "id"
        return Scope(
            kind=resource.name,
            select=read_select(select, resource),
            members=members,
            ids=self._watched(options.get("$filter"), resource),
            opened_at=self._tenant.opened_at.timestamp(),
            generation=self._tenant.delta_generation,
        )

    @staticmethod
    def _watched(text: str | None, resource: ResourceType) -> tuple[str, ...]:
        if not text:
            return ()
        ids = single_ids(parse_filter(text, resource))
        if ids is None:
            raise bad_request(
                "Delta queries support $filter only on 'id', with the operators 'eq' and 'or'.",
                "Request_UnsupportedQuery",
            )
        if len(ids) > MOST_IDS:
            raise bad_request(
                f"Too many ids in the filter of a delta query: {len(ids)}. "
                f"Max allowed: {MOST_IDS}.",
                "Request_UnsupportedQuery",
            )
        return ids

    def _running(self, token: str, resource: ResourceType) -> RoundToken:
        try:
            found = self._seal.open(token, RoundToken)
        except BadToken:
            raise bad_token() from None
        if found.scope.kind != resource.name:
            raise bad_token()
        age_s = self._tenant.now().timestamp() - found.issued_at
        if age_s > self._tenant.quirks.page_link_minutes * 60 or self._is_stale(found.scope):
            raise bad_request(
                "The specified page token value has expired and can no longer be included in your "
                "request.",
                "Directory_ExpiredPageToken",
            )
        return found

    def _known(self, request: Request, token: str, resource: ResourceType) -> DeltaToken:
        try:
            found = self._seal.open(token, DeltaToken)
        except BadToken:
            raise bad_token() from None
        if found.scope.kind != resource.name:
            raise bad_token()
        age_s = self._tenant.now().timestamp() - found.issued_at
        if age_s > timedelta(days=TOKEN_DAYS).total_seconds() or self._is_stale(found.scope):
            raise GraphError(
                410,
                "syncStateNotFound",
                "The sync state generation is not found; start again without a token.",
                headers={"Location": f"{_root(request, resource)}?$deltatoken="},
            )
        return found

    def _is_stale(self, scope: Scope) -> bool:
        tenant = self._tenant
        return (
            scope.opened_at != tenant.opened_at.timestamp()
            or scope.generation < tenant.delta_generation
        )

    def _round(self, scope: Scope, since: int) -> RoundToken:
        until = self._tenant.replication.horizon
        now = self._tenant.now().timestamp()
        return RoundToken(scope, since, until, "", "", "", 0, now)

    def _delta_link(self, request: Request, scope: Scope, at: int) -> dict[str, object]:
        scope = replace(scope, generation=self._tenant.delta_generation)
        token = self._seal.close(DeltaToken(scope, at, self._tenant.now().timestamp()))
        return {"@odata.deltaLink": f"{_root_of_scope(request, scope)}?$deltatoken={token}"}

    def _next_link(self, request: Request, following: RoundToken) -> dict[str, object]:
        token = self._seal.close(following)
        root = _root_of_scope(request, following.scope)
        return {"@odata.nextLink": f"{root}?$skiptoken={token}"}

    # Pages.

    def _page(self, request: Request, resource: ResourceType, stand: RoundToken) -> Response:
        caller: Caller = request.state.caller
        minimal = "return=minimal" in request.headers.get("prefer", "").replace(" ", "").lower()
        telling = _Telling(
            self._tenant,
            resource,
            stand.scope,
            self._stretch(stand),
            minimal=minimal and stand.since != _FROM_THE_START,
            sees_hidden=caller.holds_any(HIDDEN_MEMBERS),
        )
        chance = Random(f"{self._tenant.quirks.seed}:{stand.since}:{stand.until}:{stand.page}")
        rows, following = self._fill(telling, stand, chance)
        share = self._tenant.quirks.delta_duplicates
        again = sum(chance.random() < share for _ in rows)
        told = telling.ids_until(following.after if following else _BEHIND_ALL)
        if again and told:
            entries = (telling.entry(each, "", 10) for each in chance.choices(told, k=again))
            rows += [entry.row for entry in entries if entry]
        link = (
            self._next_link(request, following)
            if following
            else self._delta_link(request, stand.scope, stand.until)
        )
        response = answer(page_body(_context(request, resource, stand.scope), rows, link))
        if minimal:
            response.headers["preference-applied"] = "return=minimal"
        return response

    def _fill(
        self, telling: "_Telling", stand: RoundToken, chance: Random
    ) -> tuple[list[bytes], RoundToken | None]:
        """The rows of a page, and where the next one begins (None: the round is told)."""
        quirks = self._tenant.quirks
        objects_left, members_left = quirks.delta_page_objects, quirks.delta_page_members
        if chance.random() < quirks.empty_pages:
            objects_left = 0
        elif chance.random() < quirks.short_pages:
            objects_left = chance.randint(1, objects_left)
            members_left = chance.randint(1, members_left)
        rows: list[bytes] = []
        after, inside, inside_after = stand.after, stand.inside, stand.inside_after
        for object_id in telling.ids_after(stand.after):
            if objects_left <= 0 or members_left <= 0:
                return rows, self._moved(stand, after, inside, inside_after)
            begun = inside_after if object_id == inside else ""
            entry = telling.entry(object_id, begun, members_left)
            if entry is not None:
                rows.append(entry.row)
                objects_left -= 1
                members_left -= entry.members
                if entry.told_until:
                    return rows, self._moved(stand, after, object_id, entry.told_until)
            after, inside, inside_after = object_id, "", ""
        return rows, None

    def _moved(self, stand: RoundToken, after: str, inside: str, inside_after: str) -> RoundToken:
        return replace(
            stand,
            after=after,
            inside=inside,
            inside_after=inside_after,
            page=stand.page + 1,
            issued_at=self._tenant.now().timestamp(),
        )

    def _stretch(self, stand: RoundToken) -> _Stretch | None:
        """What the log says for this round; None for a round from the start."""
        if stand.since == _FROM_THE_START:
            return None
        quirks = self._tenant.quirks
        key = (stand.scope.kind, stand.since, stand.until, quirks.delta_replays)
        found = self._stretches.get(key)
        if found is None:
            log = _register(self._tenant, stand.scope.kind).log
            changes = list(log.between(stand.since, stand.until))
            if quirks.delta_replays:
                chance = Random(f"{quirks.seed}:replay:{stand.since}:{stand.until}")
                old = log.between(stand.since - REPLAY_REACH, stand.since)
                changes += [each for each in old if chance.random() < quirks.delta_replays]
            touched: dict[ObjectId, _Touched] = {}
            for change in changes:
                entry = touched.setdefault(change.object_id, _Touched())
                entry.properties |= change.properties
                if change.member_id:
                    entry.members.add(change.member_id)
            found = _Stretch(sorted(touched), touched)
            if len(self._stretches) >= 8:
                self._stretches.clear()
            self._stretches[key] = found
        return found


class _Telling:
    """How the objects of one page are told: which, in which order, with which properties."""

    def __init__(
        self,
        tenant: Tenant,
        resource: ResourceType,
        scope: Scope,
        stretch: _Stretch | None,
        *,
        minimal: bool,
        sees_hidden: bool,
    ) -> None:
        self._tenant = tenant
        self._register = _register(tenant, scope.kind)
        self._stretch = stretch
        self._scope = scope
        self._minimal = minimal
        self._sees_hidden = sees_hidden
        names = scope.select or resource.default_select
        self._selected = frozenset(names)
        self._projection: Projection = projection(
            resource, names if "id" in names else (*names, "id"), sparse=True
        )

    def ids_after(self, after: str) -> Iterator[ObjectId]:
        if self._scope.ids:
            return (ObjectId(each) for each in sorted(self._scope.ids) if each > after)
        if self._stretch is None:
            return self._register.ids_after(after)
        ids = self._stretch.ids
        return (ids[at] for at in range(bisect_right(ids, after), len(ids)))

    def ids_until(self, last: str) -> Sequence[ObjectId]:
        """Objects that the round has told by the time it has come to `last`."""
        if self._scope.ids:
            return [ObjectId(each) for each in sorted(self._scope.ids) if each <= last]
        if self._stretch is None:
            return self._register.ids_until(last)
        return self._stretch.ids[: bisect_right(self._stretch.ids, last)]

    def entry(self, object_id: ObjectId, begun: str, most_members: int) -> _Entry | None:
        """The object as this page tells it, or None when there is nothing to tell."""
        touched = None
        if self._stretch is not None:
            touched = self._stretch.touched.get(object_id)
            if touched is None or not self._concerns(touched):
                return None
        found = self._register.seen(object_id)
        if found is None:
            return None if touched is None else _Entry(_removed(object_id, "deleted"))
        if found.deleted_date_time is not None:
            return _Entry(_removed(object_id, "changed"))
        if self._minimal and touched and not touched.properties & EVERYTHING:
            row = self._projection.changed_row(found, frozenset(touched.properties))
        else:
            row = self._projection.row(found)
        if not isinstance(found, Group) or not self._scope.members:
            return _Entry(row)
        return self._with_members(found, row, touched, begun, most_members)

    def _concerns(self, touched: _Touched) -> bool:
        """Changes outside the selection are not told."""
        return bool(
            touched.properties & EVERYTHING
            or touched.properties & self._selected
            or (touched.members and self._scope.members)
        )

    def _with_members(
        self,
        group: Group,
        row: bytes,
        touched: _Touched | None,
        begun: str,
        most_members: int,
    ) -> _Entry:
        if group.visibility == "HiddenMembership" and not self._sees_hidden:
            return _Entry(row)
        memberships = self._tenant.memberships
        all_ids: Iterable[ObjectId] = (
            memberships.seen_members(group.id) if touched is None else sorted(touched.members)
        )
        ids = [each for each in all_ids if each > begun]
        told = ids[:most_members]
        if not told:
            return _Entry(row)
        entries = b",".join(
            self._member(each, present=memberships.sees(group.id, each)) for each in told
        )
        full = row[:-1] + b',"members@delta":[' + entries + b"]}"
        return _Entry(full, len(told), told[-1] if len(ids) > len(told) else "")

    def _member(self, member_id: ObjectId, *, present: bool) -> bytes:
        kind = "group" if self._tenant.group_register.truth(member_id) else "user"
        body: dict[str, Any] = {"@odata.type": f"#microsoft.graph.{kind}", "id": member_id}
        if not present:
            body["@removed"] = {"reason": "deleted"}
        return msgspec.json.encode(body)


def _register(tenant: Tenant, kind: str) -> Register[User] | Register[Group]:
    return tenant.user_register if kind == USER.name else tenant.group_register


def _removed(object_id: ObjectId, reason: str) -> bytes:
    return msgspec.json.encode({"id": object_id, "@removed": {"reason": reason}})


def _root(request: Request, resource: ResourceType) -> str:
    return f"{root_of(request)}/{resource.segment}/delta"


def _root_of_scope(request: Request, scope: Scope) -> str:
    return _root(request, USER if scope.kind == USER.name else GROUP)


def _context(request: Request, resource: ResourceType, scope: Scope) -> str:
    names = list(scope.select or ())
    if scope.members and scope.select:
        names.append("members()")
    chosen = f"({','.join(names)})" if names else ""
    return f"{root_of(request)}/$metadata#{resource.segment}{chosen}"


def routes(tenant: Tenant) -> list[Route]:
    """The delta functions of users and groups."""
    return Delta(tenant).routes()
