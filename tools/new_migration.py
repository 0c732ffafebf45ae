"""Writes the next migration of the database from the difference between its tables and the code.

`python tools/new_migration.py "Remember photos"` compares a database at the newest migration with
the tables in `jackfield.store.tables`, and adds a file to `store/migrations/versions`; then raise
`HEAD` in `store/migrate.py`. `--again` writes the newest file afresh: only before it was released.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from typing import Any, Literal

from alembic import command
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine

from jackfield.store import schema
from jackfield.store.migrate import MIGRATIONS
from jackfield.store.tables import metadata

VERSIONS = MIGRATIONS / "versions"
TEMPLATE = '''"""{reason}."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Moment, Plain

revision = "{revision}"
down_revision = {before!r}


def upgrade() -> None:
    {body}
'''


def main() -> int:
    """Write the file, formatted; 1 when there is nothing to write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reason", help="what changes, as a sentence without a full stop")
    parser.add_argument("--again", action="store_true", help="write the newest file afresh")
    arguments = parser.parse_args()
    files = sorted(VERSIONS.glob("[0-9]*.py"))
    if arguments.again:
        files.pop().unlink()
    before = files[-1].name[:4] if files else None
    body = _difference(before)
    if not body:
        print("The tables of the newest migration are those of the code.")
        return 1
    revision = f"{int(before or 0) + 1:04d}"
    name = re.sub(r"\W+", "_", arguments.reason.lower())
    path = VERSIONS / f"{revision}_{name}.py"
    path.write_text(
        TEMPLATE.format(reason=arguments.reason, revision=revision, before=before, body=body)
    )
    for action in (["format", "-q"], ["check", "--fix", "-q"]):
        subprocess.run([sys.executable, "-m", "ruff", *action, str(path)], check=False)
    print(f"Wrote {path}. Read it, and set HEAD to {revision!r}.")
    return 0


def _difference(before: str | None) -> str:
    with create_engine("sqlite://").connect() as connection:
        if before is not None:
            _migrate(connection)
        options = {"target_metadata": metadata, "compare_type": True, "render_item": _render}
        context = MigrationContext.configure(connection, opts=options)
        changes = produce_migrations(context, metadata).upgrade_ops
        if changes is None or changes.is_empty():
            return ""
        text = render_python_code(changes, render_item=_render)
    lines = [line for line in text.splitlines() if not line.strip().startswith("# ###")]
    # SQLite's words for a condition; PostgreSQL has its own for yes and no.
    return re.sub(
        r"(postgresql_where=sa\.text\(['\"]\w+ IS) ([01])\b",
        lambda found: f"{found[1]} {'true' if found[2] == '1' else 'false'}",
        "\n".join(lines).strip(),
    )


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(item, schema.Moment):
        return "Moment()"
    if kind == "type" and item is schema.Plain:
        return "Plain"
    return False


if __name__ == "__main__":
    sys.exit(main())
