"""Graph's and Entra's refusals, sorted by what the caller does next.

GraphError
├── AgainLater                the same call may succeed later; `retry_after_s` if Graph named it
│   ├── Throttled             we asked too much
│   ├── Unreachable           no answer, or the service says it cannot
│   └── MalformedAnswer       an answer came, but not one of Graph's
│       └── LinkRefused       a page pointed where we do not go
├── AskAdministrator          nothing changes until a person does something
│   ├── TokenRejected         Entra gives this application no token, or Graph does not take it
│   ├── CredentialUnusable    found before anything was sent
│   └── PermissionMissing     the application lacks a permission, or its consent
├── LookAfresh                what we remembered is no longer so
│   ├── NotFound
│   └── CursorExpired         a delta or next link is too old: read everything again
└── Rejected                  this one item cannot be done: skip it, show it
    └── TooLarge              its answer is larger than the call allows

Which answer becomes which error is decided in `answers.py` and `authority.py`. Every error knows
its call (`Call`), and `str(error)` is a text an administrator can act on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Call:
    """What is known of one call to Microsoft: its support asks for the ids and the date.

    `path` never carries a query, so no skip token, delta token or credential gets into a log.
    """

    method: str
    path: str
    status: int | None = None
    code: str = ""
    request_id: str = ""
    client_request_id: str = ""
    date: str = ""
    diagnostic: str = ""
    """`x-ms-ags-diagnostic`: which data centre answered."""

    def trace(self) -> str:
        """One line for a log or a support case."""
        known = {
            "status": "" if self.status is None else str(self.status),
            "code": self.code,
            "request-id": self.request_id,
            "client-request-id": self.client_request_id,
            "date": self.date,
        }
        named = [f"{name} {value}" for name, value in known.items() if value]
        return ", ".join([f"{self.method} {self.path}", *named])

    def with_status(self, status: int, code: str) -> Call:
        return replace(self, status=status, code=code)


class GraphError(Exception):
    """Something Microsoft, or the way to it, refused."""

    def __init__(self, what: str, next_step: str, call: Call | None = None) -> None:
        super().__init__(f"{what} {next_step}".strip())
        self.what = what
        """What happened and to whom, one or two sentences."""
        self.next_step = next_step
        """What the administrator does now; may be empty where Jackfield does it by itself."""
        self.call = call

    @property
    def status(self) -> int | None:
        return None if self.call is None else self.call.status

    @property
    def code(self) -> str:
        """Graph's `error.code` or Entra's AADSTS code; empty if there was none."""
        return "" if self.call is None else self.call.code

    @property
    def trace(self) -> str:
        """The ids Microsoft's support asks for."""
        return "" if self.call is None else self.call.trace()


class AgainLater(GraphError):
    """The same call may succeed later."""

    def __init__(
        self,
        what: str,
        next_step: str = "Jackfield tries again by itself.",
        call: Call | None = None,
        *,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(what, next_step, call)
        self.retry_after_s = retry_after_s


class Throttled(AgainLater):
    """Graph asks us to slow down, for longer than this call may wait."""

    def __init__(
        self,
        what: str,
        next_step: str = "Jackfield waits and goes on by itself.",
        call: Call | None = None,
        *,
        retry_after_s: float,
    ) -> None:
        super().__init__(what, next_step, call, retry_after_s=retry_after_s)
        self.retry_after_s: float = retry_after_s


class Unreachable(AgainLater):
    """No answer came, or the service says it cannot answer now."""


class MalformedAnswer(AgainLater):
    """An answer came that is not Graph's: cut off, a proxy's page, JSON of another shape."""


class LinkRefused(MalformedAnswer):
    """A next or delta link leads to another server, or leads in a circle."""


class AskAdministrator(GraphError):
    """Nothing changes until a person does something."""


class TokenRejected(AskAdministrator):
    """Entra gives this application no token, or Graph does not accept the one it gave."""

    def __init__(
        self,
        what: str,
        next_step: str,
        call: Call | None = None,
        *,
        may_be_replicating: bool = False,
    ) -> None:
        super().__init__(what, next_step, call)
        self.may_be_replicating = may_be_replicating
        """Also seen while an application or key is a few minutes old: worth trying again."""


class CredentialUnusable(AskAdministrator):
    """The secret, key or certificate cannot be used; nothing was sent."""


class PermissionMissing(AskAdministrator):
    """The application lacks a permission, or the tenant's consent to it."""

    def __init__(
        self, what: str, next_step: str, call: Call | None = None, *, permission: str | None
    ) -> None:
        super().__init__(what, next_step, call)
        self.permission = permission
        """The least application permission that would do, e.g. `User.Read.All`; None if unknown."""


class LookAfresh(GraphError):
    """What we remembered is no longer so."""


class NotFound(LookAfresh):
    """There is no such object (any more, or not yet: new objects take a while to show)."""


class CursorExpired(LookAfresh):
    """A delta or next link is no longer accepted: begin with a full round."""


class Rejected(GraphError):
    """This one call cannot succeed as it is: skip the item and show it."""


class TooLarge(Rejected):
    """The answer is larger than this call allows; it was not read to its end."""
