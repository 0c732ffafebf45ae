"""What is new and not everywhere yet: applications, principals, credentials and grants by API.

For as long as the habit `replication_delay_*` says, readers and the token endpoint do not know
what was just created. A delay in reads counts those that came in vain, object by object.
Source: Graph docs, application-upsert and permissions-grant-via-msgraph; issue threads of
Microsoft's SDKs about 400 and 404 after a create; read 2026-11.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from m365_emulator.apps import Application
from m365_emulator.quirks import Quirks


@dataclass(slots=True)
class _New:
    made_at: datetime
    missed: int = 0


class Freshness:
    """Which ids are too new to be seen."""

    def __init__(self, now: Callable[[], datetime], quirks: Callable[[], Quirks]) -> None:
        self._now = now
        self._quirks = quirks
        self._new: dict[str, _New] = {}

    def note(self, *ids: str) -> None:
        """Something was made just now."""
        quirks = self._quirks()
        if quirks.replication_delay_s or quirks.replication_delay_reads:
            for each in ids:
                self._new[each] = _New(self._now())

    def is_seen(self, object_id: str) -> bool:
        """Whether a reader who comes now finds it; a reader in vain is counted."""
        new = self._new.get(object_id)
        if new is None:
            return True
        quirks = self._quirks()
        due = new.made_at + timedelta(seconds=quirks.replication_delay_s)
        if self._now() >= due and new.missed >= quirks.replication_delay_reads:
            del self._new[object_id]
            return True
        new.missed += 1
        return False

    def seen(self, application: Application | None) -> Application | None:
        """The application as the token endpoint knows it: without what is too new."""
        if application is None or not self._new:
            return application
        if not self.is_seen(application.object_id):
            return None
        principal = application.principal
        if principal is not None:
            principal = (
                replace(
                    principal,
                    held=tuple(each for each in principal.held if self.is_seen(each.id)),
                    grants=tuple(each for each in principal.grants if self.is_seen(each.id)),
                )
                if self.is_seen(principal.id)
                else None
            )
        return replace(
            application,
            principal=principal,
            secrets=tuple(each for each in application.secrets if self.is_seen(each.key_id)),
            certificates=tuple(
                each for each in application.certificates if self.is_seen(each.key_id)
            ),
        )
