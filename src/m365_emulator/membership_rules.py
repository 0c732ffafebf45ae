"""Rules of dynamic groups: `(user.department -eq "Sales") -and (user.accountEnabled -eq true)`.

Comparison of single-valued user properties by -eq, -ne, -startsWith, -contains, -in and their
negations, joined by -and, -or, -not and parentheses. Of the multi-valued ones only
`user.assignedPlans -any (...)` is missing; such a rule is refused, not half understood.
Source: Entra docs, rules for dynamic membership groups, read 2026-11.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from m365_emulator.refusals import Refused
from m365_emulator.resources import USER, User

Rule = Callable[[User], bool]
Value = str | bool | None

_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()\[\],])|-(?P<operator>[A-Za-z]+)|\"(?P<text>(?:[^\"`]|`.)*)\""
    r"|'(?P<single>[^']*)'|(?P<word>[A-Za-z_][A-Za-z0-9_.]*))"
)


class RuleError(Refused):
    """The rule is not one that this directory can evaluate."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(rule: str) -> list[_Token]:
    found, at = [], 0
    while at < len(rule.rstrip()):
        match = _TOKEN.match(rule, at)
        if match is None or match.lastgroup is None:
            raise RuleError(f"the rule cannot be read from {rule[at : at + 20]!r} on")
        text = match.group(match.lastgroup)
        kind = "text" if match.lastgroup == "single" else match.lastgroup
        found.append(_Token(kind, re.sub(r"`(.)", r"\1", text) if kind == "text" else text))
        at = match.end()
    return found


class _Parser:
    def __init__(self, rule: str) -> None:
        self._tokens = _tokens(rule)
        self._at = 0

    def parse(self) -> Rule:
        rule = self._either()
        if self._at < len(self._tokens):
            raise RuleError(f"unexpected {self._tokens[self._at].text!r} after the rule")
        return rule

    def _next_is(self, kind: str, text: str) -> bool:
        if self._at >= len(self._tokens):
            return False
        token = self._tokens[self._at]
        if (token.kind, token.text.lower()) != (kind, text):
            return False
        self._at += 1
        return True

    def _take(self, kind: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at].kind != kind:
            raise RuleError(f"a {kind} is missing in the rule")
        self._at += 1
        return self._tokens[self._at - 1].text

    def _either(self) -> Rule:
        parts = [self._both()]
        while self._next_is("operator", "or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda user: any(part(user) for part in parts)

    def _both(self) -> Rule:
        parts = [self._one()]
        while self._next_is("operator", "and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda user: all(part(user) for part in parts)

    def _one(self) -> Rule:
        if self._next_is("operator", "not"):
            inner = self._one()
            return lambda user: not inner(user)
        if self._next_is("mark", "("):
            inner = self._either()
            if not self._next_is("mark", ")"):
                raise RuleError("a closing parenthesis is missing in the rule")
            return inner
        return self._comparison()

    def _comparison(self) -> Rule:
        owner, _, name = self._take("word").partition(".")
        known = USER.find(name) if owner.lower() == "user" else None
        if known is None or known.is_collection:
            raise RuleError(f"{owner}.{name} cannot be used in a rule")
        read, operator = known.read, self._take("operator").lower()
        wanted = self._values() if operator in {"in", "notin"} else [self._value()]
        match operator:
            case "eq" | "in":
                return lambda user: _folded(read(user)) in wanted
            case "ne" | "notin":
                return lambda user: _folded(read(user)) not in wanted
            case "startswith":
                return lambda user: _text(read(user)).startswith(_text(wanted[0]))
            case "notstartswith":
                return lambda user: not _text(read(user)).startswith(_text(wanted[0]))
            case "contains":
                return lambda user: _text(wanted[0]) in _text(read(user))
            case "notcontains":
                return lambda user: _text(wanted[0]) not in _text(read(user))
        raise RuleError(f"-{operator} is not an operator that this directory evaluates")

    def _values(self) -> list[Value]:
        if not self._next_is("mark", "["):
            raise RuleError("-in needs a list in brackets")
        values = [self._value()]
        while self._next_is("mark", ","):
            values.append(self._value())
        if not self._next_is("mark", "]"):
            raise RuleError("a closing bracket is missing in the rule")
        return values

    def _value(self) -> Value:
        if self._at < len(self._tokens) and self._tokens[self._at].kind == "text":
            return _folded(self._take("text"))
        word = self._take("word").lower()
        if word not in _WORDS:
            raise RuleError(f"{word!r} is not a value; texts stand in quotes")
        return _WORDS[word]


_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}


def _folded(value: Value) -> Value:
    return value.casefold() if isinstance(value, str) else value


def _text(value: Value) -> str:
    return value.casefold() if isinstance(value, str) else ""


@lru_cache(maxsize=1024)
def rule_of(text: str) -> Rule:
    """The rule as a predicate; RuleError says what is wrong with it."""
    return _Parser(text).parse()
