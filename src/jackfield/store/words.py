"""Words under which a record is found: folded names, whole addresses, numbers from their end.

Pure text. Folding is for finding and ordering only; what is shown stays as it was typed. How it
is searched: `jackfield.store.search`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MOST_WORDS = 8
LONGEST_WORD = 40
LONGEST_ADDRESS = 120
LONGEST_SORT = 64

# Letters without a decomposition in Unicode, which people type as others.
_WHOLE = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "æ": "ae",
    "œ": "oe",
    "ı": "i",
    "ð": "d",
    "þ": "th",
    "ŋ": "n",
}


class _Letters(dict[int, str | None]):
    """What becomes of a character: kept, dropped (accents, joiners), or a word's end."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        category = unicodedata.category(character)
        result: str | None
        if unicodedata.combining(character) or category == "Cf":
            result = None
        elif character.isalnum() or category in {"Mn", "Mc"}:
            result = _WHOLE.get(character, character)
        else:
            result = " "
        self[code] = result
        return result


_LETTERS = _Letters()
_ASCII_LETTERS = {code: (chr(code).lower() if chr(code).isalnum() else " ") for code in range(128)}
# Scripts written without spaces between words: a name is found from any character on.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]"
)
_ASCII_DIGITS = {code: None for code in range(128) if not chr(code).isdecimal()}


def fold(text: str) -> str:
    """Words without case, accents and punctuation, one space between them.

    "O'Néil Ånna" -> "o neil anna".
    """
    if text.isascii():
        return " ".join(text.translate(_ASCII_LETTERS).split())
    loose = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    return " ".join(unicodedata.normalize("NFC", loose).split())


def typed_words(text: str) -> list[str]:
    """What somebody typed into a filter, as words; what has none is kept and fits nothing."""
    return fold(text).split() or text.split()


def sort_key(text: str) -> str:
    """What a list is ordered by."""
    return fold(text)[:LONGEST_SORT]


def number_sort_key(number: str) -> str:
    """What extension numbers are ordered by: short before long, then digit by digit."""
    return f"{len(number):02d}{number}"[:LONGEST_SORT]


def words_of(
    names: Iterable[str], addresses: Iterable[str] = (), numbers: Iterable[str] = ()
) -> str:
    """The words of a record as its row keeps them, each preceded by a space; at most eight."""
    joined = " ".join(names)
    found = fold(joined).split()
    if len(joined) > LONGEST_WORD or not joined.isascii():
        found = [part for word in found for part in _parts(word)]
    words = list(dict.fromkeys(found))[: MOST_WORDS - 2]
    words += [fold_address(address) for address in addresses if address]
    words += ["#" + bare[::-1] for number in numbers if len(bare := digits_of(number)) >= 3]
    return "".join([" " + word for word in dict.fromkeys(words[:MOST_WORDS])])


def fold_address(address: str) -> str:
    """A mail address or UPN as it is compared and found: whole, casefolded."""
    return "".join(address.casefold().split())[:LONGEST_ADDRESS]


def digits_of(number: str) -> str:
    """The digits of a phone number without the zeros before it, the last twenty at most."""
    if number.isascii():
        return number.translate(_ASCII_DIGITS).lstrip("0")[-20:]
    return "".join(str(unicodedata.decimal(c)) for c in number if c.isdecimal()).lstrip("0")[-20:]


def _parts(word: str) -> Iterable[str]:
    yield word[:LONGEST_WORD]
    if _UNSPACED.match(word):
        for start in range(1, min(len(word), 5)):
            yield word[start : start + LONGEST_WORD]
