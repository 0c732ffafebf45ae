"""Groups over HTTP: list, get, count, and their members, direct and transitive.

Who may read groups but not users is told only the ids and kinds of members; a group with hidden
membership shows none without the permission for that.
Source: Graph docs, api/group-list, group-list-members, group-list-transitivemembers, read 2026-11.
"""

from collections.abc import Callable, Iterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.access import Caller, requires
from m365_emulator.errors import not_found
from m365_emulator.filter_support import advanced_only
from m365_emulator.listing import Collection, Lister, answer, context_of
from m365_emulator.paging import Seal, path_of
from m365_emulator.projection import projection
from m365_emulator.query import Query, read_count_query, read_query, read_single_select
from m365_emulator.resources import GROUP, USER, Group, ObjectId, ResourceType, User
from m365_emulator.tenant import Tenant

GROUP_ROLES = ("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All")
MEMBER_DETAILS = frozenset({"User.Read.All", "Directory.Read.All"})
HIDDEN_MEMBERS = frozenset({"Member.Read.Hidden"})

_CASTS = {
    "microsoft.graph.user": USER,
    "graph.user": USER,
    "microsoft.graph.group": GROUP,
    "graph.group": GROUP,
}


def member_row(
    resource: ResourceType, select: tuple[str, ...] | None, *, typed: bool, told: bool
) -> Callable[[User | Group], bytes]:
    """How a member or parent of this kind is written; only its id when the caller may not know."""
    names = select or resource.default_select
    known = tuple(name for name in names if name in resource.properties)
    if told:
        return projection(resource, known, typed=typed).row

    def row(each: User | Group) -> bytes:
        # With too little permission Graph gives kind and id, everything else is null: no error.
        kind = {"@odata.type": f"#microsoft.graph.{resource.name}"} if typed else {}
        hidden: dict[str, list[str] | None] = {
            name: [] if resource.properties[name].is_collection else None for name in known
        }
        return msgspec.json.encode({**kind, **hidden, "id": each.id})

    return row


class Groups:
    """The `/groups` routes of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._lister = Lister(Seal(tenant.id), tenant.now, lambda: tenant.quirks)

    def routes(self) -> list[Route]:
        found = [
            Route("/groups", self.list_groups, methods=["GET"]),
            Route("/groups/$count", self.count_groups, methods=["GET"]),
        ]
        for item in ("/groups/{id}", "/groups('{id}')"):
            found.append(Route(item, self.get_group, methods=["GET"]))
            for relation in ("members", "transitiveMembers"):
                for cast in ("", *(f"/{each}" for each in _CASTS)):
                    path = f"{item}/{relation}{cast}"
                    found += [
                        Route(path, self.list_members, methods=["GET"]),
                        Route(f"{path}/$count", self.count_members, methods=["GET"]),
                    ]
        return found

    @requires(*GROUP_ROLES)
    async def list_groups(self, request: Request) -> Response:
        self._tenant.read()
        query = read_query(request, GROUP)
        row = projection(GROUP, query.select or GROUP.default_select).row
        context = context_of(request, "groups", query.select)
        return self._lister.page(request, query, Collection(self._living, row, context))

    @requires(*GROUP_ROLES)
    async def count_groups(self, request: Request) -> Response:
        self._tenant.read()
        return self._lister.count(read_count_query(request, GROUP), self._living)

    @requires(*GROUP_ROLES)
    async def get_group(self, request: Request) -> Response:
        select = read_single_select(request, GROUP)
        group = self._asked(request)
        row = projection(GROUP, select or GROUP.default_select).row(group)
        head = msgspec.json.encode(
            {"@odata.context": f"{context_of(request, 'groups', select)}/$entity"}
        )
        return answer(head[:-1] + b"," + row[1:])

    @requires(*GROUP_ROLES)
    async def list_members(self, request: Request) -> Response:
        group = self._asked(request)
        cast = _cast_of(request)
        query = read_query(request, cast or USER, mixed=cast is None)
        if cast and "/transitiveMembers" in path_of(request) and not query.counted:
            raise advanced_only(f"cast to microsoft.graph.{cast.name}")
        caller: Caller = request.state.caller
        collection = Collection(
            lambda after: self._members(request, group, cast, after),
            _mixed_row(query, cast, told=caller.holds_any(MEMBER_DETAILS)),
            context_of(request, cast.segment if cast else "directoryObjects", query.select),
        )
        return self._lister.page(request, query, collection)

    @requires(*GROUP_ROLES)
    async def count_members(self, request: Request) -> Response:
        group = self._asked(request)
        cast = _cast_of(request)
        fits = read_count_query(request, cast or USER)
        return self._lister.count(fits, lambda _: self._members(request, group, cast, ""))

    def _members(
        self, request: Request, group: Group, cast: ResourceType | None, after: str
    ) -> Iterator[User | Group]:
        tenant = self._tenant
        caller: Caller = request.state.caller
        if group.visibility == "HiddenMembership" and not caller.holds_any(HIDDEN_MEMBERS):
            return iter(())
        transitive = "/transitiveMembers" in path_of(request)
        ids = (
            tenant.transitive_members(group.id)
            if transitive
            else tenant.memberships.seen_members(group.id)
        )
        return self._told(ids, cast, after)

    def _told(
        self, ids: list[ObjectId], cast: ResourceType | None, after: str
    ) -> Iterator[User | Group]:
        users, groups = self._tenant.user_register, self._tenant.group_register
        for object_id in ids:
            if object_id <= after:
                continue
            found: User | Group | None = None if cast is GROUP else users.seen(object_id)
            if found is None and cast is not USER:
                found = groups.seen(object_id)
            if found is not None and found.deleted_date_time is None:
                yield found

    def _living(self, after: str) -> Iterator[Group]:
        walk = self._tenant.group_register.walk(after)
        return (each for each in walk if each.deleted_date_time is None)

    def _asked(self, request: Request) -> Group:
        self._tenant.read()
        key: str = request.path_params["id"]
        group = self._tenant.seen_group(key)
        if group is None:
            raise not_found(key)
        return group


def _cast_of(request: Request) -> ResourceType | None:
    last = path_of(request).removesuffix("/$count").rpartition("/")[2]
    return _CASTS.get(last)


def _mixed_row(
    query: Query, cast: ResourceType | None, *, told: bool
) -> Callable[[User | Group], bytes]:
    user_row = member_row(USER, query.select, typed=cast is None, told=told)
    group_row = member_row(GROUP, query.select, typed=cast is None, told=True)
    return lambda each: user_row(each) if isinstance(each, User) else group_row(each)
