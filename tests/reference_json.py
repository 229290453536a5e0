"""Strict JSON for the twins: the standard library's parser, with what it forgives forbidden.

`parse` gives a Document: objects are `Members` (every pair, in text order), strings are `str`, numbers are
`Number` (their text), so that nothing of the text that matters to a decoder is lost. Bytes >= 0x80 arrive as
characters that no escape of this text can produce; `Document.foreign` finds them.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

DEPTH_MAX = 64


class Refused(Exception):
    """The text is refused, for one of these reasons."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = set(reasons)


class Members(list[tuple[str, Any]]):
    """An object: its (key, value) pairs in text order, duplicates included."""


class Number(str):
    """A JSON number: its text."""


class Document:
    """One well-formed text: `root`, and whether a string holds a byte >= 0x80."""

    def __init__(self, root: Any, foreign_first: str | None) -> None:
        self.root = root
        self._first = foreign_first

    def foreign(self, text: str) -> bool:
        """Whether this string was written with a byte >= 0x80 in it (an escape is not such a byte)."""
        first = self._first
        return first is not None and any(first <= c < chr(ord(first) + 256) for c in text)


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(r"[^\[\]{}]")


def depth(text: str) -> int:
    """How deep the brackets outside strings nest."""
    deepest = now = 0
    for bracket in _BRACKETS.sub("", _STRING.sub("", text)):
        now += 1 if bracket in "[{" else -1
        deepest = max(deepest, now)
    return deepest


def _not_json(name: str) -> NoReturn:
    raise ValueError(name)


_decoder = json.JSONDecoder(
    object_pairs_hook=Members, parse_int=Number, parse_float=Number, parse_constant=_not_json, strict=True
)


def _text(data: bytes) -> tuple[str, str | None]:
    """The bytes as characters, and the first of the 256 characters that stand for bytes >= 0x80."""
    if data.isascii():
        return data.decode("ascii"), None
    plain = data.decode("latin-1")
    lower = plain.lower()
    for high in range(0xE0, 0xF8):  # the private-use area: 24 rows of 256 characters
        if f"\\u{high:02x}" not in lower:
            table = {byte: chr((high << 8) + byte) for byte in range(0x80, 0x100)}
            return plain.translate(table), chr(high << 8)
    raise AssertionError("a text that escapes all private-use rows is not one that the generator writes")


def parse(data: bytes) -> Document:
    """The document, or Refused: SYNTAX, TOO_DEEP."""
    text, first = _text(data)
    deep = text.count("[") + text.count("{") > DEPTH_MAX and depth(text) > DEPTH_MAX
    try:
        root = _decoder.decode(text)
    except (ValueError, RecursionError):
        raise Refused(*(("SYNTAX", "TOO_DEEP") if deep else ("SYNTAX",))) from None
    if deep:
        raise Refused("TOO_DEEP")
    return Document(root, first)
