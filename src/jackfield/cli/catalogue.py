"""Which commands and groups of commands there are beside those of `jackfield.cli.main`."""

from __future__ import annotations

from jackfield.cli.access import admin_commands, key_commands, phones_commands, token_commands
from jackfield.cli.backups import backup, restore
from jackfield.cli.journal import alarms, journal
from jackfield.cli.matches import matches_commands
from jackfield.cli.number_rules import numbers_commands
from jackfield.cli.people import people, status
from jackfield.cli.settings import settings_commands
from jackfield.cli.tenants import tenant_commands
from jackfield.cli.why import why_commands

COMMANDS = (
    alarms,
    backup,
    journal,
    people,
    restore,
    status,
)
GROUPS = (
    admin_commands,
    key_commands,
    matches_commands,
    numbers_commands,
    phones_commands,
    settings_commands,
    tenant_commands,
    token_commands,
    why_commands,
)
