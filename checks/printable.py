"""Make a hostile name or text safe to show: no control, no escape sequence, no reordering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.lazy import regex

if TYPE_CHECKING:
    import re

_UNSAFE: Final = regex(
    "[\x00-\x1f\x7f-\x9f"
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
    "\ud800-\udfff]"
)
"""C0 and C1 controls, line separators, invisible and bidirectional formatting, lone surrogates.

Unicode Technical Report 36 names the formatting characters as a way to make one text look like
another; surrogates stand for bytes that are not UTF-8 (PEP 383).
"""


def printable(text: str, *, longest: int = 4096) -> str:
    r"""Escape what a terminal or a reader would not show as it is, as \n, \x1b, \u202e.

    An undecodable byte (a surrogate of PEP 383) becomes \xNN. A text of more than `longest`
    characters is cut and ends in "…".
    """
    if len(text) > longest:
        text = text[:longest] + "…"
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")
