"""What we ask of Graph and what came back, before anyone has read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from jackfield.graph.answers import UNREADABLE, describe, shown
from jackfield.graph.errors import Call, MalformedAnswer
from jackfield.graph.pace import Workload

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """A first request: Graph's path under the version (`/users/delta`) and its query options."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every page of a collection, as Graph demands of `Prefer` and `ConsistencyLevel`."""
    workload: Workload = Workload.DIRECTORY
    units: float = 1.0
    """Resource units this costs. Source: Graph docs, concepts/throttling-limits, read 2026-11."""
    needs: str | None = None
    """The least application permission, to name it when it is missing."""
    most_bytes: int | None = None
    """Of an answer that may be larger than is good for us (a picture): more raises `TooLarge`, and
    is not read."""

    def url(self, root: str) -> str:
        options = urlencode(self.query, quote_via=quote, safe="$,()")
        return f"{root}{self.path}" + (f"?{options}" if options else "")


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    body: bytes
    headers: Mapping[str, str]
    call: Call

    def decode(self, decoder: msgspec.json.Decoder[T]) -> T:
        """Read the body as JSON; raises `MalformedAnswer` that says where it is wrong."""
        try:
            return decoder.decode(self.body)
        except msgspec.ValidationError as error:
            raise self.malformed(f"JSON of another shape: {error}") from error
        except UNREADABLE as error:
            raise self.malformed(f"{describe(self.body)}, which cannot be read: {error}") from error

    def malformed(self, what: str) -> MalformedAnswer:
        return MalformedAnswer(
            f"The answer to {self.call.method} {self.call.path} is {shown(what)}.", call=self.call
        )


class Page(Protocol):
    """What every page of a collection has, whatever is on it."""

    @property
    def next_link(self) -> str | None: ...
    @property
    def delta_link(self) -> str | None: ...
