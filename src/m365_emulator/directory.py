"""Users over HTTP: list, get, count, licences, the groups above them, and the recycle bin.

Reading only, as the permissions that can be granted on this stage are. Groups and the organisation
are in `groups.py` and `organization.py`; their routes are collected here.
Source: Graph docs, api/user-list, user-get, user-list-transitivememberof, directory-deleteditems.
"""

from collections.abc import Iterable, Iterator
from heapq import merge
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator import groups, organization
from m365_emulator.access import Caller, requires
from m365_emulator.administrators import (
    DirectoryRole,
    DirectoryRoleRoutes,
    may_read_roles,
    roles_of,
)
from m365_emulator.errors import bad_request, not_found
from m365_emulator.filter_support import advanced_only
from m365_emulator.licences import BY_ID
from m365_emulator.listing import Collection, Lister, answer, context_of
from m365_emulator.paging import Seal, page_body, path_of, root_of
from m365_emulator.projection import projection
from m365_emulator.query import read_count_query, read_query, read_single_select
from m365_emulator.resources import GROUP, USER, Group, ObjectId, User
from m365_emulator.tenant import Tenant

USER_ROLES = ("User.Read.All", "Directory.Read.All")
MOST_GROUPS_CHECKED = 20


class Users:
    """The `/users` routes of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._lister = Lister(Seal(tenant.id), tenant.now, lambda: tenant.quirks)

    def routes(self) -> list[Route]:
        found = [
            Route("/users", self.list_users, methods=["GET"]),
            Route("/users/$count", self.count_users, methods=["GET"]),
        ]
        for item in ("/users/{id}", "/users('{id}')"):
            found += [
                Route(item, self.get_user, methods=["GET"]),
                Route(f"{item}/licenseDetails", self.list_licences, methods=["GET"]),
                Route(f"{item}/checkMemberGroups", self.check_member_groups, methods=["POST"]),
                Route(f"{item}/getMemberGroups", self.get_member_groups, methods=["POST"]),
            ]
            for relation in ("memberOf", "transitiveMemberOf"):
                found += [
                    Route(f"{item}/{relation}", self.list_parents, methods=["GET"]),
                    Route(f"{item}/{relation}/$count", self.count_parents, methods=["GET"]),
                ]
                for cast in ("microsoft.graph.directoryRole", "graph.directoryRole"):
                    found.append(
                        Route(f"{item}/{relation}/{cast}", self.list_roles, methods=["GET"])
                    )
                for cast in ("microsoft.graph.group", "graph.group"):
                    path = f"{item}/{relation}/{cast}"
                    found += [
                        Route(path, self.list_parents, methods=["GET"]),
                        Route(f"{path}/$count", self.count_parents, methods=["GET"]),
                    ]
        for cast in ("microsoft.graph.user", "graph.user"):
            found.append(
                Route(f"/directory/deletedItems/{cast}", self.list_deleted, methods=["GET"])
            )
        found.append(Route("/directory/deletedItems/{id}", self.get_deleted, methods=["GET"]))
        return found

    @requires(*USER_ROLES)
    async def list_users(self, request: Request) -> Response:
        self._tenant.read()
        query = read_query(request, USER)
        row = projection(USER, query.select or USER.default_select).row
        context = context_of(request, "users", query.select)
        return self._lister.page(request, query, Collection(self._living, row, context))

    @requires(*USER_ROLES)
    async def count_users(self, request: Request) -> Response:
        self._tenant.read()
        return self._lister.count(read_count_query(request, USER), self._living)

    @requires(*USER_ROLES, own="User.Read")
    async def get_user(self, request: Request) -> Response:
        select = read_single_select(request, USER)
        user = self._asked(request)
        row = projection(USER, select or USER.default_select).row(user)
        return _entity(context_of(request, "users", select), row)

    @requires(*USER_ROLES, own="User.Read")
    async def list_licences(self, request: Request) -> Response:
        user = self._asked(request)
        details = [
            {
                # Graph makes this id of the ids of tenant, user and SKU.
                "id": f"{user.id}_{sku.id}",
                "skuId": sku.id,
                "skuPartNumber": sku.part_number,
                "servicePlans": [organization.service_plan(plan) for plan in sku.plans],
            }
            for sku in (BY_ID[held.sku_id] for held in user.assigned_licenses)
        ]
        context = f"{root_of(request)}/$metadata#users('{user.id}')/licenseDetails"
        return answer(msgspec.json.encode({"@odata.context": context, "value": details}))

    @requires(*USER_ROLES, *groups.GROUP_ROLES, own="User.Read")
    async def list_parents(self, request: Request) -> Response:
        user = self._asked(request)
        cast = path_of(request).endswith("graph.group")
        query = read_query(request, GROUP)
        if cast and "transitive" in path_of(request) and not query.counted:
            raise advanced_only("cast to microsoft.graph.group")
        caller: Caller = request.state.caller
        told = caller.holds_any(frozenset(groups.GROUP_ROLES))
        group_row = groups.member_row(GROUP, query.select, typed=not cast, told=told)
        roles_told = may_read_roles(caller)
        # A role has nothing that a question about groups could be answered from.
        with_roles = not cast and query.fits is None and query.order is None
        context = context_of(request, "groups" if cast else "directoryObjects", query.select)

        def behind(after: str) -> Iterator[Group | DirectoryRole]:
            roles = roles_of(self._tenant, user.id) if with_roles else ()
            found: list[Iterable[Group | DirectoryRole]] = [self._parents(request, user.id), roles]
            return (each for each in merge(*found, key=_id_of) if each.id > after)

        def row(each: Group | DirectoryRole) -> bytes:
            return group_row(each) if isinstance(each, Group) else each.row(told=roles_told)

        return self._lister.page(request, query, Collection(behind, row, context))

    @requires(*USER_ROLES, *groups.GROUP_ROLES, own="User.Read")
    async def list_roles(self, request: Request) -> Response:
        """The cast to directory roles."""
        user = self._asked(request)
        told = may_read_roles(request.state.caller)
        rows = [each.row(told=told, typed=False) for each in roles_of(self._tenant, user.id)]
        return answer(page_body(context_of(request, "directoryRoles", None), rows, {}))

    @requires(*USER_ROLES, *groups.GROUP_ROLES)
    async def count_parents(self, request: Request) -> Response:
        user = self._asked(request)
        fits = read_count_query(request, GROUP)
        return self._lister.count(fits, lambda _: self._parents(request, user.id))

    def _parents(self, request: Request, user_id: ObjectId) -> Iterator[Group]:
        tenant = self._tenant
        transitive = "/transitiveMemberOf" in path_of(request)
        ids = tenant.transitive_parents(user_id) if transitive else None
        direct = sorted(tenant.memberships.seen_parents(user_id)) if ids is None else ids
        return (group for group in map(tenant.seen_group, direct) if group)

    @requires(*USER_ROLES, *groups.GROUP_ROLES)
    async def check_member_groups(self, request: Request) -> Response:
        user = self._asked(request)
        asked = (await _json_body(request)).get("groupIds")
        if not isinstance(asked, list) or not all(isinstance(each, str) for each in asked):
            raise bad_request("The parameter 'groupIds' must be a collection of strings.")
        if len(asked) > MOST_GROUPS_CHECKED:
            raise bad_request(
                f"The number of group ids ({len(asked)}) exceeds the maximum of "
                f"{MOST_GROUPS_CHECKED}."
            )
        above = set(self._tenant.transitive_parents(user.id))
        return _strings(request, [each for each in asked if each.lower() in above])

    @requires(*USER_ROLES, *groups.GROUP_ROLES)
    async def get_member_groups(self, request: Request) -> Response:
        user = self._asked(request)
        only_security = (await _json_body(request)).get("securityEnabledOnly")
        if not isinstance(only_security, bool):
            raise bad_request("The parameter 'securityEnabledOnly' must be true or false.")
        found = map(self._tenant.seen_group, self._tenant.transitive_parents(user.id))
        return _strings(
            request,
            [each.id for each in found if each and (each.security_enabled or not only_security)],
        )

    @requires(*USER_ROLES)
    async def list_deleted(self, request: Request) -> Response:
        self._tenant.read()
        query = read_query(request, USER)
        names = query.select or (*USER.default_select, "deletedDateTime")
        row = projection(USER, names).row
        context = context_of(request, "users", query.select)
        return self._lister.page(request, query, Collection(self._deleted, row, context))

    @requires(*USER_ROLES)
    async def get_deleted(self, request: Request) -> Response:
        self._tenant.read()
        asked: str = request.path_params["id"]
        user = self._tenant.user_register.seen(ObjectId(asked.lower()))
        if user is None or user.deleted_date_time is None:
            raise not_found(asked)
        select = read_single_select(request, USER)
        names = select or (*USER.default_select, "deletedDateTime")
        row = projection(USER, names, typed=True).row(user)
        return _entity(context_of(request, "directoryObjects", select), row)

    def _living(self, after: str) -> Iterator[User]:
        walk = self._tenant.user_register.walk(after)
        return (each for each in walk if each.deleted_date_time is None)

    def _deleted(self, after: str) -> Iterator[User]:
        walk = self._tenant.user_register.walk(after)
        return (each for each in walk if each.deleted_date_time is not None)

    def _asked(self, request: Request) -> User:
        self._tenant.read()
        key: str = request.path_params["id"]
        user = self._tenant.seen_user(key)
        if user is None:
            raise not_found(key)
        return user


def _id_of(each: Group | DirectoryRole) -> str:
    return each.id


def _entity(context: str, row: bytes) -> Response:
    head = msgspec.json.encode({"@odata.context": f"{context}/$entity"})
    return answer(head[:-1] + b"," + row[1:])


def _strings(request: Request, values: list[str]) -> Response:
    context = f"{root_of(request)}/$metadata#Collection(Edm.String)"
    return answer(msgspec.json.encode({"@odata.context": context, "value": values}))


async def _json_body(request: Request) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(await request.body())
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise bad_request("Unable to read JSON request payload.", "BadRequest")
    return body


def routes(tenant: Tenant) -> list[Route]:
    """Everything one can read of users, groups and the organisation, delta aside."""
    return [
        *Users(tenant).routes(),
        *DirectoryRoleRoutes(tenant).routes(),
        *groups.Groups(tenant).routes(),
        *organization.Organization(tenant).routes(),
    ]
