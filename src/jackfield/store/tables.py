"""All tables of the archive in one metadata.

For the checks that walk it and for writing a migration.
"""

from __future__ import annotations

from jackfield.store import (
    accounts,
    alarms,
    cursors,
    extensions,
    groups,
    journal,
    leases,
    links,
    matches,
    people,
    phones,
    plan_actions,
    planned,
    plans,
    released,
    runs,
    schedule,
    search,
    sequences,
    sessions,
    settings,
    tenants,
    tokens,
    usage,
    users,
    vault,
)
from jackfield.store.schema import metadata

__all__ = [
    "accounts",
    "alarms",
    "cursors",
    "extensions",
    "groups",
    "journal",
    "leases",
    "links",
    "matches",
    "metadata",
    "people",
    "phones",
    "plan_actions",
    "planned",
    "plans",
    "released",
    "runs",
    "schedule",
    "search",
    "sequences",
    "sessions",
    "settings",
    "tenants",
    "tokens",
    "usage",
    "users",
    "vault",
]
