"""Text as people write it in a directory, made fit for a phone system: dropped, folded, kept, cut.

Kept: every script, right-to-left text and its marks, emoji. Dropped: control characters,
bidirectional overrides and isolates (they reorder the text around them), lone surrogates. White
space is folded. Which text goes where is decided in `jackfield.core.fields`.
"""

from __future__ import annotations

import re
import unicodedata

_DROPPED = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls; those that are white space are folded
    "\u200b\u2060-\u2065\ufeff"  # spaces and joiners of no width, invisible operators
    "\u202a-\u202e\u2066-\u2069\u206a-\u206f"  # bidirectional embeddings, overrides, isolates
    "\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff"  # half of a character: no encoding can write it
    "]"
)
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200c-\u200f\ufe00-\ufe0f]")
_NO_CHARACTER_BEFORE = frozenset("\u200c\u200d") | {chr(c) for c in range(0xFE00, 0xFE10)}
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_REGIONAL_INDICATORS = range(0x1F1E6, 0x1F200)
_QUOTED = re.compile("(?<=“)[^”]+(?=”)")
LINE_HAS = 60
"""Characters of a name that a line shows; hardly anybody's is longer."""
_ZERO_WIDTH_JOINER = "\u200d"


def clean(text: str | None) -> str:
    """The text in NFC, without what a phone cannot show; "" where nothing visible is left."""
    if not text:
        return ""
    if is_clean(text):
        return text
    folded = " ".join(_DROPPED.sub("", text).split())
    composed = unicodedata.normalize("NFC", folded)
    return composed if _INVISIBLE.sub("", composed).strip() else ""


def is_clean(text: str) -> bool:
    """Whether `clean` would certainly leave a text, which is not empty, as it is."""
    return (
        text.isprintable()
        and text[0] != " "
        and text[-1] != " "
        and "  " not in text
        and (text.isascii() or unicodedata.is_normalized("NFC", text))
    )


def clean_address(text: str | None) -> str:
    """Like `clean`, for text that machines compare or dial: invisible marks are dropped as well."""
    cleaned = clean(text)
    return cleaned if cleaned.isascii() else _INVISIBLE.sub("", cleaned).strip()


def cut(text: str, length: int) -> str:
    """The first `length` characters at most, never ending inside what one reads as a character."""
    if len(text) <= length:
        return text
    end = length
    while end > 0 and _joins(text, end):
        end -= 1
    return text[:end].rstrip() if end else text[:length].rstrip()


def abridged(name: str) -> str:
    """A name for a line in which other things have to be seen, too: `LINE_HAS` characters of it."""
    return name if len(name) <= LINE_HAS else f"{cut(name, LINE_HAS - 1)}\N{HORIZONTAL ELLIPSIS}"


def with_short_names(text: str, *names: str) -> str:
    """The text with each of the names, and what stands in quotation marks, abridged."""
    for name in sorted(names, key=len, reverse=True):
        if len(name) > LINE_HAS:
            text = text.replace(name, abridged(name))
    return _QUOTED.sub(lambda found: abridged(found[0]), text)


def _joins(text: str, at: int) -> bool:
    """Whether text[at] belongs to the character before it."""
    here, before = text[at], text[at - 1]
    if before == _ZERO_WIDTH_JOINER or here in _NO_CHARACTER_BEFORE:
        return True
    if unicodedata.category(here).startswith("M") or ord(here) in _SKIN_TONES:
        return True
    if ord(here) in _REGIONAL_INDICATORS:
        run = 0
        while run < at and ord(text[at - 1 - run]) in _REGIONAL_INDICATORS:
            run += 1
        return run % 2 == 1
    return False


_PASSWORD_IN_QUERY = re.compile(r"([?&](?:ssl)?password=)[^&]*", re.IGNORECASE)


def mask_passwords(url: str) -> str:
    """The address of a database without its passwords: `user:***@host`, `?password=***`.

    Also where the password holds characters that should have been encoded; then rather too much is
    masked than too little.
    """
    scheme, slashes, rest = url.partition("://")
    front = rest.partition("?")[0]
    authority, at, _ = (front if "@" in front else rest).rpartition("@")
    user, colon, _ = authority.partition(":")
    if at and colon and "?" not in user:
        rest = f"{user}:***@{rest[len(authority) + 1 :]}"
    return _PASSWORD_IN_QUERY.sub(r"\1***", f"{scheme}{slashes}{rest}")
