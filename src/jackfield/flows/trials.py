"""Rules that nobody has saved yet, tried on one person.

Read only: what Microsoft 365 says of the person is in the picture, or is asked for where the
picture was read without what these rules follow. What they lead to is told by
`jackfield.core.trials`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from jackfield.core.attributes import AttributeRules, extras
from jackfield.core.extensions import ExtensionNumber
from jackfield.core.fields import shown_name
from jackfield.core.people import ObjectId, Person
from jackfield.core.rules import PhoneLimits
from jackfield.core.trials import TriedField, try_rules
from jackfield.flows.connections import Connections, NotConnected
from jackfield.flows.planning import at_home
from jackfield.graph.directory import fetch_user
from jackfield.graph.errors import GraphError, NotFound
from jackfield.store.database import Database
from jackfield.store.links import load_links
from jackfield.store.people import find_person, load_people
from jackfield.store.phones import load_extensions

_PATIENCE_S = 4.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What rules would lead to for a person."""

    person: ObjectId
    name: str
    number: ExtensionNumber | None
    """Of the extension that stands; None where one would be made."""
    fields: tuple[TriedField, ...]
    trouble: str = ""
    """Why something of the person could not be read now, so that fields say less than they will."""


class Trials:
    """Tries rules on people."""

    def __init__(
        self,
        database: Database,
        connections: Connections,
        limits: Callable[[int], PhoneLimits],
    ) -> None:
        self._database = database
        self._connections = connections
        self._limits = limits

    async def try_on(self, tenant: int, typed: str, rules: AttributeRules) -> Trial | None:
        """By object ID or UPN; None for somebody who is not in the picture."""
        async with self._database.read() as tx:
            rules = await at_home(tx, tenant, rules)
            id_ = await find_person(tx, tenant, typed)
            person = None if id_ is None else (await load_people(tx, tenant, [id_])).get(id_)
            if id_ is None or person is None:
                return None
            link = (await load_links(tx, tenant, [id_])).get(id_)
            standing = await load_extensions(tx, tenant, [link.key] if link else [])
        extension = standing.get(link.key) if link else None
        trouble = ""
        if extras(rules) and person.extension_attributes is None:
            person, trouble = await self._read(tenant, person, rules)
        fields = try_rules(
            person,
            rules,
            self._limits(tenant),
            extension.fields if extension else None,
            link.agreed if link and extension else None,
        )
        number = extension.number if extension else None
        return Trial(id_, shown_name(person), number, fields, trouble)

    async def _read(self, tenant: int, person: Person, rules: AttributeRules) -> tuple[Person, str]:
        """The person with what the picture lacks; as they are, with the reason, where it fails."""
        try:
            client = (await self._connections.client(tenant)).hurried(_PATIENCE_S)
            seen = (await fetch_user(client, person.id, extras=extras(rules))).person
        except NotFound:
            return person, "Microsoft 365 has no such account any more."
        except (GraphError, NotConnected) as error:
            return person, f"Microsoft 365 was asked for more and could not tell: {error}"
        return replace(person, extension_attributes=seen.extension_attributes), ""
