"""Whether a person's extension is made again once it was removed, as an administrator chooses it.

The choice for everybody is a switch of people sync's settings; here is that for one person.
"""

from __future__ import annotations

from dataclasses import replace

from jackfield.clock import Clock
from jackfield.core.people import ObjectId
from jackfield.store.database import Database
from jackfield.store.sequences import hold
from jackfield.store.settings import load_people_settings, save_people_settings


async def choose_made_again(
    database: Database, clock: Clock, tenant: int, person: ObjectId, *, again: bool, by: str
) -> bool:
    """Choose it; False where it was chosen so already, and nothing is saved."""
    async with database.write() as tx:
        # Nobody saves other settings between the reading and the saving.
        await hold(tx, tenant)
        stored = await load_people_settings(tx, tenant)
        rules = stored.value.rules
        if (person not in rules.not_recreated) is again:
            return False
        chosen = rules.not_recreated - {person} if again else rules.not_recreated | {person}
        await save_people_settings(
            tx,
            tenant,
            replace(stored.value, rules=replace(rules, not_recreated=chosen)),
            expected_version=stored.version,
            by=by,
            now=clock.now(),
        )
    return True
