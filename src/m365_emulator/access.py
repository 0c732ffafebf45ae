"""Who is calling, and whether that app may use a route.

`requires` notes the permissions on the endpoint and refuses callers that hold none of them.
Whether a token is genuine is decided before, in `tokens.py` and at the door in `server.py`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

from starlette.requests import Request
from starlette.responses import Response

from m365_emulator.errors import GraphError

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Caller:
    """The app behind a genuine access token, and in whose name it calls: `request.state.caller`.

    `scopes` is None for an app that calls as itself; otherwise `object_id` is the person's, and
    `directory_roles` are the template ids of their roles.
    """

    app_id: str
    object_id: str
    display_name: str
    tenant_id: str
    token_id: str
    roles: frozenset[str]
    scopes: frozenset[str] | None = None
    directory_roles: frozenset[str] = frozenset()

    @property
    def is_person(self) -> bool:
        return self.scopes is not None

    def holds_any(self, permissions: frozenset[str]) -> bool:
        """Whether it has one of these: as scopes in a person's name, else as roles."""
        return bool(permissions & (self.roles if self.scopes is None else self.scopes))


DIRECTORY_DENIES = (
    "Authorization_RequestDenied",
    "Insufficient privileges to complete the operation.",
)
EXCHANGE_DENIES = ("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
"""Code and message by which a service says that a permission is missing."""


def requires(
    *roles: str, denial: tuple[str, str] = DIRECTORY_DENIES, own: str | None = None
) -> Callable[[Callable[P, Awaitable[Response]]], Callable[P, Awaitable[Response]]]:
    """Let an endpoint be called with any one of `roles` (permissions of either kind).

    `own` is the delegated permission that suffices for the caller's own object.

    The endpoint's last positional argument must be the request, so methods work as well.
    Refusal is 403, as the directory gives it or the service that `denial` belongs to.
    """
    if not roles:
        raise ValueError("name at least one permission")
    wanted = frozenset(roles)
    for_oneself = frozenset({own} if own else ())

    def mark(endpoint: Callable[P, Awaitable[Response]]) -> Callable[P, Awaitable[Response]]:
        @wraps(endpoint)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            request = args[-1]
            if not isinstance(request, Request):
                raise TypeError("the endpoint's last positional argument must be the request")
            caller: Caller = request.state.caller
            asked = request.path_params.get("id")
            is_own = caller.is_person and asked == caller.object_id
            if not caller.holds_any(wanted | for_oneself if is_own else wanted):
                raise GraphError(403, *denial)
            return await endpoint(*args, **kwargs)

        guarded.__dict__["roles"] = roles
        return guarded

    return mark
