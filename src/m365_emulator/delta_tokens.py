"""The tokens of delta queries: what a chain of rounds watches, where one stands, when it expires.

Everything that a first request chose is sealed into the token, so later requests carry no options.
A token of an earlier life of the process, of another kind, or older than a week is good no more.
Source: Graph docs, concepts/delta-query-overview (tokens, their life, 410), read 2026-11.
"""

from datetime import timedelta

import msgspec
from msgspec.structs import replace

from m365_emulator.errors import GraphError, bad_request
from m365_emulator.filter_support import single_ids
from m365_emulator.filters import parse_filter
from m365_emulator.listing import bad_token
from m365_emulator.paging import BadToken, Seal
from m365_emulator.query import read_select
from m365_emulator.resources import GROUP, USER, ResourceType
from m365_emulator.tenant import Tenant

TOKEN_DAYS = 7
MOST_IDS = 50
FROM_THE_START = -1


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


class DeltaTokens:
    """Makes and reads the tokens of one tenant's delta queries."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._seal = Seal(tenant.id)

    def scope_of(self, options: dict[str, str], resource: ResourceType) -> Scope:
        """What a first request chose (options by lower-case name); GraphError 400 if it may not."""
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
            ids=_watched(options.get("$filter"), resource),
            opened_at=self._tenant.opened_at.timestamp(),
            generation=self._tenant.delta_generation,
        )

    def running(self, token: str, resource: ResourceType) -> RoundToken:
        """Where the round of a next link stands."""
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

    def known(self, token: str, resource: ResourceType, root: str) -> DeltaToken:
        """The end of an earlier round; GraphError 410, with the address `root`, when too old."""
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
                headers={"Location": f"{root}?$deltatoken="},
            )
        return found

    def _is_stale(self, scope: Scope) -> bool:
        tenant = self._tenant
        return (
            scope.opened_at != tenant.opened_at.timestamp()
            or scope.generation < tenant.delta_generation
        )

    def round_since(self, scope: Scope, since: int) -> RoundToken:
        """A new round over the log, up to what readers see now."""
        until = self._tenant.replication.horizon
        now = self._tenant.now().timestamp()
        return RoundToken(scope, since, until, "", "", "", 0, now)

    def for_delta(self, scope: Scope, at: int) -> str:
        """The token of a delta link: everything up to sequence `at` has been told."""
        scope = replace(scope, generation=self._tenant.delta_generation)
        return self._seal.close(DeltaToken(scope, at, self._tenant.now().timestamp()))

    def for_next(self, following: RoundToken) -> str:
        """The token of a next link."""
        return self._seal.close(replace(following, issued_at=self._tenant.now().timestamp()))


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
            f"Too many ids in the filter of a delta query: {len(ids)}. Max allowed: {MOST_IDS}.",
            "Request_UnsupportedQuery",
        )
    return ids
