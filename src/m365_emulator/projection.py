"""From a stored object to the JSON of one entry: only the selected properties, in Graph's types.

A projection is compiled once per selection and then encodes an object in a few microseconds; pages
are joined from such rows. Whether an unset property is sent as null or left out is decided here.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any

import msgspec
from msgspec import UNSET

from m365_emulator.resources import Group, Property, ResourceType, User

_encoder = msgspec.json.Encoder()


class Projection:
    """Encodes objects of one kind with the named properties (canonical spelling, in order).

    `typed` puts `@odata.type` first, as in collections of mixed kinds. `sparse` leaves out what was
    never set, as delta does; otherwise unset is null.
    """

    def __init__(
        self, resource: ResourceType, names: tuple[str, ...], *, typed: bool, sparse: bool
    ) -> None:
        self._names = names
        self._properties = [resource.properties[name] for name in names]
        self._sparse = sparse
        self._type = f"#microsoft.graph.{resource.name}" if typed else UNSET
        spelt = {f"p{at}": name for at, name in enumerate(names)}
        self._struct = msgspec.defstruct(
            f"Selected{resource.title}",
            [("type_", Any, UNSET), *((each, Any, UNSET) for each in spelt)],
            rename={"type_": "@odata.type", **spelt},
            gc=False,
        )
        self._values = _reader(self._properties)

    def row(self, each: Any) -> bytes:
        """One object as JSON: of the kind that the resource's properties read."""
        values = self._values(each)
        if self._sparse:
            cleared = each.cleared
            values = [
                UNSET if value is None and name not in cleared else value
                for name, value in zip(self._names, values, strict=True)
            ]
        return _encoder.encode(self._struct(self._type, *values))

    def changed_row(self, each: User | Group, changed: frozenset[str]) -> bytes:
        """The object's id, and those of the selected properties that changed; null when cleared."""
        body = {"id": each.id} | {
            known.name: known.read(each) for known in self._properties if known.name in changed
        }
        return _encoder.encode(body)


def _reader(properties: Sequence[Property]) -> Callable[[Any], Iterable[Any]]:
    """From an object to the values of these properties, the stored ones fetched in one call."""
    stored = [each for each in properties if each.attribute]
    computed = [each for each in properties if not each.attribute]
    if len(stored) < 2 or len(properties) < 2:
        reads = [each.read for each in properties]
        return lambda subject: [read(subject) for read in reads]
    fetch = attrgetter(*(each.attribute for each in stored if each.attribute))
    if not computed:
        return fetch
    extra = [each.read for each in computed]
    fetched = [*stored, *computed]
    in_order = itemgetter(*(fetched.index(each) for each in properties))
    return lambda subject: in_order((*fetch(subject), *(read(subject) for read in extra)))


@lru_cache(maxsize=128)
def projection(
    resource: ResourceType, names: tuple[str, ...], *, typed: bool = False, sparse: bool = False
) -> Projection:
    """The projection for a selection, compiled once."""
    return Projection(resource, names, typed=typed, sparse=sparse)
