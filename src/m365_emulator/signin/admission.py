"""Whether somebody may come in: known, enabled, proved enough, let through, assigned.

Asked when a person signs in and again whenever a grant of theirs is used, so that disabling an
account or a policy ends what was granted before.
Source: Entra docs, reference-error-codes and configurable-token-lifetimes, read 2026-11.
"""

from m365_emulator.apps import Application
from m365_emulator.clock import stamp
from m365_emulator.refusals import UnknownObject
from m365_emulator.resources import User
from m365_emulator.signin import errors
from m365_emulator.signin.state import Proof, SignInState
from m365_emulator.tenant import Tenant


class Admission:
    """The doorkeeper of one tenant."""

    def __init__(self, tenant: Tenant, state: SignInState) -> None:
        self._tenant = tenant
        self._state = state

    def find(self, username: str) -> User | None:
        """Who is called that: by UPN, a guest by the mail address of home."""
        wanted = username.strip().casefold()
        if "@" not in wanted:
            return None
        found = self._tenant.user_named(wanted)
        if found is not None:
            return found
        return next(
            (
                each
                for each in self._tenant.people()
                if each.user_type == "Guest" and (each.mail or "").casefold() == wanted
            ),
            None,
        )

    def person(self, person_id: str) -> User:
        """Somebody who exists and is enabled; EntraError otherwise."""
        try:
            user = self._tenant.user(person_id)
        except UnknownObject:
            raise errors.unknown_person(person_id, self._tenant.display_name) from None
        if not user.account_enabled:
            raise errors.disabled_person()
        return user

    def needs_second_factor(self, proof: Proof) -> bool:
        return self._state.policies.require_mfa and "mfa" not in proof.methods

    def admit(
        self,
        proof: Proof,
        application: Application,
        *,
        device: bool = False,
        assigned_only: bool = True,
    ) -> User:
        """The person; EntraError when anything is in the way of this application."""
        user = self.person(proof.person_id)
        line = self._state.valid_from(user.id)
        if line is not None and not self._state.holds(proof):
            raise errors.revoked_grant(stamp(proof.at), stamp(line))
        policies = self._state.policies
        if policies.block or (device and policies.block_device_code):
            raise errors.blocked()
        if self.needs_second_factor(proof):
            raise errors.more_proof_needed()
        principal = application.principal
        if assigned_only and principal is not None and principal.assignment_required:
            holders = {user.id, *self._tenant.groups_of(user.id)}
            if not any(each.principal_id in holders for each in principal.assigned):
                raise errors.not_assigned(
                    user.user_principal_name, application.app_id, application.display_name
                )
        return user
