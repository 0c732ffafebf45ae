"""Delta queries for users and groups over HTTP: rounds of pages over the change log.

A round covers the log from one sequence to another, both sealed into its tokens together with the
selection; what it tells of an object is its state at the moment of the page. A change that happens
while a round is read therefore shows in this round, in the next, or in both, but is never lost.
Source: Graph docs, concepts/delta-query-overview; api/user-delta, group-delta, read 2026-11.
"""

from random import Random

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.access import Caller, requires
from m365_emulator.delta_telling import Log, Telling
from m365_emulator.delta_tokens import FROM_THE_START, DeltaTokens, RoundToken, Scope
from m365_emulator.directory import USER_ROLES
from m365_emulator.groups import GROUP_ROLES, HIDDEN_MEMBERS
from m365_emulator.listing import answer
from m365_emulator.paging import page_body, root_of
from m365_emulator.query import options_of
from m365_emulator.resources import GROUP, USER, ResourceType
from m365_emulator.tenant import Tenant

_OPTIONS = frozenset({"$select", "$filter", "$deltatoken", "$skiptoken", "$expand", "$format"})
_BEHIND_ALL = "~"  # sorts behind every GUID


class Delta:
    """The delta routes of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._tokens = DeltaTokens(tenant)
        self._log = Log(tenant)

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
        tokens, root = self._tokens, _root(request, resource)
        options = options_of(request, _OPTIONS)
        if "$skiptoken" in options:
            return self._page(request, resource, tokens.running(options["$skiptoken"], resource))
        token = options.get("$deltatoken", "")
        if token and token.lower() != "latest":
            told = tokens.known(token, resource, root)
            return self._page(request, resource, tokens.round_since(told.scope, told.at))
        scope = tokens.scope_of(options, resource)
        if token:
            link = self._delta_link(root, scope, self._tenant.replication.horizon)
            return answer(page_body(_context(request, resource, scope), (), link))
        return self._page(request, resource, tokens.round_since(scope, FROM_THE_START))

    def _delta_link(self, root: str, scope: Scope, at: int) -> dict[str, object]:
        return {"@odata.deltaLink": f"{root}?$deltatoken={self._tokens.for_delta(scope, at)}"}

    def _page(self, request: Request, resource: ResourceType, stand: RoundToken) -> Response:
        caller: Caller = request.state.caller
        minimal = "return=minimal" in request.headers.get("prefer", "").replace(" ", "").lower()
        telling = Telling(
            self._tenant,
            resource,
            stand.scope,
            self._log.stretch(stand),
            minimal=minimal and stand.since != FROM_THE_START,
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
        root = _root(request, resource)
        link: dict[str, object] = (
            {"@odata.nextLink": f"{root}?$skiptoken={self._tokens.for_next(following)}"}
            if following
            else self._delta_link(root, stand.scope, stand.until)
        )
        response = answer(page_body(_context(request, resource, stand.scope), rows, link))
        if minimal:
            response.headers["preference-applied"] = "return=minimal"
        return response

    def _fill(
        self, telling: Telling, stand: RoundToken, chance: Random
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
                return rows, _moved(stand, after, inside, inside_after)
            begun = inside_after if object_id == inside else ""
            entry = telling.entry(object_id, begun, members_left)
            if entry is not None:
                rows.append(entry.row)
                objects_left -= 1
                members_left -= entry.members
                if entry.told_until:
                    return rows, _moved(stand, after, object_id, entry.told_until)
            after, inside, inside_after = object_id, "", ""
        return rows, None


def _moved(stand: RoundToken, after: str, inside: str, inside_after: str) -> RoundToken:
    return replace(
        stand, after=after, inside=inside, inside_after=inside_after, page=stand.page + 1
    )


def _root(request: Request, resource: ResourceType) -> str:
    return f"{root_of(request)}/{resource.segment}/delta"


def _context(request: Request, resource: ResourceType, scope: Scope) -> str:
    names = list(scope.select or ())
    if scope.members and scope.select:
        names.append("members()")
    chosen = f"({','.join(names)})" if names else ""
    return f"{root_of(request)}/$metadata#{resource.segment}{chosen}"


def routes(tenant: Tenant) -> list[Route]:
    """The delta functions of users and groups."""
    return Delta(tenant).routes()
