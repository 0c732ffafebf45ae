"""The control API on signing in: policies, the sign-in log, directory roles, signing people out.

Reference: docs/emulator.md.
"""

from itertools import islice
from typing import Any

from starlette.requests import Request

from m365_emulator import directory_roles, orders, showing
from m365_emulator.control_wire import Played, amount, changed, read
from m365_emulator.stage import Stage


class ControlSignIn:
    """The verbs of signing in."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def played(self) -> list[Played]:
        return [
            ("GET", "/sign-in", self._policies),
            ("PATCH", "/sign-in", self._change_policies),
            ("GET", "/sign-ins", self._log),
            ("PUT", "/people/{id}/roles", self._assign),
            ("POST", "/people/{id}/sign-out", self._sign_out),
        ]

    async def _policies(self, _request: Request) -> Any:
        return self._stage.signin.policies

    async def _change_policies(self, request: Request) -> Any:
        """Only the policies named change; the others stay as they are."""
        signin = self._stage.signin
        signin.policies = await changed(request, signin.policies)
        return signin.policies

    async def _log(self, request: Request) -> Any:
        """The last sign-ins, newest first; code 0 is success."""
        last = amount(request, "last", 50)
        found = islice(reversed(self._stage.signin.log), last)
        return {"signIns": [showing.sign_in(self._stage, each) for each in found]}

    async def _assign(self, request: Request) -> Any:
        """Exactly these directory roles, by name or template id."""
        order = await read(request, orders.DirectoryRoles)
        tenant = self._stage.tenant
        user = tenant.user(request.path_params["id"])
        tenant.directory_roles.assign(
            user.id, *(directory_roles.named(each).id for each in order.roles)
        )
        return showing.person(tenant, user)

    async def _sign_out(self, request: Request) -> None:
        """Somebody is signed out everywhere, as by *Revoke sessions*."""
        self._stage.revoke_sessions(self._stage.tenant.user(request.path_params["id"]).id)
