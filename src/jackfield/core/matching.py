"""Which extension that stands already is a person's own (U-16).

Ours for certain: one that carries the person's object ID. By address: one that bears the person's
mail or UPN while nobody else does, on either side. Everything else that matches is doubtful, and
doubt creates nothing until an administrator has decided, once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from jackfield.core.extensions import Extension, ExtensionKey, Verdict
from jackfield.core.fields import addresses
from jackfield.core.people import ObjectId, Person
from jackfield.core.pictures import View
from jackfield.core.text import clean_address


@dataclass(frozen=True, slots=True)
class Match:
    """The person's own extension."""

    extension: Extension
    because: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Extensions that may be the person's; the sentence says why it is not certain."""

    because: str
    next_step: str
    candidates: tuple[ExtensionKey, ...]


_DECIDE = "decide under Users > Doubtful matches"


class UnlinkedExtensions:
    """The extensions of a view that belong to nobody yet, found by what they bear."""

    __slots__ = (
        "_bearers",
        "_by_address",
        "_by_key",
        "_by_person",
        "_decided_for",
        "_decisions",
        "_same_address",
    )

    def __init__(self, view: View, waiting: Iterable[Person]) -> None:
        linked = {link.key for link in view.links.values() if link.key in view.extensions}
        self._decisions = view.decisions
        self._decided_for = {
            key: person
            for person, decided in view.decisions.items()
            for key, verdict in decided.items()
            if verdict is Verdict.THEIRS
        }
        self._by_key: dict[ExtensionKey, Extension] = {}
        self._by_address: defaultdict[str, list[Extension]] = defaultdict(list)
        self._by_person: defaultdict[str, list[Extension]] = defaultdict(list)
        if len(linked) < len(view.extensions):
            for extension in view.extensions.values():
                if extension.key in linked:
                    continue
                self._by_key[extension.key] = extension
                if extension.external_key:
                    self._by_person[extension.external_key].append(extension)
                if address := clean_address(extension.fields.email).casefold():
                    self._by_address[address].append(extension)
        self._same_address = view.same_address
        self._bearers = (
            Counter(
                address
                for person in waiting
                for address in addresses(person)
                if address in self._by_address
            )
            if self._by_address
            else Counter[str]()
        )

    def find(self, person: Person) -> Match | Doubt | None:
        """The person's own extension, a doubt, or None where nothing matches."""
        if not self._by_key:
            return None
        decided = self._decisions.get(person.id, {})
        for key, verdict in decided.items():
            standing = self._by_key.get(key)
            if verdict is Verdict.THEIRS and standing is not None and is_free(standing, person.id):
                return Match(
                    standing,
                    f"An administrator decided that extension {standing.number} is this person's;"
                    " it is taken over with its number.",
                )
        own = [one for one in self._by_person.get(person.id, ()) if self._is_open(one, person.id)]
        if len(own) == 1:
            return Match(
                own[0],
                f"Extension {own[0].number} was made for this person; it is linked again.",
            )
        if len(own) > 1:
            return Doubt(
                f"Extensions {_numbers(own)} were all made for this person.",
                f"Delete all but one of them in the phone system, or {_DECIDE}.",
                _keys(own),
            )
        borne = [address for address in addresses(person) if address in self._by_address]
        found = {
            extension.key: extension
            for address in borne
            for extension in self._by_address[address]
            if self._is_open(extension, person.id)
        }
        if not found:
            return None
        shown = " and ".join(borne)
        if len(found) > 1:
            return Doubt(
                f"More than one extension bears {shown}: {_numbers(found.values())}.",
                "Leave the address on this person's extension and take it off the others, or"
                f" {_DECIDE}.",
                _keys(found.values()),
            )
        (extension,) = found.values()
        if any(self._people_with(address) > 1 for address in borne):
            return Doubt(
                f"Extension {extension.number} bears {shown}, but so do several people.",
                "Take the address off the extension, or off all but one of these people, or"
                f" {_DECIDE}.",
                (extension.key,),
            )
        if not is_free(extension, person.id):
            return Doubt(
                f"Extension {extension.number} bears {shown}, but was made for another account"
                f" ({extension.external_key}).",
                f"Delete that extension, take the address off it, or {_DECIDE}.",
                (extension.key,),
            )
        return Match(
            extension,
            f"Extension {extension.number} stands already and bears {shown}; it is taken over with"
            " its number.",
        )

    def _is_open(self, extension: Extension, person: ObjectId) -> bool:
        """Whether no administrator said that the extension is not this person's."""
        if self._decisions.get(person, {}).get(extension.key) is Verdict.NOT_THEIRS:
            return False
        return self._decided_for.get(extension.key, person) == person

    def _people_with(self, address: str) -> int:
        return max(self._same_address.get(address, 1), self._bearers[address])


def is_free(extension: Extension, person: ObjectId) -> bool:
    """Whether a phone system lets the person have it: it was made for nobody else."""
    return not extension.external_key or extension.external_key == person


def _keys(extensions: Iterable[Extension]) -> tuple[ExtensionKey, ...]:
    return tuple(sorted(extension.key for extension in extensions))


def _numbers(extensions: Iterable[Extension]) -> str:
    return ", ".join(sorted(extension.number for extension in extensions))
