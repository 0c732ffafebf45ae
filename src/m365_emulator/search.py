"""The `$search` language of the directory: quoted clauses joined by AND and OR.

`"displayName:ann"` and `"description:..."` match words by their beginnings, in any order; any other
property is matched from its beginning, like startsWith.
Source: Graph docs, concepts/search-query-parameter (directory object collections), read 2026-11.
"""

import re
from collections.abc import Callable
from typing import Any

from m365_emulator.errors import GraphError, bad_request
from m365_emulator.filters import Predicate
from m365_emulator.resources import EdmType, ResourceType

TOKENISED = frozenset({"displayName", "description"})

_TOKEN = re.compile(r'\s*(?:(?P<clause>"(?:[^"\\]|\\.)*")|(?P<word>AND|OR)\b|(?P<mark>[()]))')
_WORDS = re.compile(r"[^\W\d_]+|\d+", re.UNICODE)
_CASE_CHANGE = re.compile(r"(?<=[a-zà-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])")


def _syntax_error(text: str, at: int) -> GraphError:
    said = (
        f"Syntax error: character '{text[at]}' is not valid at position {at} in '{text}'."
        if at < len(text)
        else f"Syntax error at position {at} in '{text}'."
    )
    return bad_request(said, "BadRequest")


class _Parser:
    def __init__(self, text: str, resource: ResourceType) -> None:
        self._text = text
        self._resource = resource
        self._at = 0

    def parse(self) -> Predicate:
        found = self._or()
        self._skip_space()
        if self._at < len(self._text):
            raise _syntax_error(self._text, self._at)
        return found

    def _skip_space(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _next_is(self, kind: str, text: str | None = None) -> str | None:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match.lastgroup != kind:
            return None
        found = match.group(kind)
        if text is not None and found != text:
            return None
        self._at = match.end()
        return str(found)

    def _or(self) -> Predicate:
        parts = [self._and()]
        while self._next_is("word", "OR"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else lambda subject: any(p(subject) for p in parts)

    def _and(self) -> Predicate:
        parts = [self._one()]
        while self._next_is("word", "AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda subject: all(p(subject) for p in parts)

    def _one(self) -> Predicate:
        if self._next_is("mark", "("):
            inner = self._or()
            if not self._next_is("mark", ")"):
                raise _syntax_error(self._text, self._at)
            return inner
        clause = self._next_is("clause")
        if clause is None:
            self._skip_space()
            raise _syntax_error(self._text, self._at)
        return self._clause(re.sub(r"\\(.)", r"\1", clause[1:-1]))

    def _clause(self, clause: str) -> Predicate:
        name, colon, wanted = clause.partition(":")
        known = self._resource.find(name.strip()) if colon else None
        if known is None or known.type is not EdmType.STRING:
            raise bad_request(
                f"Invalid search clause specified: '{clause}'. A clause is "
                '"<property>:<text to search>".',
                "Request_UnsupportedQuery",
            )
        if known.name in TOKENISED:
            return _words_match(known.read, wanted)
        return _begins(known.read, wanted.strip().casefold())


def _begins(read: Callable[[Any], Any], wanted: str) -> Predicate:
    def fits(subject: Any) -> bool:
        value = read(subject)
        values = value if isinstance(value, tuple) else (value,)
        return any(each is not None and each.casefold().startswith(wanted) for each in values)

    return fits


def _words_match(read: Callable[[Any], Any], text: str) -> Predicate:
    wanted = _parts(text)

    def fits(subject: Any) -> bool:
        present = words(read(subject) or "")
        return all(any(each.startswith(part) for each in present) for part in wanted)

    return fits


def _parts(chunk: str) -> list[str]:
    """Split at spaces, symbols, digits and a change from small letters to capitals."""
    return [part.casefold() for word in _WORDS.findall(chunk) for part in _CASE_CHANGE.split(word)]


def words(text: str) -> list[str]:
    """The words of a text as the index keeps them.

    Words that only a symbol parts are kept joined as well, so `helloworld` finds `hello-world`.
    """
    found = []
    for chunk in text.split():
        parts = _parts(chunk)
        found.extend(parts)
        if len(parts) > 1:
            found.append("".join(parts))
    return found


def parse_search(text: str, resource: ResourceType) -> Predicate:
    """A `$search` as a predicate; GraphError 400 when it cannot be read."""
    return _Parser(text, resource).parse()
