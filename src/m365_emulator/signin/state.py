"""What the login authority remembers of people: sessions, failed passwords, grants, its policies.

All of it is gone after a reset. Nothing is decided here but how long a thing lasts.
Source: Entra docs, configurable-token-lifetimes, refresh-tokens, howto-password-smart-lockout,
read 2026-11.
"""

import secrets
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from m365_emulator.signin.redirects import Kind

PASSWORD = "Emulated-365"  # noqa: S105 - everybody's, and printed on the page
"""The one password of all emulated people."""
MFA_CODE = "135790"
"""What everybody's authenticator app shows."""

SESSION_LIFE = timedelta(hours=24)
CODE_LIFE = timedelta(minutes=10)
REFRESH_LIFE = timedelta(days=90)
SPA_REFRESH_LIFE = timedelta(hours=24)
FORGOTTEN_AFTER = timedelta(hours=1)
LOCKED_FOR = timedelta(minutes=1)
LOG_SIZE = 500


class Policies(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What an administrator has configured for signing in; all off in a new tenant.

    `block` and `block_device_code` are Conditional Access policies that refuse everybody, or the
    device code flow; `require_mfa` asks for a second factor. Without `users_may_consent` every
    consent is an administrator's. So many wrong passwords lock an account for a minute.
    """

    block: bool = False
    block_device_code: bool = False
    require_mfa: bool = False
    users_may_consent: bool = True
    lockout_threshold: Annotated[int, Meta(ge=1)] = 10


@dataclass(frozen=True, slots=True)
class Proof:
    """Who has signed in, when, and by what: `pwd`, or `pwd` and `mfa`."""

    person_id: str
    at: datetime
    methods: tuple[str, ...]
    session_id: str


@dataclass(slots=True)
class Session:
    """A browser: the people who are signed in there."""

    id: str
    used_at: datetime
    proofs: dict[str, Proof] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody has let an application do; codes and refresh tokens stand for it."""

    app_id: str
    proof: Proof
    scopes: tuple[str, ...]
    audience: str
    kind: Kind
    can_be_challenged: bool = False


@dataclass(slots=True)
class Code:
    """An authorization code: good once, for ten minutes, for who holds the verifier."""

    grant: Grant
    redirect_uri: str
    issued_at: datetime
    nonce: str | None = None
    challenge: str | None = None
    challenge_method: str = "plain"
    redeemed: bool = False


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token; `begun_at` is when the first of its line was issued."""

    grant: Grant
    issued_at: datetime
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class SignIn:
    """A line of the sign-in log; code 0 is success."""

    at: datetime
    person_id: str | None
    username: str
    app_id: str | None
    way: str
    code: int


class SignInState:
    """The memory of one login authority."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.policies = Policies()
        self.codes: dict[str, Code] = {}
        self.refresh_tokens: dict[str, Refresh] = {}
        self.log: deque[SignIn] = deque(maxlen=LOG_SIZE)
        self._sessions: dict[str, Session] = {}
        self._valid_from: dict[str, datetime] = {}
        self._failures: dict[str, int] = {}
        self._locked_until: dict[str, datetime] = {}

    # --- sessions ----------------------------------------------------------------------------

    def session(self, session_id: str | None) -> Session:
        """The browser's session, or a new one; what has expired or was revoked is left out."""
        now = self._clock()
        found = self._sessions.get(session_id or "")
        if found is None or now - found.used_at >= SESSION_LIFE:
            found = Session(secrets.token_urlsafe(24), now)
            self._sessions[found.id] = found
        found.used_at = now
        found.proofs = {
            person_id: proof for person_id, proof in found.proofs.items() if self.holds(proof)
        }
        return found

    def signed_in(self, session: Session, person_id: str, *methods: str) -> Proof:
        """Somebody has proved who they are."""
        before = session.proofs.get(person_id)
        session_id = before.session_id if before else str(uuid.uuid4())
        proof = Proof(person_id, self._clock(), methods, session_id)
        session.proofs[person_id] = proof
        return proof

    def revoke_sessions(self, person_id: str) -> None:
        """Whatever somebody has proved so far counts no longer, in browsers and in grants."""
        self._valid_from[person_id] = self._clock()

    def valid_from(self, person_id: str) -> datetime | None:
        """Since when proofs count, where an administrator has drawn a line."""
        return self._valid_from.get(person_id)

    def holds(self, proof: Proof) -> bool:
        line = self._valid_from.get(proof.person_id)
        return line is None or proof.at > line

    # --- passwords ---------------------------------------------------------------------------

    def is_locked(self, person_id: str) -> bool:
        until = self._locked_until.get(person_id)
        return until is not None and self._clock() < until

    def accepts(self, person_id: str, password: str) -> bool:
        """Whether it is the password; wrong ones are counted, and too many lock the account."""
        if secrets.compare_digest(password.encode(), PASSWORD.encode()):
            self._failures.pop(person_id, None)
            return True
        self._failures[person_id] = self._failures.get(person_id, 0) + 1
        if self._failures[person_id] >= self.policies.lockout_threshold:
            self._failures.pop(person_id)
            self._locked_until[person_id] = self._clock() + LOCKED_FOR
        return False

    # --- grants ------------------------------------------------------------------------------

    def issue_code(self, code: Code) -> str:
        """A code; those that ended long ago are forgotten, and are then told to be malformed."""
        horizon = self._clock() - FORGOTTEN_AFTER
        while self.codes:
            oldest = next(iter(self.codes))
            if self.codes[oldest].issued_at > horizon:
                break
            del self.codes[oldest]
        value = f"1.A{secrets.token_urlsafe(64)}"
        self.codes[value] = code
        return value

    def issue_refresh(self, grant: Grant, begun_at: datetime | None = None) -> str:
        """A refresh token; the one before it stays good, as Entra's does."""
        now = self._clock()
        value = f"1.R{secrets.token_urlsafe(64)}"
        self.refresh_tokens[value] = Refresh(grant, now, begun_at or now)
        return value

    def note(
        self, *, person_id: str | None, username: str, app_id: str | None, way: str, code: int = 0
    ) -> None:
        """A line for the sign-in log."""
        self.log.append(SignIn(self._clock(), person_id, username, app_id, way, code))
