"""Everything that is on the stage: the tenant, its apps and tokens, faults, limits and a journal.

No HTTP here: `server.py` puts Graph, the login authority, the control API and the page around it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from m365_emulator.access import Caller
from m365_emulator.apps import Application
from m365_emulator.clock import Clock
from m365_emulator.faults import Faults
from m365_emulator.freshness import Freshness
from m365_emulator.journal import Journal
from m365_emulator.permissions import DIRECTORY_ROLES
from m365_emulator.registrations import Registrations
from m365_emulator.resources import ObjectId
from m365_emulator.signin import consent
from m365_emulator.signin.state import SignInState
from m365_emulator.tenant import Tenant
from m365_emulator.throttle import Throttle
from m365_emulator.tokens import Tokens

JOURNAL_SIZE = 2000


class Stage:
    """A tenant and what surrounds it; `people` and `seed` decide the population.

    A reset replaces tenant, tokens, throttle and faults: hold the stage, never those.
    """

    def __init__(self, *, people: int, seed: int, clock: Clock | None = None) -> None:
        self.people = people
        self.seed = seed
        self.clock = clock or Clock()
        self.fresh = Freshness(self.clock, lambda: self.tenant.quirks)
        self.registrations = Registrations(self.fresh)
        self.journal = Journal(JOURNAL_SIZE)
        self.faults: Faults
        self.tenant: Tenant
        self.tokens: Tokens
        self.throttle: Throttle
        self.signin: SignInState
        self._kept: tuple[Application, ...] = ()
        self._set()

    def _set(self) -> None:
        """Set the stage anew."""
        self.faults = Faults()
        self.tenant = Tenant.seeded(self.people, self.seed, now=self.clock)
        self.tokens = Tokens(self.tenant.id, self.clock, self.seed, still_holds=self._still_holds)
        self.signin = SignInState(self.clock)
        self.throttle = Throttle(self.clock, lambda: len(self.tenant.user_register))

    def register(
        self,
        display_name: str = "Jackfield",
        *,
        app_id: str | None = None,
        secret: str | None = None,
        certificate_pem: bytes | None = None,
        roles: Iterable[str] = DIRECTORY_ROLES,
        properties: Mapping[str, Any] | None = None,
    ) -> Application:
        """An app in the tenant, with the credentials given; see `Registrations.register`."""
        application = self.registrations.register(
            display_name, app_id=app_id, roles=roles, properties=properties
        )
        if secret is not None:
            self.registrations.add_secret(application.app_id, self.clock(), value=secret)
        if certificate_pem is not None:
            self.registrations.add_certificate(application.app_id, certificate_pem)
        registered = self.registrations.find(application.app_id)
        return registered or application

    def revoke_sessions(self, person_id: str) -> None:
        """Somebody is signed out: sessions, grants, and tokens that can be challenged."""
        self.signin.revoke_sessions(person_id)
        self.tokens.challenge(person_id)

    def withdraw_consent(self, app_id: str, person_id: str | None = None) -> None:
        """Take back what one person allowed an app, or (None) all that it was ever granted.

        KeyError when no application has that client id.
        """
        application = self.registrations.find(app_id)
        if application is None:
            raise KeyError(app_id)
        self.registrations.put(consent.withdrawn(application, person_id))
        if person_id is None:
            self.registrations.grant(app_id, ())

    def _still_holds(self, caller: Caller) -> bool:
        """Continuous access evaluation: whether who a token was issued to is still let in."""
        if caller.is_person:
            user = self.tenant.user_register.truth(ObjectId(caller.object_id))
            return user is not None and user.deleted_date_time is None and user.account_enabled
        application = self.registrations.find(caller.app_id)
        return application is not None and application.enabled

    def keep_registrations(self) -> None:
        """Let a reset come back to the apps as they are now."""
        self._kept = self.registrations.snapshot()

    def reset(self, *, people: int | None = None, seed: int | None = None) -> None:
        """The stage as it was at the start: population, apps; no tokens, faults, or memory."""
        self.people = self.people if people is None else people
        self.seed = self.seed if seed is None else seed
        self.registrations.restore(self._kept)
        self.journal.clear()
        self._set()
