"""Keep what guards said apart."""

import json

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Plain

revision = "0022"
down_revision = "0021"

GUARDS = (
    "empty_answer",
    "shrunk_answer",
    "unfinished_round",
    "extensions_lost",
    "departments_lost",
    "memberships_lost",
    "too_many_removals",
    "too_many_disables",
    "too_many_renumberings",
)


def upgrade() -> None:
    op.add_column("plan", sa.Column("guards", Plain, server_default="", nullable=False))
    plans = sa.table("plan", *map(sa.column, ("tenant", "id", "refusals", "guards")))
    said = sa.or_(*(plans.c.refusals.contains(f'"{kind}"') for kind in GUARDS))
    there = op.get_bind()
    for tenant, id_, refusals in there.execute(
        sa.select(plans.c.tenant, plans.c.id, plans.c.refusals).where(said)
    ).all():
        theirs = [one for one in json.loads(refusals) if one["kind"] in GUARDS]
        there.execute(
            plans.update()
            .where(plans.c.tenant == tenant, plans.c.id == id_)
            .values(guards=json.dumps(theirs, ensure_ascii=False))
        )
