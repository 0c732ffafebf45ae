"""Which commands and groups of commands there are beside those of `jackfield.cli.main`.

Each is imported when it is asked for: its help here is what `jackfield --help` shows of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cyclopts import App

CATALOGUE: Mapping[str, tuple[str, str]] = {
    "admin": ("access:admin_commands", "Local accounts: administrators, and viewers."),
    "alarms": (
        "journal:alarms",
        "Say what is wrong now, since when and what to do; with --all also what was.",
    ),
    "backup": (
        "backups:backup",
        "Copy the database into one file, whether the server runs or not.",
    ),
    "journal": ("journal:journal", "Say what was done and why, the newest first."),
    "key": ("access:key_commands", "The key of the stored secrets."),
    "matches": (
        "matches:matches_commands",
        "Extensions that may be somebody's already: decide whose each is.",
    ),
    "numbers": (
        "number_rules:numbers_commands",
        "Extension numbers: pools, why one is so, held and reserved ones.",
    ),
    "people": (
        "people:people",
        "List people of Microsoft 365 by name, with their extension; or those without, and why.",
    ),
    "phones": ("access:phones_commands", "The phone system itself."),
    "plan": (
        "plans:plan_commands",
        "See what would be done, approve it, or turn it down.",
    ),
    "restore": (
        "backups:restore",
        "Put a backup into the data folder, while no server runs there.",
    ),
    "runs": ("runs:runs", "List the last runs."),
    "settings": (
        "settings:settings_commands",
        "What people sync does: show the choices, change them.",
    ),
    "status": (
        "people:status",
        "Say how things are in figures, as Overview does.",
    ),
    "sync": (
        "runs:sync_commands",
        "Read Microsoft 365 and bring the phone system in line.",
    ),
    "tenant": (
        "tenants:tenant_commands",
        "Several Microsoft 365 organisations in one install.",
    ),
    "token": ("access:token_commands", "Tokens for the JSON API."),
    "why": (
        "why:why_commands",
        "Say why a person, a number or a department is as it is.",
    ),
}
"""By their names: where each stands in `jackfield.cli`, and the first line of its help."""


def add_commands(app: App) -> None:
    """All of them, to be imported when they are asked for."""
    for name, (place, first_line) in CATALOGUE.items():
        app.command(f"jackfield.cli.{place}", name=name, help=first_line)
