"""Decode backslash escapes, those of JSON, JSON5, TOML and HCL alike."""

from __future__ import annotations

import re
from typing import Final

from checks.lazy import regex

_ESCAPE: Final = regex(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2}))"
    r"|[ \t]*\r?\n\s*+|(.))",
    re.DOTALL,
)
_SINGLE: Final = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_UNKNOWN: Final = "\ufffd"


def unescape(raw: str) -> str:
    """Give the text that RAW stands for; an escape that exists nowhere gives its own letter.

    Pairs of surrogates are joined and lone ones replaced, so that the text can be encoded; a line
    that ends in a backslash goes on at the next line's first letter.
    """
    return _ESCAPE.sub(_decoded, raw) if "\\" in raw else raw


def _decoded(found: re.Match[str]) -> str:
    single = found[6]
    if single:
        return _SINGLE.get(single, single)
    if found[1]:
        return chr(0x10000 + ((int(found[1], 16) & 0x3FF) << 10) + (int(found[2], 16) & 0x3FF))
    digits = found[3] or found[4] or found[5]
    return _character(int(digits, 16)) if digits else ""


def _character(code: int) -> str:
    return _UNKNOWN if code > 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code)
